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

use crate::bundle::BundleError;
use crate::db::url::without_user_info;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::error::{Error, Forbidden, Why};
use crate::formats::FormatError;
use crate::plan::drift::Drift;
use crate::sources::SourceError;
use crate::sql::variables::{VariableError, VariableErrorKind};
use crate::text::{SourceFile, Span, shell_word};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

pub(crate) use alembic::overtaken;
pub(crate) use config::{no_effect_on_alembic, unknown, unused_parameter};
pub(crate) use database::{not_remembered, tables_without_history};
pub(crate) use drift::{drift as disagreement, drifts as disagreements};
pub(crate) use merged::deviation;
pub(crate) use migration::empty;

impl Error {
    /// What is to be said about it.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        diagnostic(self)
    }
}

/// An error, where it is tolerated.
pub(crate) fn as_warning(error: &Error) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        ..error.diagnostic()
    }
}

/// Tolerated disagreements: all that no file has in one.
pub(crate) fn warnings(drifts: &[Drift]) -> Vec<Diagnostic> {
    disagreements(drifts)
        .into_iter()
        .map(|said| Diagnostic {
            severity: Severity::Warning,
            ..said
        })
        .collect()
}

/// What is to be said. Whatever it quotes, a file, a setting or a server, may
/// hold a URL: its user and password are left out.
fn diagnostic(error: &Error) -> Diagnostic {
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
        Error::AlembicLocation(error) => alembic::location(error),
        Error::Allow(error) => rebuild::allow(error),
        Error::Baseline(error) => revert::baseline(error),
        Error::Bundle(error) => bundle(error),
        Error::Config(error) => config::config(error),
        Error::Database(fault) => database::fault(fault),
        Error::CodeInOneTransaction { path } => Diagnostic::error(
            "code_in_one_transaction",
            format!("{path} is written in Rust, and cannot be part of a run in one transaction"),
        )
        .help("run with --transaction each: each migration in Rust has its own transaction"),
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
                "{} begins with `-- no-transaction`, but the whole run is to be one transaction",
                file.path()
            ),
        )
        .at(
            Some(Place::new(file, first_line(file, file.span()))),
            "here",
        )
        .help(
            "run with --transaction each; or first apply everything up to and including it, with \
             --transaction each and --to",
        ),
        Error::NeedsSecondConnection => Diagnostic::error(
            "needs_second_connection",
            "the pool has no second connection for the lock, which is needed for a file that \
             begins with `-- no-transaction`, for a half applied migration and for Alembic",
        )
        .help("use the database's direct port (on DigitalOcean 25060), or a pool of two or more"),
        Error::NoSourceTree { dir } => Diagnostic::error(
            "no_source_tree",
            format!("the migrations of {dir} are inside this program; {dir} does not exist here"),
        )
        .help("run it in the folder of the package's Cargo.toml, or set the folder with --dir"),
        Error::NoFolder { root, looked, deep } => no_folder(root, looked, deep.as_deref()),
        Error::Plan(error) => drift::plan(error),
        Error::Rewritten {
            file,
            span,
            statement,
        } => Diagnostic::error(
            "half_applied_and_edited",
            format!(
                "{} is half applied, but its statement {statement} is not the one that was applied",
                file.path()
            ),
        )
        .at(Some(Place::new(file, first_line(file, *span))), "here")
        .help("restore the statements that were applied; only those after them may change"),
        Error::TooLong(error) => platform::too_long(error),
        Error::Declined => Diagnostic::error("declined", "cancelled: you answered no")
            .help("run it again and answer y, or use --yes to skip the question"),
        Error::RebuildLoses(error) => rebuild::loses(error),
        Error::Repair(error) => revert::repair(error),
        Error::Revert(error) => revert::revert(error),
        Error::Source(error) => source(error),
        Error::Split { file, error } => Diagnostic::error("unterminated_sql", error.to_string())
            .at(
                Some(Place::new(file, error.span)),
                "it begins here and is never closed",
            )
            .help("close it; if the file is correct, please report this as a bug in migrate"),
        Error::Stopped(stopped) => stopped::stopped(stopped),
        Error::Variable { file, error } => variable(file, error),
        Error::Unrecorded(fault) => database::unrecorded(fault),
        Error::Usage { said } => usage(said),
        Error::Unexpected { what } => Diagnostic::error("internal_error", what.clone())
            .help("this is a bug in migrate: please report it with this output"),
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
            format!("{}: {name} is not a valid variable name", file.path()),
            "after `-- migrate:env` use letters, digits and _; the first character cannot be a \
             digit"
                .to_owned(),
        ),
        VariableErrorKind::Misplaced => (
            "misplaced_variable",
            format!(
                "{}: {name} is declared after the comment lines at the beginning of the file, so \
                 nothing would be filled in",
                file.path()
            ),
            "move the line `-- migrate:env` up, before everything except other `--` \
             lines"
                .to_owned(),
        ),
        VariableErrorKind::Missing => (
            "missing_variable",
            format!("{}: the variable {name} is not set", file.path()),
            format!("set {name} where this process runs; an empty value is allowed"),
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
            Diagnostic::error("file_exists", format!("{} already exists", shown(path)))
                .help("run it again: another process has created the same file in the meantime")
        }
        SourceError::Missing { path } => {
            Diagnostic::error("missing_folder", format!("{} does not exist", shown(path))).help(
                "set the migrations folder with --dir, MIGRATE_DIR or `dir` in migrate.toml, \
                 relative to the working directory",
            )
        }
        SourceError::NotAFolder { path } => {
            Diagnostic::error("not_a_folder", format!("{} is not a folder", shown(path)))
                .help("use the folder that contains the migrations")
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
            ErrorKind::IsADirectory => "expected a file, not a folder",
            ErrorKind::NotFound => "it is a broken symbolic link: restore its target, or remove it",
            ErrorKind::PermissionDenied => "allow the user that runs this process to read it",
            _ => "make it readable, or remove it",
        }),
        SourceError::Unwritable { path, cause } => Diagnostic::error(
            "unwritable",
            format!("{} cannot be written: {cause}", shown(path)),
        )
        .help(match cause.kind() {
            ErrorKind::ReadOnlyFilesystem => {
                "the file system is read-only, as in many images: run this where the source code is"
            }
            ErrorKind::StorageFull => "the disk is full: free some space, then run it again",
            _ => {
                "check that the folder is writable, and that the file's name is at most 255 bytes \
                 long"
            }
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
            format!("{path}: `{prefix}` before the first underscore is not a version number"),
        )
        .help(if is_of_macos(path) {
            OF_MACOS
        } else {
            "name it VERSION_NAME.sql, as in 20260131120000_create_users.sql; sqlx rejects it too"
        }),
        FormatError::Configuration {
            file,
            span,
            message,
        } => Diagnostic::error(
            "bad_sqlx_toml",
            format!("{} is invalid: {}", file.path(), one_line(message)),
        )
        .at(Some(Place::new(file, *span)), "here")
        .help("correct it: an ignored setting could mean another history table"),
        FormatError::DuplicateVersion {
            version,
            first,
            second,
        } => Diagnostic::error(
            "duplicate_version",
            format!("{first} and {second} both have version {version}"),
        )
        .help("give a new version to the one that no database has applied"),
        FormatError::Foreign {
            path,
            tool,
            because,
        } => Diagnostic::error(
            "foreign_format",
            format!("{path} is written for {tool}: {because}"),
        )
        .help(format!(
            "migrate does not support that format, and to run it as plain SQL would do harm: use \
             {tool}, or set another folder with --dir (for a build: BP_MIGRATE_DIR)"
        )),
        FormatError::Graph(error) => alembic::graph(error),
        FormatError::NoMigrations { dir, sql_files } => {
            let held = if sql_files.is_empty() {
                format!("{dir} contains no SQL files")
            } else {
                format!(
                    "{dir} contains no file named VERSION_NAME.sql, only {}",
                    some_of(sql_files)
                )
            };
            Diagnostic::error("no_migrations", held).help(
                "put the migrations there, with names such as 20260131120000_create_users.sql, or \
                 set another folder with --dir (for a build: BP_MIGRATE_DIR)",
            )
        }
        FormatError::NoVersionLeft { path } => Diagnostic::error(
            "no_version_left",
            format!("no version sorts after the version of {path}"),
        )
        .help("give that file a smaller version; a version is a 64-bit whole number"),
        FormatError::NotUtf8 { file, offset } => not_utf8(file, *offset, *offset),
        FormatError::Unreadable(unreadable) => alembic::no_answer(unreadable, "not asked"),
    }
}

