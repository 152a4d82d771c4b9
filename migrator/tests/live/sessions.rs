//! What a migration leaves in its session, and what another one, our own record and
//! a session that comes after it must not find there.

use crate::support::{Database, Migrate, Project, Server, eventually, migrate, stories, up};
use std::process::Command;

stories! {
    on every {
        any_migrations_leave_the_same_together_and_apart,
        a_file_that_removes_its_own_record_is_not_applied,
        each_migration_begins_as_if_alone,
        what_is_temporary_ends_with_its_migration,
    }
    on [Postgres] {
        a_large_file_is_one_transaction,
        what_others_left_in_a_pooled_session_is_not_found,
        what_a_session_keeps_ends_with_its_migration,
    }
    on [Postgres, Sqlite] {
        a_published_file_with_its_own_transactions_comes_up,
        begin_and_commit_around_a_file_say_what_is_done_anyway,
        a_transaction_inside_of_a_file_without_one_holds,
    }
    on [Sqlite] {
        counts_are_of_the_statement_before,
        a_rebuild_in_one_file_keeps_the_children,
    }
    on servers {
        what_later_files_may_miss_is_told,
        quotes_are_read_as_the_session_reads_them,
    }
    on [Mariadb, Mysql] {
        a_database_that_is_dropped_is_told,
        a_lost_session_does_not_go_on_without_what_it_held,
        a_lost_session_is_made_again_from_its_settings,
        a_table_without_transactions_keeps_what_failed,
        a_transaction_that_a_statement_ends_tells_what_stays,
        a_transaction_of_the_file_is_one,
        autocommit_off_loses_nothing,
        nothing_stands_between_a_statement_and_who_asks_about_it,
        settings_end_with_their_migration,
        what_needs_to_be_outside_of_a_transaction_is,
        what_triggers_set_ends_with_its_migration,
    }
}

