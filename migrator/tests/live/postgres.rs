//! What only PostgreSQL has, and does to a migrator.

use crate::support::{Database, Migrate, Project, stories, up};

stories! {
    on [Postgres] {
        a_commented_out_transaction_is_none,
        a_default_isolation_level_changes_nothing,
        a_function_body_may_hold_anything,
        a_role_taken_and_not_given_back_hinders_nothing,
        a_schema_that_may_not_be_written_is_explained,
        an_error_inside_a_function_names_the_function,
        dumps_may_empty_the_search_path,
        enum_values_and_triggers_are_everyday_migrations,
        only_the_last_commit_of_a_run_waits_for_the_disk,
        settings_of_a_file_end_with_it,
        what_a_server_cannot_be_sent_is_refused_with_its_place,
    }
}

fn one(text: &str) -> Project {
    Project::new().migration("1_a.sql", text)
}

fn what_a_server_cannot_be_sent_is_refused_with_its_place(db: &Database) {
    for (text, place, code) in [
        (
            "CREATE TABLE a (id INT);\nCOPY a FROM stdin;\n1\n2\n\\.\n",
            "2:1",
            "copy_from_client",
        ),
        (
            "SELECT 1;\n  COPY (SELECT 1) TO STDOUT;\n",
            "2:3",
            "copy_from_client",
        ),
        (
            "BEGIN;\nCREATE TABLE a (id INT);\nCOMMIT;\nSELECT 1;\n",
            "1:1",
            "transaction_control",
        ),
        (
            "CREATE TABLE a (id INT);\n/* x */ COMMIT;\n",
            "2:9",
            "transaction_control",
        ),
        ("CREATE TABLE a (id INT);\n\\d a\n", "2:1", "psql_command"),
        ("\\restrict abc\nSELECT 1;\n", "1:1", "psql_command"),
        (
            "CREATE TABLE a (id INT);\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
            "2:1",
            "needs_no_transaction",
        ),
        ("VACUUM;\n", "1:1", "needs_no_transaction"),
        ("SELECT 1;\nSELECT 'abc;\n", "2:8", "unterminated_sql"),
        ("DO $x$ BEGIN END $y$;\n", "1:4", "unterminated_sql"),
    ] {
        // The first, which is right, is not applied either: all is verified before.
        let project = one("CREATE TABLE first (id INT)").migration("2_b.sql", text);
        up(&project, db)
            .exits(3)
            .ends(&format!("migrations/2_b.sql:{place}: "))
            .ends("State: nothing was changed in the database.")
            .complains(&format!("error[{code}]"));
        assert_eq!(db.snapshot(), "", "{text}");
    }
}

fn a_commented_out_transaction_is_none(db: &Database) {
    let project = one(
        "-- BEGIN;\n/* COMMIT; /* nested; */ VACUUM; */\nSELECT 'COMMIT; \\d';\n\
         SELECT $$\n\\d\nCOMMIT;$$;\nSAVEPOINT s;\nCREATE TABLE a (id INT);\nROLLBACK TO s;\n",
    );
    up(&project, db).exits(0);
    assert_eq!(db.tables(), [""; 0]);
}

fn dumps_may_empty_the_search_path(db: &Database) {
    let project = one(
        "SET statement_timeout = 0;\nSET client_encoding = 'UTF8';\n\
         SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n\
         CREATE TABLE public.a (id INT);\n",
    )
    .migration("2_b.sql", "CREATE TABLE b (id INT);\n");
    up(&project, db).exits(0).says("Applied 2 migrations");
    assert_eq!(db.tables(), ["a", "b"]);
    assert_eq!(
        db.value("SELECT count(*) FROM _sqlx_migrations WHERE execution_time > 0"),
        "2"
    );
}

