//! `repair`: after an accident, the history says again what is true.

use crate::support::{Database, Migrate, Output, Project, Server, eventually, stories, up};
use serde_json::Value;

stories! {
    on every {
        a_changed_file_is_accepted_once_it_was_shown,
        an_answer_to_no_question_is_refused,
        bad_arguments_are_refused,
        line_endings_need_no_repair,
        programs_read_what_could_be_repaired,
        two_at_once_accept_the_same,
        what_sqlx_left_half_applied_is_settled,
        without_an_option_it_changes_nothing,
    }
    on [Mariadb, Mysql] {
        what_a_killed_run_left_in_doubt_is_answered,
    }
    on [Mariadb, Mysql, Postgres] {
        what_failed_half_way_is_settled,
        who_may_only_read_may_ask,
    }
    on [Postgres] {
        a_connection_that_is_lost_leaves_no_false_word,
        a_name_that_is_none_is_no_reason_not_to_answer,
        an_index_that_is_none_is_not_called_applied,
        the_ruin_of_an_index_goes_with_its_migration,
        whoever_has_the_table_open_does_not_hold_it_up_for_ever,
    }
    on [Sqlite] {
        a_file_that_does_not_exist_is_not_created,
    }
}

fn repair<const N: usize>(project: &Project, db: &Database, args: [&str; N]) -> Output {
    Migrate::new(project)
        .on(db)
        .args(["repair"])
        .args(args)
        .run()
}

fn two() -> Project {
    Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", "CREATE TABLE b (id INT);\n")
}

fn json(output: &Output) -> Value {
    assert_eq!(output.stderr, "", "{output}");
    serde_json::from_str(&output.stdout).unwrap()
}

fn a_changed_file_is_accepted_once_it_was_shown(db: &Database) {
    let project = two();
    up(&project, db).exits(0);
    let hex = match db.server {
        Server::Postgres => "encode(checksum, 'hex')",
        _ => "lower(hex(checksum))",
    };
    let checksum = || {
        db.value(&format!(
            "SELECT {hex} FROM _sqlx_migrations WHERE version = 1"
        ))
    };
    let before = checksum();
    project.write("migrations/1_a.sql", "-- why\nCREATE TABLE a (id INT);\n");
    let project = project.migration("3_c.sql", "CREATE TABLE c (id INT);\n");
    // The line is taken from what was said, as somebody would who copies it.
    let refused = up(&project, db)
        .exits(7)
        .ends("accept it: migrate repair --accept 1");
    drop(refused);
    let listed = repair(&project, db, [])
        .exits(0)
        .says("1  migrations/1_a.sql was changed after it was applied")
        .says("1 thing to repair. Nothing was changed.");
    assert_eq!(lines_to_run(&listed), ["repair --accept 1"]);

    let accepted = repair(&project, db, ["--accept", "1"])
        .exits(0)
        .says(&format!("migrations/1_a.sql: checksum {}…", &before[..16]))
        .says("✅ 1 a: changed since it was applied, now accepted as it is");
    let after = checksum();
    assert_ne!(after, before);
    accepted.says(&format!("now it is {}…", &after[..16]));
    repair(&project, db, ["--accept", "1"])
        .exits(0)
        .says("Nothing to do");
    repair(&project, db, []).exits(0).says("Nothing to repair.");
    up(&project, db).exits(0).says("Applied 1 migration ");
    db.open().sqlx(&project.path("migrations")).unwrap();
}

fn line_endings_need_no_repair(db: &Database) {
    let project = two();
    up(&project, db).exits(0);
    project.write("migrations/1_a.sql", "\u{feff}CREATE TABLE a (id INT);\r\n");
    let project = project.migration("3_c.sql", "CREATE TABLE c (id INT);\n");
    up(&project, db)
        .exits(0)
        .says("⚠️  migrations/1_a.sql differs from the applied migration 1 in line endings")
        .says("✅ 3 c (");
    repair(&project, db, [])
        .exits(0)
        .says("1  migrations/1_a.sql has other line endings than when it was applied");
    repair(&project, db, ["--accept", "1"])
        .exits(0)
        .says("with other line endings only");
    up(&project, db).exits(0).does_not_say("⚠️");
}

fn two_at_once_accept_the_same(db: &Database) {
    let project = two();
    up(&project, db).exits(0);
    project.write("migrations/1_a.sql", "CREATE TABLE a (id INT); -- edited\n");
    project.write("migrations/2_b.sql", "CREATE TABLE b (id INT); -- edited\n");
    let start = || {
        let migrate = Migrate::new(&project).on(db).args(["repair"]);
        migrate.args(["--accept", "1", "--accept", "2"]).spawn()
    };
    for run in [start(), start()] {
        run.wait().exits(0);
    }
    up(&project, db).exits(0).says("Nothing to do");
}

