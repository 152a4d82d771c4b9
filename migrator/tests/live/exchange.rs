//! The exchange with sqlx's own library, in both directions: a database has no
//! way to tell who keeps it.

use crate::support::{Database, Migrate, Project, Running, Server, Session, status, stories, up};
use sqlx::migrate::MigrateError;
use std::thread;

stories! {
    on every {
        a_table_of_another_name_is_the_same_for_both,
        both_at_once_end_with_each_migration_once,
        both_leave_the_same_history,
        both_refuse_the_same_change,
        what_migrate_began_sqlx_goes_on_with,
        what_sqlx_began_migrate_goes_on_with,
    }
    on [Mariadb, Mysql] {
        both_see_what_the_other_left_half_applied,
    }
}

/// File names and texts in which two readers could differ.
fn awkward() -> Project {
    Project::new()
        .migration("-5_before_all.sql", "CREATE TABLE a (id INT);\n")
        .migration("+1_plus.sql", "CREATE TABLE b (id INT);")
        .migration(
            "0002_create_users__table.sql",
            "CREATE TABLE c (id INT);\r\n-- größe\r\n",
        )
        .migration("3_größe.up.sql", "CREATE TABLE d (id INT)")
        .migration("3_größe.down.sql", "DROP TABLE d")
        .migration("4_.sql", "SELECT 1;\n-- the end")
        .migration(
            "5_twice.sql.sql",
            "-- no-transaction\nCREATE TABLE e (id INT);\n",
        )
        .migration(
            "20260101000000_it's_\\quoted.up.up.sql",
            "CREATE TABLE f (id INT);\n",
        )
        .migration("notes.sql", "not SQL")
}

fn more(project: Project) -> Project {
    project
        .migration("20260101000001_g.sql", "CREATE TABLE g (id INT);\n")
        .migration("20260101000002_h.sql", "CREATE TABLE h (id INT);\n")
}

