# Processes: each is recorded by pid and start time, so that a reused pid is never taken for ours, and each carries the
# lab's folder in its environment, so that what a process left behind can be found.

MARK=DUOYUN_OPENSTACK_LAB

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

log_failure() { # name, message: shows the end of the log and how to go on
  say ""
  say "error: $2"
  if [ -s "$LOG/$1.log" ]; then
    say "last lines of $LOG/$1.log:"
    tail -n 30 "$LOG/$1.log" >&2
  fi
  say "to try again: $0 up      to begin afresh: $0 wipe && $0 up"
  exit 1
}

# Clock ticks from boot to the process's start; nothing when there is no such process or it is a zombie.
started_at() { # pid
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  stat=${stat##*) } # the command's name may hold spaces
  set -- $stat
  [ "$1" = Z ] || echo "${20}"
}

running() { # name
  local pid start
  [ -e "$RUN/$1.pid" ] && read -r pid start <"$RUN/$1.pid" || return 1
  [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ]
}

# The lab's own environment: no bytecode beside Debian's files or in this repository, caches in the lab, no proxy.
LAB_ENV=(env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY "$MARK=$LAB" HOME="$STATE/home"
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$HERE/shims" LC_ALL=C.UTF-8)

start() { # name, command...
  local name=$1 pid
  shift
  running "$name" && return 0
  [ -e "$LOG/$name.log" ] && mv "$LOG/$name.log" "$LOG/$name.log.old"
  # Every word but the last is an exec, and setsid does not fork because a script's background child leads no process
  # group: $! is the service itself. Descriptor 9 is the lab's lock, which a service must not inherit.
  "${LAB_ENV[@]}" setsid nohup "$@" >"$LOG/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$pid $(started_at "$pid")" >"$RUN/$name.pid"
}

port_open() { # port
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# True when the answer is HTTP and no server error: uwsgi binds its port long before the application is there.
http_answers() { # port, path
  local line
  line=$( { exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3 &&
    IFS= read -r -t 20 line <&3 && echo "$line"; } 2>/dev/null )
  [[ $line =~ ^HTTP/1\.[01]\ [1234] ]]
}

await() { # name, test...: until the test holds; fails when the process dies or two minutes have passed
  local name=$1 until=$((SECONDS + ${AWAIT_SECONDS:-240}))
  shift
  until "$@"; do
    running "$name" || log_failure "$name" "$name ended while starting"
    [ $SECONDS -lt $until ] || log_failure "$name" "$name does not answer"
    sleep 0.3
  done
}

# A port held by a stranger would otherwise look like a service that answers. Asked while nothing of the lab runs.
need_ports_free() {
  local name
  for name in ${!PORT_@}; do
    ! port_open "${!name}" || die "port ${!name} ($name) is taken; set DUOYUN_OPENSTACK_PORT_SHIFT to move all ports"
  done
}

# Every process that carries this lab's mark, whoever started it.
marked() {
  local environ
  for environ in /proc/[0-9]*/environ; do
    if grep -zqxF "$MARK=$LAB" "$environ" 2>/dev/null; then
      environ=${environ#/proc/}
      echo "${environ%/environ}"
    fi
  done
}

end() { # signal, names...
  local signal=$1 name pid start
  shift
  for name in "$@"; do
    running "$name" && read -r pid start <"$RUN/$name.pid" && kill "-$signal" "$pid" 2>/dev/null || true
  done
}

# Asks all to end, waits for them together, and kills what does not.
stop() { # seconds, names...
  local until=$((SECONDS + $1)) name left
  shift
  end TERM "$@"
  while :; do
    left=()
    for name in "$@"; do running "$name" && left+=("$name"); done
    [ ${#left[@]} = 0 ] && break
    [ $SECONDS -lt $until ] || { end KILL "${left[@]}"; until=$((SECONDS + 5)); }
    sleep 0.2
  done
  for name in "$@"; do rm -f "$RUN/$name.pid"; done
}

# Children whose parent was killed, Erlang's port mapper and the like.
stop_strays() {
  local pid
  for pid in $(marked); do kill -KILL "$pid" 2>/dev/null || true; done
}
