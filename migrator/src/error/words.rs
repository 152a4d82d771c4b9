//! The only words for errors: what failed, where, and what to do next. Whether
//! anything was changed is the report's to say, which saw what was applied.

mod alembic;
mod config;
mod database;
mod drift;
mod merged;
mod migration;
mod place;
mod platform;
mod rebuild;
mod revert;
mod stopped;

use super::{Error, Forbidden, Why};
use crate::bundle::BundleError;
use crate::db::url::without_user_info;
use crate::diagnostic::{Diagnostic, Place};
use crate::formats::FormatError;
use crate::sources::SourceError;
use crate::sql::variables::{VariableError, VariableErrorKind};
use crate::text::{SourceFile, Span, shell_word};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

pub(super) use config::{no_effect_on_alembic, unknown, unused_parameter};
pub(super) use database::not_remembered;
pub(super) use drift::{drift, drifts};
pub(super) use merged::deviation;
pub(super) use migration::empty;

/// What is to be said. Whatever it quotes, a file, a setting or a server, may
/// hold a URL: its user and password are left out.
pub(super) fn diagnostic(error: &Error) -> Diagnostic {
    let said = of(error);
    Diagnostic {
        title: without_user_info(&said.title),
        label: without_user_info(&said.label),
        notes: said
            .notes
            .iter()
            .map(|note| without_user_info(note))
            .collect(),
        help: said.help,
        ..said
    }
}

fn of(error: &Error) -> Diagnostic {
    match error {
        Error::Alembic(error) => alembic::alembic(error),
        Error::Allow(error) => rebuild::allow(error),
        Error::Baseline(error) => revert::baseline(error),
        Error::Bundle(error) => bundle(error),
        Error::Config(error) => config::config(error),
        Error::Database(fault) => database::fault(fault),
        Error::CodeInOneTransaction { path } => Diagnostic::error(
            "code_in_one_transaction",
            format!("{path} is a migration written in Rust, and the run is to be one transaction"),
        )
        .help("run with --transaction each: code has a transaction of its own"),
        Error::Forbidden(forbidden) => self::forbidden(forbidden),
        Error::DropCascades(error) => rebuild::drop_cascades(error),
        Error::ForeignHistory {
            tool,
            table,
            create,
        } => database::foreign_history(tool, table, create),
        Error::Format(error) => format(error),
        Error::HistoryElsewhere {
            tables,
            missing,
            is_the_first,
        } => database::history_elsewhere(tables, missing, *is_the_first),
        Error::Git(error) => merged::git(error),
        Error::LockHeld(held) => database::lock_held(held),
        Error::Migration(failure) => migration::migration(failure),
        Error::NeedsItsOwnTransaction { file } => Diagnostic::error(
            "needs_its_own_transaction",
            format!(
                "{} asks for no transaction, and the run is to be one",
                file.path()
            ),
        )
        .at(
            Some(Place::new(file, first_line(file, file.span()))),
            "here",
        )
        .help("run with --transaction each, or apply what is before it and it with --to first"),
        Error::NeedsSecondConnection => Diagnostic::error(
            "needs_second_connection",
            "a file that begins with `-- no-transaction` is applied, a half applied migration \
             settled, and Alembic run only under the lock, and the pool has no second connection \
             for it",
        )
        .help("use the database's direct port (on DigitalOcean 25060), or a pool of two"),
        Error::NoSourceTree { dir } => Diagnostic::error(
            "no_source_tree",
            format!("this program carries {dir} inside it, and there is no {dir} here"),
        )
        .help("run it in the folder of the package's Cargo.toml, or name the folder with --dir"),
        Error::NoFolder { root, looked, deep } => no_folder(root, looked, deep.as_deref()),
        Error::Plan(error) => drift::plan(error),
        Error::Rewritten {
            file,
            span,
            statement,
        } => Diagnostic::error(
            "half_applied_and_edited",
            format!(
                "{} is half applied, and its statement {statement} is not the one that was applied",
                file.path()
            ),
        )
        .at(Some(Place::new(file, first_line(file, *span))), "here")
        .help("restore the statements that were applied; only those after them may change"),
        Error::TooLong(error) => platform::too_long(error),
        Error::Declined => Diagnostic::error("declined", "it was not agreed to")
            .help("run it again and agree, or with --yes, which asks nothing"),
        Error::RebuildLoses(error) => rebuild::loses(error),
        Error::Repair(error) => revert::repair(error),
        Error::Revert(error) => revert::revert(error),
        Error::Source(error) => source(error),
        Error::Split { file, error } => Diagnostic::error("unterminated_sql", error.to_string())
            .at(
                Some(Place::new(file, error.span)),
                "it begins here and has no end",
            )
            .help("end it; if the file is right, this is a bug of migrate that should be reported"),
        Error::Stopped(stopped) => stopped::stopped(stopped),
        Error::Variable { file, error } => variable(file, error),
        Error::Unrecorded(fault) => database::unrecorded(fault),
        Error::Usage { said } => usage(said),
        Error::Unexpected { what } => Diagnostic::error("internal_error", what.clone())
            .help("this is a bug of migrate: report it with this output"),
    }
}

