//! A migration that fails fails alike, whatever travels with it: at every place
//! among others, by every kind of fault, its batch ends as one by one would.

use crate::support::{Database, Migrate, Output, Project, Server, Session, migrate, stories, up};

stories! {
    on [Postgres] {
        a_batch_ends_as_one_by_one_does,
        a_batch_of_a_database_that_lacks_characters_ends_as_one_by_one_does,
        of_two_that_fail_the_first_is_named,
        what_is_not_read_is_placed_in_its_file,
        one_transaction_names_the_file_that_is_not_read,
    }
}

const FILES: usize = 8;

/// How a file fails, and what stands around a good statement of it.
const KINDS: [(&str, &str, &str); 11] = [
    ("a syntax error at the end", "", "SELEC 1;\n"),
    ("a syntax error at the beginning", "SELEC 1;\n", ""),
    ("an escaped NUL", "", "SELECT E'\\x00';\n"),
    ("half a character", "SELECT E'\\xe2';\n", ""),
    (
        "a syntax that is not there yet",
        "",
        "CREATE ASSERTION a CHECK (true);\n",
    ),
    ("a fault of the first statement", "SELECT 1 / 0;\n", ""),
    ("a fault of the last statement", "", "SELECT 1 / 0;\n"),
    ("an unknown column", "", "SELECT nothing FROM good_1;\n"),
    (
        "a constraint at COMMIT",
        "",
        "CREATE TABLE p (id INT PRIMARY KEY);\n\
         CREATE TABLE c (p INT REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n\
         INSERT INTO c VALUES (1);\n",
    ),
    (
        "a table that is there",
        "CREATE TABLE good_1 (id INT);\n",
        "",
    ),
    ("a character that is none", "SELECT U&'\\+00D800';\n", ""),
];

/// A file's place of one kind: each place comes, and each kind meets the ends.
fn places(kind: usize) -> [usize; 3] {
    [1, FILES, 2 + (kind * 5) % (FILES - 2)]
}

fn a_batch_ends_as_one_by_one_does(db: &Database) {
    for (number, (kind, before, after)) in KINDS.into_iter().enumerate() {
        for failing in places(number) {
            let project = project(failing, before, after);
            compare(kind, failing, &project, db, db.url());
        }
    }
}

/// What its encoding lacks fails a whole message, even in a comment.
const UNTRANSLATABLE: [(&str, &str, &str); 4] = [
    ("a character in a comment", "-- 5 €\n", ""),
    ("a character in a comment at the end", "", "-- 5 €\n"),
    ("a character in a text", "", "SELECT 'a', '€';\n"),
    (
        "a character in a name",
        "CREATE TABLE \"€\" (id INT);\n",
        "",
    ),
];

fn a_batch_of_a_database_that_lacks_characters_ends_as_one_by_one_does(db: &Database) {
    let (latin, url) = latin(db);
    for (number, (kind, before, after)) in UNTRANSLATABLE.into_iter().enumerate() {
        for failing in places(number) {
            let project = project(failing, before, after);
            compare(kind, failing, &project, &latin, &url);
        }
    }
    drop(latin);
    db.run(&format!("DROP DATABASE {}_latin WITH (FORCE)", db.name()));
}

fn of_two_that_fail_the_first_is_named(db: &Database) {
    let escaped = "SELECT E'\\x00';\n";
    for (first, second) in [
        ("SELEC 1;\n", escaped),
        (escaped, "SELEC 1;\n"),
        (escaped, "CREATE ASSERTION a CHECK (true);\n"),
        ("SELECT 1 / 0;\n", escaped),
    ] {
        let project = project(3, "", first);
        project.write("migrations/6_step.sql", second);
        compare("two", 3, &project, db, db.url());
    }
}

