//! What a component's command does to a database, and whether it needs a shell.

/// What a command does, as far as it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// `migrate`, `migrate up`.
    Up,
    /// `migrate confirm`.
    Confirm,
    /// `migrate down --unconfirmed`.
    Undo,
    /// Another verb of this program.
    OtherVerb,
    /// Another program, or a script, that migrates.
    OtherTool,
}

const VERBS: [&str; 15] = [
    "baseline",
    "check",
    "completions",
    "confirm",
    "doctor",
    "down",
    "lint",
    "new",
    "plan",
    "redo",
    "repair",
    "spec",
    "status",
    "up",
    "wait",
];

/// What the commands of other tools hold.
const OTHERS: [&str; 9] = [
    "alembic",
    "atlas schema",
    "db upgrade",
    "dbmate",
    "diesel",
    "flyway",
    "goose",
    "liquibase",
    "migrat",
];

/// What only a shell understands.
const OPERATORS: [&str; 9] = ["&&", "||", ";", "|", "&", ">", "<", "\n", "$("];

/// What a command does to a database's schema, if anything.
pub(super) fn deed(command: &str) -> Option<Deed> {
    let parts = command.split(['&', '|', ';', '\n']);
    parts.map(str::trim).find_map(of_one)
}

fn of_one(command: &str) -> Option<Deed> {
    let mut words = command.split_whitespace();
    let program = words.next()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    if name == "migrate" {
        let mut rest = words.skip_while(|word| *word == "migrate").peekable();
        let verb = rest.clone().find(|word| VERBS.contains(word));
        return Some(match verb {
            None | Some("up") if command.split_whitespace().any(is_only_shown) => Deed::OtherVerb,
            None | Some("up") => Deed::Up,
            Some("confirm") => Deed::Confirm,
            Some("down") if rest.any(|word| word == "--unconfirmed") => Deed::Undo,
            Some(_) => Deed::OtherVerb,
        });
    }
    let lower = command.to_lowercase();
    OTHERS
        .iter()
        .any(|other| lower.contains(other))
        .then_some(Deed::OtherTool)
}

/// With these, nothing is applied.
fn is_only_shown(word: &str) -> bool {
    matches!(word, "--dry-run" | "--help" | "-h" | "--version" | "-V")
}

/// The first thing in a command that needs a shell: where, and what.
pub(super) fn shell(command: &str) -> Option<(usize, &'static str)> {
    // A last line break is YAML's, of a block.
    let command = command.trim_end();
    let operators = OPERATORS
        .into_iter()
        .filter_map(|operator| Some((command.find(operator)?, operator)));
    let expansions = ["$", "`"]
        .into_iter()
        .filter_map(|sign| Some((command.find(sign)?, sign)));
    operators
        .chain(expansions)
        .min_by_key(|(at, operator)| (*at, std::cmp::Reverse(operator.len())))
}

/// Whether a command is quoted for a shell.
pub(super) fn is_quoted(command: &str) -> bool {
    command.contains(['"', '\''])
}

/// The deadline that a command gives.
pub(super) fn deadline(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    loop {
        match words.next()? {
            "--deadline" => return words.next(),
            word => {
                if let Some(value) = word.strip_prefix("--deadline=") {
                    return Some(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_by_its_program_and_verb() {
        for (command, is) in [
            ("migrate", Some(Deed::Up)),
            ("migrate migrate up", Some(Deed::Up)),
            ("/cnb/process/migrate --deadline 10m", Some(Deed::Up)),
            ("migrate confirm", Some(Deed::Confirm)),
            ("migrate down --unconfirmed", Some(Deed::Undo)),
            ("migrate down", Some(Deed::OtherVerb)),
            ("migrate status", Some(Deed::OtherVerb)),
            ("migrate && gunicorn app", Some(Deed::Up)),
            (
                "python3 /workspace/api/run_migrations.py",
                Some(Deed::OtherTool),
            ),
            ("cd api && alembic upgrade head", Some(Deed::OtherTool)),
            ("bin/rails db:migrate", Some(Deed::OtherTool)),
            ("gunicorn app", None),
            ("", None),
        ] {
            assert_eq!(deed(command), is, "{command}");
        }
    }

    #[test]
    fn what_needs_a_shell_is_found_first() {
        for (command, sign) in [
            ("migrate && web", Some("&&")),
            ("migrate; web", Some(";")),
            ("migrate --dir $DIR", Some("$")),
            ("a $(b)", Some("$(")),
            ("migrate\nweb\n", Some("\n")),
            ("migrate up\n", None),
        ] {
            assert_eq!(shell(command).map(|(_, sign)| sign), sign, "{command:?}");
        }
    }
}
