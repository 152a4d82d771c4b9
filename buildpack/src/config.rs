//! What the person who builds asked for: the `BP_MIGRATE_*` variables, typed.

use libcnb::Env;
use libcnb::data::launch::ProcessType;
use libcnb::data::process_type;
use migrate::config::{Folder, Origin, Overrides, Setting, nearest};
use std::collections::BTreeSet;
use std::fmt;

pub(crate) const DATABASES: &str = "BP_MIGRATE_DATABASES";
pub(crate) const DIR: &str = "BP_MIGRATE_DIR";
pub(crate) const PROCESS_TYPES: &str = "BP_MIGRATE_PROCESS_TYPES";
pub(crate) const RUST_MIRROR: &str = "BP_MIGRATE_RUST_MIRROR";

const PREFIX: &str = "BP_MIGRATE_";
const KNOWN: [&str; 4] = [DATABASES, DIR, PROCESS_TYPES, RUST_MIRROR];

/// The build's configuration. An empty variable is one that is not set: platforms
/// pass on what a form's empty field holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The databases whose drivers are compiled in: never none.
    pub(crate) databases: BTreeSet<Database>,
    /// Where the migrations are, relative to the app's folder.
    pub(crate) dir: Option<String>,
    /// The names under which platforms find the process: `migrate`, then others.
    pub(crate) process_types: Vec<ProcessType>,
    /// Stands in for the Rust distribution server; no slash at its end.
    pub(crate) rust_mirror: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Database {
    Mysql,
    Postgres,
    Sqlite,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ConfigError {
    BadProcessType {
        value: String,
    },
    MirrorNotHttp {
        value: String,
    },
    NotUnicode {
        name: String,
    },
    UnknownDatabase {
        value: String,
        nearest: Option<String>,
    },
    UnknownVariable {
        name: String,
        nearest: Option<String>,
    },
    /// The process that platforms take for the application.
    WebProcess,
}

impl Config {
    pub(crate) fn from_env(env: &Env) -> Result<Self, ConfigError> {
        reject_unknown(env)?;
        Ok(Self {
            databases: databases(value(env, DATABASES)?.as_deref())?,
            dir: value(env, DIR)?,
            process_types: process_types(value(env, PROCESS_TYPES)?.as_deref())?,
            rust_mirror: value(env, RUST_MIRROR)?.map(mirror).transpose()?,
        })
    }

    /// What the build's own variables say of the project, over its `migrate.toml`.
    pub(crate) fn overrides(&self) -> Overrides {
        let origin = Origin::Environment(DIR.to_string());
        let dir = self.dir.clone().map(Folder);
        Overrides {
            dir: dir.map(|dir| Setting::new(dir, origin)),
            ..Overrides::default()
        }
    }
}

impl Database {
    pub(crate) const ALL: [Self; 3] = [Self::Mysql, Self::Postgres, Self::Sqlite];

    /// Its name in `BP_MIGRATE_DATABASES`, which is the migrator's cargo feature.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

/// Its name as a person knows it.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mysql => "MySQL/MariaDB",
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}

/// A misspelt option that is silently without effect is the worst kind.
fn reject_unknown(env: &Env) -> Result<(), ConfigError> {
    let mut unknown: Vec<_> = env
        .iter()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with(PREFIX) && !KNOWN.contains(&name.as_str()))
        .collect();
    unknown.sort();
    match unknown.into_iter().next() {
        None => Ok(()),
        Some(name) => {
            // What all of them begin with would make any two alike.
            let word = |name| str::strip_prefix(name, PREFIX).unwrap_or_default();
            let nearest = nearest(word(&name), KNOWN.map(word));
            Err(ConfigError::UnknownVariable {
                nearest: nearest.map(|word| format!("{PREFIX}{word}")),
                name,
            })
        }
    }
}

fn value(env: &Env, name: &str) -> Result<Option<String>, ConfigError> {
    let Some(value) = env.get(name) else {
        return Ok(None);
    };
    let value = value.to_str().ok_or_else(|| ConfigError::NotUnicode {
        name: name.to_string(),
    })?;
    Ok(Some(value.trim().to_string()).filter(|value| !value.is_empty()))
}

fn databases(value: Option<&str>) -> Result<BTreeSet<Database>, ConfigError> {
    let Some(value) = value else {
        return Ok(Database::ALL.into());
    };
    let named: BTreeSet<_> = value
        .split([',', ' '])
        .filter(|word| !word.is_empty())
        .map(database)
        .collect::<Result<_, _>>()?;
    if named.is_empty() {
        return Err(ConfigError::UnknownDatabase {
            value: value.to_string(),
            nearest: None,
        });
    }
    Ok(named)
}

fn database(word: &str) -> Result<Database, ConfigError> {
    match word.to_lowercase().as_str() {
        "mysql" | "mariadb" => Ok(Database::Mysql),
        "postgres" | "postgresql" => Ok(Database::Postgres),
        "sqlite" => Ok(Database::Sqlite),
        other => Err(ConfigError::UnknownDatabase {
            value: word.to_string(),
            nearest: nearest(other, Database::ALL.map(Database::feature)),
        }),
    }
}

