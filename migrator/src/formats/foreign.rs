//! Telling other tools' folders. A goose file run as sqlx's would run its Up *and*
//! its Down. What this page knows is refused by name until the project reads that
//! format itself.
//!
//! golang-migrate's files (`1_a.up.sql`) are sqlx's to the letter and mean the
//! same; only its table tells it apart.

use super::FormatError;
use crate::sources::{Content, Entry, Listing};

/// What only one tool's files have at the start of a line, after `--` and, as
/// these tools read it, any white space.
const DIRECTIVES: [(&str, &str); 4] = [
    ("+goose", "goose"),
    ("+migrate", "sql-migrate"),
    ("migrate:up", "dbmate"),
    ("liquibase formatted sql", "Liquibase"),
];

/// The same, exactly as it stands.
const MARKS: [(&str, &str); 2] = [
    ("--! Previous:", "graphile-migrate"),
    ("--> statement-breakpoint", "Drizzle"),
];

/// A name that only one tool has in its folder.
const NAMES: [(&str, &str); 4] = [
    ("atlas.sum", "Atlas"),
    ("env.py", "Alembic"),
    ("migration_lock.toml", "Prisma"),
    ("__init__.py", "Django"),
];

/// Refuses a folder that another tool wrote.
///
/// # Errors
/// [`FormatError::Foreign`] with the tool, and what gave it away.
pub fn refuse(listing: &Listing) -> Result<(), FormatError> {
    for entry in &listing.entries {
        if let Some((tool, because)) = tool(entry) {
            return Err(FormatError::Foreign {
                path: listing.path(&entry.name),
                tool,
                because,
            });
        }
    }
    Ok(())
}

fn tool(entry: &Entry) -> Option<(&'static str, String)> {
    let by_name = NAMES
        .iter()
        .find(|(name, _)| entry.name == *name)
        .map(|(name, tool)| (*tool, format!("the name `{name}`")));
    match &entry.content {
        Content::Other => by_name,
        Content::File(bytes) => {
            by_text(bytes).or_else(|| by_version_prefix(&entry.name).or(by_name))
        }
        Content::Folder(names) => {
            let holds = |name: &str| names.iter().any(|held| held == name);
            if entry.name == "meta" && holds("_journal.json") {
                Some(("Drizzle", "`meta/_journal.json`".to_owned()))
            } else if holds("migration.sql") {
                Some((
                    "Prisma or Drizzle",
                    "`migration.sql` in a folder".to_owned(),
                ))
            } else if holds("up.sql") {
                Some(("Diesel", "`up.sql` in a folder".to_owned()))
            } else {
                None
            }
        }
    }
}

fn by_text(bytes: &[u8]) -> Option<(&'static str, String)> {
    // A file that is no UTF-8 is the format's error, not a sign of another tool.
    let text = std::str::from_utf8(bytes).ok()?;
    text.trim_start_matches('\u{feff}')
        .lines()
        .find_map(|line| {
            let comment = line.strip_prefix("--").unwrap_or_default().trim_start();
            let directives = DIRECTIVES.iter().map(|row| (comment, row));
            let marks = MARKS.iter().map(|row| (line, row));
            directives
                .chain(marks)
                .find(|(text, (start, _))| starts_with_ignoring_case(text, start))
                .map(|(_, (start, tool))| (*tool, format!("a comment that begins with `{start}`")))
        })
}

/// Flyway and refinery: `V1__name.sql`, also `U1__`, `B1__` and `R__name.sql`.
fn by_version_prefix(name: &str) -> Option<(&'static str, String)> {
    let (prefix, _) = name.split_once("__")?;
    let mut letters = prefix.chars();
    let letter = letters.next()?;
    let number = letters.as_str();
    let versioned = matches!(letter, 'V' | 'U' | 'B')
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number
            .chars()
            .all(|c| c.is_ascii_digit() || c == '.' || c == '_');
    (versioned || (letter == 'R' && number.is_empty())).then(|| {
        (
            "Flyway or refinery",
            format!("a name that begins with `{prefix}__`"),
        )
    })
}

fn starts_with_ignoring_case(line: &str, directive: &str) -> bool {
    line.get(..directive.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(directive))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, content: Content) -> Option<&'static str> {
        let entry = Entry {
            name: name.into(),
            content,
        };
        tool(&entry).map(|(tool, _)| tool)
    }

    fn sql(text: &str) -> Content {
        Content::File(text.as_bytes().to_vec())
    }

    fn folder(names: &[&str]) -> Content {
        Content::Folder(names.iter().map(|&name| name.into()).collect())
    }

    #[test]
    fn each_tool_is_told_by_what_only_it_writes() {
        for (name, content, tool) in [
            ("1_a.sql", sql("-- +goose Up\nCREATE"), "goose"),
            ("1_a.sql", sql("\u{feff}-- +GOOSE up"), "goose"),
            ("1_a.sql", sql("-- x\r\n-- migrate:up\r\n"), "dbmate"),
            ("1_a.sql", sql("-- +migrate Up"), "sql-migrate"),
            ("1_a.sql", sql("--+goose Up"), "goose"),
            ("1_a.sql", sql("--migrate:up"), "dbmate"),
            ("1_a.sql", sql("--   liquibase formatted sql"), "Liquibase"),
            (
                "0000_a.sql",
                sql("A;\n--> statement-breakpoint\nB;"),
                "Drizzle",
            ),
            ("1_a.sql", sql("--! Previous: -\n"), "graphile-migrate"),
            ("V1__init.sql", sql(""), "Flyway or refinery"),
            ("V1_2__init.sql", sql(""), "Flyway or refinery"),
            ("R__views.sql", sql(""), "Flyway or refinery"),
            ("meta", folder(&["_journal.json"]), "Drizzle"),
            ("2026_a", folder(&["up.sql", "down.sql"]), "Diesel"),
            ("2026_a", folder(&["migration.sql"]), "Prisma or Drizzle"),
            ("migration_lock.toml", Content::Other, "Prisma"),
            ("atlas.sum", Content::Other, "Atlas"),
        ] {
            assert_eq!(told(name, content), Some(tool), "{name}");
        }
    }

    #[test]
    fn what_sqlx_writes_is_nobody_elses() {
        for (name, content) in [
            ("1_a.sql", sql("SELECT '-- +goose Up';\n  -- goose")),
            ("1_V1__a.sql", sql("")),
            ("README.md", Content::Other),
            ("repeatable", folder(&["views.sql"])),
        ] {
            assert_eq!(told(name, content), None, "{name}");
        }
    }
}
