//! Words for tables of SQLite that are dropped and made anew.

use super::first_line;
use crate::config::nearest;
use crate::db::dependents::sentence;
use crate::diagnostic::{Diagnostic, Place};
use crate::error::{BadAllow, DropCascades, RebuildLoses, WhyNotAllowed};
use crate::model::Rule;

/// How a table is rebuilt without a loss.
pub(super) const SAFE_FORM: &str = "to rebuild a table, write all of it in one file whose first \
    line is `-- no-transaction`: `PRAGMA foreign_keys = OFF;`, then CREATE TABLE of the new table, \
    INSERT … SELECT, DROP TABLE of the old one, ALTER TABLE … RENAME TO, its indexes and triggers \
    again, and at the end `PRAGMA foreign_keys = ON;` (docs/concepts/sqlite-rebuild.md)";

/// How it is said that the rows may go.
const MEANT: &str = "if this is intended, write the line `-- migrate:allow drop_cascades REASON` before the \
     statement, or allow it in migrate.toml under [migration.VERSION]";

/// What to do about a DROP TABLE that was not sent.
pub(super) fn keep_rows() -> String {
    format!("{SAFE_FORM}; {MEANT}")
}

pub(super) fn drop_cascades(error: &DropCascades) -> Diagnostic {
    let table = &error.table;
    let title = if error.losses.is_empty() {
        let children: Vec<String> = error
            .children
            .iter()
            .map(|(child, on_delete)| format!("{child} (ON DELETE {})", on_delete.words()))
            .collect();
        format!(
            "DROP TABLE {table} also deletes or changes the rows that refer to it, if there are \
             any at that time: {}",
            children.join(", ")
        )
    } else {
        format!("DROP TABLE {table} would {}", sentence(&error.losses))
    };
    // A name may be the value of a variable.
    Diagnostic::error("drop_cascades", error.file.without_values(&title))
        .at(
            Some(Place::new(&error.file, first_line(&error.file, error.span))),
            "here",
        )
        .note(
            "foreign keys are on, so SQLite first deletes every row of the table, as DELETE would",
        )
        .help(keep_rows())
}

pub(super) fn loses(error: &RebuildLoses) -> Diagnostic {
    let objects: Vec<String> = error
        .objects
        .iter()
        .map(|(kind, name)| format!("{kind} {name}"))
        .collect();
    let title = format!(
        "the rebuild of {} does not create these again: {}",
        error.table,
        objects.join(", ")
    );
    Diagnostic::error("rebuild_loses_objects", error.file.without_values(&title))
        .at(
            Some(Place::new(&error.file, first_line(&error.file, error.span))),
            "they are dropped with the table",
        )
        .help("create them again after the RENAME; if you do not need them, DROP them before")
}

pub(super) fn allow(error: &BadAllow) -> Diagnostic {
    let known = || Rule::NAMES.iter().map(|(name, _)| *name);
    let form = "write `-- migrate:allow RULE reason` on the line directly before the statement";
    let (title, help) = match &error.why {
        WhyNotAllowed::NoReason => (
            "`-- migrate:allow` gives no reason".to_owned(),
            "after the rule, write why it is allowed here".to_owned(),
        ),
        WhyNotAllowed::NoRule => (
            "`-- migrate:allow` names no rule".to_owned(),
            format!("{form}; rules: {}", known().collect::<Vec<_>>().join(", ")),
        ),
        WhyNotAllowed::NoStatement => (
            "no statement follows this `-- migrate:allow`".to_owned(),
            form.to_owned(),
        ),
        WhyNotAllowed::UnknownRule { name } => (
            format!("`-- migrate:allow` names an unknown rule: {name}"),
            match nearest(name, known()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("rules: {}", known().collect::<Vec<_>>().join(", ")),
            },
        ),
    };
    Diagnostic::error("bad_allow", error.file.without_values(&title))
        .at(Some(Place::new(&error.file, error.span)), "here")
        .help(help)
}
