//! `-- no-transaction`: what must run outside a transaction, and what is left
//! when it fails there.

use crate::support::{Database, Migrate, Project, Server, eventually, stories, up};

stories! {
    on [Postgres] {
        a_procedure_that_commits_runs_outside_of_a_transaction,
        what_fails_first_leaves_nothing,
    }
    on [Postgres, Sqlite] {
        a_failure_outside_a_transaction_is_half_applied,
        the_directive_counts_in_the_first_line_only,
        what_no_transaction_takes_runs_outside_of_one,
    }
    on [Mariadb, Mysql] {
        the_directive_means_nothing_to_mysql,
    }
    on servers {
        a_file_that_only_sets_the_session_is_told,
        what_a_failed_first_statement_has_done_is_told,
    }
    on [Postgres] {
        a_first_statement_that_never_began_leaves_nothing,
        what_a_killed_run_has_left_at_work_is_ended_first,
        an_index_that_failed_half_way_leaves_it_said,
    }
}

fn a_file_that_only_sets_the_session_is_told(db: &Database) {
    let (sets, outlives) = match db.server {
        Server::Postgres => ("SET lock_timeout = '9s';\nRESET ROLE;\n", "SELECT 1;\n"),
        _ => (
            "SET NAMES utf8mb4;\nSET @@session.foreign_key_checks = 0;\n",
            "SET GLOBAL local_infile = @@global.local_infile;\n",
        ),
    };
    let project = Project::new()
        .migration("1_a.sql", format!("-- no-transaction\n{sets}"))
        .migration("2_b.sql", format!("-- no-transaction\n{sets}{outlives}"));
    let said = "this file only changes settings of the session";
    Migrate::new(&project)
        .on(db)
        .args(["check"])
        .run()
        .exits(6)
        .says("warning[session_only]")
        .says("migrations/1_a.sql:2:1")
        .says("1 warning, 2 pending");
    Migrate::new(&project)
        .on(db)
        .args(["plan"])
        .run()
        .exits(0)
        .complains(said);
    up(&project, db).exits(0).says(said);
}

/// What this database refuses in a transaction.
fn stubborn(db: &Database) -> &str {
    match db.server {
        Server::Postgres => "CREATE INDEX CONCURRENTLY i ON a (id);\nVACUUM a;",
        _ => "CREATE INDEX i ON a (id);\nVACUUM;",
    }
}

fn what_no_transaction_takes_runs_outside_of_one(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", format!("-- no-transaction\n{}\n", stubborn(db)))
        .migration("3_c.sql", "CREATE TABLE c (id INT);\n");
    up(&project, db).exits(0).says("Applied 3 migrations");
    assert_eq!(db.tables(), ["a", "c"]);
    assert_eq!(
        db.value("SELECT count(*) FROM _sqlx_migrations WHERE success AND execution_time > 0"),
        "3"
    );
    up(&project, db).exits(0).says("Nothing to do");
}

fn a_failure_outside_a_transaction_is_half_applied(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration(
            "2_b.sql",
            format!(
                "-- no-transaction\n{}\nINSERT INTO é VALUES (1);\n",
                stubborn(db)
            ),
        );
    for _ in 0..2 {
        up(&project, db)
            .exits(9)
            .ends("migrations/2_b.sql:4:13: ")
            .ends("migration 2 is half applied: 2 of its 3 statements stay")
            .complains("statement 3 of 3");
    }
    // What is done is not done again, which the index would not bear.
    project.write(
        "migrations/2_b.sql",
        format!("-- no-transaction\n{}\nSELECT 1;\n", stubborn(db)),
    );
    up(&project, db).exits(0).says("✅ 2 b (");
}

fn a_procedure_that_commits_runs_outside_of_a_transaction(db: &Database) {
    let project = Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE a (id INT);\nCREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN\n\
             INSERT INTO a VALUES (1); COMMIT; INSERT INTO a VALUES (2); END $$;\n",
        )
        .migration(
            "2_b.sql",
            "-- no-transaction\nSELECT 1;\nCALL p();\nSELECT 2;\n",
        )
        .migration("repeatable/c.sql", "-- no-transaction\nCALL p();\n");
    up(&project, db).exits(0).says("1 repeatable file");
    assert_eq!(db.value("SELECT count(*)::text FROM a"), "4");
}

fn what_fails_first_leaves_nothing(db: &Database) {
    let project = Project::new().migration(
        "1_a.sql",
        "-- no-transaction\nINSERT INTO nowhere VALUES (1);\nSELECT 1;\n",
    );
    up(&project, db)
        .exits(8)
        .ends("migrations/1_a.sql:2:13: ")
        .ends("nothing of migration 1 stays");
    assert_eq!(db.versions(), [""; 0]);
}

fn the_directive_counts_in_the_first_line_only(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration(
            "2_b.sql",
            format!("-- why\n-- no-transaction\n{}\n", stubborn(db)),
        );
    up(&project, db)
        .exits(3)
        .complains("error[needs_no_transaction]");
    assert_eq!(db.snapshot(), "");
}

fn the_directive_means_nothing_to_mysql(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "-- no-transaction\nCREATE TABLE a (id INT);\n")
        .migration(
            "2_b.sql",
            "-- no-transaction\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1, 2);\n",
        );
    // As with sqlx: data alone is rolled back, marked or not.
    up(&project, db).exits(8).says("✅ 1 a (");
    assert_eq!(db.value("SELECT count(*) FROM a"), "0");
}

