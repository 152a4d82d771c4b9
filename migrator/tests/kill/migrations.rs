//! Migrations of which no statement can run twice unnoticed.

use crate::support::{Project, Server};

pub(crate) fn in_transactions(server: Server, migrations: usize) -> Project {
    project(migrations, |number| {
        let slow = slow(server, number);
        [
            format!(
                "CREATE TABLE t{number} (id INT);\n{slow};\nINSERT INTO log VALUES ({number});\n\
                 ALTER TABLE t{number} ADD COLUMN more INT;\n"
            ),
            format!(
                "ALTER TABLE t{number} DROP COLUMN more;\n{slow};\n\
                 INSERT INTO log VALUES (-{number});\nDROP TABLE t{number};\n"
            ),
        ]
    })
}

pub(crate) fn without_transactions(server: Server, migrations: usize) -> Project {
    let index = match server {
        Server::Postgres => "INDEX CONCURRENTLY",
        _ => "INDEX",
    };
    let drop = match server {
        Server::Mariadb | Server::Mysql => |number| format!("INDEX i{number} ON t{number}"),
        Server::Postgres => |number| format!("INDEX CONCURRENTLY i{number}"),
        Server::Sqlite => |number| format!("INDEX i{number}"),
    };
    project(migrations, |number| {
        let slow = slow(server, number);
        let drop = drop(number);
        [
            format!(
                "-- no-transaction\nCREATE TABLE t{number} (id INT);\n{slow};\n\
             CREATE {index} i{number} ON t{number} (id);\nINSERT INTO log VALUES ({number});\n"
            ),
            format!(
                "-- no-transaction\nDROP {drop};\n{slow};\nINSERT INTO log VALUES (-{number});\n\
                 DROP TABLE t{number};\n"
            ),
        ]
    })
}

/// The table that tells of it all is of version 0, and stays.
fn project(migrations: usize, scripts: impl Fn(usize) -> [String; 2]) -> Project {
    (1..=migrations).fold(
        Project::new().migration("0_log.sql", "CREATE TABLE log (version INT);\n"),
        |project, number| {
            let [up, down] = scripts(number);
            project
                .migration(&format!("{number}_step.up.sql"), up)
                .migration(&format!("{number}_step.down.sql"), down)
        },
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