fn without_an_option_it_changes_nothing(db: &Database) {
    let project = two();
    up(&project, db).exits(0);
    project.write("migrations/1_a.sql", "CREATE TABLE a (id INT); -- edited\n");
    db.run("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2");
    let before = db.snapshot();
    let listed = repair(&project, db, [])
        .exits(0)
        .says("2  b is half applied\n")
        .says("2 things to repair. Nothing was changed.");
    assert_eq!(
        lines_to_run(&listed),
        [
            "repair --accept 1",
            "repair --resolve 2=applied",
            "repair --resolve 2=reverted"
        ]
    );
    assert_eq!(db.snapshot(), before);
    let fresh = Database::new(db.server);
    if db.server != Server::Sqlite {
        repair(&project, &fresh, [])
            .exits(0)
            .says("Nothing to repair.");
        assert_eq!(fresh.snapshot(), "");
    }
}

/// The command lines that a list proposes, without the program's name.
fn lines_to_run(listed: &Output) -> Vec<String> {
    let lines = listed.stdout.lines();
    lines
        .filter_map(|line| line.trim().strip_prefix("migrate "))
        .map(str::to_owned)
        .collect()
}

/// Runs a line of ours as it stands.
fn run_line(project: &Project, db: &Database, line: &str) -> Output {
    let migrate = Migrate::new(project).on(db);
    line.split_whitespace()
        .fold(migrate, |migrate, word| migrate.args([word]))
        .run()
}

fn programs_read_what_could_be_repaired(db: &Database) {
    let project = two();
    up(&project, db).exits(0);
    project.write("migrations/1_a.sql", "CREATE TABLE a (id INT); -- edited\n");
    db.run("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2");
    let document = json(&repair(&project, db, ["--output", "json"]).exits(0));
    let repairs = document["repairs"].as_array().unwrap();
    assert_eq!(repairs[0]["damage"], "edited");
    assert_eq!(repairs[0]["file"], "migrations/1_a.sql");
    assert_ne!(repairs[0]["recorded"], repairs[0]["now"]);
    assert_eq!(repairs[1]["damage"], "unfinished");
    assert_eq!(
        repairs[1]["repairs"][1],
        "migrate repair --resolve 2=reverted"
    );

    let output = repair(
        &project,
        db,
        [
            "--accept",
            "1",
            "--resolve",
            "2=applied",
            "--output",
            "json",
        ],
    )
    .exits(0);
    let events: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |name: &str| -> Vec<&Value> {
        let named = events.iter().filter(|event| event["event"] == name);
        named.collect()
    };
    assert_eq!(of("edited")[0]["recorded"], repairs[0]["recorded"]);
    assert_eq!(of("changed").len(), 2);
    up(&project, db).exits(0).says("Nothing to do");
}

fn what_sqlx_left_half_applied_is_settled(db: &Database) {
    let project = two();
    let unfinished = "UPDATE _sqlx_migrations SET success = FALSE, execution_time = -1 \
                      WHERE version = 2";
    up(&project, db).exits(0);
    db.run(unfinished);
    up(&project, db)
        .exits(7)
        .complains("error[half_applied]")
        .ends("`migrate repair --resolve 2=applied`")
        .ends("`migrate repair --resolve 2=reverted`");
    repair(&project, db, ["--resolve", "2=applied"])
        .exits(0)
        .says("✅ 2 b: half applied, now applied");
    up(&project, db).exits(0).says("Nothing to do");
    db.open().sqlx(&project.path("migrations")).unwrap();

    db.run(unfinished);
    db.run("DROP TABLE b");
    repair(&project, db, ["--resolve", "2=reverted"])
        .exits(0)
        .says("✅ 2 b: half applied, now pending");
    up(&project, db).exits(0).says("✅ 2 b (");
}

/// A real failure, of ours: with its journal.
fn half_applied(db: &Database) -> Project {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration(
            "2_b.sql",
            "-- no-transaction\nCREATE TABLE b (id INT);\nALTER TABLE nowhere ADD x INT;\n",
        );
    up(&project, db).exits(9);
    project
}

fn journal(db: &Database) -> String {
    db.value("SELECT count(*) FROM _migrate_journal")
}