fn what_sqlx_began_migrate_goes_on_with(db: &Database) {
    let project = awkward();
    let folder = project.path("migrations");
    let sqlx = db.open();
    sqlx.sqlx(&folder).unwrap();
    let before = db.snapshot();

    up(&project, db)
        .exits(0)
        .says("Nothing to do; the schema is at 20260101000000.");
    assert_eq!(db.snapshot(), before);
    let project = more(project);
    up(&project, db).exits(0).says("Applied 2 migrations");

    let project = project.migration("20260101000003_i.sql", "CREATE TABLE i (id INT);\n");
    sqlx.sqlx(&folder).unwrap();
    status(&project, db)
        .exits(0)
        .says("10 migrations, 10 applied, 0 pending.");
    assert_eq!(db.tables(), ["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
}

fn what_migrate_began_sqlx_goes_on_with(db: &Database) {
    let project = awkward();
    up(&project, db).exits(0).says("Applied 7 migrations");
    let before = db.snapshot();

    let sqlx = db.open();
    sqlx.sqlx(&project.path("migrations")).unwrap();
    assert_eq!(db.snapshot(), before, "sqlx finds nothing to do");

    let project = more(project);
    sqlx.sqlx(&project.path("migrations")).unwrap();
    up(&project, db).exits(0).says("Nothing to do");
    status(&project, db)
        .exits(0)
        .says("9 migrations, 9 applied, 0 pending.");
}

/// What the server says of how the history table is made.
fn definition(db: &Database) -> Vec<Vec<String>> {
    match db.server {
        // Ours says how its rows are kept, sqlx's is as the server's default is.
        Server::Mariadb | Server::Mysql => db
            .rows("SHOW CREATE TABLE _sqlx_migrations")
            .into_iter()
            .map(|row| {
                row.iter()
                    .map(|text| text.replace(" ROW_FORMAT=DYNAMIC", ""))
                    .collect()
            })
            .collect(),
        Server::Postgres => db.rows(
            "SELECT a.attnum::text, a.attname, format_type(a.atttypid, a.atttypmod), \
             a.attnotnull::text, coalesce(pg_get_expr(d.adbin, d.adrelid), '') \
             FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attrelid = '_sqlx_migrations'::regclass AND a.attnum > 0 \
             UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid), '', '' \
             FROM pg_constraint WHERE conrelid = '_sqlx_migrations'::regclass \
             UNION ALL SELECT 'index', indexname, indexdef, tableowner, '' \
             FROM pg_indexes JOIN pg_tables USING (schemaname, tablename) \
             WHERE tablename = '_sqlx_migrations' ORDER BY 1, 2",
        ),
        Server::Sqlite => db.rows("SELECT name, sql FROM sqlite_master WHERE tbl_name = '_sqlx_migrations'"),
    }
}

fn both_leave_the_same_history(db: &Database) {
    let project = awkward();
    let by_sqlx = Database::new(db.server);
    by_sqlx.open().sqlx(&project.path("migrations")).unwrap();
    up(&project, db).exits(0);
    assert_eq!(definition(db), definition(&by_sqlx));
    let rows = "SELECT version, description, success, checksum, execution_time > 0 \
                FROM _sqlx_migrations ORDER BY version";
    assert_eq!(db.rows(rows), by_sqlx.rows(rows));
    assert_eq!(db.versions().len(), 7);
    // Both in UTC, to the same minute: the column's default did it.
    let age = match db.server {
        Server::Mariadb | Server::Mysql => {
            "SELECT max(abs(timestampdiff(SECOND, installed_on, current_timestamp))) < 60 FROM _sqlx_migrations"
        }
        Server::Postgres => {
            "SELECT (max(now() - installed_on) < interval '1 minute')::int::text FROM _sqlx_migrations"
        }
        Server::Sqlite => {
            "SELECT max(julianday('now') - julianday(installed_on)) < 60 / 86400.0 FROM _sqlx_migrations"
        }
    };
    assert_eq!(
        (db.value(age), by_sqlx.value(age)),
        ("1".into(), "1".into())
    );
}

fn both_refuse_the_same_change(db: &Database) {
    let project = awkward();
    let folder = project.path("migrations");
    up(&project, db).exits(0);
    project.write("migrations/+1_plus.sql", "CREATE TABLE b (id BIGINT);");
    let sqlx = db.open();
    assert!(matches!(
        sqlx.sqlx(&folder),
        Err(MigrateError::VersionMismatch(1))
    ));
    up(&project, db)
        .exits(7)
        .ends("migrations/+1_plus.sql was changed");
    project.remove("migrations/+1_plus.sql");
    // A new connection, for sqlx keeps its lock after an error.
    drop(sqlx);
    assert!(matches!(
        db.open().sqlx(&folder),
        Err(MigrateError::VersionMissing(1))
    ));
    up(&project, db)
        .exits(7)
        .ends("migration 1 plus is applied, but has no file");
}

fn a_table_of_another_name_is_the_same_for_both(db: &Database) {
    let project = awkward().file("sqlx.toml", "[migrate]\ntable-name = \"my_history\"\n");
    up(&project, db).exits(0);
    let before = db.snapshot();
    let run = db
        .open()
        .sqlx_with(&project.path("migrations"), |migrator| {
            migrator.dangerous_set_table_name("my_history");
        });
    run.unwrap();
    assert_eq!(db.snapshot(), before);
}

fn both_see_what_the_other_left_half_applied(db: &Database) {
    let project =
        Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\nSELECT nonsense;\n");
    let folder = project.path("migrations");
    up(&project, db).exits(9);
    assert!(matches!(
        db.open().sqlx(&folder),
        Err(MigrateError::Dirty(1))
    ));
    db.run("DROP TABLE a; DELETE FROM _sqlx_migrations; DELETE FROM _migrate_journal");
    assert!(db.open().sqlx(&folder).is_err());
    // What sqlx has begun has no journal to go on by.
    up(&project, db)
        .exits(7)
        .ends("migration 1 a began, but its end was not recorded");
}

const RACED: usize = 20;

fn both_at_once_end_with_each_migration_once(db: &Database) {
    let log = Project::new().migration("0_log.sql", "CREATE TABLE log (version INT);\n");
    up(&log, db).exits(0);
    let project = (1..=RACED).fold(log, |project, number| {
        let text =
            format!("CREATE TABLE t{number} (id INT);\nINSERT INTO log VALUES ({number});\n");
        project.migration(&format!("{number}_step.sql"), text)
    });
    let folder = project.path("migrations");
    thread::scope(|scope| {
        let sqlx: Vec<_> = (0..2)
            .map(|_| {
                let (server, url, folder) = (db.server, db.url(), &folder);
                scope.spawn(move || Session::open(server, url).sqlx(folder))
            })
            .collect();
        let ours: Vec<Running> = (0..2)
            .map(|_| Migrate::new(&project).on(db).args(["up"]).spawn())
            .collect();
        for running in ours {
            // It goes on where sqlx is, or says that it met somebody half way.
            let output = running.wait();
            assert!(matches!(output.code, 0 | 7 | 8), "{output}");
        }
        for run in sqlx {
            // sqlx has no fence: it may lose to ours, and says so itself.
            let _ = run.join().unwrap();
        }
    });
    up(&project, db).exits(0);
    db.open().sqlx(&folder).unwrap();
    let expected: Vec<String> = (1..=RACED).map(|number| number.to_string()).collect();
    assert_eq!(
        db.column("SELECT version FROM log ORDER BY version"),
        expected
    );
}