fn forbidden(forbidden: &Forbidden) -> Diagnostic {
    let (code, title, help) = match forbidden.why {
        Why::Copy => (
            "copy_from_client",
            "COPY from STDIN or to STDOUT cannot be part of a migration".to_owned(),
            "write the rows as INSERT, or load them outside of the migrations",
        ),
        Why::IgnoredInTransaction { what } => (
            "ignored_in_transaction",
            format!("{what} has no effect inside a transaction, and SQLite does not report this"),
            rebuild::SAFE_FORM,
        ),
        Why::NoTransaction { what } => (
            "needs_no_transaction",
            format!("{what} cannot run inside a transaction"),
            "move it to its own file, which begins with the line `-- no-transaction`",
        ),
        Why::Nul => (
            "nul_character",
            "the file contains a NUL character, where the database would stop reading".to_owned(),
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
            "put the setting into the file whose statements need it: each migration begins in a \
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
            "remove it; or begin the file with `-- no-transaction`, which allows whole \
             transactions; for a file that is already published, allow it in migrate.toml: \
             [migration.VERSION] allow = [\"transaction_control\"]",
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
        format!("{path} is not UTF-8 text: byte {} is invalid", byte + 1),
    )
    .at(Some(Place::new(file, Span::new(at, at))), "invalid")
    .help(if is_of_macos(path) {
        OF_MACOS
    } else {
        "save it as UTF-8"
    })
}

/// What macOS puts beside a file that it copies to another file system.
const OF_MACOS: &str =
    "remove this hidden file, which macOS created beside the real one: find . -name '._*' -delete";

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
            format!("{root} has no migrations folder ({usual})"),
        )
        .help(
            "set the folder with --dir, MIGRATE_DIR, `dir` in migrate.toml, or for a build \
             BP_MIGRATE_DIR",
        );
    };
    Diagnostic::error(
        "no_migrations_folder",
        format!("{root} has no migrations folder, but it has {folder}/alembic.ini"),
    )
    .help(format!(
        "to use it, set its folder: --dir {}, MIGRATE_DIR, `dir` in migrate.toml, or for a build \
         BP_MIGRATE_DIR",
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
            (ErrorKind::PermissionDenied, "is writable"),
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
