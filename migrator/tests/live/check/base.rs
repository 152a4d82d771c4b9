//! `check --base`: what is merged stays as it is.

use crate::support::{Database, Migrate, Output, Project, Server};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A project in a repository, whose branch `feature` has left `main`.
fn branched() -> Project {
    let project = Project::new()
        .file("app/migrations/1_a.sql", "CREATE TABLE a (\n  id INT\n);\n")
        .file("app/migrations/2_b.sql", "CREATE TABLE b (id INT);\n")
        .file("app/migrations/3_c.sql", "BEGIN;\nCOMMIT;\nSELECT 1;\n")
        .file("other/1_z.sql", "another project's\n");
    git(
        project.root(),
        &["init", "--quiet", "--initial-branch=main"],
    );
    commit(&project);
    git(project.root(), &["checkout", "--quiet", "-b", "feature"]);
    project
}

/// Something is merged meanwhile.
fn merged_meanwhile(project: &Project, name: &str, sql: &str) {
    git(project.root(), &["checkout", "--quiet", "main"]);
    project.write(&format!("app/migrations/{name}"), sql);
    commit(project);
    git(project.root(), &["checkout", "--quiet", "feature"]);
}

fn commit(project: &Project) {
    git(project.root(), &["add", "--all"]);
    git(project.root(), &["commit", "--quiet", "--message=x"]);
}

fn git(folder: &Path, args: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .status();
    assert!(status.unwrap().success(), "git {args:?}");
}

fn check(project: &Project, base: &str) -> Output {
    migrate(project).args(["--base", base]).run()
}

/// Without a database, from the repository's root.
fn migrate(project: &Project) -> Migrate {
    Migrate::new(project).args([
        "check",
        "--offline",
        "--dir",
        "app/migrations",
        "--database-url",
        "postgres://localhost/app",
    ])
}

#[test]
fn a_branch_that_only_adds_may_be_merged() {
    let project = branched();
    project.write("app/migrations/4_d.sql", "SELECT 1;\n");
    check(&project, "main")
        .exits(0)
        .says("compared with main (")
        .says("warning[transaction_control]")
        .says("it is merged, so this is not an error")
        .does_not_say("this branch forked from it")
        .ends("4 migrations checked, 0 errors, 2 warnings.");
    // What is new is not forgiven what is merged.
    project.write("app/migrations/4_d.sql", "SELECT 1;\nCOMMIT;\n");
    check(&project, "main")
        .exits(3)
        .says(" --> app/migrations/4_d.sql:2:1\n");
}

#[test]
fn what_is_merged_may_not_be_edited_deleted_or_renamed() {
    let project = branched();
    project.write(
        "app/migrations/1_a.sql",
        "CREATE TABLE a (\n  id BIGINT\n);\n",
    );
    project.remove("app/migrations/2_b.sql");
    fs::rename(
        project.path("app/migrations/3_c.sql"),
        project.path("app/migrations/30_c.sql"),
    )
    .unwrap();
    check(&project, "main")
        .says("error[merged_edited]: app/migrations/1_a.sql is merged into main")
        .says(" --> app/migrations/1_a.sql:2:1\n")
        .says("^ the first line that differs")
        .says("error[merged_deleted]: app/migrations/2_b.sql is merged into main, but was deleted")
        .says("git checkout main -- app/migrations/2_b.sql")
        .says(
            "app/migrations/3_c.sql is merged into main, but was renamed to \
             app/migrations/30_c.sql",
        );
    // Committed or not makes no difference.
    commit(&project);
    let output = migrate(&project)
        .args(["--base", "main", "--output", "json"])
        .run();
    let found: Value = serde_json::from_str(&output.stdout).unwrap();
    let codes: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["code"] != "transaction_control")
        .map(|finding| (finding["code"].as_str().unwrap(), finding["file"].as_str()))
        .collect();
    assert_eq!(
        codes,
        [
            ("merged_edited", Some("app/migrations/1_a.sql")),
            ("merged_deleted", Some("app/migrations/2_b.sql")),
            ("merged_renamed", Some("app/migrations/30_c.sql")),
        ]
    );
    assert_eq!(found["base"]["ref"], "main");
    assert_eq!(found["base"]["commit"].as_str().unwrap().len(), 40);
    // As a new file it is checked as pending would be.
    assert_eq!(found["exit_code"], 3);
    project.remove("app/migrations/30_c.sql");
    check(&project, "main").exits(7);
}

#[test]
fn another_name_for_the_same_version_is_a_rename_and_a_way_back_is_none() {
    let project = branched();
    let rename = |to: &str| {
        fs::rename(
            project.path("app/migrations/2_b.sql"),
            project.path(&format!("app/migrations/{to}")),
        )
        .unwrap();
    };
    rename("2_b.up.sql");
    project.write("app/migrations/2_b.down.sql", "DROP TABLE b;\n");
    check(&project, "main").exits(0);
    fs::rename(
        project.path("app/migrations/2_b.up.sql"),
        project.path("app/migrations/2_b.sql"),
    )
    .unwrap();
    rename("2_bees.sql");
    check(&project, "main")
        .exits(7)
        .says("error[merged_renamed]")
        .says("restore its name");
}

#[test]
fn line_endings_are_no_edit() {
    let project = branched();
    project.write("app/migrations/2_b.sql", "CREATE TABLE b (id INT);\r\n");
    check(&project, "main")
        .exits(0)
        .says("warning[merged_line_endings]");
}