fn what_failed_half_way_is_settled(db: &Database) {
    let project = half_applied(db);
    let listed = repair(&project, db, [])
        .exits(0)
        .says("2  b is half applied, 1 statement done\n");
    assert_eq!(
        lines_to_run(&listed),
        [
            "up",
            "repair --resolve 2=applied",
            "repair --resolve 2=reverted"
        ]
    );
    repair(&project, db, ["--resolve", "2=applied"]).exits(0);
    assert_eq!(journal(db), "0");
    // The file may be corrected before: what is recorded is as it is now.
    up(&project, db).exits(0).says("Nothing to do");

    let db = &Database::new(db.server);
    let project = half_applied(db);
    db.run("DROP TABLE b");
    repair(&project, db, ["--resolve", "2=reverted"]).exits(0);
    assert_eq!(journal(db), "0");
    project.write("migrations/2_b.sql", "CREATE TABLE b (other INT);\n");
    up(&project, db).exits(0).says("✅ 2 b (");
}

/// A run of which only the beginning of a statement is recorded: its server
/// connection was ended from outside in the middle of it.
fn in_doubt(db: &Database) -> Project {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration(
            "2_b.sql",
            "CREATE TABLE b (id INT);\nALTER TABLE a ADD x INT;\nCREATE TABLE c (id INT);\n",
        );
    let first = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    up(&first, db).exits(0);
    let holder = db.open();
    holder.run("LOCK TABLES a READ");
    let running = Migrate::new(&project)
        .on(db)
        .args(["up", "--lock-timeout", "0"])
        .spawn();
    let waits = "SELECT CAST(id AS CHAR) FROM information_schema.processlist \
                 WHERE info LIKE '/*%ALTER TABLE a ADD x%' AND db = DATABASE()";
    eventually("the ALTER waits", || !db.rows(waits).is_empty());
    let worker = db.value(waits);
    // First the client, so that nobody connects again and tells.
    running.kill();
    db.run(&format!("KILL {worker}"));
    eventually("the ALTER is gone", || db.rows(waits).is_empty());
    drop(holder);
    project
}

fn what_a_killed_run_left_in_doubt_is_answered(db: &Database) {
    let project = in_doubt(db);
    for _ in 0..2 {
        let asked = up(&project, db)
            .exits(9)
            .complains("error[statement_unsettled]")
            .ends("it is not known whether the next was done");
        let last = asked.last_line();
        let line = last
            .split('`')
            .find(|part| part.ends_with("=not-done"))
            .unwrap();
        assert_eq!(line, "migrate repair --resolve 2=not-done");
    }
    let listed = repair(&project, db, [])
        .exits(0)
        .says("2  b is half applied, 1 statement done, statement 2 in doubt\n");
    let lines = lines_to_run(&listed);
    assert_eq!(lines[0], "repair --resolve 2=done");
    assert_eq!(lines[1], "repair --resolve 2=not-done");
    run_line(&project, db, &lines[1])
        .exits(0)
        .says("✅ 2 b: one statement in doubt, now known: that statement was not done");
    up(&project, db).exits(0).says("✅ 2 b (");
    assert_eq!(db.tables(), ["a", "b", "c"]);

    let db = &Database::new(db.server);
    let project = in_doubt(db);
    db.run("ALTER TABLE a ADD x INT");
    run_line(&project, db, "repair --resolve 2=done").exits(0);
    run_line(&project, db, "repair --resolve 2=done")
        .exits(7)
        .complains("error[not_in_doubt]");
    up(&project, db).exits(0).says("✅ 2 b (");
    assert_eq!(journal(db), "0");
}

fn an_answer_to_no_question_is_refused(db: &Database) {
    let project = two().migration("3_c.sql", "CREATE TABLE c (id INT);\n");
    Migrate::new(&project)
        .on(db)
        .args(["up", "--to", "2"])
        .run()
        .exits(0);
    let before = db.snapshot();
    for (args, code) in [
        (["--accept", "3"], "not_applied"),
        (["--accept", "9"], "not_applied"),
        (["--resolve", "3=applied"], "not_applied"),
        (["--resolve", "1=applied"], "not_half_applied"),
        (["--resolve", "1=reverted"], "not_half_applied"),
        (["--resolve", "1=done"], "not_half_applied"),
    ] {
        repair(&project, db, args)
            .exits(7)
            .complains(&format!("error[{code}]"))
            .ends("run `migrate repair` without options to list what can be repaired")
            .ends("State: nothing was changed in the database");
    }
    assert_eq!(db.snapshot(), before);
    db.run("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2");
    let before = db.snapshot();
    project.remove("migrations/1_a.sql");
    for (args, code) in [
        (["--accept", "2"], "half_applied"),
        (["--accept", "1"], "missing_migration"),
        (["--resolve", "2=not-done"], "not_in_doubt"),
    ] {
        repair(&project, db, args)
            .exits(7)
            .complains(&format!("error[{code}]"));
    }
    // All of it, or nothing.
    repair(&project, db, ["--resolve", "2=applied", "--accept", "1"]).exits(7);
    assert_eq!(db.snapshot(), before);
}

