//! Words for what is wrong with an Alembic project.

use super::one_line;
use crate::diagnostic::{Diagnostic, Place};
use crate::formats::GraphError;
use crate::formats::alembic::{AlembicError, Head, LocationError, Unreadable};
use crate::text::shell_word;

pub(super) fn alembic(error: &AlembicError) -> Diagnostic {
    match error {
        AlembicError::NotAlone { command, others } => Diagnostic::error(
            "alembic_not_alone",
            if others.is_empty() {
                format!("`{command}` would not do everything that was asked for")
            } else {
                format!("`{command}` would also change {}", others.join(", "))
            },
        )
        .help("use another version with --to that includes these, or run Alembic by hand"),
        AlembicError::SeveralHeads {
            heads,
            folder,
            options,
        } => several_heads(heads, folder, options),
        AlembicError::NoAnswer { unreadable, said } => no_answer(unreadable, said),
        AlembicError::Unreached {
            table,
            database,
            expected,
            found,
        } => Diagnostic::error(
            "alembic_unreached",
            format!(
                "Alembic exited successfully, but {table} in {database} is at {}; expected {}",
                list(found),
                list(expected)
            ),
        )
        .help(
            "check that env.py connects to the URL of this variable, that it commits, and that \
             --table names its version_table (with version_table_schema)",
        ),
        AlembicError::NoCommand { looked, cause } => Diagnostic::error(
            "alembic_not_found",
            format!("Alembic cannot be started: {cause}"),
        )
        .note(format!("looked for: {}", looked.join(", ")))
        .help(
            "install the project's dependencies where this runs (poetry sync --only main), or put \
             its virtual environment's bin folder on PATH",
        ),
        AlembicError::Failed {
            is_after,
            exception,
            sql,
            place,
        } => Diagnostic::error(
            "alembic_failed",
            if *is_after {
                format!("Alembic failed after its last revision: {exception}")
            } else {
                format!("Alembic failed before its first revision: {exception}")
            },
        )
        .notes(place.as_ref().map(|place| format!("at {place}")))
        .notes(
            sql.as_ref()
                .map(|sql| format!("its SQL was: {}", one_line(sql))),
        )
        .help(
            "see its output above: env.py, a module that it imports, or its connection failed; \
             correct that, then run migrate up again",
        ),
        AlembicError::Refused { command, said } => {
            Diagnostic::error("alembic_refused", format!("`{command}` failed: {said}"))
                .help("run it by hand to see its full output")
        }
    }
}

pub(super) fn location(error: &LocationError) -> Diagnostic {
    match error {
        LocationError::BesideSql { config, dir } => Diagnostic::error(
            "two_formats",
            format!("{config} configures Alembic, but {dir} contains SQL migrations"),
        )
        .help(
            "choose one: --format alembic or --format sqlx (MIGRATE_FORMAT, or `format` in \
             migrate.toml)",
        ),
        LocationError::Configuration { path, message } => Diagnostic::error(
            "bad_alembic_configuration",
            format!("{path} cannot be read: {message}"),
        )
        .help("correct it: Alembic could not read it either"),
        LocationError::NoConfiguration { dir } => Diagnostic::error(
            "no_alembic_configuration",
            format!("{dir} contains neither alembic.ini nor a pyproject.toml with [tool.alembic]"),
        )
        .help("set the folder that contains it with --dir, MIGRATE_DIR or `dir` in migrate.toml"),
        LocationError::NoLocation {
            path,
            section,
            others,
        } => no_location(path, section, others),
        LocationError::NoSection {
            path,
            section,
            origin,
            known,
            nearest,
        } => no_section(path, section, origin, known, nearest.as_deref()),
        LocationError::NoPackage {
            path,
            packages,
            said,
        } => Diagnostic::error(
            "alembic_package_not_found",
            format!(
                "{path} names {}, which is not in this project, and Python could not find it",
                packages.join(", ")
            ),
        )
        .note(format!("Python: {said}"))
        .help(
            "install the project's dependencies where this runs (poetry sync --only main), or \
             correct script_location and version_locations",
        ),
        LocationError::NoVersions { path } => Diagnostic::error(
            "missing_folder",
            format!("{} does not exist", path.display()),
        )
        .help("check script_location and version_locations in alembic.ini"),
        LocationError::SeveralConfigurations { paths } => Diagnostic::error(
            "several_alembic_configurations",
            format!(
                "there are several configurations of Alembic: {}",
                paths.join(", ")
            ),
        )
        .help("choose one: set its folder with --dir, MIGRATE_DIR or `dir` in migrate.toml"),
    }
}

