//! Alembic's configuration: `alembic.ini`, or `[tool.alembic]` of pyproject.toml,
//! as far as it says where the revisions are (Alembic 1.19, `alembic/config.py`).

use super::ini::Ini;

/// The files that configure Alembic.
pub const INI: &str = "alembic.ini";
pub const PYPROJECT: &str = "pyproject.toml";

/// The section that Alembic reads.
const SECTION: &str = "alembic";

/// What a configuration says. Paths are relative to its own folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The folder of env.py; `None` where Alembic is configured by a program.
    pub script_location: Option<String>,
    /// The folders of the revisions, where they are not `versions` below it.
    pub version_locations: Vec<String>,
    /// Whether folders below those count, too.
    pub is_recursive: bool,
}

/// Why a configuration tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError {
    pub message: String,
}

impl Configuration {
    /// Reads an ini file; one with another section's settings only has no
    /// location.
    ///
    /// # Errors
    /// What Python's own parser would reject.
    pub fn of_ini(text: &str) -> Result<Self, ConfigurationError> {
        let error = |message| ConfigurationError { message };
        let ini = Ini::read(text, ".").map_err(error)?;
        let get = |key: &str| ini.get(SECTION, key).map_err(error);
        let mut separator = None;
        for name in ["path_separator", "version_path_separator"] {
            if separator.is_none() {
                separator = get(name)?
                    .map(|word| separator_named(name, &word))
                    .transpose()?;
            }
        }
        let locations = get("version_locations")?.unwrap_or_default();
        Ok(Self {
            script_location: get("script_location")?.map(|it| package(here(&it))),
            version_locations: split(&locations, separator),
            is_recursive: get("recursive_version_locations")?.is_some_and(|it| it == "true"),
        })
    }

    /// What an ini file leaves open, by pyproject.toml: Alembic asks the one, then the
    /// other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            script_location: self.script_location.or(other.script_location),
            version_locations: if self.version_locations.is_empty() {
                other.version_locations
            } else {
                self.version_locations
            },
            is_recursive: self.is_recursive || other.is_recursive,
        }
    }

    /// Reads pyproject.toml; `None` where it has no `[tool.alembic]`.
    ///
    /// # Errors
    /// A text that is no TOML.
    pub fn of_pyproject(text: &str) -> Result<Option<Self>, ConfigurationError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let message = error.message().to_owned();
            ConfigurationError { message }
        })?;
        let section = table.get("tool").and_then(|tool| tool.get("alembic"));
        let Some(section) = section else {
            return Ok(None);
        };
        let text = |value: &toml::Value| value.as_str().map(here_in_toml);
        let locations = section.get("version_locations");
        let several = locations.and_then(toml::Value::as_array);
        Ok(Some(Self {
            script_location: section.get("script_location").and_then(text).map(package),
            version_locations: several.into_iter().flatten().filter_map(text).collect(),
            is_recursive: section
                .get("recursive_version_locations")
                .and_then(toml::Value::as_bool)
                .unwrap_or_default(),
        }))
    }

    /// The folders of the revisions.
    #[must_use]
    pub fn folders(&self) -> Vec<String> {
        match (&self.version_locations[..], &self.script_location) {
            ([], Some(location)) => vec![format!("{location}/versions")],
            ([], None) => Vec::new(),
            (locations, _) => locations.to_vec(),
        }
    }
}

/// A path relative to the configuration's folder: `%(here)s` is that folder.
fn here(value: &str) -> String {
    let mut path = value;
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    path.trim_end_matches('/').to_owned()
}

/// The same in pyproject.toml, where Alembic itself fills it in.
fn here_in_toml(value: &str) -> String {
    here(&value.replace("%(here)s", ".").replace("%%", "%"))
}

/// A folder of a package that lies here, as in `package.part:folder:folder`.
fn package(path: String) -> String {
    match path.split_once(':') {
        Some((package, folders)) if !path.starts_with('/') => {
            format!(
                "{}/{}",
                package.replace('.', "/"),
                folders.replace(':', "/")
            )
        }
        _ => path,
    }
}

fn separator_named(name: &str, word: &str) -> Result<char, ConfigurationError> {
    match word {
        "space" => Ok(' '),
        "newline" => Ok('\n'),
        "os" | ":" => Ok(':'),
        ";" => Ok(';'),
        _ => Err(ConfigurationError {
            message: format!(
                "invalid {name} {word:?}: expected \"space\", \"newline\", \"os\", \":\" or \";\""
            ),
        }),
    }
}

