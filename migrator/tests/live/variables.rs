//! Variables in SQL: filled in where they are declared, and never to be read again.

use crate::support::{Database, Migrate, Output, Project, Server, status, stories};

stories! {
    on every {
        a_half_applied_file_goes_on_with_another_value,
        a_name_that_is_none_is_refused,
        a_value_next_to_an_error_is_not_shown,
        an_error_behind_a_value_is_placed_as_it_was_written,
        down_scripts_and_repeatables_have_variables,
        only_what_is_declared_is_filled_in,
        values_in_what_the_database_says_are_not_shown,
        what_is_applied_needs_no_values,
        without_a_value_nothing_begins,
    }
    on [Postgres] {
        a_blocker_does_not_tell_a_value,
        a_role_and_its_password_are_in_no_output,
    }
}

fn run(project: &Project, db: &Database, verb: &str, values: &[(&str, &str)]) -> Output {
    run_as(project, db, &[verb], values)
}

fn run_as(project: &Project, db: &Database, args: &[&str], values: &[(&str, &str)]) -> Output {
    let mut migrate = Migrate::new(project).on(db);
    for (name, value) in values {
        migrate = migrate.env(name, value);
    }
    args.iter()
        .fold(migrate, |migrate, arg| migrate.args([arg]))
        .run()
}

fn after_a(second: &str) -> Project {
    Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE a (id INT, name VARCHAR(200) UNIQUE);\n",
        )
        .migration("2_b.sql", second)
}

fn name(db: &Database) -> String {
    db.value("SELECT name FROM a")
}

fn only_what_is_declared_is_filled_in(db: &Database) {
    let project = after_a(
        "-- who is who\n\n-- migrate:env FIRST LAST\r\n-- migrate:env EMPTY\n\
         INSERT INTO a VALUES (1, '${FIRST}${EMPTY} ${LAST} ${OTHER} $FIRST {LAST} ${first}');\n",
    );
    let values = [
        ("FIRST", "Ada"),
        ("LAST", "${FIRST}"),
        ("EMPTY", ""),
        ("OTHER", "x"),
    ];
    run(&project, db, "up", &values).exits(0);
    assert_eq!(name(db), "Ada ${FIRST} ${OTHER} $FIRST {LAST} ${first}");
    // The checksum is of the text as it was written.
    run(
        &project,
        db,
        "up",
        &[("FIRST", "Eve"), ("LAST", "y"), ("EMPTY", "")],
    )
    .exits(0)
    .says("Nothing to do");
    db.open().sqlx(&project.path("migrations")).unwrap();
}

fn without_a_value_nothing_begins(db: &Database) {
    let project = after_a("\u{feff}-- one\r\n--  migrate:env  SOME  MISSING\r\nSELECT 1;\n");
    for file in ["2_b.sql", "2_b.up.sql"] {
        if file == "2_b.up.sql" {
            let text = std::fs::read(project.path("migrations/2_b.sql")).unwrap();
            project.remove("migrations/2_b.sql");
            project.write("migrations/2_b.up.sql", text);
        }
        run(&project, db, "up", &[("SOME", "x")])
            .exits(3)
            .complains("error[missing_variable]")
            .ends(&format!(
                "migrations/{file}:2:24: the variable MISSING is not set"
            ))
            .ends("State: nothing was changed in the database");
        if db.server == Server::Sqlite {
            assert!(!db.path().exists());
        } else {
            assert_eq!(db.snapshot(), "");
        }
    }
    // What is not to be run needs none.
    run_as(&project, db, &["up", "--to", "1"], &[]).exits(0);
    run(&project, db, "up", &[]).exits(3);
}

fn a_name_that_is_none_is_refused(db: &Database) {
    for (text, place, code) in [
        (
            "-- migrate:env ${NAME}\nSELECT 1;\n",
            "1:16",
            "bad_variable_name",
        ),
        (
            "-- migrate:env A,B\nSELECT 1;\n",
            "1:16",
            "bad_variable_name",
        ),
        (
            "-- migrate:env OK 2ND\nSELECT 1;\n",
            "1:19",
            "bad_variable_name",
        ),
        (
            "/* a licence */\n-- migrate:env OK\nSELECT '${OK}';\n",
            "2:16",
            "misplaced_variable",
        ),
    ] {
        run(&after_a(text), db, "up", &[("OK", "x")])
            .exits(3)
            .complains(&format!("error[{code}]"))
            .ends(&format!("migrations/2_b.sql:{place}: "));
    }
    assert_eq!(db.snapshot(), "");
}

fn what_is_applied_needs_no_values(db: &Database) {
    let project = after_a("-- migrate:env NAME\nINSERT INTO a VALUES (1, '${NAME}');\n");
    run(&project, db, "up", &[("NAME", "x")]).exits(0);
    run(&project, db, "up", &[]).exits(0).says("Nothing to do");
    status(&project, db).exits(0);
    run(&project, db, "repair", &[]).exits(0);
    let project = project.migration("3_c.sql", "CREATE TABLE c (id INT);\n");
    run(&project, db, "up", &[])
        .exits(0)
        .says("Applied 1 migration ");
}

