//! Bad input, as a table: what is given, and the exit, the code, the place and
//! the next step that come of it. Each case is told to a program and to a
//! person, and leaves the database as it was.
//!
//! That no password, no control character and no line of more than 8 KiB is in
//! any output is checked of every run of every test (tests/support/command.rs).

mod files;
mod folders;
mod next_steps;
mod options;
mod postgres;
mod servers;
mod sqlite;
mod statements;
mod urls;

use crate::support::{Database, Migrate, Output, Project, Server, Session, up};
use serde_json::Value;

/// One bad input.
struct Case {
    name: &'static str,
    /// What makes it so, in this order.
    given: &'static [Given],
    args: &'static [&'static str],
    exit: i32,
    /// The stable code; empty where nothing but the command line is looked at.
    code: &'static str,
    /// `path:line:column`; empty where there is none.
    place: &'static str,
    /// What is in the message or beside it.
    says: &'static str,
    /// What is in the next step.
    next: &'static str,
    /// The tables that stay of a migration that is half applied.
    stays: &'static [&'static str],
}

const CASE: Case = Case {
    name: "",
    given: &[],
    args: &[],
    exit: 3,
    code: "",
    place: "",
    says: "",
    next: "",
    stays: &[],
};

/// In every text `{db}` is the database's name and `{host}` the server's
/// `user:password@host:port`, `{at}` the same without the user.
#[derive(Clone, Copy)]
enum Given {
    /// A migration that is applied before, as it stands here.
    Applied(&'static str, &'static str),
    /// A file that is no text.
    Bytes(&'static str, &'static [u8]),
    Env(&'static str, &'static str),
    /// A file of the project.
    File(&'static str, &'static str),
    Folder(&'static str),
    /// SQL that another session runs, and what it holds until the end.
    Held(&'static str),
    /// A link and where it leads.
    Link(&'static str, &'static str),
    /// One line of so many characters of padding between two texts.
    Long(&'static str, &'static str, usize, &'static str),
    Removed(&'static str),
    /// The run is this user's, named as the database, with what else this SQL
    /// gives it.
    Role(&'static str),
    /// SQL that was run before.
    Sql(&'static str),
    Url(&'static str),
}

/// The tables of this folder.
const TABLES: [&str; 9] = [
    include_str!("bad_input/files.rs"),
    include_str!("bad_input/folders.rs"),
    include_str!("bad_input/next_steps.rs"),
    include_str!("bad_input/options.rs"),
    include_str!("bad_input/postgres.rs"),
    include_str!("bad_input/servers.rs"),
    include_str!("bad_input/sqlite.rs"),
    include_str!("bad_input/statements.rs"),
    include_str!("bad_input/urls.rs"),
];

#[test]
#[expect(clippy::print_stdout, reason = "the number is asked for")]
fn there_are_enough_cases() {
    let named = |text: &str| text.matches(" name: \"").count();
    let cases: usize = TABLES.map(named).iter().sum();
    println!("{cases} bad inputs");
    assert!(cases >= 240, "only {cases}");
}

/// Everything that is wrong with the cases, each on an empty database.
#[track_caller]
fn check(db: &Database, cases: &[Case]) {
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|case| {
            if db.server == Server::Postgres {
                // To create one takes PostgreSQL half a second.
                empty(db);
                Scene::set(db, case).problems(case)
            } else {
                Scene::set(&Database::new(db.server), case).problems(case)
            }
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn empty(db: &Database) {
    db.run(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC",
    );
    db.run(&format!("ALTER DATABASE {} RESET ALL", db.name()));
}

/// A case, set up.
struct Scene<'a> {
    db: &'a Database,
    project: Project,
    environment: Vec<(String, String)>,
    role: Option<String>,
}

impl<'a> Scene<'a> {
    fn set(db: &'a Database, case: &Case) -> Self {
        let url = db.url().to_owned();
        let mut scene = Self {
            db,
            project: Project::new(),
            environment: vec![("DATABASE_URL".to_owned(), url)],
            role: None,
        };
        for given in case.given {
            scene.give(*given);
        }
        scene
    }

    fn give(&mut self, given: Given) {
        match given {
            Given::Applied(path, text) => {
                self.project.write(path, text);
                up(&self.project, self.db).exits(0);
            }
            Given::Bytes(path, bytes) => self.project.write(path, bytes),
            Given::Env(name, value) => {
                let value = self.filled(value);
                self.environment.push((name.to_owned(), value));
            }
            Given::File(path, text) => self.project.write(&self.filled(path), text),
            Given::Folder(path) => std::fs::create_dir_all(self.project.path(path)).unwrap(),
            // Only while it runs: a look at a locked table would wait, too.
            Given::Held(_) => {}
            Given::Link(path, target) => {
                let link = self.project.path(path);
                std::fs::create_dir_all(link.parent().unwrap()).unwrap();
                std::os::unix::fs::symlink(target, link).unwrap();
            }
            Given::Long(path, before, length, after) => {
                let padding = "x".repeat(length);
                self.project
                    .write(path, format!("{before}{padding}{after}"));
            }
            Given::Removed(path) => self.project.remove(path),
            Given::Role(sql) => self.take_role(sql),
            Given::Sql(sql) => self.db.run(&self.filled(sql)),
            Given::Url(url) => self.environment[0].1 = self.filled(url),
        }
    }

    fn take_role(&mut self, sql: &str) {
        let name = self.db.name().to_owned();
        let identified = match self.db.server {
            Server::Mysql => "IDENTIFIED WITH mysql_native_password BY",
            Server::Mariadb => "IDENTIFIED BY",
            Server::Postgres | Server::Sqlite => "PASSWORD",
        };
        self.db
            .run(&format!("CREATE USER {name} {identified} 'hush-hush'"));
        self.db.run(&self.filled(sql));
        let url = self.db.url();
        let (scheme, rest) = url.split_once("://").unwrap();
        let (_, host) = rest.rsplit_once('@').unwrap();
        self.environment[0].1 = format!("{scheme}://{name}:hush-hush@{host}");
        self.role = Some(name);
    }

    fn filled(&self, text: &str) -> String {
        let url = self.db.url();
        let host = url.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.rsplit_once('/').map_or(host, |(host, _)| host);
        let at = host.rsplit_once('@').map_or(host, |(_, at)| at);
        let folder = self.db.path();
        let folder = folder.parent().unwrap().display().to_string();
        text.replace("{db}", self.db.name())
            .replace("{host}", host)
            .replace("{at}", at)
            .replace("{folder}", &folder)
    }

    fn run(&self, case: &Case, form: &str) -> Output {
        let mut migrate = Migrate::new(&self.project);
        for (name, value) in &self.environment {
            migrate = migrate.env(name, value);
        }
        for arg in case.args {
            migrate = migrate.args([&self.filled(arg)]);
        }
        migrate.env("MIGRATE_OUTPUT", form).run()
    }

    /// Other sessions, for as long as they are kept.
    fn others(&self, case: &Case) -> Vec<Session> {
        let held = case.given.iter().filter_map(|given| match given {
            Given::Held(sql) => {
                let session = self.db.open();
                session.run(&self.filled(sql));
                Some(session)
            }
            _ => None,
        });
        held.collect()
    }

    /// What is there: the database's content, and the files beside SQLite's.
    fn state(&self) -> Vec<String> {
        let folder = self.db.path();
        let mut files: Vec<_> = std::fs::read_dir(folder.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().display().to_string())
            .collect();
        files.sort();
        // To look would create it.
        let content = match std::fs::read(folder) {
            Ok(bytes) if !bytes.starts_with(b"SQLite format 3") => format!("{bytes:?}"),
            Err(_) if self.db.server == Server::Sqlite => String::new(),
            _ => self.db.snapshot(),
        };
        files.extend(content.lines().map(str::to_owned));
        files
    }

    /// What is wrong with what comes of it.
    fn problems(self, case: &Case) -> Vec<String> {
        let mut wrong = Vec::new();
        let before = self.state();
        let others = self.others(case);
        let json = self.run(case, "json");
        if let Some(problem) = told_to_a_program(case, &json, &self) {
            wrong.push(format!("{}: {problem}: {json}", case.name));
        }
        let human = self.run(case, "human");
        if let Some(problem) = told_to_a_person(case, &human) {
            wrong.push(format!("{}: {problem}: {human}", case.name));
        }
        drop(others);
        let after = self.state();
        if !is_as_it_was(case, &before, &after) {
            let (before, after) = (before.join("\n"), after.join("\n"));
            wrong.push(format!("{}: it was\n{before}\nand is\n{after}", case.name));
        }
        if let Some(role) = &self.role {
            let owned = match self.db.server {
                Server::Postgres => format!("DROP OWNED BY {role};"),
                _ => String::new(),
            };
            self.db.run(&format!("{owned} DROP USER {role}"));
        }
        wrong
    }
}

/// Whether nothing was changed. A run that came as far as to begin a migration
/// may leave the empty tables of its history, itself among the runs, and SQLite's
/// lock file.
fn is_as_it_was(case: &Case, before: &[String], after: &[String]) -> bool {
    if !matches!(case.exit, 8..=10) {
        return before == after;
    }
    let is_ours = |line: &String| {
        let line = line.strip_prefix("public.").unwrap_or(line);
        let (table, rest) = line.split_once(['.', ':', ' ']).unwrap_or((line, ""));
        let is_row = line.contains(": [[");
        // SQLite's name for the index of a primary key.
        let table = table
            .strip_prefix("sqlite_autoindex_")
            .and_then(|rest| rest.strip_suffix("_1"))
            .unwrap_or(table);
        match table {
            "_sqlx_migrations" | "_migrate_journal" => case.exit == 9 || !is_row,
            "_migrate_runs" => !is_row,
            "app" => rest == "db.migrate-lock",
            _ => case.stays.contains(&table),
        }
    };
    let is_of_runs = |line: &&String| line.starts_with(RUNS);
    let mut new = after.iter().filter(|line| !before.contains(line));
    let mut gone = before.iter().filter(|line| !after.contains(line));
    new.all(|line| is_of_runs(&line) || is_ours(line))
        && gone.all(|line| is_of_runs(&line) || case.exit == 9 && is_ours(line))
        && adds_only_what_failed(
            before.iter().find(is_of_runs),
            after.iter().find(is_of_runs),
        )
}

/// How the rows of the runs begin.
const RUNS: &str = "_migrate_runs: [[";

/// Whether the runs are those that were there, and ones that did nothing.
fn adds_only_what_failed(before: Option<&String>, after: Option<&String>) -> bool {
    let rows = |line: Option<&String>| -> Vec<String> {
        line.and_then(|line| line.strip_prefix(RUNS)?.strip_suffix("]]"))
            .map(|rows| rows.split("], [").map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let (before, after) = (rows(before), rows(after));
    let failed = |row: &String| {
        ["failed", "stopped"]
            .iter()
            .any(|ending| row.contains(&format!("\"{ending}\", \"\", ")))
    };
    before.iter().all(|row| after.contains(row))
        && after.iter().all(|row| before.contains(row) || failed(row))
}

fn told_to_a_program(case: &Case, output: &Output, scene: &Scene<'_>) -> Option<String> {
    if output.code != case.exit {
        return Some(format!("not exit {}", case.exit));
    }
    if !output.stderr.is_empty() {
        return Some("a program reads standard output alone".to_owned());
    }
    let Ok(error) = serde_json::from_str::<Value>(output.last_line()) else {
        return Some("the last line is no JSON".to_owned());
    };
    if case.code.is_empty() {
        // The parser's own words, of what was typed.
        let is_told = error["code"] == "usage" && error.to_string().contains(case.says);
        return (!is_told).then(|| "not so".to_owned());
    }
    let text = |key: &str| error[key].as_str().unwrap_or_default();
    let place = match text("file") {
        "" => String::new(),
        file => format!("{file}:{}:{}", error["line"], error["column"]),
    };
    let acts = !case.args.contains(&"status");
    let everything = error.to_string();
    let says = serde_json::to_string(&scene.filled(case.says)).unwrap();
    [
        (text("event") == "error", "no error".to_owned()),
        (text("code") == case.code, format!("not {}", case.code)),
        (error["exit_code"] == case.exit, "another exit".to_owned()),
        (place == case.place, format!("not at {}", case.place)),
        (!acts || !text("state").is_empty(), "no state".to_owned()),
        (!text("next").is_empty(), "no next step".to_owned()),
        (
            text("next").contains(&scene.filled(case.next)),
            format!("it does not go on with `{}`", case.next),
        ),
        (
            everything.contains(says.trim_matches('"')),
            format!("nothing of `{}`", case.says),
        ),
    ]
    .into_iter()
    .find_map(|(is_so, problem)| (!is_so).then_some(problem))
}

fn told_to_a_person(case: &Case, output: &Output) -> Option<String> {
    if output.code != case.exit {
        return Some(format!("not exit {}", case.exit));
    }
    if case.code.is_empty() || case.args.contains(&"status") {
        return output.stderr.is_empty().then(|| "silence".to_owned());
    }
    let last = output.last_line();
    let is_so = last.starts_with("❌ Migration failed: ")
        && last.contains(case.place)
        && last.contains(" State: ")
        && last.contains(" Next: ")
        && output
            .stderr
            .starts_with(&format!("error[{}]: ", case.code));
    (!is_so).then(|| "the last line does not tell all".to_owned())
}
