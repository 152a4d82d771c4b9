//! `down` beside other runs.

use crate::down::{log, three};
use crate::support::{
    Database, Migrate, Project, Running, Server, eventually, migrate, stories, up,
};

stories! {
    on every {
        eight_at_once_run_every_down_script_once,
        eight_that_mean_the_same_one_revert_one,
    }
    on servers {
        a_down_does_not_revert_what_an_up_has_applied_meanwhile,
        a_down_waits_for_an_up_that_fails,
        an_up_waits_for_a_down,
    }
}

fn eight(project: &Project, db: &Database, args: [&'static str; 3]) -> usize {
    let all: Vec<Running> = (0..8)
        .map(|_| Migrate::new(project).on(db).args(args).spawn())
        .collect();
    all.into_iter()
        .map(|running| {
            running
                .wait()
                .exits(0)
                .stdout
                .matches(" reverted (")
                .count()
        })
        .sum()
}

fn eight_at_once_run_every_down_script_once(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    let reported = eight(&project, db, ["down", "--to", "0"]);
    assert_eq!(reported, 3, "each is somebody's, and only one's");
    assert_eq!(log(db), ["a", "b", "c"]);
    assert_eq!(db.versions(), [""; 0]);
    assert_eq!(db.tables(), ["log"]);
}

/// What is meant is fixed by the first look: whoever comes second finds it done.
fn eight_that_mean_the_same_one_revert_one(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    // All of them have looked before the first can have ended.
    let sleep = match db.server {
        Server::Mariadb | Server::Mysql => "DO SLEEP(3)",
        Server::Postgres => "SELECT pg_sleep(3)",
        Server::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000000) \
             SELECT max(i) FROM n"
        }
    };
    project.write(
        "migrations/3_c.down.sql",
        format!("{sleep};\nDROP TABLE c;\nINSERT INTO log VALUES ('c');\n"),
    );
    let reported = eight(&project, db, ["down", "--steps", "1"]);
    assert_eq!(reported, 1);
    assert_eq!(log(db), ["c"]);
    assert_eq!(db.versions(), ["1", "2"]);
}

/// On MySQL a migration shows in the history before it is done, on PostgreSQL one
/// without a transaction does.
fn slow(db: &Database, project: Project, then: &str) -> Project {
    let sleep = match db.server {
        Server::Postgres => "SELECT pg_sleep(3)",
        _ => "DO SLEEP(3)",
    };
    project
        .migration(
            "4_d.up.sql",
            format!("-- no-transaction\nCREATE TABLE d (id INT);\n{sleep};\n{then};\n"),
        )
        .migration(
            "4_d.down.sql",
            "DROP TABLE d;\nINSERT INTO log VALUES ('d');\n",
        )
}

fn at_work(db: &Database, project: &Project) -> Running {
    let running = Migrate::new(project).on(db).args(["up"]).spawn();
    let unfinished = "SELECT count(*) FROM _sqlx_migrations WHERE version = 4 AND NOT success";
    eventually("the first is at it", || db.value(unfinished) == "1");
    running
}

fn a_down_does_not_revert_what_an_up_has_applied_meanwhile(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    let project = slow(db, project, "SELECT 1");
    let running = at_work(db, &project);
    migrate(&project, db, ["down"])
        .exits(7)
        .says("another migrator is at work")
        .complains(
            "error[overtaken]: migration 4 is applied, and is newer than the migrations to revert",
        )
        .ends("State: nothing was changed in the database.");
    running.wait().exits(0);
    assert_eq!(db.versions(), ["1", "2", "3", "4"]);
    assert_eq!(log(db), [""; 0]);
}

fn a_down_waits_for_an_up_that_fails(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    let project = slow(db, project, "SELECT nonsense");
    let running = at_work(db, &project);
    migrate(&project, db, ["down"])
        .exits(7)
        .says("another migrator is at work")
        .complains("error[half_applied]: migration 4 d began, but its end was not recorded");
    running.wait().exits(9);
    assert_eq!(log(db), [""; 0]);
}

fn an_up_waits_for_a_down(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    let sleep = match db.server {
        Server::Postgres => "SELECT pg_sleep(3)",
        _ => "DO SLEEP(3)",
    };
    project.write(
        "migrations/3_c.down.sql",
        format!("-- no-transaction\nDROP TABLE c;\n{sleep};\nINSERT INTO log VALUES ('c');\n"),
    );
    let running = Migrate::new(&project).on(db).args(["down"]).spawn();
    let unfinished = "SELECT count(*) FROM _sqlx_migrations WHERE version = 3 AND NOT success";
    eventually("the first is at it", || db.value(unfinished) == "1");
    up(&project, db)
        .exits(0)
        .says("another migrator is at work")
        .says("✅ 3 c (");
    running.wait().exits(0).says("✅ 3 c reverted");
    assert_eq!(db.versions(), ["1", "2", "3"]);
    assert_eq!(log(db), ["c"]);
}
