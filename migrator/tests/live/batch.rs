//! Migrations that travel together: nobody can tell from the outcome how many.

use crate::support::{Database, Project, stories, up};

stories! {
    on [Postgres] {
        an_error_in_the_middle_leaves_those_before_it,
        what_cannot_be_parsed_leaves_those_before_it,
    }
}

/// More than the first three messages.
const MIGRATIONS: usize = 400;

/// In the first message, at an edge, in the middle of a later one, at the end.
const BROKEN: [usize; 6] = [1, 50, 51, 57, 333, MIGRATIONS];

fn an_error_in_the_middle_leaves_those_before_it(db: &Database) {
    for broken in BROKEN {
        breaks_at(broken, "SELECT 1 / 0;\n", db);
    }
}

fn what_cannot_be_parsed_leaves_those_before_it(db: &Database) {
    for broken in BROKEN {
        breaks_at(broken, "SELEC 1;\n", db);
    }
}

#[track_caller]
fn breaks_at(broken: usize, text: &str, db: &Database) {
    db.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    let good = |number: usize| format!("CREATE TABLE t{number} (id INT);\n");
    let project = (1..=MIGRATIONS).fold(Project::new(), |project, number| {
        project.migration(&format!("{number}_step.sql"), good(number))
    });
    let file = format!("migrations/{broken}_step.sql");
    project.write(&file, good(broken) + text);

    let failed = up(&project, db).exits(8).ends(&format!("{file}:2:1: "));
    assert_eq!(failed.stdout.matches("✅ ").count(), broken - 1);
    let versions: Vec<_> = (1..broken).map(|number| number.to_string()).collect();
    assert_eq!(db.versions(), versions);
    assert_eq!(db.tables().len(), broken - 1);

    project.write(&file, good(broken));
    let rest = MIGRATIONS - broken + 1;
    let said = up(&project, db).exits(0);
    assert_eq!(said.stdout.matches(" step (").count(), rest);
    assert_eq!(db.tables().len(), MIGRATIONS);
}