fn what_is_not_read_is_placed_in_its_file(db: &Database) {
    let project = project(4, "SELECT 1;\n", "CREATE ASSERTION a CHECK (true);\n");
    up(&project, db)
        .exits(8)
        .ends("migrations/4_step.sql:3:1: ")
        .complains("statement 3 of 3");
    let (latin, url) = latin(db);
    project.write(
        "migrations/4_step.sql",
        "SELECT 1;\n-- for 5 €\nSELECT 2;\n",
    );
    Migrate::new(&project)
        .args(["up"])
        .env("DATABASE_URL", &url)
        .run()
        .exits(8)
        .ends("migrations/4_step.sql:2:10: ")
        .ends("remove it");
    // The history has the file's name, and the file is not to blame for more.
    project.write("migrations/4_step.sql", "SELECT 1;\n");
    project.write("migrations/6_zu_€.sql", "SELECT 1;\n");
    project.remove("migrations/6_step.sql");
    Migrate::new(&project)
        .args(["up"])
        .env("DATABASE_URL", &url)
        .run()
        .exits(8)
        .says("✅ 5 step")
        .ends("❌ Migration failed: migrations/6_zu_€.sql: ")
        .complains("its history row")
        .ends("from the file's name");
    drop(latin);
    db.run(&format!("DROP DATABASE {}_latin WITH (FORCE)", db.name()));
}

fn one_transaction_names_the_file_that_is_not_read(db: &Database) {
    let project = project(5, "SELECT 1;\n", "CREATE ASSERTION a CHECK (true);\n");
    migrate(&project, db, ["up", "--transaction", "all"])
        .exits(8)
        .ends("migrations/5_step.sql:3:1: ");
    project.write("migrations/3_step.sql", "SELECT 1;\nSELEC 1;\n");
    migrate(&project, db, ["up", "--transaction", "all"])
        .exits(8)
        .ends("migrations/3_step.sql:2:1: ");
    assert_eq!(db.versions(), Vec::<String>::new());
}

fn project(failing: usize, before: &str, after: &str) -> Project {
    (1..=FILES).fold(Project::new(), |project, number| {
        let good = format!("CREATE TABLE good_{number} (id INT);\n");
        let text = if number == failing {
            format!("{before}{good}{after}")
        } else {
            good
        };
        project.migration(&format!("{number}_step.sql"), text)
    })
}

/// A database of the encoding LATIN1 beside the story's own.
fn latin(db: &Database) -> (Session, String) {
    let name = format!("{}_latin", db.name());
    db.run(&format!(
        "CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ));
    let (base, _) = db.url().rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    (Session::open(Server::Postgres, &url), url)
}

/// Who can be asked for rows.
trait Asked {
    fn rows(&self, sql: &str) -> Vec<Vec<String>>;
}

impl Asked for Database {
    fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        Database::rows(self, sql)
    }
}

impl Asked for Session {
    fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        Session::rows(self, sql)
    }
}

/// Runs it both ways on an empty database.
#[track_caller]
fn compare(kind: &str, failing: usize, project: &Project, db: &impl Asked, url: &str) {
    let empty = || db.rows("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    let run = |args: &[&str]| {
        let mut migrate = Migrate::new(project).env("DATABASE_URL", url);
        for arg in args {
            migrate = migrate.args([arg]);
        }
        migrate.run()
    };
    let state = || {
        db.rows(
            "SELECT 'row', version::text FROM _sqlx_migrations UNION ALL \
             SELECT 'table', tablename FROM pg_tables WHERE schemaname = 'public' \
             AND tablename NOT LIKE '\\_%' ORDER BY 1, 2",
        )
    };
    empty();
    let together = run(&["up"]);
    let left_together = state();
    empty();
    let alone = loop {
        let output = run(&["up", "--steps", "1"]);
        if output.code != 0 || output.stdout.contains("Nothing to do") {
            break output;
        }
    };
    let left_alone = state();
    let what = format!("{kind} in file {failing}: {together}\nand alone: {alone}");
    assert_eq!(left_together, left_alone, "{what}");
    assert_eq!(together.code, alone.code, "{what}");
    assert_eq!(together.code, 8, "{what}");
    assert_eq!(told(&together), told(&alone), "{what}");
    assert!(
        together
            .last_line()
            .contains(&format!("migrations/{failing}_step.sql")),
        "{what}"
    );
}

/// What a run says of the failure: its first line, and the place beneath it.
fn told(output: &Output) -> Vec<&str> {
    output.stderr.lines().take(2).collect()
}