/// All in one run and one run each leave the same.
fn alike(files: &[&str], tables: &[&str], server: Server) -> Vec<String> {
    let (together, apart) = (Database::new(server), Database::new(server));
    let whole = Project::new();
    let each = Project::new();
    for (number, text) in files.iter().enumerate() {
        whole.write(&format!("migrations/{}_x.sql", number + 1), text);
    }
    let all = up(&whole, &together);
    let mut last = None;
    for (number, text) in files.iter().enumerate() {
        each.write(&format!("migrations/{}_x.sql", number + 1), text);
        let output = up(&each, &apart);
        let failed = output.code != 0;
        last = Some(output);
        if failed {
            break;
        }
    }
    assert_eq!(
        all.code,
        last.map_or(0, |output| output.code),
        "{files:?}\n{}",
        all.stdout
    );
    let mut found = Vec::new();
    for table in tables {
        let sql = format!("SELECT * FROM {table}");
        let rows = |db: &Database| format!("{:?}", db.rows(&sql));
        assert_eq!(rows(&together), rows(&apart), "{table}: {files:?}");
        found.push(rows(&together));
    }
    let history = |db: &Database| {
        db.rows("SELECT version, description, success FROM _sqlx_migrations ORDER BY version")
    };
    assert_eq!(history(&together), history(&apart), "{files:?}");
    found
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

fn any_migrations_leave_the_same_together_and_apart(db: &Database) {
    let (begin, parts): (&str, &[&str]) = match db.server {
        Server::Postgres => (
            "CREATE TABLE log (id SERIAL, t TEXT);\nCREATE TABLE t (a INT);\nCREATE SCHEMA other;",
            &[
                "INSERT INTO public.log (t) SELECT current_setting('search_path') || current_setting('role') || coalesce(current_setting('a.b', true), '-')",
                "INSERT INTO public.log (t) SELECT (SELECT count(*) FROM pg_prepared_statements) || '/' || (SELECT count(*) FROM pg_cursors WHERE is_holdable)",
                "INSERT INTO public.log (t) SELECT count(*)::text FROM t",
                "INSERT INTO t VALUES (1)",
                "SET search_path = other, public",
                "SET a.b = 'left'",
                "SELECT set_config('a.b', 'by function', false)",
                "CREATE TEMP TABLE IF NOT EXISTS t (a INT)",
                "DO $$ BEGIN PERFORM set_config('a.b', 'by block', false); END $$",
                "SET TIME ZONE 'Asia/Tokyo'",
                "SET session_replication_role = replica",
                "LISTEN x",
            ],
        ),
        Server::Sqlite => (
            "CREATE TABLE log (id INTEGER PRIMARY KEY, t TEXT);\nCREATE TABLE t (a INT);",
            &[
                "INSERT INTO log (t) SELECT (SELECT count(*) FROM pragma_database_list) || (SELECT recursive_triggers FROM pragma_recursive_triggers)",
                "INSERT INTO log (t) SELECT count(*) FROM t",
                "INSERT INTO log (t) SELECT total_changes()",
                "INSERT INTO t VALUES (1)",
                "CREATE TEMP TABLE IF NOT EXISTS t (a INT)",
                "PRAGMA recursive_triggers = ON",
                "PRAGMA case_sensitive_like = ON",
                "INSERT INTO log (t) SELECT 'a' LIKE 'A'",
            ],
        ),
        Server::Mariadb | Server::Mysql => (
            "CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, t VARCHAR(500)) CHARACTER SET utf8mb4;\nCREATE TABLE t (a INT);\n\
             CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @by_trigger = COALESCE(@by_trigger, 0) + 1;",
            &[
                "INSERT INTO log (t) SELECT CONCAT_WS('|', @a, @by_trigger, @@sql_mode, @@time_zone, @@autocommit, @@foreign_key_checks)",
                "INSERT INTO log (t) SELECT CONCAT_WS('|', 'café', @@character_set_client, LAST_INSERT_ID())",
                "INSERT INTO log (t) SELECT COUNT(*) FROM t",
                "INSERT INTO t VALUES (1)",
                "SET @a = COALESCE(@a, 0) + 1",
                "SELECT 7 INTO @a",
                "SET SESSION sql_mode = 'ANSI_QUOTES'",
                "SET time_zone = '+09:00'",
                "SET NAMES latin1",
                "SET autocommit = 0",
                "CREATE TEMPORARY TABLE IF NOT EXISTS t (a INT)",
                "SET FOREIGN_KEY_CHECKS = 0",
                "COMMIT",
                "CREATE TABLE IF NOT EXISTS more (a INT)",
                "SET SESSION sql_safe_updates = 1",
            ],
        ),
    };
    let mut dice = Dice(20_261_127);
    for _ in 0..8 {
        let mut files = vec![begin.to_owned()];
        for _ in 0..4 {
            let some = (0..=dice.below(5)).map(|_| parts[dice.below(parts.len())]);
            files.push(format!("{};\n", some.collect::<Vec<_>>().join(";\n")));
        }
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        alike(&files, &["log", "t"], db.server);
    }
}

fn what_later_files_may_miss_is_told(db: &Database) {
    let (sets, resets): (&[&str], &[&str]) = match db.server {
        Server::Postgres => {
            db.run("CREATE SCHEMA app");
            (
                &[
                    "SET search_path TO app",
                    "SET SESSION session_replication_role = replica",
                    "SET ROLE postgres",
                    "SET SCHEMA 'app'",
                ],
                &[
                    "SET search_path TO app;\nRESET ALL",
                    "SET LOCAL search_path TO app",
                    "SELECT pg_catalog.set_config('search_path', '', false)",
                    "SET search_path = ''",
                    "SET ROLE postgres;\nSET ROLE NONE",
                ],
            )
        }
        _ => (&["USE information_schema"], &["SET @a = 1"]),
    };
    let project = Project::new().migration("9_z.sql", "CREATE TABLE z (id INT);\n");
    for (text, is_told) in sets
        .iter()
        .map(|text| (text, true))
        .chain(resets.iter().map(|text| (text, false)))
    {
        project.write("migrations/1_a.sql", format!("SELECT 1;\n{text};\n"));
        for verb in ["check", "plan"] {
            let output = migrate(&project, db, [verb]);
            let said = [&output.stdout[..], &output.stderr].concat();
            let told = said.contains("[setting_ends]");
            assert_eq!(told, is_told, "{verb} {text}: {said}");
        }
    }
    project.write("migrations/1_a.sql", format!("SELECT 1;\n{};\n", sets[0]));
    up(&project, db)
        .exits(0)
        .says(&format!("`{}` ends with this file", sets[0]))
        .says("write the same line into each later file that needs it");
    assert_eq!(db.tables(), ["z"]);
}

fn quotes_are_read_as_the_session_reads_them(db: &Database) {
    let (files, rows): (&[&str], &[&str]) = match db.server {
        Server::Postgres => {
            db.run(&format!(
                "ALTER DATABASE {} SET standard_conforming_strings = off",
                db.name()
            ));
            (
                &["CREATE TABLE a (t TEXT);\nINSERT INTO a VALUES ('it\\'s; so');\n"],
                &["it's; so"],
            )
        }
        _ => (
            &[
                "CREATE TABLE a (t VARCHAR(20));\nSET sql_mode = 'NO_BACKSLASH_ESCAPES';\n\
                 INSERT INTO a VALUES ('c:\\');\nINSERT INTO a VALUES ('d');\n",
                "SET sql_mode = 'ANSI_QUOTES';\nINSERT INTO \"a\" VALUES ('x\\'; y');\n",
                "INSERT INTO a VALUES (\"z'; z\");\n",
            ],
            &["c:\\", "d", "x'; y", "z'; z"],
        ),
    };
    let project = Project::new();
    for (number, text) in files.iter().enumerate() {
        project.write(&format!("migrations/{}_a.sql", number + 1), text);
    }
    // Whoever looks only must not read them otherwise.
    migrate(&project, db, ["check"]).exits(6).says("0 errors");
    migrate(&project, db, ["doctor"]).exits(0);
    up(&project, db).exits(0);
    assert_eq!(db.column("SELECT t FROM a ORDER BY t"), rows);
    migrate(&project, db, ["check"]).exits(0);
}

fn each_migration_begins_as_if_alone(db: &Database) {
    let sets: &[&[&str]] = match db.server {
        Server::Postgres => &[
            &["SET search_path TO pg_catalog", "SET ROLE NONE"],
            &[
                "SET session_replication_role = replica",
                "SET statement_timeout = '1h'",
            ],
            &[
                "PREPARE p AS SELECT 1",
                "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
                "LISTEN x",
            ],
            &[
                "SELECT pg_advisory_lock(77)",
                "SELECT set_config('a.b', '1', false)",
            ],
        ],
        Server::Sqlite => &[
            &[
                "PRAGMA recursive_triggers = ON",
                "PRAGMA case_sensitive_like = ON",
            ],
            &["ATTACH ':memory:' AS other"],
        ],
        Server::Mariadb | Server::Mysql => &[
            &["SET @a = 7", "SET SESSION sql_mode = ''"],
            &["SET FOREIGN_KEY_CHECKS = 0", "SET time_zone = '+05:00'"],
            &["SET NAMES latin1", "SET autocommit = 0"],
            &["PREPARE p FROM 'SELECT 1'", "DO GET_LOCK('x', 0)"],
            &["USE information_schema"],
        ],
    };
    let asks = match db.server {
        Server::Postgres => {
            "INSERT INTO seen SELECT current_setting('search_path') || current_setting('session_replication_role') \
             || current_setting('statement_timeout') || coalesce(current_setting('a.b', true), '') \
             || (SELECT count(*) FROM pg_prepared_statements) || (SELECT count(*) FROM pg_cursors WHERE is_holdable) \
             || (SELECT count(*) FROM pg_listening_channels()) \
             || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = 77)"
        }
        Server::Sqlite => {
            "INSERT INTO seen SELECT (SELECT count(*) FROM pragma_database_list) || \
             (SELECT recursive_triggers FROM pragma_recursive_triggers) || ('a' LIKE 'A') || total_changes()"
        }
        Server::Mariadb | Server::Mysql => {
            "INSERT INTO seen SELECT CONCAT_WS('|', @a, @@sql_mode, @@foreign_key_checks, @@time_zone, \
             @@character_set_client, @@autocommit, LAST_INSERT_ID(), 'café')"
        }
    };
    for set in sets {
        let first = match db.server {
            Server::Mariadb | Server::Mysql => "CREATE TABLE seen (t VARCHAR(500))",
            _ => "CREATE TABLE seen (t TEXT)",
        };
        let before = format!("{asks};\n{};\n", set.join(";\n"));
        let files = [first, before.as_str(), asks, asks];
        let found = alike(&files, &["seen"], db.server);
        let rows: Vec<&str> = found[0].split("], [").collect();
        assert_eq!(rows.len(), 3, "{found:?}");
        let plain = |row: &str| row.replace(['[', ']'], "");
        assert_eq!(plain(rows[0]), plain(rows[1]), "{set:?}");
    }
}

fn what_is_temporary_ends_with_its_migration(db: &Database) {
    let make = "CREATE TEMPORARY TABLE t (a INT);\nINSERT INTO t VALUES (1);\n";
    let found = alike(
        &[
            "CREATE TABLE t (a INT);\n",
            make,
            "INSERT INTO t VALUES (2);\n",
            make,
        ],
        &["t"],
        db.server,
    );
    assert_eq!(found, ["[[\"2\"]]"]);
}

fn a_large_file_is_one_transaction(db: &Database) {
    // Two megabytes, and a mistake in the last line of a third.
    let rows = |number: usize| {
        format!(
            "INSERT INTO a VALUES ({number}, '{}é');\n",
            "x".repeat(1000)
        )
    };
    let large: String = (0..3000).map(rows).collect();
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT, t TEXT);\n")
        .migration(
            "2_b.sql",
            format!("{large}INSERT INTO a VALUES (1, nowhere);\n"),
        );
    up(&project, db)
        .exits(8)
        .ends("migrations/2_b.sql:3001:26: column \"nowhere\" does not exist")
        .ends("nothing of migration 2 stays");
    project.write("migrations/2_b.sql", format!("{large}SELEC 1;\n"));
    up(&project, db)
        .exits(8)
        .ends("migrations/2_b.sql:3001:1: syntax error");
    assert_eq!(db.value("SELECT count(*)::text FROM a"), "0");
    project.write("migrations/2_b.sql", &large);
    up(&project, db).exits(0);
    assert_eq!(db.value("SELECT count(*)::text FROM a"), "3000");
    assert_eq!(
        db.value("SELECT count(DISTINCT xmin::text)::text FROM a"),
        "1"
    );
}

