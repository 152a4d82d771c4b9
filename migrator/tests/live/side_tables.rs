//! Our own tables, as earlier and later versions of the program leave them.

use crate::support::{Database, Project, Server, migrate, stories, up};

stories! {
    on every {
        rows_of_a_newer_version_are_not_passed_over,
        tables_of_the_first_layout_are_taken_over,
    }
}

const GOOD: &str = "CREATE TABLE b (id INT);\nINSERT INTO b VALUES (1);\n";

/// With a repeatable file that was run, and a migration of which two statements are
/// done.
fn half_applied(db: &Database) -> Project {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("repeatable/v.sql", "INSERT INTO a VALUES (7);\n");
    up(&project, db).exits(0);
    project.write(
        "migrations/2_b.sql",
        format!("-- no-transaction\n{GOOD}INSERT INTO nowhere VALUES (1);\n"),
    );
    up(&project, db).exits(9);
    project
}

fn correct(project: &Project) {
    project.write("migrations/2_b.sql", format!("-- no-transaction\n{GOOD}"));
}

fn rows_of_a_newer_version_are_not_passed_over(db: &Database) {
    let project = half_applied(db);
    db.run("UPDATE _migrate_journal SET format = 2");
    correct(&project);
    let before = db.snapshot();
    for verb in ["up", "status", "plan", "check"] {
        migrate(&project, db, [verb])
            .exits(7)
            .complains("error[newer_journal]")
            .complains("run the version of migrate that wrote it, or a newer one");
    }
    assert_eq!(db.snapshot(), before);
    // What a run says of itself harms nobody.
    db.run("UPDATE _migrate_journal SET format = 1");
    db.run("UPDATE _migrate_runs SET format = 2");
    up(&project, db).exits(0);
}

/// As the program made them before there was a release.
fn first_layout(db: &Database) {
    let (instant, list, options) = match db.server {
        Server::Mariadb | Server::Mysql => (
            "TIMESTAMP(6) NULL",
            "MEDIUMTEXT",
            " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        ),
        Server::Postgres => ("TIMESTAMPTZ", "TEXT", ""),
        Server::Sqlite => ("TEXT", "TEXT", ""),
    };
    let number = match db.server {
        Server::Mariadb | Server::Mysql => "CAST(version AS SIGNED)",
        Server::Postgres | Server::Sqlite => "CAST(version AS BIGINT)",
    };
    let tables = [
        (
            "_migrate_journal",
            "history VARCHAR(255) NOT NULL, version BIGINT NOT NULL, statement BIGINT NOT NULL, \
             digest CHAR(16) NOT NULL, done BOOLEAN NOT NULL, run VARCHAR(64) NOT NULL, \
             connection BIGINT NOT NULL, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, \
             PRIMARY KEY (history, version, statement)"
                .to_owned(),
            format!("history, {number}, statement, digest, done, run, connection, at"),
        ),
        (
            "_migrate_runs",
            format!(
                "history VARCHAR(255) NOT NULL, run VARCHAR(64) NOT NULL, \
                 verb VARCHAR(16) NOT NULL, began {instant}, ended {instant}, \
                 outcome VARCHAR(16) NOT NULL, did {list}, tool VARCHAR(64), \
                 commit_hash VARCHAR(255), deployment VARCHAR(255), host VARCHAR(255), \
                 error TEXT, confirmed {instant}, PRIMARY KEY (history, run)"
            ),
            "history, run, verb, began, ended, outcome, did, tool, commit_hash, deployment, \
             host, error, confirmed"
                .to_owned(),
        ),
        (
            "_migrate_repeatable",
            "history VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, \
             checksum CHAR(64) NOT NULL, run VARCHAR(64) NOT NULL, \
             at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (history, name)"
                .to_owned(),
            "history, name, checksum, run, at".to_owned(),
        ),
    ];
    for (table, columns, values) in tables {
        db.run(&format!("CREATE TABLE first_one ({columns}){options}"));
        db.run(&format!(
            "INSERT INTO first_one SELECT {values} FROM {table}"
        ));
        db.run(&format!("DROP TABLE {table}"));
        db.run(&format!("ALTER TABLE first_one RENAME TO {table}"));
    }
}

fn tables_of_the_first_layout_are_taken_over(db: &Database) {
    let project = half_applied(db);
    first_layout(db);
    // Who only looks reads them as they are.
    let before = db.snapshot();
    migrate(&project, db, ["status"])
        .exits(0)
        .says("half applied  2")
        .says("applied       repeatable/v")
        .says("up        failed, 0 done");
    assert_eq!(db.snapshot(), before);
    let repeated = "SELECT count(*) FROM a";
    assert_eq!(db.value(repeated), "1");

    correct(&project);
    up(&project, db).exits(0).says("Applied 1 migration");
    assert_eq!(db.column("SELECT id FROM b"), ["1"]);
    // What was run of the repeatable files was not forgotten.
    assert_eq!(db.value(repeated), "1");
    assert_eq!(
        db.column("SELECT outcome FROM _migrate_runs WHERE format = 1 ORDER BY began"),
        ["succeeded", "failed", "succeeded"]
    );
    project.write("migrations/repeatable/v.sql", "INSERT INTO a VALUES (8);\n");
    up(&project, db).exits(0);
    assert_eq!(db.value(repeated), "2");

    // A version is a text now, whatever it looks like.
    project.write(
        "migrations/3_c.sql",
        "-- no-transaction\nCREATE TABLE c (id INT);\nINSERT INTO nowhere VALUES (1);\n",
    );
    up(&project, db).exits(9);
    let text = match db.server {
        Server::Mariadb | Server::Mysql => "UPDATE _migrate_journal SET version = '0003'",
        Server::Postgres | Server::Sqlite => {
            "UPDATE _migrate_journal SET version = '0003', place = 'x'"
        }
    };
    db.run(text);
    assert_eq!(
        db.column("SELECT DISTINCT version FROM _migrate_journal"),
        ["0003"]
    );
}