#[test]
fn what_is_new_sorts_after_what_was_merged_meanwhile() {
    let project = branched();
    merged_meanwhile(&project, "5_e.sql", "SELECT 5;\n");
    // Merely behind: it has deleted nothing.
    check(&project, "main")
        .exits(0)
        .says("; this branch forked from it at ")
        .does_not_say("error[");
    project.write("app/migrations/4_d.sql", "SELECT 4;\n");
    check(&project, "main")
        .exits(7)
        .says("error[sorts_before_merged]: app/migrations/4_d.sql is new")
        .says("sorts before app/migrations/5_e.sql");
    migrate(&project)
        .args(["--base", "main", "--out-of-order", "apply"])
        .run()
        .exits(0);
    fs::rename(
        project.path("app/migrations/4_d.sql"),
        project.path("app/migrations/5_d.sql"),
    )
    .unwrap();
    check(&project, "main")
        .exits(7)
        .says("error[version_taken]")
        .says("app/migrations/5_e.sql in main has the same version");
    // The same file, brought over by hand, is no other.
    fs::rename(
        project.path("app/migrations/5_d.sql"),
        project.path("app/migrations/5_e.sql"),
    )
    .unwrap();
    project.write("app/migrations/5_e.sql", "SELECT 5;\n");
    project.write("app/migrations/6_f.sql", "SELECT 6;\n");
    check(&project, "main").exits(0);
}

#[test]
fn what_the_other_branch_changed_too_is_no_finding() {
    let project = branched();
    merged_meanwhile(&project, "2_b.sql", "CREATE TABLE b (id BIGINT);\n");
    check(&project, "main").exits(0);
    project.write("app/migrations/2_b.sql", "CREATE TABLE b (id BIGINT);\n");
    check(&project, "main").exits(0);
    project.write("app/migrations/2_b.sql", "CREATE TABLE b (id TEXT);\n");
    check(&project, "main")
        .exits(7)
        .says("error[merged_edited]");
}

#[test]
fn a_folder_that_is_not_merged_yet_is_all_new() {
    let project = branched();
    project.write("new/1_a.sql", "SELECT 1;\n");
    Migrate::new(&project)
        .args(["check", "--offline", "--base", "main", "--dir", "new"])
        .env("DATABASE_URL", "sqlite:app.db")
        .run()
        .exits(0)
        .ends("1 migration checked, 0 errors, 0 warnings.");
}

#[test]
fn what_is_wrong_with_the_base_may_be_mended() {
    let project = branched();
    merged_meanwhile(&project, "bad_name.sql", "SELECT 1;\n");
    check(&project, "main").exits(0);
}

#[test]
fn it_goes_with_a_database_too() {
    let db = Database::new(Server::Sqlite);
    let project = branched();
    project.write("app/migrations/3_c.sql", "SELECT 1;\n");
    commit(&project);
    git(project.root(), &["branch", "--force", "main"]);
    let run = |verb: &'static str| {
        Migrate::new(&project)
            .on(&db)
            .args([verb, "--dir", "app/migrations"])
    };
    run("up").run().exits(0);
    project.write("app/migrations/4_d.sql", "SELECT 4;\n");
    run("check")
        .args(["--base", "main"])
        .run()
        .exits(6)
        .says("  pending  4 d\n")
        .says("compared with main (");
    project.remove("app/migrations/2_b.sql");
    run("check")
        .args(["--base", "main"])
        .run()
        .exits(7)
        .says("error[merged_deleted]")
        .says("error[missing_migration]");
}

#[test]
fn a_base_that_git_does_not_know_is_told_apart() {
    let project = branched();
    for name in ["origin/main", "--help", "-x", "", "main:app", "main\nx"] {
        let base = format!("--base={name}");
        migrate(&project)
            .args([&base])
            .run()
            .exits(3)
            .complains("error[unknown_reference]")
            .complains("git fetch origin BRANCH");
    }
    git(
        project.root(),
        &["checkout", "--quiet", "--orphan", "alone"],
    );
    // So that it is another commit.
    project.write("other/1_z.sql", "");
    commit(&project);
    check(&project, "main")
        .exits(3)
        .complains("error[no_common_commit]");
}

#[test]
fn a_shallow_clone_is_told_what_to_fetch() {
    let project = branched();
    project.write("app/migrations/4_d.sql", "SELECT 4;\n");
    commit(&project);
    let clone = Project::new();
    let url = format!("file://{}", project.root().display());
    let args = [
        "clone",
        "--quiet",
        "--depth=1",
        "--branch=feature",
        &url,
        "c",
    ];
    git(clone.root(), &args);
    let check = || {
        Migrate::new(&clone)
            .args(["check", "--offline", "--base", "origin/main"])
            .args(["--dir", "c/app/migrations"])
            .env("DATABASE_URL", "mysql://u@h/db")
            .run()
    };
    check()
        .exits(3)
        .complains("error[unknown_reference]")
        .complains("git fetch --unshallow");
    let fetch = [
        "fetch",
        "--quiet",
        "--depth=1",
        "origin",
        "main:refs/remotes/origin/main",
    ];
    git(&clone.path("c"), &fetch);
    check()
        .exits(3)
        .complains("error[no_common_commit]")
        .complains("git fetch --unshallow");
    git(&clone.path("c"), &["fetch", "--quiet", "--unshallow"]);
    check().exits(0);
}

#[test]
fn without_git_or_a_repository_it_says_so() {
    let project = Project::new().file("app/migrations/1_a.sql", "SELECT 1;\n");
    check(&project, "main")
        .exits(3)
        .complains("error[not_a_repository]");
    let empty = project.path("empty").display().to_string();
    migrate(&project)
        .args(["--base", "main"])
        .env("PATH", &empty)
        .run()
        .exits(3)
        .complains("error[no_git_command]");
}
