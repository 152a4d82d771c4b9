//! From a script that runs Alembic to `migrate`, and back (docs/tools/from-a-script.md).

use super::app::{at, environment, on, table, three, url};
use crate::support::{Database, Project, stories};
use std::process::Command;

stories! {
    on every_with_python {
        a_database_of_a_script_goes_on_under_migrate_and_back,
    }
}

/// What such a team starts as its job.
const SCRIPT: &str = "\
import os
from pathlib import Path

os.chdir(Path(__file__).parent)
from alembic import command
from alembic.config import Config

command.upgrade(Config('alembic.ini'), 'head')
";

#[track_caller]
fn run_script(project: &Project, db: &Database) {
    let output = Command::new(format!("{}/bin/python3", environment()))
        .arg(project.path("api/run_migrations.py"))
        .current_dir("/")
        .env("DATABASE_URL", url(db))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn a_database_of_a_script_goes_on_under_migrate_and_back(db: &Database) {
    let project = three().file("api/run_migrations.py", SCRIPT);
    run_script(&project, db);
    assert_eq!(at(db), "cccc");
    // Nothing is to be adopted, recorded or converted.
    let before = db.snapshot();
    on(&project, db)
        .run()
        .exits(0)
        .says("Nothing to do; the schema is at cccc.\n");
    assert_eq!(db.snapshot(), before);
    let project = table(project, "dddd", Some("cccc"));
    on(&project, db).run().exits(0);
    assert_eq!(at(db), "dddd");
    let project = table(project, "eeee", Some("dddd"));
    run_script(&project, db);
    assert_eq!(at(db), "eeee");
    on(&project, db)
        .args(["status", "--exit-code"])
        .run()
        .exits(0);
}
