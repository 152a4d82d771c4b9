//! Every verb with a history table of another name, in another schema, with
//! names that need quoting; and two applications in one database.

use crate::support::{Database, Migrate, Output, Project, Server, stories};

stories! {
    on every {
        every_verb_works_with_a_name_that_needs_quoting,
        two_applications_share_a_database,
    }
}

fn project() -> Project {
    Project::new()
        .migration("1_a.up.sql", "CREATE TABLE a (id INT PRIMARY KEY);\n")
        .migration("1_a.down.sql", "DROP TABLE a;\n")
        .migration("2_b.up.sql", "CREATE TABLE b (id INT PRIMARY KEY);\n")
        .migration("2_b.down.sql", "DROP TABLE b;\n")
        .file(
            "migrations/repeatable/an \"odd\" name.sql",
            "DELETE FROM a;\n",
        )
}

fn with<const N: usize>(project: &Project, db: &Database, table: &str, args: [&str; N]) -> Output {
    Migrate::new(project)
        .on(db)
        .env("MIGRATE_TABLE", table)
        .args(args)
        .run()
}

/// A table in another schema, where the database has some.
fn elsewhere(db: &Database) -> String {
    match db.server {
        Server::Postgres => {
            db.run("CREATE SCHEMA \"The Schema\"");
            "\"The Schema\".\"My \"\"own\"\" History\"".to_owned()
        }
        Server::Mariadb | Server::Mysql => {
            let other = format!("{}-other", db.name());
            db.run(&format!("CREATE DATABASE `{other}`"));
            format!("`{other}`.`My History`")
        }
        Server::Sqlite => "\"My \"\"own\"\" History\"".to_owned(),
    }
}

fn every_verb_works_with_a_name_that_needs_quoting(db: &Database) {
    if db.server == Server::Sqlite {
        db.run("SELECT 1");
    }
    let project = project();
    let table = &elsewhere(db);
    with(&project, db, table, ["plan"]).exits(0).says("1 a (");
    with(&project, db, table, ["up"])
        .exits(0)
        .says("✅ repeatable an \"odd\" name (");
    with(&project, db, table, ["up"])
        .exits(0)
        .says("Nothing to do");
    with(&project, db, table, ["status", "--exit-code"])
        .exits(0)
        .says("2 migrations, 2 applied, 0 pending.")
        .says("up        succeeded, 3 done");
    with(&project, db, table, ["check"]).exits(0);
    with(&project, db, table, ["confirm"])
        .exits(0)
        .says("1 run marked as live");
    with(&project, db, table, ["redo"]).exits(0);
    with(&project, db, table, ["down", "--to", "1"]).exits(0);
    with(&project, db, table, ["down", "--unconfirmed"])
        .exits(0)
        .says("nothing is reverted");
    with(&project, db, table, ["baseline", "2", "--force"])
        .exits(0)
        .says("2 b: pending, now recorded as applied");
    project.write(
        "migrations/2_b.up.sql",
        "CREATE TABLE b (id BIGINT PRIMARY KEY);\n",
    );
    with(&project, db, table, ["repair"])
        .exits(0)
        .says("repair --accept 2");
    with(&project, db, table, ["repair", "--accept", "2"]).exits(0);
    with(&project, db, table, ["status", "--exit-code"])
        .exits(6)
        .says("2 applied, 0 pending, 1 repeatable file to run.");
    with(&project, db, table, ["up"])
        .exits(0)
        .says("Applied 1 repeatable file");
    with(&project, db, table, ["status", "--exit-code"]).exits(0);

    // Nothing of it stands where another application would look.
    let ours = db.tables();
    assert!(!ours.contains(&"_sqlx_migrations".to_owned()), "{ours:?}");
    if db.server != Server::Sqlite {
        assert_eq!(ours, ["a"], "the rest is beside the history");
    }
    if matches!(db.server, Server::Mariadb | Server::Mysql) {
        db.run(&format!("DROP DATABASE `{}-other`", db.name()));
    }
}

fn two_applications_share_a_database(db: &Database) {
    let shop = project();
    let blog = Project::new()
        .migration(
            "1_posts.up.sql",
            "CREATE TABLE posts (id INT PRIMARY KEY);\n",
        )
        .migration("1_posts.down.sql", "DROP TABLE posts;\n")
        .file(
            "migrations/repeatable/an \"odd\" name.sql",
            "DELETE FROM posts;\n",
        );
    with(&shop, db, "shop_history", ["up"]).exits(0);
    with(&blog, db, "blog_history", ["up"])
        .exits(0)
        .says("Applied 1 migration and 1 repeatable file");
    with(&shop, db, "shop_history", ["confirm"])
        .exits(0)
        .says("1 run marked as live");
    // What the other has confirmed says nothing of this one.
    with(&blog, db, "blog_history", ["down", "--unconfirmed"])
        .exits(0)
        .says("was ever confirmed");
    with(&blog, db, "blog_history", ["down"]).exits(0);
    with(&shop, db, "shop_history", ["status", "--exit-code"])
        .exits(0)
        .says("2 migrations, 2 applied, 0 pending.")
        .does_not_say("down");
    with(&shop, db, "shop_history", ["up"])
        .exits(0)
        .says("Nothing to do");
    with(&blog, db, "blog_history", ["up"])
        .exits(0)
        .says("Applied 1 migration and 1 repeatable file");
    let tables = db.tables();
    assert!(tables.contains(&"a".to_owned()) && tables.contains(&"posts".to_owned()));
}