fn down_scripts_and_repeatables_have_variables(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT, name VARCHAR(200));\n")
        .migration(
            "2_b.up.sql",
            "-- migrate:env TABLE_B\nCREATE TABLE ${TABLE_B} (id INT);\n",
        )
        .migration(
            "2_b.down.sql",
            "-- migrate:env TABLE_B\nDROP TABLE ${TABLE_B};\n",
        )
        .migration(
            "repeatable/r.sql",
            "-- migrate:env NAME\nDELETE FROM a;\nINSERT INTO a VALUES (1, '${NAME}');\n",
        );
    run(&project, db, "up", &[("TABLE_B", "b")])
        .exits(3)
        .ends("migrations/repeatable/r.sql:1:16: the variable NAME is not set");
    assert_eq!(db.snapshot(), "");
    run(&project, db, "up", &[("TABLE_B", "b"), ("NAME", "x")]).exits(0);
    assert_eq!(
        (db.tables(), name(db)),
        (vec!["a".into(), "b".into()], "x".into())
    );
    // Of the text as written: another value is no reason to run it again.
    run(&project, db, "up", &[]).exits(0).says("Nothing to do");
    run(&project, db, "down", &[])
        .exits(3)
        .ends("migrations/2_b.down.sql:1:16: the variable TABLE_B is not set");
    run(&project, db, "down", &[("TABLE_B", "b")]).exits(0);
    assert_eq!(db.tables(), ["a"]);
}

/// Values as people choose them, none of which may be read anywhere.
const SECRETS: [&str; 8] = [
    "hunter2-hunter3",
    "Tr0ub4dor&3 zwölf horses",
    "pa''ss-w0rd''quoted",
    "eins-zwei drei\nvier fünf sechs\nsieben",
    "geheim-größe-日本語-passwort",
    "Xq7",
    "back\\\\slash-secret\\\\",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
     fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210fedcba98765432",
];

/// Nothing of a secret that tells of it: no five characters of it in a row, which
/// are not there without it.
#[track_caller]
fn hides(output: &Output, secret: &str, but: &str) {
    let text = format!("{}{}", output.stdout, output.stderr).to_lowercase();
    let but = but.to_lowercase();
    for line in secret.to_lowercase().lines() {
        let chars: Vec<char> = line.chars().collect();
        let length = chars.len().min(5);
        for part in chars.windows(length) {
            let part: String = part.iter().collect();
            assert!(
                !text.contains(&part) || but.contains(&part),
                "`{part}` of {secret:?}: {output}"
            );
        }
    }
}

/// Tries a text with each secret, in both forms, and looks into what is remembered.
fn try_all(db: &Database, text: &str, code: i32, is_for: impl Fn(&str) -> bool) {
    for secret in SECRETS.iter().filter(|secret| is_for(secret)) {
        for output in ["human", "json"] {
            let project = after_a(text);
            let args = ["up", "--output", output];
            let told = run_as(&project, db, &args, &[("SECRET", secret)]);
            assert!(
                told.code == code || (told.code, code) == (9, 8),
                "{secret:?} {told}"
            );
            hides(&told, secret, text);
            assert!(
                format!("{}{}", told.stdout, told.stderr).contains("2_b.sql"),
                "{told}"
            );
            let errors = db.column("SELECT coalesce(error, '') FROM _migrate_runs");
            let remembered = Output {
                stdout: errors.join("\n"),
                stderr: String::new(),
                code: 0,
            };
            hides(&remembered, secret, text);
        }
    }
}

fn a_value_next_to_an_error_is_not_shown(db: &Database) {
    // A value that is a string for SQL stays one.
    let any = |_: &str| true;
    try_all(
        db,
        "-- migrate:env SECRET\nINSERT INTO a VALUES (1, '${SECRET}') oops (;\n",
        8,
        any,
    );
    try_all(
        db,
        "-- migrate:env SECRET\nINSERT INTO a VALUES (1, oops '${SECRET}');\n",
        8,
        any,
    );
    // As SQL of its own, nearly each is a syntax error, or an unknown name.
    try_all(
        db,
        "-- migrate:env SECRET\nINSERT INTO a VALUES (1, ${SECRET});\n",
        8,
        |secret| !secret.contains('\'') && !secret.contains('\\'),
    );
    try_all(
        db,
        "-- migrate:env SECRET\nSELECT * FROM ${SECRET};\n",
        8,
        |secret| !secret.contains('\'') && !secret.contains('\\'),
    );
}