fn what_a_session_keeps_ends_with_its_migration(db: &Database) {
    let make = "CREATE SEQUENCE IF NOT EXISTS s;\nSELECT nextval('s');\n\
                PREPARE p AS SELECT 1;\nDECLARE c CURSOR WITH HOLD FOR SELECT 1;\n";
    alike(
        &["CREATE TABLE t (a INT);\n", make, make],
        &["t"],
        db.server,
    );
    // Nor is what a trigger has set, of which PostgreSQL never forgets the name.
    alike(
        &[
            "CREATE TABLE t (v TEXT);\n\
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n\
             PERFORM set_config('app.x', 'local', true); RETURN NEW; END $$;\n\
             CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();\n",
            "CREATE TABLE u (v TEXT);\n",
            "INSERT INTO t VALUES ('one');\n",
            "INSERT INTO u VALUES (coalesce(current_setting('app.x', true), 'none'));\n",
        ],
        &["u"],
        db.server,
    );
    // The number of another migration's row is not this one's.
    let project = Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE t (a SERIAL); INSERT INTO t DEFAULT VALUES;\n",
        )
        .migration("2_b.sql", "INSERT INTO t SELECT lastval() + 100;\n");
    up(&project, db)
        .exits(8)
        .ends("lastval is not yet defined in this session");
}

