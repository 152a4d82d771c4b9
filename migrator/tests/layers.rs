//! The table of rooms in src/lib.rs, held against what src/ imports: the `use` lines
//! and every path that begins with `crate`, `super` or a crate's name. It must say
//! what each room imports, no more and no less, and each room stands below all that
//! it imports.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod source;

use source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What belongs to no room: what the crate itself exports.
const EXPORTED: [&str; 7] = [
    "crate::Error",
    "crate::OtherDatabase",
    "crate::Program",
    "crate::Transaction",
    "crate::VERSION",
    "crate::embedded!",
    "crate::sqlx",
];

/// A row of the table.
#[derive(Debug)]
struct Room {
    name: String,
    imports: BTreeSet<String>,
    untouched: Vec<String>,
}

/// What a room that touches nothing outside of the program does not touch.
const OUTSIDE: [&str; 8] = [
    "a driver",
    "a file",
    "a process",
    "clap",
    "printing",
    "the clock",
    "the environment",
    "tokio",
];

/// Paths by which something is touched.
fn paths_of(what: &str) -> &'static [&'static str] {
    match what {
        "a database by name" => &[
            "crate::db::mysql",
            "crate::db::postgres",
            "crate::db::sqlite",
        ],
        "a driver" => &["sqlx"],
        "a file" => &["std::fs", "tokio::fs"],
        "a process" => &["std::process::Command", "tokio::process"],
        "clap" => &["clap"],
        "exiting" => &["process::exit", "std::process::exit"],
        "printing" => &[
            "eprint!",
            "eprintln!",
            "print!",
            "println!",
            "std::io::stdout",
        ],
        "the clock" => &["std::time::Instant", "std::time::SystemTime"],
        "the environment" => &["std::env"],
        "tokio" => &["tokio"],
        other => panic!("`{other}` in the table of lib.rs means nothing to this test"),
    }
}

/// `a::b` leads to `a` and to `a::b`, and not to `ab`.
fn leads_to(path: &str, to: &str) -> bool {
    path.strip_prefix(to)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn is_sql(text: &str) -> bool {
    let verbs = [
        "ALTER ", "BEGIN", "COMMIT", "CREATE ", "DELETE ", "DROP ", "INSERT ", "SELECT ", "UPDATE ",
    ];
    verbs.iter().any(|verb| text.starts_with(verb))
}

/// The first of what a source touches and may not.
fn touched(source: &Source, what: &str) -> Option<String> {
    let paths = match what {
        "SQL" => return source.strings.iter().find(|text| is_sql(text)).cloned(),
        "anything outside" => {
            return OUTSIDE.iter().find_map(|what| touched(source, what));
        }
        what => paths_of(what),
    };
    let is_touch = |path: &&String| paths.iter().any(|to| leads_to(path, to));
    source.paths.iter().find(is_touch).cloned()
}

/// The rows `| room | imports | does not touch |` of lib.rs's comment.
fn table(lib: &str) -> Vec<Room> {
    let split = |text: &str| -> Vec<String> {
        let parts = text.split(',').map(|part| part.trim().to_owned());
        parts.filter(|part| !part.is_empty()).collect()
    };
    let rows = lib.lines().filter_map(|line| {
        let cells = line.strip_prefix("//! |")?.strip_suffix('|')?;
        <[&str; 3]>::try_from(cells.split('|').collect::<Vec<_>>()).ok()
    });
    rows.skip(2)
        .map(|[name, imports, untouched]| Room {
            name: name.trim().to_owned(),
            imports: split(imports).into_iter().collect(),
            untouched: split(untouched),
        })
        .collect()
}

/// Whatever the table says that is not so, and the other way round.
fn violations(src: &Path, table: &[Room]) -> Vec<String> {
    let sources = Source::all(src);
    let known: Vec<&str> = table.iter().map(|room| room.name.as_str()).collect();
    let mut found = Vec::new();
    let mut imported: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in &sources {
        let room = source.layer();
        if matches!(room, "lib" | "main") {
            continue;
        }
        let Some(at) = known.iter().position(|name| *name == room) else {
            found.push(format!("{}: `{room}` is not in the table", source.name));
            continue;
        };
        for path in &source.paths {
            let Some(rest) = path.strip_prefix("crate::") else {
                continue;
            };
            let other = rest.split("::").next().unwrap();
            if other == room || EXPORTED.iter().any(|exported| leads_to(path, exported)) {
                continue;
            }
            if !table[at].imports.contains(other) {
                found.push(format!("{}: {path}", source.name));
            }
            imported.entry(room).or_default().insert(other.to_owned());
        }
        let untouched = table[at].untouched.iter();
        found.extend(untouched.filter_map(|what| {
            let touch = touched(source, what)?;
            Some(format!("{}: {touch}", source.name))
        }));
    }
    for (at, room) in table.iter().enumerate() {
        for import in &room.imports {
            if !known[..at].contains(&import.as_str()) {
                found.push(format!("`{}` stands above `{import}`", room.name));
            }
            let is_so = imported.get(room.name.as_str());
            if is_so.is_none_or(|all| !all.contains(import)) {
                found.push(format!("`{}` does not import `{import}`", room.name));
            }
        }
    }
    found
}

#[test]
fn every_room_imports_what_the_table_says() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table = table(&fs::read_to_string(src.join("lib.rs")).unwrap());
    assert!(table.len() >= 25, "the table has its rooms");
    let violations = violations(&src, &table);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// Whoever starts a process can do what no other rule here forbids.
#[test]
fn only_git_and_python_start_a_process() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let starters: Vec<_> = Source::all(&src)
        .into_iter()
        .filter(|source| {
            let mut paths = source.paths.iter();
            paths.any(|path| leads_to(path, "std::process::Command"))
        })
        .map(|source| source.name)
        .collect();
    assert_eq!(
        starters,
        ["git.rs", "python/child.rs", "python/interpreter.rs"]
    );
}

