//! Migrations of which no statement can run twice unnoticed.

use crate::support::{Project, Server};

pub(crate) fn in_transactions(server: Server, migrations: usize) -> Project {
    project(migrations, |number| {
        let slow = slow(server, number);
        format!(
            "CREATE TABLE t{number} (id INT);\n{slow};\nINSERT INTO log VALUES ({number});\n\
             ALTER TABLE t{number} ADD COLUMN more INT;\n"
        )
    })
}

pub(crate) fn without_transactions(server: Server, migrations: usize) -> Project {
    let index = match server {
        Server::Postgres => "INDEX CONCURRENTLY",
        _ => "INDEX",
    };
    project(migrations, |number| {
        let slow = slow(server, number);
        format!(
            "-- no-transaction\nCREATE TABLE t{number} (id INT);\n{slow};\n\
             CREATE {index} i{number} ON t{number} (id);\nINSERT INTO log VALUES ({number});\n"
        )
    })
}

fn project(migrations: usize, migration: impl Fn(usize) -> String) -> Project {
    (1..=migrations).fold(
        Project::new().migration("0_log.sql", "CREATE TABLE log (version INT);\n"),
        |project, number| project.migration(&format!("{number}_step.sql"), migration(number)),
    )
}

/// A statement that takes some milliseconds, so that a blow may fall on it.
fn slow(server: Server, number: usize) -> String {
    match server {
        Server::Mariadb | Server::Mysql => format!("INSERT INTO t{number} SELECT SLEEP(0.01)"),
        Server::Postgres => {
            format!("INSERT INTO t{number} SELECT 1 FROM (SELECT pg_sleep(0.01)) s")
        }
        Server::Sqlite => format!(
            "INSERT INTO t{number} WITH RECURSIVE n(i) AS \
             (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i FROM n"
        ),
    }
}
