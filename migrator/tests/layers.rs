//! The import table of src/lib.rs, held against what src/ imports: the `use`
//! lines and every path that begins with `crate`, `super` or a crate's name.
//!
//! Where the table has a new word, `Rule::named` must learn it: a rule that
//! nobody can check is none.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod source;

use source::Source;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Layers that a path may not lead to, but for those after it.
#[derive(Clone)]
enum Rule {
    Paths(&'static [&'static str], Vec<String>),
    /// No string may begin like a statement.
    Sql,
}

type Table = BTreeMap<String, Vec<Rule>>;

impl Rule {
    fn named(name: &str, layers: &[String]) -> Self {
        let but = |paths: &[&str]| paths.iter().map(|&path| path.to_owned()).collect();
        let only = |paths| Self::Paths(paths, Vec::new());
        match name {
            "SQL" => Self::Sql,
            "a database by name" => only(&[
                "crate::db::mysql",
                "crate::db::postgres",
                "crate::db::sqlite",
            ]),
            "a driver" | "drivers" => only(&["sqlx"]),
            "a file" => only(&["std::fs", "std::io", "tokio::fs"]),
            "anything but text" => Self::Paths(
                &["crate", "std::fs", "std::env", "sqlx", "tokio"],
                but(&["crate::text"]),
            ),
            "anything of ours" => only(&["crate"]),
            "anything of ours but each other" => {
                let each_other = layers.iter().map(|layer| format!("crate::{layer}"));
                Self::Paths(&["crate"], each_other.collect())
            }
            "clap" => only(&["clap"]),
            "commands" => only(&["crate::commands"]),
            "config" => only(&["crate::config"]),
            "doctor" => only(&["crate::doctor"]),
            "db" => only(&["crate::db"]),
            "db but what it knows of a URL and a server's health" => Self::Paths(
                &["crate::db"],
                but(&["crate::db::url", "crate::db::health"]),
            ),
            "engine" => only(&["crate::engine"]),
            "exiting" => only(&["std::process", "process::exit"]),
            "formats" => only(&["crate::formats"]),
            "plan" => only(&["crate::plan"]),
            "printing" => only(&["print!", "println!", "eprint!", "eprintln!", "std::io"]),
            "report" => only(&["crate::report"]),
            "sources" => only(&["crate::sources"]),
            "the clock" => only(&["std::time::Instant", "std::time::SystemTime"]),
            "the environment" => only(&["std::env"]),
            "tokio" => only(&["tokio"]),
            other => panic!("`{other}` in the import table of lib.rs means nothing to this test"),
        }
    }

    fn broken_by(&self, source: &Source) -> Option<String> {
        match self {
            Self::Paths(forbidden, but) => source
                .paths
                .iter()
                .filter(|path| !leads_to(path, &format!("crate::{}", source.layer())))
                .find(|path| {
                    forbidden.iter().any(|forbidden| leads_to(path, forbidden))
                        && !but.iter().any(|but| leads_to(path, but))
                })
                .cloned(),
            Self::Sql => source.strings.iter().find(|text| is_sql(text)).cloned(),
        }
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

/// The rows `| layers | may not import |` of lib.rs's comment.
fn table(lib: &str) -> Table {
    let rows = lib
        .lines()
        .filter_map(|line| {
            line.strip_prefix("//! |")?
                .strip_suffix('|')?
                .split_once('|')
        })
        .skip(2);
    let mut table = Table::new();
    for (layers, rules) in rows {
        let split = |text: &str| {
            text.split(',')
                .map(|part| part.trim().to_owned())
                .collect::<Vec<_>>()
        };
        let layers = split(layers);
        let rules: Vec<Rule> = split(rules)
            .iter()
            .map(|rule| Rule::named(rule, &layers))
            .collect();
        table.extend(layers.into_iter().map(|layer| (layer, rules.clone())));
    }
    table
}

/// Every import that the table forbids, as `file: path`.
fn violations(src: &Path, table: &Table) -> Vec<String> {
    let sources = Source::all(src);
    for layer in table.keys() {
        let is_there = sources.iter().any(|source| source.layer() == layer);
        assert!(is_there, "there is no layer `{layer}` in {}", src.display());
    }
    sources
        .iter()
        .flat_map(|source| {
            let rules = table.get(source.layer()).into_iter().flatten();
            rules.filter_map(|rule| Some(format!("{}: {}", source.name, rule.broken_by(source)?)))
        })
        .collect()
}

#[test]
fn no_layer_imports_what_the_table_forbids() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table = table(&fs::read_to_string(src.join("lib.rs")).unwrap());
    assert!(table.len() >= 12, "the table has its layers");
    assert_eq!(violations(&src, &table), [""; 0]);
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
    let lib = "//! | layer | may not import |\n//! |---|---|\n\
               //! | plan | db, the clock |\n//! | model, text | anything of ours but each other |\n\
               //! | commands | SQL, printing |\n//! | engine | a database by name |\n";
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
        ("commands/mod.rs", "fn f() { said(\"x SELECT\"); }\n"),
        ("engine.rs", "use crate::db::{Session, fault::Fault};\n"),
        ("db/mod.rs", "use crate::plan::Plan;\n"),
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
        assert_eq!(
            violations(folder.path(), &table(lib)),
            [format!("{name}: {path}")]
        );
        fs::remove_file(folder.path().join(name)).unwrap();
    }
}
