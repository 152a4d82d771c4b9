//! The transcripts in docs/: each `shell-session` block of a page is run, command after
//! command in one shell and one folder, and must say what the page shows.
//!
//! In what is expected, `[..]` is anything on a line. `UPDATE_GOLDEN=1` writes
//! the page anew; read the difference, and put `[..]` where it is none.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const OPENS: &str = "```shell-session";
const CLOSES: &str = "```";

/// Between the output of one command and the next.
const MARK: &str = "--transcript-mark--";

#[test]
fn the_life_of_a_project_is_as_it_is_told() {
    happens("life-of-a-project.md", None);
}

#[test]
#[ignore = "needs scripts/python"]
fn the_way_from_a_script_is_as_it_is_told() {
    let name = "MIGRATE_TEST_ALEMBIC";
    let environment = std::env::var(name);
    let environment = environment.unwrap_or_else(|_| panic!("{name} is not set: scripts/python"));
    happens("tools/from-a-script.md", Some(&environment));
}

/// What a page shows is what happens, with a virtual environment if it needs one.
#[track_caller]
fn happens(page: &str, environment: Option<&str>) {
    let path = docs().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{page} has no transcript");
    let said = run(&steps, environment);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let told = retell(&text, &steps, &said);
        fs::write(&path, told).unwrap();
        return;
    }
    for (step, said) in steps.iter().zip(&said) {
        assert!(
            matches(&step.expected, said),
            "{page}: $ {}\n--- expected\n{}--- said\n{said}",
            step.command,
            step.expected
        );
    }
}

/// A command of a transcript, and what it says.
struct Step {
    command: String,
    expected: String,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match (inside, line) {
            (false, OPENS) => inside = true,
            (true, CLOSES) => inside = false,
            (true, line) => match (line.strip_prefix("$ "), line.strip_prefix("> ")) {
                (Some(command), _) => steps.push(Step {
                    command: command.to_owned(),
                    expected: String::new(),
                }),
                // A command that goes on, until something was said.
                (None, Some(more)) if steps.last().unwrap().expected.is_empty() => {
                    let command = &mut steps.last_mut().unwrap().command;
                    command.push('\n');
                    command.push_str(more);
                }
                _ => {
                    let expected = &mut steps.last_mut().unwrap().expected;
                    expected.push_str(line);
                    expected.push('\n');
                }
            },
            _ => {}
        }
    }
    steps
}

/// What each command says, standard error behind standard output, as a person
/// without a terminal would see it.
fn run(steps: &[Step], environment: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let copy = Command::new("cp")
        .args(["-r", "--"])
        .arg(docs().join("../examples"))
        .arg(folder.path())
        .status();
    assert!(copy.unwrap().success());
    let migrate = Path::new(env!("CARGO_BIN_EXE_migrate")).parent().unwrap();
    let mut path = std::env::var("PATH").unwrap_or_default();
    if let Some(environment) = environment {
        path = format!("{environment}/bin:{path}");
    }
    let mut script = String::new();
    for step in steps {
        let _ = writeln!(script, "{}\necho {MARK}", step.command);
    }
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", format!("{}:{path}", migrate.display()))
        .env("HOME", folder.path())
        .envs(environment.map(|environment| ("VIRTUAL_ENV", environment)))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.com")
        .env("GIT_COMMITTER_NAME", "Ada")
        .env("GIT_COMMITTER_EMAIL", "ada@example.com")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let mut said: Vec<_> = output
        .split(&format!("{MARK}\n"))
        .map(str::to_owned)
        .collect();
    assert_eq!(said.pop().as_deref(), Some(""), "{output}");
    assert_eq!(said.len(), steps.len(), "{output}");
    said
}

/// The page with what was said in place of what it showed, but where that
/// matches.
fn retell(text: &str, steps: &[Step], said: &[String]) -> String {
    let mut told = String::new();
    let mut inside = false;
    let mut steps = steps.iter().zip(said);
    let mut open = false;
    for line in text.lines() {
        if line == OPENS || line == CLOSES {
            inside = line == OPENS;
            open = false;
        }
        if inside && line.starts_with("$ ") {
            let (step, said) = steps.next().unwrap();
            for (number, line) in step.command.lines().enumerate() {
                let _ = writeln!(told, "{} {line}", if number == 0 { "$" } else { ">" });
            }
            told.push_str(if matches(&step.expected, said) {
                &step.expected
            } else {
                said
            });
            open = true;
        } else if !(inside && open) {
            told.push_str(line);
            told.push('\n');
        }
    }
    told
}

fn matches(expected: &str, said: &str) -> bool {
    let (expected, said): (Vec<_>, Vec<_>) = (expected.lines().collect(), said.lines().collect());
    let lines = expected.iter().zip(&said);
    expected.len() == said.len() && lines.into_iter().all(|(one, other)| line(one, other))
}

/// Whether a line is as expected, where `[..]` is anything.
fn line(expected: &str, said: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut rest) = said.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}
