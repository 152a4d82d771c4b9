//! Alembic's configuration: `alembic.ini`, or `[tool.alembic]` of pyproject.toml,
//! as far as it says where the revisions are (Alembic 1.19, `alembic/config.py`).

use super::ini::Ini;
use crate::text::{below, tidy};
use std::fmt;

/// The files that configure Alembic.
pub const INI: &str = "alembic.ini";
pub const PYPROJECT: &str = "pyproject.toml";

/// The section that Alembic reads, unless its option `-n` names another.
pub const SECTION: &str = "alembic";

/// What Python's logging and Alembic's hooks have sections for.
const OTHERS: [&str; 7] = [
    "formatter_",
    "formatters",
    "handler_",
    "handlers",
    "logger_",
    "loggers",
    "post_write_hooks",
];

/// What says by what the folders of the revisions are separated; the first also by
/// what those of packages are.
const OF_VERSIONS: [&str; 2] = ["path_separator", "version_path_separator"];

/// Stands for `%(here)s` while a value is read: no path holds it.
const HERE: &str = "\0";

/// What a configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The folder of env.py; `None` where Alembic is configured by a program.
    pub script_location: Option<Location>,
    /// The folders of the revisions, where they are not `versions` below it.
    pub version_locations: Vec<Location>,
    /// Where Python looks for packages first.
    pub prepend_sys_path: Vec<Location>,
    /// Whether folders below those of the revisions count, too.
    pub is_recursive: bool,
}

/// A folder, as a configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Wherever Alembic is started: an absolute path, or one relative to the root.
    Fixed(String),
    /// Relative to the folder in which Alembic is started.
    Started(String),
    /// A folder of a package, as in `package.part:folder:folder`.
    Package(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Fixed(text) | Self::Started(text) | Self::Package(text)) = self;
        f.write_str(text)
    }
}

/// Why a configuration tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationError {
    pub message: String,
}

/// An ini file of a folder: each of its sections may configure Alembic.
#[derive(Clone, Debug)]
pub struct IniFile {
    ini: Ini,
    here: String,
}

impl IniFile {
    /// Reads the text of a file of the folder `here`.
    ///
    /// # Errors
    /// What Python's own parser would reject.
    pub fn read(text: &str, here: &str) -> Result<Self, ConfigurationError> {
        let ini = Ini::read(text, HERE).map_err(|message| ConfigurationError { message })?;
        Ok(Self {
            ini,
            here: here.to_owned(),
        })
    }

    #[must_use]
    pub fn has(&self, section: &str) -> bool {
        self.ini.sections().any(|it| it == section)
    }

    /// The sections, but for those that are never Alembic's configuration.
    #[must_use]
    pub fn sections(&self) -> Vec<String> {
        let is_other = |name: &str| OTHERS.iter().any(|other| name.starts_with(other));
        let names = self.ini.sections().filter(|name| !is_other(name));
        names.map(str::to_owned).collect()
    }

    /// What a section says; nothing where there is no such section, or another's
    /// settings are in it.
    ///
    /// # Errors
    /// A value that Python would reject.
    pub fn configuration(&self, section: &str) -> Result<Configuration, ConfigurationError> {
        let error = |message| ConfigurationError { message };
        let here = &self.here;
        let get = |key: &str| self.ini.get(section, key).map_err(error);
        let separator = |names: &[&str]| {
            for name in names {
                if let Some(word) = get(name)? {
                    return separator_named(name, &word).map(Some);
                }
            }
            Ok(None)
        };
        let several = |key: &str, names: &[&str], usual: &[char]| match get(key)? {
            Some(all) if !all.is_empty() => Ok(split(&all, separator(names)?, usual, here)),
            _ => Ok(Vec::new()),
        };
        Ok(Configuration {
            script_location: get("script_location")?.map(|it| location(&it, here)),
            version_locations: several("version_locations", &OF_VERSIONS, &[' ', ','])?,
            prepend_sys_path: several("prepend_sys_path", &OF_VERSIONS[..1], &[' ', ',', ':'])?,
            is_recursive: get("recursive_version_locations")?.is_some_and(|it| it == "true"),
        })
    }
}

impl Configuration {
    /// What an ini file leaves open, by pyproject.toml: Alembic asks the one, then the
    /// other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let said = |ours: Vec<Location>, theirs| if ours.is_empty() { theirs } else { ours };
        Self {
            script_location: self.script_location.or(other.script_location),
            version_locations: said(self.version_locations, other.version_locations),
            prepend_sys_path: said(self.prepend_sys_path, other.prepend_sys_path),
            is_recursive: self.is_recursive || other.is_recursive,
        }
    }

    /// Reads pyproject.toml of the folder `here`; `None` where it has no
    /// `[tool.alembic]`, which Alembic reads whichever section `-n` names.
    ///
    /// # Errors
    /// A text that is no TOML.
    pub fn of_pyproject(text: &str, here: &str) -> Result<Option<Self>, ConfigurationError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let message = error.message().to_owned();
            ConfigurationError { message }
        })?;
        let section = table.get("tool").and_then(|tool| tool.get("alembic"));
        let Some(section) = section else {
            return Ok(None);
        };
        let one = |value: &toml::Value| value.as_str().map(|it| location_in_toml(it, here));
        let several = |key: &str| {
            let all = section.get(key).and_then(toml::Value::as_array);
            all.into_iter().flatten().filter_map(one).collect()
        };
        Ok(Some(Self {
            script_location: section.get("script_location").and_then(one),
            version_locations: several("version_locations"),
            prepend_sys_path: several("prepend_sys_path"),
            is_recursive: section
                .get("recursive_version_locations")
                .and_then(toml::Value::as_bool)
                .unwrap_or_default(),
        }))
    }
}

