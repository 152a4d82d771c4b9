//! `completions`: the scripts are for the shells, and hold every verb.

use crate::support::{Migrate, Project};
use std::fs;
use std::process::Command;

const SHELLS: [&str; 4] = ["bash", "fish", "powershell", "zsh"];

fn script(shell: &str) -> String {
    let output = Migrate::new(&Project::new())
        .args(["completions", shell])
        .run()
        .exits(0);
    assert_eq!(output.stderr, "");
    output.stdout
}

/// The verbs that `--help` lists.
fn verbs() -> Vec<String> {
    let help = Migrate::new(&Project::new()).args(["--help"]).run();
    let (_, list) = help.stdout.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let verbs: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert!(verbs.len() > 3, "{verbs:?}");
    verbs
}

#[test]
fn every_script_knows_every_verb_and_the_options() {
    for shell in SHELLS {
        let script = script(shell);
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell} does not know {verb}");
        }
        for option in ["lock-timeout", "exit-code"] {
            assert!(script.contains(option), "{shell} does not know {option}");
        }
    }
}

#[test]
fn bash_completes_with_it() {
    let project = Project::new().file("migrate.bash", script("bash"));
    let asked = "source migrate.bash && complete -p migrate && \
                 COMP_WORDS=(migrate sta) COMP_CWORD=1 && _migrate migrate sta migrate && \
                 echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["--norc", "-c", asked])
        .current_dir(project.root())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("-F _migrate"), "{said}");
    assert_eq!(said.lines().last(), Some("status"), "{said}");
}

/// Those shells that this machine has.
#[test]
fn the_other_shells_can_read_it() {
    for (shell, check) in [("zsh", "-n"), ("fish", "--no-execute")] {
        let project = Project::new();
        let path = project.path("script");
        fs::write(&path, script(shell)).unwrap();
        match Command::new(shell).arg(check).arg(&path).status() {
            Ok(status) => assert!(status.success(), "{shell}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
    }
}

#[test]
fn an_unknown_shell_is_a_wrong_command_line() {
    Migrate::new(&Project::new())
        .args(["completions", "tcsh"])
        .run()
        .exits(2)
        .complains("bash");
    Migrate::new(&Project::new())
        .args(["completions"])
        .run()
        .exits(2);
}
