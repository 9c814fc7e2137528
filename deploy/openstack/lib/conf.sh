# Pieces that the services' configuration files share. Each prints sections; the service's file adds its own.

conf_default() { # service, further lines of [DEFAULT] on stdin
  mkdir -p "$STATE/$1/locks"
  cat <<END
[DEFAULT]
use_stderr = true
transport_url = $(rabbit_url)
state_path = $STATE/$1
$(cat)

[oslo_concurrency]
lock_path = $STATE/$1/locks
END
}

conf_database() { # section, database
  cat <<END

[$1]
connection = $(db_url "$2")
max_pool_size = 5
max_overflow = 30
END
}

# Without memcached_servers each service would keep its own slow token cache. Since CVE-2023-2088 cinder takes nova's
# detach only with a service token.
conf_authtoken() {
  conf_login keystone_authtoken
  cat <<END
www_authenticate_uri = $KEYSTONE_URL
interface = public
memcached_servers = 127.0.0.1:$PORT_MEMCACHED
service_token_roles = service
service_token_roles_required = true
END
}

# All services authenticate as one user.
conf_login() { # section
  cat <<END

[$1]
auth_type = password
auth_url = $KEYSTONE_URL
username = svc
password = $(secret svc)
project_name = service
user_domain_id = default
project_domain_id = default
region_name = $REGION
END
}

secret() { # name: made once per lab
  local file=$STATE/secrets/$1
  if [ ! -s "$file" ]; then
    (umask 077 && mkdir -p "$STATE/secrets" && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$file")
  fi
  cat "$file"
}

# One process, eight threads. Without Connection: close clients reuse a connection that uwsgi has closed.
start_wsgi() { # name, port, further environment as NAME=value...
  local name=$1 port=$2
  shift 2
  start "$name" env "$@" LAB_SERVICE="$name" LAB_ETC="$ETC" uwsgi_python3 --http-socket "127.0.0.1:$port" \
    --wsgi-file "$HERE/shims/wsgi.py" --processes 1 --threads 8 --enable-threads --need-app --die-on-term \
    --buffer-size 65535 --post-buffering 65536 --disable-logging --add-header 'Connection: close'
}

# Debian's libraries come without console scripts.
run_py() { # module:function, arguments...
  "${LAB_ENV[@]}" "$PY" "$HERE/shims/run.py" "$@"
}

start_py() { # name, module:function, arguments...
  local name=$1
  shift
  start "$name" "$PY" "$HERE/shims/run.py" "$@"
}

# Creates or upgrades one schema; the log tells what went wrong.
schema() { # name, command...
  local name=$1
  shift
  "$@" >"$LOG/schema-$name.log" 2>&1 || log_failure "schema-$name" "could not make the schema of $name"
}
