# What OpenStack stands on: MariaDB, RabbitMQ and memcached, each in the lab folder and on loopback only.

SQL_SOCKET=$RUN/mariadb.sock

db_url() { echo "mysql+pymysql://root@127.0.0.1:$PORT_MARIADB/$1?charset=utf8"; }
rabbit_url() { echo "rabbit://guest:guest@127.0.0.1:$PORT_RABBIT/"; }

init_mariadb() {
  [ -e "$STATE/mariadb/.complete" ] && return 0
  rm -rf "$STATE/mariadb"
  mkdir -p "$STATE/mariadb"
  mariadb-install-db --no-defaults --user=root --datadir="$STATE/mariadb" --skip-test-db \
    --auth-root-authentication-method=normal --innodb-flush-method=nosync >"$LOG/mariadb-install.log" 2>&1 ||
    log_failure mariadb-install "could not create the database's folder"
  touch "$STATE/mariadb/.complete"
}

# Nothing is flushed to disk: a lab may lose its data when the machine stops, and is four times as quick for it.
start_mariadb() {
  init_mariadb
  start mariadb /usr/sbin/mariadbd --no-defaults --user=root --datadir="$STATE/mariadb" --socket="$SQL_SOCKET" \
    --port=$PORT_MARIADB --bind-address=127.0.0.1 --max-connections=1000 --character-set-server=utf8mb3 \
    --innodb-flush-method=nosync --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
    --innodb-buffer-pool-size=256M --performance-schema=OFF --skip-log-bin
}

sql() { mariadb --no-defaults --socket="$SQL_SOCKET" --user=root --batch --skip-column-names "$@"; }
sql_answers() { sql -e 'SELECT 1' >/dev/null 2>&1; }

# A schema that was cut short cannot be taken up again: MariaDB does not roll back a change of tables.
renew_databases() { # names...
  local name
  for name in "$@"; do
    echo "DROP DATABASE IF EXISTS $name; CREATE DATABASE $name CHARACTER SET utf8mb3;"
  done | sql
}

# Erlang's port mapper is started by hand: left to RabbitMQ it listens on all addresses and outlives everybody.
start_epmd() {
  start epmd epmd -address 127.0.0.1 -port $PORT_EPMD
}

# The wrapper in /usr/sbin changes the user, and rabbitmq-server beneath it is a shell that hands its signals on.
start_rabbitmq() {
  mkdir -p "$STATE/rabbitmq" "$ETC/rabbitmq"
  echo "listeners.tcp.1 = 127.0.0.1:$PORT_RABBIT" >"$ETC/rabbitmq/rabbitmq.conf"
  echo '[].' >"$ETC/rabbitmq/enabled_plugins"
  : >"$ETC/rabbitmq/env.conf"
  await epmd port_open $PORT_EPMD
  start rabbitmq env HOME="$STATE/rabbitmq" ERL_EPMD_PORT=$PORT_EPMD \
    RABBITMQ_NODENAME="duoyun$SHIFT@localhost" RABBITMQ_DIST_PORT=$PORT_RABBIT_DIST \
    RABBITMQ_MNESIA_BASE="$STATE/rabbitmq" RABBITMQ_LOG_BASE="$LOG" RABBITMQ_LOGS=- \
    RABBITMQ_CONFIG_FILE="$ETC/rabbitmq/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE="$ETC/rabbitmq/env.conf" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$ETC/rabbitmq/enabled_plugins" RABBITMQ_PID_FILE="$STATE/rabbitmq/pid" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

start_memcached() {
  start memcached memcached -u root -l 127.0.0.1 -p $PORT_MEMCACHED -U 0 -m 64 -c 4096
}

start_base() {
  start_memcached
  start_epmd
  start_rabbitmq
  start_mariadb
  await mariadb sql_answers
  await rabbitmq port_open $PORT_RABBIT
}