fn no_location(path: &str, section: &str, others: &[String]) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        "no_script_location",
        format!(
            "{path} has no script_location in [{section}], so it does not say where the revisions \
             are"
        ),
    );
    match others {
        [] => diagnostic.help(format!(
            "set script_location in its [{section}] section; Flask-Migrate projects are not \
             supported yet: run `flask db upgrade` for them"
        )),
        others => diagnostic
            .note(format!("it has one in {}", sections(others)))
            .help(
                "choose one of these with --alembic-section, MIGRATE_ALEMBIC_SECTION or \
                 `alembic-section` in migrate.toml",
            ),
    }
}

fn no_section(
    path: &str,
    section: &str,
    origin: &str,
    known: &[String],
    nearest: Option<&str>,
) -> Diagnostic {
    let has = match known {
        [] => "none for Alembic".to_owned(),
        known => sections(known),
    };
    let help = nearest.map_or_else(
        || "use a section that exists: Alembic would read nothing from the file".to_owned(),
        |nearest| format!("did you mean `{nearest}`?"),
    );
    Diagnostic::error(
        "unknown_alembic_section",
        format!("{origin} names the section [{section}], but {path} has {has}"),
    )
    .help(help)
}

fn sections(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("[{name}]")).collect();
    names.join(", ")
}

pub(super) fn graph(error: &GraphError) -> Diagnostic {
    match error {
        GraphError::Cycle { ids } => Diagnostic::error(
            "alembic_cycle",
            format!(
                "these revisions depend on each other in a circle: {}",
                ids.join(", ")
            ),
        )
        .help("correct the down_revision of one of them"),
        GraphError::Duplicate {
            id,
            first,
            second,
            span,
        } => Diagnostic::error(
            "duplicate_version",
            format!(
                "{} and {} are both revision {id}",
                first.path(),
                second.path()
            ),
        )
        .at(Some(Place::new(second, *span)), "the same revision again")
        .help("give a new revision identifier to the one that no database has applied"),
        GraphError::MissingParent {
            id,
            parent,
            file,
            span,
        } => Diagnostic::error(
            "alembic_missing_revision",
            format!("{id} follows {parent}, which has no file"),
        )
        .at(Some(Place::new(file, *span)), "no file has this revision")
        .help(format!(
            "restore the file of {parent} (it may be on a branch that is not merged), or correct \
             this down_revision"
        )),
    }
}

fn several_heads(heads: &[Head], folder: &str, options: &[String]) -> Diagnostic {
    let ids: Vec<_> = heads.iter().map(|head| head.id.as_str()).collect();
    let at = match folder {
        "." => String::new(),
        folder => format!("cd {} && ", shell_word(folder)),
    };
    let options: String = options
        .iter()
        .map(|word| {
            if word.starts_with('-') {
                format!(" {word}")
            } else {
                format!(" {}", shell_word(word))
            }
        })
        .collect();
    Diagnostic::error(
        "alembic_several_heads",
        format!("there are {} heads: {}", heads.len(), ids.join(", ")),
    )
    .notes(
        heads
            .iter()
            .map(|head| format!("{} ({})", head.label, head.path)),
    )
    .help(format!(
        "two branches have each added a revision: `{at}alembic{options} merge -m \"merge heads\" \
         {}` creates one that follows all of them; or set the down_revision of the newer one to \
         the other",
        ids.join(" ")
    ))
}

pub(super) fn no_answer(unreadable: &[Unreadable], said: &str) -> Diagnostic {
    let first = unreadable.first();
    let title = match first {
        Some(Unreadable {
            file,
            name,
            is_missing: true,
            ..
        }) => {
            format!("{} does not set `{name}`", file.path())
        }
        Some(Unreadable { file, name, .. }) => {
            format!(
                "{}: cannot read `{name}` statically, and Python is not available to evaluate it",
                file.path()
            )
        }
        None => "Python is not available to list the revisions".to_owned(),
    };
    let label = if first.is_some_and(|it| it.is_missing) {
        ""
    } else {
        "only Python can evaluate this"
    };
    Diagnostic::error("alembic_unreadable", title)
        .at(first.map(|it| Place::new(&it.file, it.span)), label)
        .note(format!("Python: {said}"))
        .help("write it as a string, as `alembic revision` does, or install the project's Alembic")
}

fn list(ids: &[String]) -> String {
    match ids {
        [] => "no revision".to_owned(),
        ids => ids.join(", "),
    }
}

/// That somebody else has done it meanwhile.
pub(crate) fn overtaken(exception: &str) -> Diagnostic {
    Diagnostic::warning(
        "alembic_overtaken",
        "another Alembic, which does not use the lock, has done it in the meantime",
    )
    .note(format!("this one failed: {exception}"))
    .help("run Alembic with `migrate` everywhere, so that two never run at the same time")
}