fn bad_arguments_are_refused(db: &Database) {
    let project = two();
    for args in [
        ["--accept", "one"],
        ["--accept", ""],
        ["--resolve", "2"],
        ["--resolve", "2=maybe"],
        ["--resolve", "two=applied"],
        ["--resolve", "=applied"],
    ] {
        repair(&project, db, args).exits(2);
    }
    let twice = ["--resolve", "2=applied", "--resolve", "2=reverted"];
    repair(&project, db, twice)
        .exits(2)
        .complains("--resolve has two answers for 2");
    assert_eq!(db.snapshot(), "");
    // sqlx takes such versions.
    let project = Project::new().migration("-2_a.sql", "CREATE TABLE a (id INT);\n");
    up(&project, db).exits(0);
    project.write(
        "migrations/-2_a.sql",
        "CREATE TABLE a (id INT); -- edited\n",
    );
    let listed = repair(&project, db, []);
    run_line(&project, db, &lines_to_run(&listed)[0]).exits(0);
    db.run("UPDATE _sqlx_migrations SET success = FALSE");
    let listed = repair(&project, db, []);
    run_line(&project, db, &lines_to_run(&listed)[0]).exits(0);
    up(&project, db).exits(0).says("Nothing to do");
}

fn a_file_that_does_not_exist_is_not_created(db: &Database) {
    let project = two();
    for args in [&[][..], &["--accept", "1"], &["--resolve", "1=applied"]] {
        let migrate = Migrate::new(&project).on(db).args(["repair"]);
        let migrate = args
            .iter()
            .fold(migrate, |migrate, arg| migrate.args([arg]));
        migrate.run().exits(4).complains("does not exist");
    }
    assert!(!db.path().exists());
}

/// The URL of a user who may do nothing but read.
fn reader(db: &Database) -> String {
    let user = reader_name(db);
    if db.server == Server::Postgres {
        db.run(&format!(
            "CREATE ROLE {user} LOGIN PASSWORD 'hush-hush'; GRANT USAGE ON SCHEMA public TO {user}; \
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}"
        ));
    } else {
        db.run(&format!("CREATE USER {user} IDENTIFIED BY 'hush-hush'"));
        db.run(&format!("GRANT SELECT ON {}.* TO {user}", db.name()));
    }
    let (scheme, rest) = db.url().split_once("://").unwrap();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{user}:hush-hush@{host}")
}

/// In MySQL such a name has at most 32 characters.
fn reader_name(db: &Database) -> String {
    db.name().replace("live_", "r_")
}

fn drop_reader(db: &Database) {
    let user = reader_name(db);
    if db.server == Server::Postgres {
        db.run(&format!("DROP OWNED BY {user}; DROP ROLE {user}"));
    } else {
        db.run(&format!("DROP USER {user}"));
    }
}

fn who_may_only_read_may_ask(db: &Database) {
    let project = half_applied(db);
    let reader = reader(db);
    let ask = |project: &Project| {
        let migrate = Migrate::new(project).env("DATABASE_URL", &reader);
        migrate.args(["repair"]).run()
    };
    ask(&project)
        .exits(0)
        .says("2  b is half applied, 1 statement done\n");
    let refused = Migrate::new(&project)
        .env("DATABASE_URL", &reader)
        .args(["repair", "--resolve", "2=applied"])
        .run();
    refused
        .exits(8)
        .ends("State: nothing was changed in the database");
    up(&project, db).exits(9);
    drop_reader(db);
}

fn a_connection_that_is_lost_leaves_no_false_word(db: &Database) {
    let project = two();
    up(&project, db).exits(0);
    project.write("migrations/1_a.sql", "CREATE TABLE a (id INT); -- edited\n");
    db.run(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$; \
         CREATE TRIGGER lose BEFORE UPDATE ON _sqlx_migrations EXECUTE FUNCTION lose()",
    );
    let before = db.snapshot();
    repair(&project, db, ["--accept", "1"])
        .exits(4)
        .complains("error[connection_lost]")
        .ends(
            "nothing was changed in the schema; it is not known whether migrate's records were \
             changed",
        )
        .ends("run `migrate status` to see whether they were changed");
    assert_eq!(db.snapshot(), before);
}