/// The parser's own words: its first line, and what it says below that.
fn usage(said: &str) -> Diagnostic {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let title = lines.next().unwrap_or_default();
    let title = title.strip_prefix("error: ").unwrap_or(title);
    Diagnostic::error("usage", title)
        .notes(
            lines
                .filter(|line| !line.starts_with("For more information"))
                .map(str::to_owned),
        )
        .help("migrate --help shows the commands and their options")
}

fn variable(file: &Arc<SourceFile>, error: &VariableError) -> Diagnostic {
    let name = &error.name;
    let (code, title, help) = match error.kind {
        VariableErrorKind::BadName => (
            "bad_variable_name",
            format!("{}: {name} is no name of a variable", file.path()),
            "use letters, digits and _ after `-- migrate:env`, not beginning with a digit"
                .to_owned(),
        ),
        VariableErrorKind::Misplaced => (
            "misplaced_variable",
            format!(
                "{}: {name} is declared after the comment lines that open the file, so that \
                 nothing would be filled in",
                file.path()
            ),
            "move the line `-- migrate:env` up, before everything but other `--` lines".to_owned(),
        ),
        VariableErrorKind::Missing => (
            "missing_variable",
            format!("{}: the variable {name} is not set", file.path()),
            format!("set {name} where this process runs; an empty value is one, too"),
        ),
    };
    Diagnostic::error(code, title)
        .at(Some(Place::new(file, error.span)), "declared here")
        .help(help)
}

fn bundle(error: &BundleError) -> Diagnostic {
    match error {
        BundleError::Changed { path } => Diagnostic::error(
            "bundle_changed",
            format!(
                "{} is not the file that the build put there",
                path.display()
            ),
        )
        .help("build the image again; something has changed or deleted a file of its layer"),
        BundleError::Unreadable { path, message } => Diagnostic::error(
            "bundle_unreadable",
            format!("{} cannot be read: {message}", path.display()),
        )
        .help("build the image again with one version of the buildpack"),
    }
}

fn source(error: &SourceError) -> Diagnostic {
    match error {
        SourceError::Exists { path } => {
            Diagnostic::error("file_exists", format!("{} is there already", shown(path)))
                .help("run it again: somebody else has created the same file meanwhile")
        }
        SourceError::Missing { path } => {
            Diagnostic::error("missing_folder", format!("{} does not exist", shown(path))).help(
                "name the migrations folder with --dir, MIGRATE_DIR or `dir` in migrate.toml, \
                 relative to the working directory",
            )
        }
        SourceError::NotAFolder { path } => {
            Diagnostic::error("not_a_folder", format!("{} is not a folder", shown(path)))
                .help("name the folder that holds the migrations")
        }
        SourceError::NotUtf8 { path, text, offset } => {
            // A configuration may hold a password: only places are shown.
            let blank = |c: char| if c == '\n' { c } else { ' ' };
            let blanks: String = text.chars().map(blank).collect();
            let file = SourceFile::new(shown(path).to_string(), blanks);
            not_utf8(&Arc::new(file), text[..*offset].chars().count(), *offset)
        }
        SourceError::Unreadable { path, cause } => Diagnostic::error(
            "unreadable",
            format!("{} cannot be read: {cause}", shown(path)),
        )
        .help(match cause.kind() {
            ErrorKind::IsADirectory => "a file belongs there, not a folder",
            ErrorKind::NotFound => {
                "it is a link that leads nowhere: restore what it leads to, or remove it"
            }
            ErrorKind::PermissionDenied => {
                "give the user that runs this process the right to read it"
            }
            _ => "put a file there that can be read, or remove it",
        }),
        SourceError::Unwritable { path, cause } => Diagnostic::error(
            "unwritable",
            format!("{} cannot be written: {cause}", shown(path)),
        )
        .help(match cause.kind() {
            ErrorKind::ReadOnlyFilesystem => {
                "the file system is read-only, as an image's may be: run it where the source is kept"
            }
            ErrorKind::StorageFull => "the disk is full: make room, then run it again",
            _ => "see that the folder may be written, and that the name is no longer than 255 bytes",
        }),
    }
}

