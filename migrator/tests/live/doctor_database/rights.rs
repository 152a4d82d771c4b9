//! What the user of the URL may not do: the correction gives the right, and `up`
//! goes through.

use super::{correct, examined, project, url_of};
use crate::support::{Database, Migrate, Project, Server, stories, up};

stories! {
    on [Postgres] {
        a_history_in_a_schema_that_is_not_there_is_found,
        a_history_that_may_not_be_written_is_found,
        a_schema_that_is_not_there_is_found,
        a_schema_that_is_passed_over_is_told,
        a_user_that_is_not_the_owner_is_found,
        a_user_may_act_for_the_owner,
        a_user_that_may_not_create_is_given_the_right,
    }
    on [Mariadb, Mysql] {
        a_user_that_may_only_read_is_given_the_rights,
    }
    on servers {
        a_user_with_one_connection_is_given_more,
    }
}

/// A user of the database's own name, who is gone at the end.
struct User<'a>(&'a Database);

impl<'a> User<'a> {
    fn new(db: &'a Database, sql: &str) -> Self {
        let name = db.name();
        let identified = match db.server {
            Server::Mysql => "IDENTIFIED WITH mysql_native_password BY",
            Server::Mariadb => "IDENTIFIED BY",
            Server::Postgres | Server::Sqlite => "PASSWORD",
        };
        db.run(&format!("CREATE USER {name} {identified} 'hush-hush'"));
        if !sql.is_empty() {
            db.run(&sql.replace("{user}", name));
        }
        Self(db)
    }

    fn url(&self) -> String {
        url_of(self.0, self.0.name())
    }

    #[track_caller]
    fn examined(&self, project: &Project) -> super::Found {
        examined(self.0, project, &self.url(), [])
    }

    #[track_caller]
    fn ups(&self, project: &Project) {
        Migrate::new(project)
            .env("DATABASE_URL", &self.url())
            .args(["up"])
            .run()
            .exits(0);
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        let name = self.0.name();
        if !std::thread::panicking() {
            self.0.run(&match self.0.server {
                Server::Postgres => format!("DROP OWNED BY {name} CASCADE; DROP USER {name}"),
                _ => format!("DROP USER {name}"),
            });
        }
    }
}

fn a_user_that_may_not_create_is_given_the_right(db: &Database) {
    // As it is since PostgreSQL 15.
    db.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let user = User::new(db, "");
    let project = project();
    let correction = user.examined(&project).refuses("may_not_create");
    assert_eq!(
        correction,
        [format!(
            "GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"{}\";",
            db.name()
        )]
    );
    Migrate::new(&project)
        .env("DATABASE_URL", &user.url())
        .args(["doctor"])
        .run()
        .exits(3)
        .says("error[may_not_create]: the user ")
        .says(" = why: ")
        .says(" = see: https://www.postgresql.org/docs/")
        .says(" = fix: as the schema's owner, postgres:")
        .says(&correction[0]);
    correct(db, &correction);
    user.examined(&project).nothing();
    user.ups(&project);
    user.examined(&project).nothing();
    // What others have beside it is theirs.
    db.run("CREATE TABLE of_another (id INT)");
    user.examined(&project).nothing();
}

fn a_user_that_is_not_the_owner_is_found(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    let user = User::new(
        db,
        "GRANT CREATE ON SCHEMA public TO {user}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}",
    );
    // It works until a table is changed that is there.
    user.examined(&project).warns("not_owner");
    project.write("migrations/2_b.sql", "CREATE TABLE b (id INT);\n");
    user.examined(&project).warns("not_owner");
    project.write("migrations/3_c.sql", "ALTER TABLE IF EXISTS a ADD c INT;\n");
    user.examined(&project).refuses("not_owner");
    db.run(&format!(
        "REVOKE ALL ON _sqlx_migrations, _migrate_runs FROM {}",
        db.name()
    ));
    let correction = user.examined(&project).refuses("not_owner");
    // A superuser is nobody to act for.
    let given = ["_migrate_runs", "_sqlx_migrations", "a"].map(|table| {
        format!(
            "ALTER TABLE \"public\".\"{table}\" OWNER TO \"{}\";",
            db.name()
        )
    });
    assert_eq!(correction, given);
    correct(db, &correction);
    user.examined(&project).nothing();
    user.ups(&project);
}

fn a_user_may_act_for_the_owner(db: &Database) {
    let owner = format!("{}_owner", db.name());
    db.run(&format!(
        "CREATE ROLE \"{owner}\"; GRANT CREATE ON SCHEMA public TO \"{owner}\""
    ));
    let project = project();
    up(&project, db).exits(0);
    for table in ["_migrate_runs", "_sqlx_migrations", "a"] {
        db.run(&format!("ALTER TABLE {table} OWNER TO \"{owner}\""));
    }
    let user = User::new(db, "GRANT CREATE ON SCHEMA public TO {user}");
    let correction = user.examined(&project).refuses("not_owner");
    let given = format!("GRANT \"{owner}\" TO \"{}\";", db.name());
    assert_eq!(correction, [given]);
    correct(db, &correction);
    user.examined(&project).nothing();
    project.write("migrations/2_b.sql", "ALTER TABLE a ADD c INT;\n");
    user.examined(&project).nothing();
    user.ups(&project);
    drop(user);
    db.run(&format!(
        "DROP OWNED BY \"{owner}\" CASCADE; DROP ROLE \"{owner}\""
    ));
}