fn values_in_what_the_database_says_are_not_shown(db: &Database) {
    let twice = "-- migrate:env SECRET\nINSERT INTO a VALUES (1, '${SECRET}');\n\
                 INSERT INTO a VALUES (2, '${SECRET}');\n";
    try_all(db, twice, 8, |_| true);
    let number = match db.server {
        Server::Postgres => "SELECT CAST('${SECRET}' AS INT);",
        Server::Sqlite => "SELECT json('${SECRET}');",
        Server::Mariadb | Server::Mysql => "INSERT INTO a (id) VALUES ('${SECRET}');",
    };
    try_all(db, &format!("-- migrate:env SECRET\n{number}\n"), 8, |_| {
        true
    });
    // What stays half applied is told of in more words.
    let half = "-- no-transaction\n-- migrate:env SECRET\nCREATE TABLE b (id INT);\n\
                SELECT '${SECRET}' FROM nowhere;\n";
    for secret in SECRETS {
        let project = after_a(half);
        let told = run(&project, db, "up", &[("SECRET", secret)]).exits(9);
        hides(&told, secret, half);
        let listed = run(&project, db, "repair", &[("SECRET", secret)]).exits(0);
        hides(&listed, secret, half);
        run_as(&project, db, &["repair", "--resolve", "2=reverted"], &[]).exits(0);
        db.run("DROP TABLE b");
    }
}

fn an_error_behind_a_value_is_placed_as_it_was_written(db: &Database) {
    // SQLite's and MySQL's places are found by the text that they name.
    let text =
        "-- migrate:env SECRET EMPTY\nINSERT INTO a VALUES (1, '${SECRET}${EMPTY}') WRONG (;\n";
    let place = "migrations/2_b.sql:2:47: ";
    for secret in [
        "x",
        "a value that is much longer than its name",
        "two\nlines",
        "日本語",
    ] {
        let values = [("SECRET", secret), ("EMPTY", "")];
        run(&after_a(text), db, "up", &values).exits(8).ends(place);
    }
    let inside = "-- migrate:env SECRET\nSELECT 1 FROM a WHERE   ${SECRET};\n";
    let values = [("SECRET", "id = = 1")];
    let told = run(&after_a(inside), db, "up", &values).exits(8);
    if db.server != Server::Sqlite {
        told.ends("migrations/2_b.sql:2:25: ");
    }
}

fn a_half_applied_file_goes_on_with_another_value(db: &Database) {
    let text = |third: &str| {
        format!(
            "-- no-transaction\n-- migrate:env NAME OPTIONS\nCREATE TABLE b (id INT) ${{OPTIONS}};\n\
             ALTER TABLE a ADD ${{NAME}} INT;\n${{OPTIONS}}\n{third};\n"
        )
    };
    let project = after_a(&text("SELECT * FROM nowhere"));
    let values = [("NAME", "first"), ("OPTIONS", "")];
    for _ in 0..2 {
        run(&project, db, "up", &values)
            .exits(9)
            .ends("2 of its 3 statements stay");
    }
    run(&project, db, "up", &[("NAME", "x")])
        .exits(3)
        .complains("error[missing_variable]");
    project.write("migrations/2_b.sql", text("CREATE TABLE c (id INT)"));
    // A comment for every database: the value may be longer, or blank no more.
    let values = [("NAME", "second_and_longer"), ("OPTIONS", "/* none */")];
    run(&project, db, "up", &values).exits(0);
    assert_eq!(db.tables(), ["a", "b", "c"]);
    db.run("SELECT first FROM a");
}

fn a_role_and_its_password_are_in_no_output(db: &Database) {
    let role = format!("Role_{}", db.name());
    let text = "-- migrate:env OWNER PASSWORD\nCREATE ROLE ${OWNER} LOGIN PASSWORD '${PASSWORD}';\n\
                CREATE ROLE ${OWNER} LOGIN PASSWORD '${PASSWORD}';\n";
    let values = [("OWNER", role.as_str()), ("PASSWORD", "s3cret-s3cret")];
    let told = run(&after_a(text), db, "up", &values)
        .exits(8)
        // The server says it in small letters.
        .ends("role \"${OWNER}\" already exists");
    hides(&told, "s3cret-s3cret", "");
    hides(&told, &role, db.name());
}

fn a_blocker_does_not_tell_a_value(db: &Database) {
    let secret = "s3cret-of-both";
    let text = "-- migrate:env SECRET\nALTER TABLE a ADD x TEXT DEFAULT '${SECRET}';\n";
    let project = after_a(text);
    run_as(&project, db, &["up", "--to", "1"], &[]).exits(0);
    let application = db.open();
    application.run(&format!("BEGIN; SELECT *, '{secret}' FROM a"));
    let running = Migrate::new(&project)
        .on(db)
        .env("SECRET", secret)
        .args(["up", "--lock-timeout", "0"])
        .spawn()
        .until("waiting for process");
    application.run("COMMIT");
    let told = running.wait().exits(0).says("SELECT *, '${SECRET}' FROM a");
    hides(&told, secret, "");
}