/// What a value names. One that contains a colon is a package's, unless it is
/// absolute, as `%(here)s` is.
fn location(value: &str, here: &str) -> Location {
    match value.strip_prefix(HERE) {
        Some(rest) => Location::Fixed(below(here, tidy(rest.trim_start_matches('/')))),
        None if value.starts_with('/') => Location::Fixed(value.trim_end_matches('/').to_owned()),
        None if value.contains(':') => Location::Package(value.to_owned()),
        None => Location::Started(tidy(value).to_owned()),
    }
}

/// The same in pyproject.toml, where Alembic itself fills in what stands for the folder.
fn location_in_toml(value: &str, here: &str) -> Location {
    location(&value.replace("%(here)s", HERE).replace("%%", "%"), here)
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

/// Without a separator, several characters are one, as they always were.
fn split(all: &str, separator: Option<char>, usual: &[char], here: &str) -> Vec<Location> {
    let is_separator = |c: char| match separator {
        Some(separator) => c == separator,
        None => usual.contains(&c),
    };
    all.split(is_separator)
        .filter(|part| !part.is_empty())
        .map(|part| location(part.trim(), here))
        .collect()
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

    /// A configuration of the folder `api`.
    fn of(text: &str) -> Configuration {
        let ini = IniFile::read(text, "api").unwrap();
        ini.configuration(SECTION).unwrap()
    }

    fn fixed(path: &str) -> Location {
        Location::Fixed(path.to_owned())
    }

    fn started(path: &str) -> Location {
        Location::Started(path.to_owned())
    }

    #[test]
    fn an_ini_says_where_the_scripts_are() {
        for (value, expected) in [
            ("alembic", started("alembic")),
            ("./alembic/", started("alembic")),
            (".", started(".")),
            ("%(here)s/db/alembic", fixed("api/db/alembic")),
            ("%(here)s", fixed("api")),
            ("/srv/alembic", fixed("/srv/alembic")),
            (
                "app.db:alembic",
                Location::Package("app.db:alembic".to_owned()),
            ),
        ] {
            let text = format!("[alembic]\n# c\nscript_location = {value}\n");
            assert_eq!(of(&text).script_location, Some(expected), "{value}");
        }
        assert_eq!(of("[loggers]\nkeys = root\n"), Configuration::default());
    }

    #[test]
    fn an_ini_says_where_the_revisions_are() {
        for (text, expected) in [
            (
                "version_locations = %(here)s/v1 v2\n",
                vec![fixed("api/v1"), started("v2")],
            ),
            (
                "version_path_separator = os\nversion_locations = v1:v2\n",
                vec![started("v1"), started("v2")],
            ),
            (
                "path_separator = newline\nversion_locations =\n    v 1\n    v2\n[loggers]\nkeys = root\n",
                vec![started("v 1"), started("v2")],
            ),
            ("", vec![]),
        ] {
            let text = format!("[alembic]\nscript_location = a\n{text}");
            assert_eq!(of(&text).version_locations, expected, "{text}");
        }
    }

    #[test]
    fn an_ini_says_where_packages_are() {
        for (text, expected) in [
            (
                "prepend_sys_path = .:src, %(here)s/lib\n",
                vec![started("."), started("src"), fixed("api/lib")],
            ),
            (
                "prepend_sys_path = a b:c\npath_separator = os\n",
                vec![started("a b"), started("c")],
            ),
            // That one is of the revisions' folders alone.
            (
                "prepend_sys_path = a b\nversion_path_separator = os\n",
                vec![started("a"), started("b")],
            ),
        ] {
            let text = format!("[alembic]\n{text}");
            assert_eq!(of(&text).prepend_sys_path, expected, "{text}");
        }
    }

    #[test]
    fn a_section_has_nothing_of_another_but_of_the_defaults() {
        let text = "[DEFAULT]\nprepend_sys_path = .\n[alembic]\nscript_location = one\n\
                    [billing]\nversion_locations = v\n[loggers]\nkeys = root\n[logger_root]\n";
        let ini = IniFile::read(text, "api").unwrap();
        assert_eq!(ini.sections(), ["alembic", "billing"]);
        assert!(ini.has("billing") && ini.has("loggers"));
        assert!(!ini.has("DEFAULT") && !ini.has("Billing"));
        let billing = ini.configuration("billing").unwrap();
        assert_eq!(billing.script_location, None);
        assert_eq!(billing.version_locations, [started("v")]);
        assert_eq!(billing.prepend_sys_path, [started(".")]);
        let missing = ini.configuration("nope").unwrap();
        assert_eq!(missing, Configuration::default());
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
        let found = of(text);
        assert_eq!(found.script_location, Some(fixed("api/alembic")));
        assert_eq!(found.prepend_sys_path, [started(".")]);
    }

    #[test]
    fn pyproject_may_have_it_instead() {
        let of = |text| Configuration::of_pyproject(text, "api").unwrap();
        let text =
            "[tool.alembic]\nscript_location = \"%(here)s/a%%b\"\nprepend_sys_path = [\".\"]\n";
        let found = of(text).unwrap();
        assert_eq!(found.script_location, Some(fixed("api/a%b")));
        assert_eq!(found.prepend_sys_path, [started(".")]);
        let text = "[tool.alembic]\nscript_location = \"a\"\nversion_locations = [\"b\", \"%(here)s/c\"]\n";
        let found = of(text).unwrap();
        assert_eq!(found.version_locations, [started("b"), fixed("api/c")]);
        assert_eq!(of("[tool.poetry]\nname = \"x\"\n"), None);
        assert!(Configuration::of_pyproject("[", ".").is_err());
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