/// A path as a person knows it: from the working directory.
fn shown(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix(".").unwrap_or(path).display()
}

fn format(error: &FormatError) -> Diagnostic {
    match error {
        FormatError::BadVersion { path, prefix } => Diagnostic::error(
            "bad_version",
            format!("{path}: `{prefix}` before the first underscore is no version number"),
        )
        .help(if is_of_macos(path) {
            OF_MACOS
        } else {
            "name it VERSION_NAME.sql, as in 20260131120000_create_users.sql; sqlx rejects it, too"
        }),
        FormatError::Configuration {
            file,
            span,
            message,
        } => Diagnostic::error(
            "bad_sqlx_toml",
            format!("{} cannot be obeyed: {}", file.path(), one_line(message)),
        )
        .at(Some(Place::new(file, *span)), "here")
        .help("correct it: a setting that is passed over could mean another history table"),
        FormatError::DuplicateVersion {
            version,
            first,
            second,
        } => Diagnostic::error(
            "duplicate_version",
            format!("{first} and {second} both have version {version}"),
        )
        .help("give the one that is applied nowhere a version of its own"),
        FormatError::Foreign {
            path,
            tool,
            because,
        } => Diagnostic::error(
            "foreign_format",
            format!("{path} is written for {tool}: {because}"),
        )
        .help(format!(
            "migrate does not read that format; run as plain SQL it would do harm. Use {tool}, or \
             name another folder with --dir (for a build: BP_MIGRATE_DIR)"
        )),
        FormatError::Graph(error) => alembic::graph(error),
        FormatError::NoMigrations { dir, sql_files } => {
            let held = if sql_files.is_empty() {
                format!("{dir} holds no SQL files")
            } else {
                format!(
                    "{dir} holds no file named VERSION_NAME.sql, only {}",
                    some_of(sql_files)
                )
            };
            Diagnostic::error("no_migrations", held).help(
                "put the migrations there, named as in 20260131120000_create_users.sql, or name \
                 another folder with --dir (for a build: BP_MIGRATE_DIR)",
            )
        }
        FormatError::NoVersionLeft { path } => Diagnostic::error(
            "no_version_left",
            format!("no version sorts after that of {path}"),
        )
        .help("give that file a smaller version; a version is a whole number of 64 bits"),
        FormatError::NotUtf8 { file, offset } => not_utf8(file, *offset, *offset),
        FormatError::Unreadable(unreadable) => alembic::no_answer(unreadable, "not asked"),
    }
}