const INDEX: &str = "-- no-transaction\nCREATE INDEX CONCURRENTLY a_id ON a (id);\n";

/// A run that was killed while it built an index.
fn killed_while_it_built(db: &Database, index: &str) -> Project {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    up(&project, db).exits(0);
    let project = project.migration("2_i.sql", index);
    let writer = db.open();
    writer.run("BEGIN; INSERT INTO a VALUES (0)");
    let running = Migrate::new(&project)
        .on(db)
        .env("NAME", "a_id")
        .args(["up"])
        .spawn();
    let begun = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('a_id')";
    eventually("the index is begun", || !db.rows(begun).is_empty());
    running.kill();
    let backend = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
                   WHERE datname = current_database() AND query LIKE '%CREATE INDEX CONC%' \
                   AND pid <> pg_backend_pid()";
    eventually("nobody builds it", || db.rows(backend).is_empty());
    writer.run("COMMIT");
    assert_eq!(indexes(db), 1);
    project
}

fn indexes(db: &Database) -> usize {
    db.rows("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('a_id')")
        .len()
}

fn the_ruin_of_an_index_goes_with_its_migration(db: &Database) {
    let project = killed_while_it_built(db, INDEX);
    let before = db.snapshot();
    repair(&project, db, [])
        .exits(0)
        .says("index a_id is INVALID: the next `migrate up` rebuilds it");
    assert_eq!((db.snapshot(), indexes(db)), (before, 1));
    let document = json(&repair(&project, db, ["--output", "json"]).exits(0));
    assert_eq!(document["invalid_indexes"][0], "a_id");
    repair(&project, db, ["--resolve", "2=reverted"]).exits(0);
    assert_eq!(indexes(db), 0);
    assert_eq!(db.versions(), ["1"]);
    up(&project, db).exits(0).says("✅ 2 i (");

    // Named by a variable, it is found as well; without its value there is an answer
    // all the same, and the value is in none.
    let db = &Database::new(db.server);
    let index = INDEX.replace("a_id", "${NAME}").replace(
        "-- no-transaction",
        "-- no-transaction\n-- migrate:env NAME",
    );
    let project = killed_while_it_built(db, &index);
    repair(&project, db, [])
        .exits(0)
        .says("2  i is half applied");
    let migrate = Migrate::new(&project).on(db).env("NAME", "a_id");
    migrate
        .args(["repair"])
        .run()
        .exits(0)
        .says("index ${NAME} is INVALID");
    let migrate = Migrate::new(&project).on(db).env("NAME", "a_id");
    migrate.args(["up"]).run().exits(0).says("✅ 2 i (");
    let valid = "SELECT indisvalid::text FROM pg_index WHERE indexrelid = to_regclass('a_id')";
    assert_eq!(db.value(valid), "true");
}

fn an_index_that_is_none_is_not_called_applied(db: &Database) {
    let project = killed_while_it_built(db, INDEX);
    let before = db.snapshot();
    repair(&project, db, ["--resolve", "2=applied"])
        .exits(7)
        .complains("error[invalid_index]")
        .ends("not all of migration 2 is applied: its index a_id is INVALID");
    assert_eq!((db.snapshot(), indexes(db)), (before, 1));
}

fn whoever_has_the_table_open_does_not_hold_it_up_for_ever(db: &Database) {
    let project = killed_while_it_built(db, INDEX);
    let application = db.open();
    application.run("BEGIN; SELECT * FROM a");
    repair(&project, db, ["--resolve", "2=reverted"])
        .exits(8)
        .complains("error[lock_timeout]")
        .ends("State: nothing was changed in the database");
    assert_eq!(db.versions(), ["1", "2"], "nothing was recorded");
    application.run("COMMIT");
    repair(&project, db, ["--resolve", "2=reverted"]).exits(0);
    assert_eq!(indexes(db), 0);
}

fn a_name_that_is_none_is_no_reason_not_to_answer(db: &Database) {
    let project = Project::new().migration(
        "1_a.sql",
        "-- no-transaction\nCREATE TABLE a (id INT);\nCREATE INDEX CONCURRENTLY a-b ON a (id);\n\
         CREATE INDEX CONCURRENTLY ok ON 1a (id);\n",
    );
    up(&project, db).exits(9);
    repair(&project, db, [])
        .exits(0)
        .says("1  a is half applied, 1 statement done");
}