fn what_others_left_in_a_pooled_session_is_not_found(db: &Database) {
    let url = db.url_through("MIGRATE_TEST_PGBOUNCER1_URL");
    db.run("CREATE SCHEMA elsewhere");
    let left = Command::new("psql")
        .args([
            &url,
            "-c",
            "SET search_path = elsewhere; CREATE TEMP TABLE a (x INT)",
        ])
        .output()
        .unwrap();
    assert!(left.status.success(), "{left:?}");
    let project = Project::new().migration(
        "1_a.sql",
        "CREATE TABLE a (id INT); INSERT INTO a VALUES (7);\n",
    );
    Migrate::new(&project)
        .env("DATABASE_URL", &url)
        .args(["up"])
        .run()
        .exits(0);
    assert_eq!(
        db.column("SELECT schemaname::text FROM pg_tables WHERE tablename = 'a'"),
        ["public"]
    );
    assert_eq!(db.value("SELECT id::text FROM public.a"), "7");
}

fn settings_end_with_their_migration(db: &Database) {
    let project = Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE a (t VARCHAR(20)) CHARACTER SET utf8mb4;\n",
        )
        .migration(
            "2_latin_é.sql",
            "CREATE TABLE b (id INT);\nSET NAMES latin1;\n",
        )
        .migration("3_c.sql", "INSERT INTO a VALUES ('café');\n")
        .migration("4_d.sql", "SET SESSION TRANSACTION READ ONLY;\n")
        .migration("5_e.sql", "INSERT INTO a VALUES ('x');\n");
    up(&project, db).exits(0).says("Applied 5 migrations");
    assert_eq!(
        db.column("SELECT HEX(t) FROM a ORDER BY t DESC"),
        ["78", "636166C3A9"]
    );
    assert_eq!(
        db.value("SELECT HEX(description) FROM _sqlx_migrations WHERE version = 2"),
        "6C6174696E20C3A9"
    );
}