fn forbidden(forbidden: &Forbidden) -> Diagnostic {
    let (code, title, help) = match forbidden.why {
        Why::Copy => (
            "copy_from_client",
            "COPY from or to the client's own streams cannot be part of a migration".to_owned(),
            "write the rows as INSERT, or load them outside of the migrations",
        ),
        Why::IgnoredInTransaction { what } => (
            "ignored_in_transaction",
            format!("{what} does nothing inside a transaction, and SQLite does not say so"),
            rebuild::SAFE_FORM,
        ),
        Why::NoTransaction { what } => (
            "needs_no_transaction",
            format!("{what} cannot run inside a transaction"),
            "give it a file of its own that begins with the line `-- no-transaction`",
        ),
        Why::Nul => (
            "nul_character",
            "a NUL character would end the text for the database".to_owned(),
            "remove it; if there are many, save the file as UTF-8",
        ),
        Why::PsqlCommand => (
            "psql_command",
            "this is a command of psql, not SQL".to_owned(),
            "remove it: the database does not understand it",
        ),
        Why::SessionOnly => (
            "session_only",
            "this file only changes settings of the session, so it has no effect on other files"
                .to_owned(),
            "write the setting into the file whose statements need it: each migration begins in a \
             fresh session",
        ),
        Why::SetsForItself => (
            "setting_ends",
            format!(
                "`{}` ends with this file, and later files are still to be applied",
                one_line(forbidden.file.slice_as_written(forbidden.span))
            ),
            "write the same line into each later file that needs it: each migration begins in a \
             fresh session",
        ),
        Why::TransactionControl => (
            "transaction_control",
            "a migration may not begin or end a transaction itself".to_owned(),
            "remove it; or begin the file with `-- no-transaction`, where whole transactions may \
             stand; a published file is allowed it in migrate.toml: [migration.VERSION] allow = \
             [\"transaction_control\"]",
        ),
    };
    Diagnostic::error(code, title)
        .at(Some(Place::new(&forbidden.file, forbidden.span)), "here")
        .help(help)
}

/// Where a file is no text: the place in what is shown of it, and the byte of the
/// file.
fn not_utf8(file: &Arc<SourceFile>, at: usize, byte: usize) -> Diagnostic {
    let path = file.path();
    Diagnostic::error(
        "not_utf8",
        format!(
            "{path} is not UTF-8 text: byte {} is no character",
            byte + 1
        ),
    )
    .at(Some(Place::new(file, Span::new(at, at))), "no character")
    .help(if is_of_macos(path) {
        OF_MACOS
    } else {
        "save it as UTF-8"
    })
}

/// What macOS puts beside a file that it copies to another file system.
const OF_MACOS: &str = "remove this hidden file, which macOS has put beside the real one: find . \
                        -name '._*' -delete";

fn is_of_macos(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("._")
}

/// A few of many names.
fn some_of(names: &[String]) -> String {
    let shown = names.len().min(3);
    let more = match names.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names[..shown].join(", "))
}

fn no_folder(root: &Path, looked: &[&str], deep: Option<&str>) -> Diagnostic {
    let root = root.display();
    let Some(folder) = deep else {
        let usual: Vec<_> = looked.iter().map(|dir| format!("{dir}/")).collect();
        let usual = usual.join(", ");
        return Diagnostic::error(
            "no_migrations_folder",
            format!("{root} has no folder of migrations ({usual})"),
        )
        .help(
            "name the folder with --dir, MIGRATE_DIR, `dir` in migrate.toml, or for a build \
             BP_MIGRATE_DIR",
        );
    };
    Diagnostic::error(
        "no_migrations_folder",
        format!("{root} has no folder of migrations, but {folder}/alembic.ini"),
    )
    .help(format!(
        "if it is meant, name its folder: --dir {}, MIGRATE_DIR, `dir` in migrate.toml, or for a \
         build BP_MIGRATE_DIR",
        shell_word(folder)
    ))
}

/// A library's message, which may have several lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first line of a span: a caret under a whole statement helps nobody.
fn first_line(file: &SourceFile, span: Span) -> Span {
    let text = file.slice(span);
    let length = text.find('\n').unwrap_or(text.len());
    Span::new(span.start, span.start + text[..length].trim_end().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn what_cannot_be_written_has_a_step_for_its_cause() {
        for (kind, said) in [
            (
                ErrorKind::ReadOnlyFilesystem,
                "the file system is read-only",
            ),
            (ErrorKind::StorageFull, "the disk is full"),
            (ErrorKind::PermissionDenied, "may be written"),
        ] {
            let error = SourceError::Unwritable {
                path: "migrations/1_a.sql".into(),
                cause: io::Error::from(kind),
            };
            let help = source(&error).help.unwrap_or_default();
            assert!(help.contains(said), "{kind}: {help}");
        }
    }
}