fn a_role_taken_and_not_given_back_hinders_nothing(db: &Database) {
    let role = db.name();
    db.run(&format!(
        "CREATE ROLE {role}; GRANT CREATE ON SCHEMA public TO {role}"
    ));
    let project = one(&format!("SET ROLE {role};\nCREATE TABLE a (id INT);\n"))
        .migration(
            "2_b.sql",
            format!("SET SESSION AUTHORIZATION {role};\nCREATE TABLE b (id INT);\n"),
        )
        .migration("3_c.sql", "CREATE TABLE c (id INT);\n");
    up(&project, db).exits(0).says("Applied 3 migrations");
    let owners = "SELECT tableowner::text FROM pg_tables WHERE schemaname = 'public' \
                  AND tablename IN ('a', 'b', 'c') ORDER BY tablename";
    assert_eq!(db.column(owners), [role, role, "postgres"]);
    db.run(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

fn only_the_last_commit_of_a_run_waits_for_the_disk(db: &Database) {
    // The tests' server forgets safety for speed; this database does not.
    db.run(&format!(
        "ALTER DATABASE {} SET synchronous_commit = on",
        db.name()
    ));
    // A deferred trigger runs when its transaction is about to commit.
    let project = one(
        "CREATE TABLE log (step INT, waits TEXT);\nCREATE TABLE a (step INT);\n\
         CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n\
         INSERT INTO log VALUES (NEW.step, current_setting('synchronous_commit')); RETURN NEW;\n\
         END $$;\nCREATE CONSTRAINT TRIGGER log AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED\n\
         FOR EACH ROW EXECUTE FUNCTION log();\n",
    )
    .migration("2_b.sql", "INSERT INTO a VALUES (2);\n")
    .migration("3_c.sql", "INSERT INTO a VALUES (3);\nRESET ALL;\n")
    .migration("4_d.sql", "INSERT INTO a VALUES (4);\n");
    up(&project, db).exits(0);
    assert_eq!(
        db.rows("SELECT step, waits FROM log ORDER BY step"),
        [["2", "off"], ["3", "off"], ["4", "on"]]
    );
}

fn settings_of_a_file_end_with_it(db: &Database) {
    let project = one("SET search_path = pg_catalog;\nSET standard_conforming_strings = off;\nSET work_mem = '1MB';\n")
        .migration(
            "2_b.sql",
            "CREATE TABLE b AS SELECT current_setting('search_path') AS p, current_setting('work_mem') AS m;\n",
        );
    up(&project, db).exits(0);
    assert_eq!(
        db.rows("SELECT p, m FROM b"),
        [["\"$user\", public", "4MB"]]
    );
}

fn a_function_body_may_hold_anything(db: &Database) {
    // PostgreSQL 13 has no BEGIN ATOMIC yet.
    let version = db.value("SELECT current_setting('server_version_num')");
    let two = if version.as_str() < "140000" {
        "AS 'SELECT 1; SELECT 2;'"
    } else {
        "BEGIN ATOMIC; SELECT 1; SELECT 2; END"
    };
    let project = one(&format!(
        "CREATE TABLE a (id INT, t TEXT);\n\
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  -- ; '\n  \
         NEW.t := $q$it's; $q$;\n  RETURN NEW;\nEND\n$$;\n\
         CREATE TRIGGER touch BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION touch();\n\
         CREATE FUNCTION two() RETURNS INT LANGUAGE sql {two};\n\
         CREATE PROCEDURE add(n INT) LANGUAGE sql AS 'INSERT INTO a (id) VALUES (n); SELECT 1;';\n\
         CALL add(two());\n"
    ));
    up(&project, db).exits(0);
    assert_eq!(db.rows("SELECT id, t FROM a"), [["2", "it's; "]]);
}

fn enum_values_and_triggers_are_everyday_migrations(db: &Database) {
    let project = one("CREATE TYPE mood AS ENUM ('sad', 'ok');\nCREATE TABLE a (m mood);\n")
        .migration("2_b.sql", "ALTER TYPE mood ADD VALUE 'happy';\n")
        .migration("3_c.sql", "INSERT INTO a VALUES ('happy');\n")
        .migration("4_d.sql", "CREATE RULE r AS ON INSERT TO a DO ALSO (SELECT 1; SELECT 2);\nINSERT INTO a VALUES ('ok');\n")
        .migration("5_e.sql", "CREATE RULE n AS ON DELETE TO a DO INSTEAD NOTHING;\nDELETE FROM a;\n");
    up(&project, db).exits(0).says("Applied 5 migrations");
    assert_eq!(db.value("SELECT count(*) FROM a"), "2");
}

fn an_error_inside_a_function_names_the_function(db: &Database) {
    let project = one(
        "CREATE TABLE a (id INT);\nDO $$\nBEGIN\n  INSERT INTO a VALUES (1);\n  PERFORM 1 / 0;\nEND\n$$;\n",
    );
    up(&project, db)
        .exits(8)
        .ends("migrations/1_a.sql:2:1: division by zero (22012)")
        .complains("inline_code_block line 4");
    assert_eq!(db.tables(), [""; 0]);
    let project = one(
        "DO $$ BEGIN RAISE EXCEPTION 'no é' USING HINT = 'try b', DETAIL = 'it is c', ERRCODE = 'UX001'; END $$;\n",
    );
    up(&project, db)
        .exits(8)
        .ends("no é (UX001)")
        .complains("detail: it is c")
        .complains("hint from the database: try b");
}

fn a_default_isolation_level_changes_nothing(db: &Database) {
    for level in ["repeatable read", "serializable"] {
        db.run(&format!(
            "ALTER DATABASE {} SET default_transaction_isolation = '{level}'",
            db.name()
        ));
        let number = if level == "serializable" { 2 } else { 1 };
        let project = Project::new();
        project.write("migrations/1_a.sql", "-- no-transaction\nCREATE TABLE a1 (id INT); CREATE INDEX CONCURRENTLY i1 ON a1 (id);\n");
        if number == 2 {
            project.write("migrations/2_b.sql", "-- no-transaction\nCREATE TABLE a2 (id INT); CREATE INDEX CONCURRENTLY i2 ON a2 (id);\n");
        }
        up(&project, db).exits(0).says("Applied 1 migration");
    }
}

fn a_schema_that_may_not_be_written_is_explained(db: &Database) {
    let user = db.name();
    // As it is since PostgreSQL 15 by itself.
    db.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    db.run(&format!("CREATE USER {user} PASSWORD 'hush-hush'"));
    let (_, host) = db.url().rsplit_once('@').unwrap();
    let url = format!("postgres://{user}:hush-hush@{host}");
    Migrate::new(&one("CREATE TABLE a (id INT)"))
        .env("DATABASE_URL", &url)
        .run()
        .exits(8)
        .ends("permission denied for schema public (42501)")
        .ends("State: nothing was changed in the database.")
        .ends(&format!("GRANT USAGE, CREATE ON SCHEMA public TO {user}."));
    assert_eq!(db.snapshot(), "");
    db.run(&format!("DROP USER {user}"));
}