fn what_triggers_set_ends_with_its_migration(db: &Database) {
    let found = alike(
        &[
            "CREATE TABLE a (x INT);\nCREATE TABLE seen (t VARCHAR(20));\n\
             CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @seen = 'left';\n",
            "INSERT INTO a VALUES (1);\n",
            "INSERT INTO seen SELECT COALESCE(@seen, 'none');\n",
        ],
        &["seen"],
        db.server,
    );
    assert_eq!(found, ["[[\"none\"]]"]);
}

fn autocommit_off_loses_nothing(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\nSET AUTOCOMMIT=0;\nINSERT INTO a VALUES (1);\nCOMMIT;\nINSERT INTO a VALUES (2);\n")
        .migration("2_b.sql", "SET @@session.autocommit = OFF;\nINSERT INTO a VALUES (3);\n")
        .migration("3_c.sql", "SET autocommit=0;\nCREATE TABLE c (id INT);\nINSERT INTO c VALUES (1);\n");
    up(&project, db).exits(0).says("Applied 3 migrations");
    assert_eq!(
        db.column("SELECT CAST(id AS CHAR) FROM a ORDER BY id"),
        ["1", "2", "3"]
    );
    assert_eq!(db.value("SELECT CAST(COUNT(*) AS CHAR) FROM c"), "1");
    assert_eq!(
        db.value("SELECT CAST(SUM(success) AS CHAR) FROM _sqlx_migrations"),
        "3"
    );
    assert_eq!(db.value("SELECT outcome FROM _migrate_runs"), "succeeded");
    assert_eq!(
        db.value("SELECT CAST(COUNT(*) AS CHAR) FROM _migrate_journal"),
        "0"
    );
}

fn a_transaction_of_the_file_is_one(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE acct (id INT PRIMARY KEY, v INT);\nINSERT INTO acct VALUES (1, 100), (2, 0);\n")
        .migration(
            "2_b.sql",
            "START TRANSACTION;\nUPDATE acct SET v = v - 10 WHERE id = 1;\n\
             UPDATE acct SET v = v + 10 WHERE idd = 2;\nCOMMIT;\n",
        );
    up(&project, db)
        .exits(8)
        .ends("migrations/2_b.sql:3:")
        .ends("nothing of migration 2 stays");
    assert_eq!(
        db.column("SELECT CAST(v AS CHAR) FROM acct ORDER BY id"),
        ["100", "0"]
    );
    project.write(
        "migrations/2_b.sql",
        "START TRANSACTION;\nUPDATE acct SET v = v - 10 WHERE id = 1;\n\
         UPDATE acct SET v = v + 10 WHERE id = 2;\nCOMMIT;\n\
         BEGIN;\nUPDATE acct SET v = 0;\nROLLBACK;\n\
         BEGIN;\nSAVEPOINT s;\nUPDATE acct SET v = 0;\nROLLBACK TO s;\nUPDATE acct SET v = v + 1;\nCOMMIT;\n",
    );
    up(&project, db).exits(0);
    assert_eq!(
        db.column("SELECT CAST(v AS CHAR) FROM acct ORDER BY id"),
        ["91", "11"]
    );
}

fn a_transaction_that_a_statement_ends_tells_what_stays(db: &Database) {
    let file = |last: &str| {
        format!(
            "CREATE TABLE a (id INT PRIMARY KEY);\nCREATE TABLE x (id INT);\n\
             BEGIN;\nINSERT INTO a VALUES (1);\nDROP TABLE x;\n{last};\nCOMMIT;\n"
        )
    };
    // What DROP has committed stays, and what follows it commits by itself.
    let project = Project::new().migration(
        "1_a.sql",
        file("INSERT INTO a VALUES (2);\nINSERT INTO a VALUES (1)"),
    );
    up(&project, db)
        .exits(9)
        .ends("migrations/1_a.sql:7:")
        .ends("migration 1 is half applied: 6 of its 8 statements stay");
    assert_eq!(db.rows("SELECT id FROM a").len(), 2);
    project.write(
        "migrations/1_a.sql",
        file("INSERT INTO a VALUES (2);\nINSERT INTO a VALUES (3)"),
    );
    up(&project, db).exits(0);
    assert_eq!(db.rows("SELECT id FROM a").len(), 3);
    // Before it nothing does, and without autocommit nothing after it.
    for (text, stay, rows) in [
        (
            "BEGIN;\nINSERT INTO a VALUES (4);\nINSERT INTO a VALUES (4);\nDROP TABLE a;\nCOMMIT;\n",
            1,
            3,
        ),
        (
            "SET autocommit = 0;\nINSERT INTO a VALUES (4);\nCREATE TABLE y (id INT);\n\
             INSERT INTO a VALUES (5);\nINSERT INTO a VALUES (5);\nCOMMIT;\n",
            4,
            4,
        ),
    ] {
        project.write(
            "migrations/2_b.sql",
            format!("CREATE TABLE z{stay} (id INT);\n{text}"),
        );
        up(&project, db)
            .exits(9)
            .ends(&format!("migration 2 is half applied: {stay} of its "));
        assert_eq!(db.rows("SELECT id FROM a").len(), rows, "{text}");
        db.run("DELETE FROM _sqlx_migrations WHERE version = 2");
    }
}

