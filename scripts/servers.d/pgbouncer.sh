# shellcheck shell=bash
# PgBouncer before `postgres`, in transaction mode and otherwise as it comes: `pgbouncer` has two server connections
# for each database and user, `pgbouncer1` has one.

pgbouncer_port() {
  case "$1" in
    pgbouncer) echo "${MIGRATE_TEST_PGBOUNCER_PORT:-55432}" ;;
    pgbouncer1) echo "${MIGRATE_TEST_PGBOUNCER1_PORT:-55431}" ;;
  esac
}

install_pgbouncer() {
  apt_install pgbouncer
  # It is of no use without.
  start postgres
}

init_pgbouncer() { :; }

# With the password as it is, not a hash of it, it can log in to the server, too.
run_pgbouncer() {
  local data="$STATE/$1/data" size=2
  [[ "$1" != pgbouncer1 ]] || size=1
  printf '"postgres" "%s"\n' "$POSTGRES_PASSWORD" >"$data/users.txt"
  cat >"$data/pgbouncer.ini" <<INI
[databases]
* = host=127.0.0.1 port=$(postgres_port postgres)
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $(pgbouncer_port "$1")
unix_socket_dir = $(socket_dir "$1")
pidfile = $data/server.pid
auth_type = scram-sha-256
auth_file = $data/users.txt
pool_mode = transaction
default_pool_size = $size
max_client_conn = 500
INI
  daemon "$1" pgbouncer "$data/pgbouncer.ini"
}

env_pgbouncer() {
  print_env "MIGRATE_TEST_${1^^}_URL" \
    "postgres://postgres:$POSTGRES_PASSWORD@127.0.0.1:$(pgbouncer_port "$1")/postgres"
}