fn a_history_that_may_not_be_written_is_found(db: &Database) {
    let user = User::new(db, "GRANT CREATE ON SCHEMA public TO {user}");
    let project = project();
    user.ups(&project);
    db.run(&format!(
        "REVOKE INSERT ON _sqlx_migrations FROM {}",
        db.name()
    ));
    let correction = user.examined(&project).refuses("may_not_write_history");
    correct(db, &correction);
    user.examined(&project).nothing();
    db.run(&format!("REVOKE ALL ON _migrate_runs FROM {}", db.name()));
    let correction = user.examined(&project).warns("may_not_write_history");
    correct(db, &correction);
    user.examined(&project).nothing();
}

fn a_schema_that_is_not_there_is_found(db: &Database) {
    let user = User::new(db, "ALTER ROLE {user} SET search_path = \"the app\"");
    let project = project();
    let correction = user.examined(&project).refuses("no_schema");
    correct(db, &correction);
    user.examined(&project).nothing();
    db.run(&format!(
        "ALTER SCHEMA \"the app\" OWNER TO postgres; REVOKE ALL ON SCHEMA \"the app\" FROM {}",
        db.name()
    ));
    let correction = user.examined(&project).refuses("no_schema");
    correct(db, &correction);
    user.examined(&project).nothing();
    user.ups(&project);
}

fn a_history_in_a_schema_that_is_not_there_is_found(db: &Database) {
    let user = User::new(db, "GRANT CREATE ON SCHEMA public TO {user}");
    let project = project();
    let table = ["--table", "nowhere.history"];
    let correction = examined(db, &project, &user.url(), table).refuses("no_schema");
    correct(db, &correction);
    examined(db, &project, &user.url(), table).nothing();
}

fn a_schema_that_is_passed_over_is_told(db: &Database) {
    let user = User::new(
        db,
        "GRANT CREATE ON SCHEMA public TO {user}; \
         ALTER ROLE {user} SET search_path = \"$user\", app, public, extensions",
    );
    let project = project();
    let correction = user.examined(&project).warns("schema_passed_over");
    correct(db, &correction);
    user.examined(&project).nothing();
    db.run(&format!(
        "ALTER SCHEMA app OWNER TO postgres; REVOKE ALL ON SCHEMA app FROM {}",
        db.name()
    ));
    let correction = user.examined(&project).warns("schema_passed_over");
    correct(db, &correction);
    user.examined(&project).nothing();
}

fn a_user_that_may_only_read_is_given_the_rights(db: &Database) {
    let grant = |rights: &str| format!("GRANT {rights} ON {}.* TO {{user}}", db.name());
    let user = User::new(db, &grant("SELECT"));
    let project = project();
    let correction = user.examined(&project).refuses("may_not_create");
    correct(db, &correction);
    user.examined(&project).nothing();
    user.ups(&project);
    user.examined(&project).nothing();
    db.run(&format!("REVOKE INDEX ON {}.* FROM {0}", db.name()));
    let correction = user.examined(&project).warns("may_not_create");
    assert_eq!(
        correction,
        [format!("GRANT INDEX ON `{0}`.* TO '{0}'@'%';", db.name())]
    );
    correct(db, &correction);
    user.examined(&project).nothing();
    // A database may be granted by a pattern.
    db.run(&format!(
        "REVOKE ALL ON {0}.* FROM {0}; GRANT ALL ON `live\\_%`.* TO {0}",
        db.name()
    ));
    user.examined(&project).nothing();
}

fn a_user_with_one_connection_is_given_more(db: &Database) {
    let user = User::new(
        db,
        &match db.server {
            Server::Postgres => "GRANT CREATE ON SCHEMA public TO {user}; \
                                 ALTER USER {user} CONNECTION LIMIT 1"
                .to_owned(),
            _ => format!(
                "GRANT ALL ON {}.* TO {{user}}; ALTER USER {{user}} WITH MAX_USER_CONNECTIONS 1",
                db.name()
            ),
        },
    );
    let project = project();
    let correction = user.examined(&project).refuses("no_connection_left");
    correct(db, &correction);
    user.examined(&project).nothing();
    user.ups(&project);
    if db.server == Server::Postgres {
        // The test's own session is one, and the doctor's the other.
        let limit = |limit: i32| {
            db.run(&format!(
                "ALTER DATABASE {} CONNECTION LIMIT {limit}",
                db.name()
            ));
        };
        limit(2);
        let correction = user.examined(&project).refuses("no_connection_left");
        correct(db, &correction);
        user.examined(&project).nothing();
        limit(-1);
    }
}