fn nothing_stands_between_a_statement_and_who_asks_about_it(db: &Database) {
    let project = Project::new().migration(
        "1_a.sql",
        "CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, x INT);\n\
         CREATE TABLE seen (what VARCHAR(20), n INT);\n\
         INSERT INTO a (x) VALUES (1), (2), (3);\n\
         INSERT INTO seen SELECT 'rows', ROW_COUNT();\n\
         SELECT SQL_CALC_FOUND_ROWS x FROM a LIMIT 1;\n\
         INSERT INTO seen SELECT 'found', FOUND_ROWS();\n\
         UPDATE a SET x = 9 WHERE id > 1;\n\
         SET @n = ROW_COUNT();\n\
         INSERT INTO seen VALUES ('updated', @n);\n\
         INSERT INTO seen SELECT 'last', LAST_INSERT_ID();\n",
    );
    up(&project, db).exits(0);
    assert_eq!(
        db.rows("SELECT what, CAST(n AS CHAR) FROM seen ORDER BY what"),
        [
            ["found", "3"],
            ["last", "1"],
            ["rows", "3"],
            ["updated", "2"]
        ]
    );
}

fn counts_are_of_the_statement_before(db: &Database) {
    let project = Project::new().migration(
        "1_a.sql",
        "-- no-transaction\nCREATE TABLE a (id INTEGER PRIMARY KEY, x INT);\n\
         CREATE TABLE seen (what TEXT, n INT);\n\
         INSERT INTO a VALUES (41, 1), (42, 2);\n\
         INSERT INTO seen VALUES ('rowid', last_insert_rowid());\n\
         UPDATE a SET x = 9;\n\
         INSERT INTO seen VALUES ('changes', changes());\n\
         VACUUM;\n",
    );
    up(&project, db).exits(0);
    assert_eq!(
        db.rows("SELECT what, CAST(n AS TEXT) FROM seen ORDER BY what"),
        [["changes", "2"], ["rowid", "42"]]
    );
}

/// Ends the connection on which the migration sleeps.
fn kill_the_sleeper(db: &Database) {
    let sleeper = format!(
        "SELECT CAST(id AS CHAR) FROM information_schema.processlist \
         WHERE db = '{}' AND info LIKE '%SLEEP(%' AND id <> CONNECTION_ID()",
        db.name()
    );
    eventually("the migration sleeps", || !db.rows(&sleeper).is_empty());
    let id = db.value(&sleeper);
    db.run(&format!("KILL CONNECTION {id}"));
}

fn a_lost_session_does_not_go_on_without_what_it_held(db: &Database) {
    for (makes, uses) in [
        (
            "SET @org = LAST_INSERT_ID()",
            "INSERT INTO member SELECT @org, 'bob'",
        ),
        (
            "SELECT MAX(id) INTO @org FROM org",
            "INSERT INTO member SELECT @org, 'bob'",
        ),
        (
            "CREATE TEMPORARY TABLE ids AS SELECT id FROM org",
            "INSERT INTO member SELECT id, 'bob' FROM ids",
        ),
    ] {
        let db = &Database::new(db.server);
        let project = Project::new().migration(
            "1_a.sql",
            format!(
                "CREATE TABLE org (id INT AUTO_INCREMENT PRIMARY KEY, x INT) AUTO_INCREMENT = 7;\n\
                 CREATE TABLE member (org INT, name VARCHAR(9));\n\
                 INSERT INTO org (x) VALUES (1);\n{makes};\n\
                 INSERT INTO member SELECT 0, 'ann' FROM (SELECT SLEEP(8)) x;\n{uses};\n"
            ),
        );
        let run = Migrate::new(&project).on(db).args(["up"]).spawn();
        kill_the_sleeper(db);
        run.wait()
            .exits(9)
            .ends("statement 4 left the ")
            .ends("migration 1 is half applied: 4 of its 6 statements stay")
            .ends("`migrate repair --resolve 1=reverted`");
        assert_eq!(db.value("SELECT CAST(COUNT(*) AS CHAR) FROM member"), "0");
        up(&project, db).exits(9);
        // Undone by hand, it begins anew.
        db.run("DROP TABLE org; DROP TABLE member");
        migrate(&project, db, ["repair", "--resolve", "1=reverted", "--yes"]).exits(0);
        project.write(
            "migrations/1_a.sql",
            "CREATE TABLE member (org INT, name VARCHAR(9));\n",
        );
        up(&project, db).exits(0);
    }
}