/// Without a separator, blanks and commas are one, as they always were.
fn split(all: &str, separator: Option<char>) -> Vec<String> {
    let parts: Vec<&str> = match separator {
        Some(separator) => all
            .split(separator)
            .filter(|part| !part.is_empty())
            .collect(),
        None => all
            .split([' ', ','])
            .filter(|part| !part.is_empty())
            .collect(),
    };
    let parts = parts.into_iter().map(str::trim);
    parts.map(|part| package(here(part))).collect()
}

/// The version table that env.py names by literals: its schema, and its name.
#[must_use]
pub fn version_table(env: &str) -> (Option<String>, Option<String>) {
    let named = |keyword: &str| {
        env.match_indices(keyword).find_map(|(at, _)| {
            let before = env[..at].chars().next_back();
            let rest = env[at + keyword.len()..].trim_start().strip_prefix('=')?;
            let rest = rest.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let is_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '#');
            let (name, _) = rest[1..].split_once(quote)?;
            (!is_word && !name.is_empty()).then(|| name.to_owned())
        })
    };
    (named("version_table_schema"), named("version_table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(text: &str) -> Vec<String> {
        Configuration::of_ini(text).unwrap().folders()
    }

    #[test]
    fn an_ini_says_where_the_revisions_are() {
        for (text, expected) in [
            (
                "[alembic]\nscript_location = alembic\n",
                vec!["alembic/versions"],
            ),
            (
                "[alembic]\n# c\nscript_location = %(here)s/db/alembic\n",
                vec!["db/alembic/versions"],
            ),
            (
                "[alembic]\nscript_location = a\nversion_locations = %(here)s/v1 %(here)s/v2\n",
                vec!["v1", "v2"],
            ),
            (
                "[alembic]\nscript_location = a\nversion_path_separator = os\nversion_locations = v1:v2\n",
                vec!["v1", "v2"],
            ),
            (
                "[alembic]\nscript_location = a\npath_separator = newline\nversion_locations =\n    v 1\n    v2\n[loggers]\nkeys = root\n",
                vec!["v 1", "v2"],
            ),
            (
                "[alembic]\nscript_location = app.db:alembic\n",
                vec!["app/db/alembic/versions"],
            ),
            ("[loggers]\nkeys = root\n", vec![]),
        ] {
            assert_eq!(folders(text), expected, "{text}");
        }
    }

    #[test]
    fn a_configuration_of_alembics_own_template_is_read() {
        let text = "# A generic, single database configuration.\n\n[alembic]\n\
                    script_location = %(here)s/alembic\n\n\
                    # file_template = %%(year)d_%%(rev)s_%%(slug)s\n\n\
                    prepend_sys_path = .\n\npath_separator = os\n\n\
                    sqlalchemy.url = driver://user:pass@localhost/dbname\n\n\
                    [post_write_hooks]\n# hooks = black\n\n\
                    [formatter_generic]\nformat = %(levelname)-5.5s [%(name)s] %(message)s\n\
                    datefmt = %H:%M:%S\n";
        assert_eq!(folders(text), ["alembic/versions"]);
    }

    #[test]
    fn pyproject_may_have_it_instead() {
        let of = |text| Configuration::of_pyproject(text).unwrap();
        let text = "[tool.alembic]\nscript_location = \"%(here)s/alembic\"\n";
        assert_eq!(of(text).unwrap().folders(), ["alembic/versions"]);
        let text = "[tool.alembic]\nscript_location = \"a\"\nversion_locations = [\"b\", \"c\"]\n";
        assert_eq!(of(text).unwrap().folders(), ["b", "c"]);
        assert_eq!(of("[tool.poetry]\nname = \"x\"\n"), None);
        assert!(Configuration::of_pyproject("[").is_err());
    }

    #[test]
    fn env_py_may_name_another_table() {
        let of = version_table;
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(
            of("context.configure(\n  version_table='v', version_table_schema = \"s\",\n)"),
            (name("s"), name("v"))
        );
        assert_eq!(of("context.configure(version_table=TABLE)"), (None, None));
        assert_eq!(of("my_version_table = 'x'"), (None, None));
    }
}