#[test]
fn every_way_to_break_a_rule_is_seen() {
    let lib = "//! | room | imports | does not touch |\n//! |---|---|---|\n\
               //! | text | | |\n//! | model | text | anything outside |\n\
               //! | db | | |\n//! | plan | model | the clock |\n\
               //! | commands | plan | SQL, printing |\n\
               //! | engine | db | a database by name |\n";
    let good = [
        (
            "plan/mod.rs",
            "use crate::model::Db;\n// use crate::db;\nconst A: &str = \"crate::db\";\n",
        ),
        (
            "plan/tail.rs",
            "use super::Db;\n#[cfg(test)]\nmod tests {\n    use crate::db::X;\n}\n",
        ),
        (
            "model.rs",
            "use crate::text::Span; fn f<'a>(c: char) -> bool { c == '\"' }\n",
        ),
        ("text.rs", "use std::fs;\nuse crate::text::Own;\n"),
        (
            "commands/mod.rs",
            "use crate::plan::Plan;\nfn f() { said(\"x SELECT\"); }\n",
        ),
        ("engine.rs", "use crate::db::{Session, fault::Fault};\n"),
        ("db/mod.rs", "use crate::Error;\n"),
    ];
    let bad = [
        ("plan/a.rs", "use crate::db::Look;\n", "crate::db::Look"),
        (
            "plan/b.rs",
            "use crate::{model::A, db::{self, Look}};\n",
            "crate::db",
        ),
        (
            "plan/c.rs",
            "fn f() { let x = crate::db::look(); }\n",
            "crate::db::look",
        ),
        ("plan/d.rs", "use super::super::db as other;\n", "crate::db"),
        (
            "plan/e.rs",
            "fn f() -> super::super::db::Look {}\n",
            "crate::db::Look",
        ),
        (
            "plan/f.rs",
            "use std::time::{Duration, Instant};\n",
            "std::time::Instant",
        ),
        ("plan/g.rs", "pub(crate) use crate::db;\n", "crate::db"),
        ("model/h.rs", "use crate::plan;\n", "crate::plan"),
        ("model/m.rs", "use std::fs::read;\n", "std::fs::read"),
        (
            "commands/i.rs",
            "fn f() { send(\"SELECT 1\"); }\n",
            "SELECT 1",
        ),
        (
            "commands/j.rs",
            "fn f() { send(r#\"DROP TABLE \"a\"\"#); }\n",
            "DROP TABLE \"a\"",
        ),
        ("commands/k.rs", "fn f() { println!(\"x\"); }\n", "println!"),
        (
            "engine/l.rs",
            "use crate::db::sqlite::Sqlite;\n",
            "crate::db::sqlite::Sqlite",
        ),
        ("other.rs", "", "`other` is not in the table"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for (name, text) in good {
        write(name, text);
    }
    assert_eq!(violations(folder.path(), &table(lib)), [""; 0]);
    for (name, text, path) in bad {
        write(name, text);
        let found = violations(folder.path(), &table(lib));
        let first = format!("{name}: {path}");
        assert!(found.contains(&first), "no `{first}` in {found:?}");
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    // What the table says too much, or in the wrong order.
    let more = lib.replace("| plan | model |", "| plan | model, db, commands |");
    assert_eq!(
        violations(folder.path(), &table(&more)),
        [
            "`plan` stands above `commands`",
            "`plan` does not import `commands`",
            "`plan` does not import `db`",
        ]
    );
}
