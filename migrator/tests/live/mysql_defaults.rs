//! Defaults of a server, a database or a user of MySQL and MariaDB that are not
//! the usual ones.

use crate::support::{Database, Migrate, Project, Server, stories, up};

stories! {
    on [Mariadb, Mysql] {
        our_tables_are_kept_alike_under_every_default,
        a_default_that_bounds_statements_bounds_no_migration,
    }
}

/// The URL of a user of the test's own, who is no administrator.
fn user(db: &Database, with: &str) -> String {
    let name = db.name();
    db.run(&format!(
        "CREATE USER {name} IDENTIFIED BY 'hush-hush'{with}"
    ));
    db.run(&format!("GRANT ALL ON {name}.* TO {name}"));
    let (scheme, rest) = db.url().split_once("://").unwrap();
    let (_, host) = rest.rsplit_once('@').unwrap();
    let encrypted = match db.server {
        Server::Mysql => "?ssl-mode=REQUIRED",
        _ => "",
    };
    format!("{scheme}://{name}:hush-hush@{host}{encrypted}")
}

fn our_tables_are_kept_alike_under_every_default(db: &Database) {
    let name = db.name();
    let url = user(db, "");
    db.run(&format!("ALTER DATABASE {name} CHARACTER SET binary"));
    // The sessions of this user alone: other tests use the server, too.
    let before = db.value("SELECT @@GLOBAL.init_connect");
    db.run(&format!(
        "SET GLOBAL init_connect = 'SET SESSION default_storage_engine = \
         IF(USER() LIKE \"{name}@%\", \"MyISAM\", \"InnoDB\")'"
    ));
    let project = Project::new()
        .migration("1_größe.sql", "CREATE TABLE usual (t TEXT);\n")
        .migration(
            "2_b.sql",
            "-- no-transaction\nINSERT INTO usual VALUES ('a');\nSELECT 1;\n",
        )
        .file("migrations/repeatable/täglich.sql", "SELECT 1;\n");
    let run = |verb: &str| {
        Migrate::new(&project)
            .env("DATABASE_URL", &url)
            .args([verb])
            .run()
    };
    let said = run("up");
    let status = run("status");
    db.run(&format!(
        "SET GLOBAL init_connect = '{}'",
        before.replace('\'', "''")
    ));
    said.exits(0)
        .says("✅ 1 größe")
        .says("Applied 2 migrations");
    status.exits(0).says("größe").says("2 applied");
    let tables = db.rows(
        "SELECT table_name AS n, engine AS e, create_options LIKE '%row_format=DYNAMIC%' AS o, \
         table_collation LIKE 'utf8mb4%' AS c FROM information_schema.tables \
         WHERE table_schema = DATABASE() ORDER BY 1",
    );
    let kept = |table: &str| [table, "InnoDB", "1", "1"].map(str::to_owned).to_vec();
    let ours = [
        "_migrate_journal",
        "_migrate_repeatable",
        "_migrate_runs",
        "_sqlx_migrations",
    ];
    let (of_file, tables): (Vec<_>, Vec<_>) = tables.into_iter().partition(|row| row[0] == "usual");
    assert_eq!(tables, ours.map(kept));
    // It was so for the migrations.
    assert_eq!(of_file[0][1..], ["MyISAM", "0", "0"].map(str::to_owned));
    assert_eq!(
        db.column(
            "SELECT data_type AS t FROM information_schema.columns WHERE table_schema = \
                   DATABASE() AND table_name = 'usual'"
        ),
        ["blob"]
    );
    // A failure goes on where it stopped, as with every table of InnoDB.
    project.write("migrations/3_c.sql", "CREATE TABLE c (id INT);\nSELEC 1;\n");
    run("up").exits(9).ends("after statement 1");
    project.write(
        "migrations/3_c.sql",
        "CREATE TABLE c (id INT);\nSELECT 1;\n",
    );
    run("up").exits(0).says("✅ 3 c");
    db.run(&format!("DROP USER {name}"));
}

fn a_default_that_bounds_statements_bounds_no_migration(db: &Database) {
    let seen = |name: &str| format!("CREATE TABLE {name} AS SELECT {} AS bound;\n", variable(db));
    let project = Project::new()
        .migration("1_a.sql", seen("a"))
        .migration("2_b.sql", format!("-- no-transaction\n{}", seen("b")))
        // One transaction, and one that leaves a bound of its own behind.
        .migration("3_c.sql", "INSERT INTO a VALUES (7);\n")
        .migration("4_d.sql", format!("SET SESSION {} = 9;\n", plain(db)))
        .migration("5_e.sql", seen("e"));
    let bounds = || {
        ["a", "b", "e"].map(|table| {
            db.column(&format!("SELECT CAST(bound + 0 AS CHAR) AS b FROM {table}"))[0].clone()
        })
    };
    if db.server == Server::Mariadb {
        let url = user(db, " WITH MAX_STATEMENT_TIME 0.4");
        project.write(
            "migrations/6_f.sql",
            "CREATE TABLE f (id INT); INSERT INTO f SELECT SLEEP(1);\n",
        );
        Migrate::new(&project)
            .env("DATABASE_URL", &url)
            .args(["up"])
            .run()
            .exits(0);
        assert_eq!(
            bounds(),
            ["0", "0", "0"].map(|zero| format!("{zero}.000000"))
        );
        assert_eq!(db.value("SELECT CAST(id AS CHAR) FROM f"), "0");
        db.run(&format!("DROP USER {}", db.name()));
    } else {
        // So large that it harms no other test.
        db.run("SET GLOBAL max_execution_time = 600000");
        let said = up(&project, db);
        db.run("SET GLOBAL max_execution_time = DEFAULT");
        said.exits(0);
        assert_eq!(bounds(), ["0", "0", "0"]);
    }
    let own = Project::new().migration("7_g.sql", seen("g")).migration(
        "8_h.sql",
        "SELECT count(*) FROM information_schema.columns a, \
                    information_schema.columns b, information_schema.columns c;\n",
    );
    let failed = Migrate::new(&own)
        .on(db)
        .args([
            "up",
            "--unknown-applied",
            "warn",
            "--statement-timeout",
            "700ms",
        ])
        .run();
    failed
        .exits(8)
        .ends("migrations/8_h.sql")
        .ends("--statement-timeout");
    let expected = if db.server == Server::Mariadb {
        "0.700000"
    } else {
        "700"
    };
    assert_eq!(
        db.column("SELECT CAST(bound AS CHAR) AS b FROM g"),
        [expected]
    );
}

fn variable(db: &Database) -> String {
    format!("@@{}", plain(db))
}

fn plain(db: &Database) -> &'static str {
    match db.server {
        Server::Mariadb => "max_statement_time",
        _ => "max_execution_time",
    }
}
