//! Databases that another tool keeps.

use crate::support::{Database, Project, Server, status, stories, up};

stories! {
    on every {
        a_table_of_that_name_that_is_no_history_is_refused,
        another_tools_history_beside_sqlxs_is_none_of_our_business,
        another_tools_history_is_refused_by_name,
    }
    on [Postgres] {
        another_tools_history_in_another_schema_is_another_applications,
    }
}

const HISTORIES: [(&str, &str, &str); 15] = [
    ("goose_db_version", "id INT, version_id INT", "goose"),
    (
        "flyway_schema_history",
        "installed_rank INT, script TEXT",
        "Flyway",
    ),
    (
        "schema_migrations",
        "version BIGINT, dirty INT",
        "golang-migrate",
    ),
    (
        "schema_migrations",
        "version BIGINT, inserted_at TIMESTAMP NULL",
        "Ecto",
    ),
    (
        "schema_migrations",
        "version VARCHAR(128)",
        "dbmate or Rails",
    ),
    (
        "__diesel_schema_migrations",
        "version VARCHAR(50)",
        "Diesel",
    ),
    ("refinery_schema_history", "version INT", "refinery"),
    ("_prisma_migrations", "id VARCHAR(36)", "Prisma"),
    ("__drizzle_migrations", "id INT", "Drizzle"),
    ("alembic_version", "version_num VARCHAR(32)", "Alembic"),
    ("atlas_schema_revisions", "version VARCHAR(99)", "Atlas"),
    ("django_migrations", "id INT", "Django"),
    ("knex_migrations", "id INT", "Knex"),
    ("DATABASECHANGELOG", "ID VARCHAR(99)", "Liquibase"),
    ("SequelizeMeta", "name VARCHAR(99)", "Sequelize"),
];

fn project() -> Project {
    Project::new().migration("1_a.sql", "CREATE TABLE a (id INT)")
}

/// Names are written as their tools write them, which PostgreSQL would fold.
fn quoted(db: &Database, name: &str) -> String {
    match db.server {
        Server::Mariadb | Server::Mysql => format!("`{name}`"),
        Server::Postgres | Server::Sqlite => format!("\"{name}\""),
    }
}

fn another_tools_history_is_refused_by_name(db: &Database) {
    for (table, columns, tool) in HISTORIES {
        let name = quoted(db, table);
        db.run(&format!("CREATE TABLE {name} ({columns})"));
        let before = db.tables();
        up(&project(), db)
            .exits(7)
            .ends(&format!("this database has a history of {tool} (table "))
            .ends("State: nothing was changed in the database.")
            .complains("error[foreign_history]");
        assert_eq!(db.tables(), before);
        db.run(&format!("DROP TABLE {name}"));
    }
    db.run("CREATE TABLE goose_db_version (id INT)");
    status(&project(), db)
        .exits(7)
        .complains("a history of goose");
}

fn another_tools_history_beside_sqlxs_is_none_of_our_business(db: &Database) {
    up(&project(), db).exits(0);
    db.run("CREATE TABLE goose_db_version (id INT)");
    let project = project().migration("2_b.sql", "CREATE TABLE b (id INT)");
    up(&project, db).exits(0).says("Applied 1 migration");
}

fn a_table_of_that_name_that_is_no_history_is_refused(db: &Database) {
    for columns in ["id INT", "version BIGINT PRIMARY KEY, description TEXT"] {
        db.run(&format!("CREATE TABLE _sqlx_migrations ({columns})"));
        let before = db.snapshot();
        for output in [up(&project(), db), status(&project(), db)] {
            assert!(matches!(output.code, 3 | 7 | 8), "{output}");
        }
        assert_eq!(db.snapshot(), before);
        db.run("DROP TABLE _sqlx_migrations");
    }
}

fn another_tools_history_in_another_schema_is_another_applications(db: &Database) {
    db.run("CREATE SCHEMA other; CREATE TABLE other.goose_db_version (id INT)");
    up(&project(), db).exits(0);
}