fn a_lost_session_is_made_again_from_its_settings(db: &Database) {
    let project = Project::new().migration(
        "1_a.sql",
        "CREATE TABLE a (id INT, t VARCHAR(50));\nSET @x = 5;\nSET @old = @@sql_mode;\n\
         SET SESSION time_zone = '+03:00';\n\
         INSERT INTO a SELECT @x, 'ann' FROM (SELECT SLEEP(8)) x;\n\
         INSERT INTO a SELECT @x, CONCAT(@@time_zone, @old = @@sql_mode);\n",
    );
    let run = Migrate::new(&project).on(db).args(["up"]).spawn();
    kill_the_sleeper(db);
    project.write(
        "migrations/1_a.sql",
        std::fs::read_to_string(project.path("migrations/1_a.sql"))
            .unwrap()
            .replace("SLEEP(8)", "SLEEP(0)"),
    );
    let output = run.wait();
    if output.code != 0 {
        up(&project, db).exits(0);
    }
    assert_eq!(
        db.rows("SELECT CAST(id AS CHAR), t FROM a ORDER BY t"),
        [["5", "+03:001"], ["5", "ann"]]
    );
}

fn a_table_without_transactions_keeps_what_failed(db: &Database) {
    let project = Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE m (id INT PRIMARY KEY) ENGINE = MyISAM;\nCREATE TABLE a (id INT);\n",
        )
        .migration(
            "2_b.sql",
            "INSERT INTO a VALUES (1);\nINSERT INTO m VALUES (1), (2), (1);\n",
        );
    up(&project, db)
        .exits(9)
        .ends("migration 2 is half applied");
    assert_eq!(db.value("SELECT CAST(COUNT(*) AS CHAR) FROM m"), "2");
    // Those of another database are not in the way, where they are not named.
    let other = &Database::new(db.server);
    let fails = "INSERT INTO a VALUES (1);\nINSERT INTO nowhere VALUES (1);\n";
    let project = Project::new()
        .migration("1_m.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_m.sql", fails);
    up(&project, other)
        .exits(8)
        .ends("nothing of migration 2 stays");
    project.write(
        "migrations/2_m.sql",
        format!("INSERT INTO {}.m VALUES (7);\n{fails}", db.name()),
    );
    up(&project, other)
        .exits(9)
        .ends("migration 2 is half applied: 2 of its 3 statements stay");
}

fn a_database_that_is_dropped_is_told(db: &Database) {
    let name = db.name();
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration(
            "2_b.sql",
            format!("DROP DATABASE {name};\nCREATE DATABASE {name};\nUSE {name};\n"),
        );
    let output = up(&project, db)
        .exits(9)
        .ends("it ran, but could not be recorded");
    assert!(!output.stdout.contains("none of its"), "{}", output.stdout);
    let server = crate::support::server_url(db.server);
    crate::support::Session::open(db.server, &server).run(&format!("CREATE DATABASE {name}"));
}

fn what_needs_to_be_outside_of_a_transaction_is(db: &Database) {
    db.run("CREATE TABLE a (t VARCHAR(60))");
    let isolation = if db.server == Server::Mysql {
        "@@transaction_isolation"
    } else {
        "@@tx_isolation"
    };
    let project = Project::new()
        .migration(
            "1_a.sql",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nINSERT INTO a VALUES ('x');\n",
        )
        .migration("2_b.sql", format!("INSERT INTO a SELECT {isolation};\n"));
    migrate(&project, db, ["up", "--yes"]).exits(0);
    assert_eq!(
        db.column("SELECT t FROM a ORDER BY t"),
        ["REPEATABLE-READ", "x"]
    );
}

fn a_file_that_removes_its_own_record_is_not_applied(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration(
            "2_b.sql",
            "INSERT INTO a VALUES (1);\nDELETE FROM _sqlx_migrations;\n",
        );
    let output = up(&project, db).ends("the migration removed its own row from the history table");
    assert_ne!(output.code, 0);
    assert_eq!(db.rows("SELECT * FROM a").len(), 0);
    assert_eq!(db.versions(), ["1"]);
}