/// `migrate` is always among them: documentation and other tools start it so.
fn process_types(value: Option<&str>) -> Result<Vec<ProcessType>, ConfigError> {
    let mut types = vec![process_type!("migrate")];
    let words = value.unwrap_or_default().split([',', ' ']);
    for word in words.filter(|word| !word.is_empty()) {
        if word.eq_ignore_ascii_case("web") {
            return Err(ConfigError::WebProcess);
        }
        let named: ProcessType = word.parse().map_err(|_| ConfigError::BadProcessType {
            value: word.to_string(),
        })?;
        if !types.contains(&named) {
            types.push(named);
        }
    }
    Ok(types)
}

fn mirror(value: String) -> Result<String, ConfigError> {
    if value.starts_with("https://") || value.starts_with("http://") {
        Ok(value.trim_end_matches('/').to_string())
    } else {
        Err(ConfigError::MirrorNotHttp { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    fn config<const N: usize>(variables: [(&str, &str); N]) -> Result<Config, ConfigError> {
        let mut env = Env::new();
        for (name, value) in variables {
            env.insert(name, value);
        }
        Config::from_env(&env)
    }

    #[test]
    fn nothing_set_means_every_database_and_no_wish() {
        assert_eq!(
            config([("PATH", "/bin"), ("BP_OTHER", "x")]),
            Ok(Config {
                databases: Database::ALL.into(),
                dir: None,
                process_types: vec![process_type!("migrate")],
                rust_mirror: None,
            })
        );
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        assert_eq!(
            config([
                (DIR, ""),
                (DATABASES, " "),
                (PROCESS_TYPES, ""),
                (RUST_MIRROR, "")
            ]),
            config([])
        );
    }

    #[test]
    fn databases_are_read_by_the_names_that_people_use() {
        let databases = |value| config([(DATABASES, value)]).unwrap().databases;
        assert_eq!(databases("postgres"), [Database::Postgres].into());
        assert_eq!(
            databases("PostgreSQL, mariadb,"),
            [Database::Mysql, Database::Postgres].into()
        );
    }

    #[test]
    fn an_unknown_database_is_answered_with_the_nearest() {
        assert_eq!(
            config([(DATABASES, "postgrse")]),
            Err(ConfigError::UnknownDatabase {
                value: "postgrse".to_string(),
                nearest: Some("postgres".to_string()),
            })
        );
        assert_eq!(
            config([(DATABASES, "oracle")]),
            Err(ConfigError::UnknownDatabase {
                value: "oracle".to_string(),
                nearest: None,
            })
        );
        assert_eq!(
            config([(DATABASES, ",")]),
            Err(ConfigError::UnknownDatabase {
                value: ",".to_string(),
                nearest: None,
            })
        );
    }

    #[test]
    fn an_unknown_variable_is_answered_with_the_nearest() {
        assert_eq!(
            config([("BP_MIGRATE_DATABSE", "x")]),
            Err(ConfigError::UnknownVariable {
                name: "BP_MIGRATE_DATABSE".to_string(),
                nearest: Some(DATABASES.to_string()),
            })
        );
    }

    #[test]
    fn a_variable_like_no_other_is_answered_with_none() {
        assert_eq!(
            config([("BP_MIGRATE_XYZZY", "x")]),
            Err(ConfigError::UnknownVariable {
                name: "BP_MIGRATE_XYZZY".to_string(),
                nearest: None,
            })
        );
    }

    #[test]
    fn process_types_are_migrate_and_those_that_are_asked_for() {
        let types = |value| {
            let types = config([(PROCESS_TYPES, value)]).map(|config| config.process_types);
            types.map(|types| types.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let both = Ok(vec!["migrate".to_string(), "release".to_string()]);
        assert_eq!(types("migrate,release"), both);
        assert_eq!(types(" release, release "), both);
        assert_eq!(types("web"), Err(ConfigError::WebProcess));
        assert_eq!(types("migrate,Web"), Err(ConfigError::WebProcess));
        for value in ["re/lease", "release:", "é"] {
            assert_eq!(
                types(value),
                Err(ConfigError::BadProcessType {
                    value: value.to_string()
                })
            );
        }
    }

    #[test]
    fn a_mirror_is_an_address() {
        let mirror = |value| config([(RUST_MIRROR, value)]).map(|config| config.rust_mirror);
        assert_eq!(
            mirror("https://rust.example.com/"),
            Ok(Some("https://rust.example.com".to_string()))
        );
        assert_eq!(
            mirror("/srv/rust"),
            Err(ConfigError::MirrorNotHttp {
                value: "/srv/rust".to_string()
            })
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_named() {
        let mut env = Env::new();
        env.insert(DIR, OsString::from_vec(vec![0xff]));
        assert_eq!(
            Config::from_env(&env),
            Err(ConfigError::NotUnicode {
                name: DIR.to_string()
            })
        );
    }
}