fn a_first_statement_that_never_began_leaves_nothing(db: &Database) {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    for (statement, column) in [
        ("CREATE INDEX CONCURRENTLY i ON a (id,)", 38),
        ("CREATE INDEX CONCURRENTLY i ON a (mail)", 35),
        ("CREATE INDEX CONCURRENTLY ON a (mail)", 33),
        ("CREATE INDEX CONCURRENTLY i ON nowhere.a (id)", 32),
        ("DROP INDEX CONCURRENTLY nothing", 25),
        ("VACUUM nothing", 8),
    ] {
        project.write(
            "migrations/2_b.sql",
            format!("-- no-transaction\n{statement};\nSELECT 1;\n"),
        );
        up(&project, db)
            .exits(8)
            .ends(&format!("migrations/2_b.sql:2:{column}: "))
            .ends("nothing of migration 2 stays")
            .complains("statement 1 of 2");
        assert_eq!(db.versions(), ["1"], "{statement}");
        assert_eq!(db.value("SELECT count(*)::text FROM _migrate_journal"), "0");
    }
    // It is as if there had never been such a migration.
    project.remove("migrations/2_b.sql");
    up(&project, db).exits(0).says("Nothing to do");
}

fn an_index_that_failed_half_way_leaves_it_said(db: &Database) {
    let project = Project::new().migration(
        "1_a.sql",
        "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1), (1);\n\
         CREATE FUNCTION f(INT) RETURNS INT IMMUTABLE LANGUAGE plpgsql \
         AS $$BEGIN RETURN (SELECT 1 FROM nothing); END$$;\n",
    );
    // The second fails for a table that is not there, but while it is built.
    for (statement, code) in [
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON a (id)", "(23505)"),
        ("CREATE INDEX CONCURRENTLY i ON a (f(id))", "(42P01)"),
        ("CREATE INDEX CONCURRENTLY ON a (f(id))", "(42P01)"),
    ] {
        project.write(
            "migrations/2_b.sql",
            format!("-- no-transaction\n{statement};\n"),
        );
        up(&project, db)
            .exits(9)
            .ends(code)
            .ends("migration 2 is marked as begun, and none of its statements completed");
        let left = "SELECT count(*)::text FROM pg_index WHERE NOT indisvalid";
        assert_eq!(db.value(left), "1", "{statement}");
        db.run("DROP INDEX IF EXISTS i, a_f_idx; DELETE FROM _sqlx_migrations WHERE version = 2");
    }
}

/// It commits by itself, so that nothing can take it back.
fn what_a_failed_first_statement_has_done_is_told(db: &Database) {
    let body = match db.server {
        Server::Postgres => {
            "CREATE PROCEDURE p() LANGUAGE plpgsql \
             AS $$BEGIN CREATE TABLE b (id INT); COMMIT; DROP TABLE nothing; END$$;"
        }
        _ => {
            "DELIMITER //\nCREATE PROCEDURE p() BEGIN CREATE TABLE b (id INT); DROP TABLE nothing; \
             END//\nDELIMITER ;"
        }
    };
    let project = Project::new()
        .migration("1_a.sql", format!("CREATE TABLE a (id INT);\n{body}\n"))
        .migration("2_b.sql", "-- no-transaction\nCALL p();\n");
    up(&project, db)
        .exits(9)
        .ends("migration 2 is marked as begun, and none of its statements completed");
    assert_eq!(db.tables(), ["a", "b"]);
    if db.server == Server::Postgres {
        return;
    }
    db.run("DELETE FROM _sqlx_migrations WHERE version = 2");
    project.write("migrations/2_b.sql", "DROP TABLE b, nothing;\n");
    let output = up(&project, db);
    // MariaDB drops those that are there.
    let (code, tables) = match db.server {
        Server::Mariadb => (9, &["a"][..]),
        _ => (8, &["a", "b"][..]),
    };
    output.exits(code);
    assert_eq!(db.tables(), tables);
}

/// The server goes on with a statement whose client is gone. It lasts less than
/// the two seconds after which the server looks for its client.
fn what_a_killed_run_has_left_at_work_is_ended_first(db: &Database) {
    let slow = |what: &str| format!("{what} WHERE pg_sleep(1.5) IS NOT NULL;\n");
    let project = Project::new().migration(
        "1_a.sql",
        "CREATE TABLE a (n INT); INSERT INTO a VALUES (0);\n",
    );
    up(&project, db).exits(0);
    for (version, statement) in [
        ("2", slow("UPDATE a SET n = n + 1")),
        ("3", slow("INSERT INTO a SELECT 1")),
    ] {
        project.write(
            &format!("migrations/{version}_b.sql"),
            format!("-- no-transaction\nCREATE TABLE t{version} (id INT);\n{statement}"),
        );
        let first = Migrate::new(&project).on(db).args(["up"]).spawn();
        eventually("the statement is at work", || {
            !db.rows(
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1.5)%' \
                 AND state = 'active' AND pid <> pg_backend_pid()",
            )
            .is_empty()
        });
        first.kill();
        up(&project, db).exits(0);
    }
    assert_eq!(db.column("SELECT n::text FROM a ORDER BY n"), ["1", "1"]);
}
