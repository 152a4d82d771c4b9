//! Any text at all, split as each dialect: it does not panic, the pieces are the
//! text, and a statement by itself is one statement again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use migrate::sql::{self, Dialect};
use migrate::text::SourceFile;

fuzz_target!(|text: &str| {
    for dialect in [Dialect::Mysql, Dialect::Postgres, Dialect::Sqlite] {
        check(text, dialect);
    }
});

fn check(text: &str, dialect: Dialect) {
    let file = SourceFile::new("fuzz.sql", text);
    let statements = match sql::split(&file, dialect) {
        Ok(statements) => statements,
        Err(error) => {
            assert!(!file.slice(error.span).is_empty(), "{dialect:?}: {error}");
            return;
        }
    };

    let mut end = 0;
    for statement in &statements {
        assert!(!statement.span.is_empty(), "{dialect:?}: empty");
        assert!(statement.span.start >= end, "{dialect:?}: out of order");
        end = statement.span.end;
    }

    let gaps = sql::gaps(&file, &statements);
    assert_eq!(gaps.len(), statements.len() + 1);
    let mut together = String::new();
    for (number, gap) in gaps.iter().enumerate() {
        together.push_str(file.slice(*gap));
        if let Some(statement) = statements.get(number) {
            together.push_str(file.slice(statement.span));
        }
    }
    assert_eq!(together, text, "{dialect:?}: the pieces are not the text");

    for statement in &statements {
        let alone = file.slice(statement.span);
        if means_something_else_alone(alone, text, dialect) {
            continue;
        }
        let alone = SourceFile::new("fuzz.sql", alone);
        let again = sql::split(&alone, dialect).unwrap_or_default();
        assert!(
            matches!(again.as_slice(), [one] if one.span == alone.span()),
            "{dialect:?}: {:?} comes apart",
            alone.text(),
        );
    }
}

/// At the beginning of a file a byte order mark is no text, and at its end the `--`
/// of `5--1` is a comment. A delimiter means something only after its line.
fn means_something_else_alone(statement: &str, text: &str, dialect: Dialect) -> bool {
    statement.starts_with('\u{feff}')
        || statement.ends_with("--")
        || (dialect == Dialect::Mysql && text.to_ascii_uppercase().contains("DELIMITER"))
}