fn begin_and_commit_around_a_file_say_what_is_done_anyway(db: &Database) {
    let project = Project::new()
        .migration(
            "1_a.sql",
            "-- why\nBEGIN;\nCREATE TABLE a (id INT);\nCOMMIT;\n",
        )
        .migration(
            "2_b.sql",
            "begin transaction;\nINSERT INTO a VALUES (1);\nINSERT INTO nowhere VALUES (1);\nend;",
        );
    up(&project, db)
        .exits(8)
        .ends("migrations/2_b.sql:3:13")
        .ends("nothing of migration 2 stays");
    assert_eq!(db.versions(), ["1"]);
    project.write(
        "migrations/2_b.sql",
        "BEGIN;\nINSERT INTO a VALUES (1);\nCOMMIT;\nINSERT INTO a VALUES (2);\n",
    );
    up(&project, db)
        .exits(3)
        .complains("error[transaction_control]");
}

fn a_published_file_with_its_own_transactions_comes_up(db: &Database) {
    let idiom = match db.server {
        Server::Postgres => {
            "CREATE TABLE b (id INT);\nCOMMIT;\nCREATE INDEX CONCURRENTLY i ON b (id);\nBEGIN;\n\
             INSERT INTO b VALUES (1);\n"
        }
        _ => {
            "COMMIT;\nPRAGMA foreign_keys = OFF;\nBEGIN;\nCREATE TABLE b (id INT);\n\
             INSERT INTO b VALUES (1);\nCOMMIT;\nPRAGMA foreign_keys = ON;\nBEGIN;\n"
        }
    };
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", idiom);
    up(&project, db)
        .exits(3)
        .complains("error[transaction_control]");
    project.write(
        "migrate.toml",
        "[migration.2]\nallow = [\"transaction_control\"]\nreason = \"it is published\"\n",
    );
    up(&project, db).exits(0).says("✅ 2 b (");
    assert_eq!(db.rows("SELECT * FROM b").len(), 1);
    assert_eq!(db.versions(), ["1", "2"]);
    up(&project, db).exits(0).says("Nothing to do");
    // What stands before its COMMIT is one.
    let db = &Database::new(db.server);
    project.write(
        "migrations/2_b.sql",
        "CREATE TABLE b (id INT);\nINSERT INTO nowhere VALUES (1);\nCOMMIT;\nSELECT 1;\n",
    );
    up(&project, db)
        .exits(8)
        .ends("nothing of migration 2 stays");
    assert_eq!(db.tables(), ["a"]);
}

fn a_transaction_inside_of_a_file_without_one_holds(db: &Database) {
    let project = Project::new().migration(
        "1_a.sql",
        "-- no-transaction\nCREATE TABLE a (id INT);\nBEGIN;\nINSERT INTO a VALUES (1);\n\
         INSERT INTO nowhere VALUES (1);\nCOMMIT;\n",
    );
    up(&project, db)
        .exits(9)
        .ends("migrations/1_a.sql:5:13")
        .ends("1 of its 5 statements stay");
    assert_eq!(db.rows("SELECT * FROM a").len(), 0);
    project.write(
        "migrations/1_a.sql",
        "-- no-transaction\nCREATE TABLE a (id INT);\nBEGIN;\nINSERT INTO a VALUES (1);\n\
         INSERT INTO a VALUES (2);\nCOMMIT;\nBEGIN;\nDELETE FROM a;\nROLLBACK;\nANALYZE;\n",
    );
    up(&project, db).exits(0);
    assert_eq!(db.rows("SELECT * FROM a").len(), 2);
}

fn a_rebuild_in_one_file_keeps_the_children(db: &Database) {
    let project = Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE users (id INTEGER PRIMARY KEY);\n\
             CREATE TABLE passwords (user_id INT REFERENCES users ON DELETE CASCADE);\n\
             INSERT INTO users VALUES (1);\nINSERT INTO passwords VALUES (1);\n",
        )
        .migration(
            "2_b.sql",
            "-- no-transaction\nPRAGMA foreign_keys = OFF;\nBEGIN;\n\
             CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT);\n\
             INSERT INTO users_new SELECT id, '' FROM users;\nDROP TABLE users;\n\
             ALTER TABLE users_new RENAME TO users;\nCOMMIT;\nPRAGMA foreign_keys = ON;\n",
        );
    up(&project, db).exits(0);
    assert_eq!(db.rows("SELECT * FROM passwords").len(), 1);
}
