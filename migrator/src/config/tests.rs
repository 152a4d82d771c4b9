use super::*;
#[cfg(feature = "sqlite")]
use crate::db::url::UrlError;
use file::File;
use std::path::Path;

fn file(text: &str) -> File {
    File::parse(file::NAME, Path::new("."), text).unwrap()
}

/// What is wrong with a file: its line and column, its words, and the key that
/// was probably meant.
fn wrong(text: &str) -> (usize, usize, String, Option<String>) {
    match File::parse(file::NAME, Path::new("."), text) {
        Err(ConfigError::File {
            file,
            span,
            message,
            nearest,
        }) => {
            let pos = file.pos(span.start);
            (pos.line, pos.column, message, nearest)
        }
        other => panic!("{other:?}"),
    }
}

#[cfg(feature = "sqlite")]
fn nothing() -> Environment {
    Environment::default()
}

#[test]
fn an_unknown_key_is_told_with_its_place_and_the_nearest() {
    assert_eq!(
        wrong("dir = \"m\"\nlock_wait = \"1s\"\n"),
        (
            2,
            1,
            "there is no key `lock_wait`".to_owned(),
            Some("lock-wait".to_owned())
        )
    );
    let (line, column, _, nearest) = wrong("[database.a]\n  url_env = \"A\"\n");
    assert_eq!((line, column), (2, 3));
    assert_eq!(nearest.as_deref(), Some("url-env"));
    // One slip in a short word is much of it.
    assert_eq!(wrong("dri = \"a\"\n").3.as_deref(), Some("dir"));
    assert_eq!(wrong("xyzzy = 1\n").3, None);
}

#[test]
fn a_wrong_value_is_told_with_its_own_place_and_what_it_may_be() {
    for (text, place, said) in [
        (
            "dir = 1",
            (1, 7),
            "integer `1`, expected the path of a folder",
        ),
        ("dir = \"\"", (1, 7), "expected the path of a folder"),
        ("quiet = \"yes\"", (1, 9), "expected true or false"),
        (
            "wait = \"soon\"",
            (1, 8),
            "\"soon\", expected a duration such as 30s, 5m or 1h",
        ),
        ("wait = 5", (1, 8), "integer `5`, expected a duration"),
        (
            "format = \"goose\"",
            (1, 10),
            "expected `alembic` or `sqlx`",
        ),
        (
            "[database.a]\ntransaction = \"one\"",
            (2, 15),
            "expected `each` or `all`",
        ),
        (
            "database = 5",
            (1, 12),
            "expected a table for each database",
        ),
        (
            "[database.\"a b\"]",
            (1, 11),
            "a database's name begins with a letter",
        ),
        (
            "database-url = \"a\"\n[database.a]",
            (1, 16),
            "the URL of every database",
        ),
        ("dir = \"", (1, 8), ""),
    ] {
        let (line, column, message, _) = wrong(text);
        assert_eq!((line, column), place, "{text}: {message}");
        assert!(message.contains(said), "{text}: {message}");
    }
}

#[test]
fn databases_come_in_the_order_written_and_inherit() {
    let file = file(
        "wait = \"1s\"\ntransaction = \"all\"\n[database.zoo]\nwait = \"2s\"\n\
         [database.ant]\ndir = \"ants\"\n",
    );
    assert_eq!(file.databases(), ["zoo", "ant"]);
    let of = |name| file.settings(Some(name));
    let value = |setting: Option<Setting<Duration>>| setting.map(|setting| setting.value);
    assert_eq!(value(of("zoo").wait), Some(Duration::from_secs(2)));
    assert_eq!(value(of("ant").wait), Some(Duration::from_secs(1)));
    assert_eq!(of("zoo").dir, None);
    let dir = of("ant").dir.unwrap();
    assert_eq!(dir.value.0, "ants");
    let place = dir.origin.place().unwrap();
    assert_eq!(place.to_string(), "migrate.toml:6:7");
}

#[test]
fn a_password_in_the_file_is_in_no_error() {
    let text = "database_url = \"postgres://me:hush-hush@h/d\"\n";
    let error = File::parse(file::NAME, Path::new("."), text).unwrap_err();
    assert!(!format!("{error:?}").contains("hush"), "{error:?}");
}

#[cfg(feature = "sqlite")]
#[test]
fn the_option_wins_over_the_environment_over_the_file() {
    let file = file("wait = \"1s\"\nlock-wait = \"2s\"\nlock-timeout = \"3s\"\n");
    let environment = Environment::new([("MIGRATE_WAIT", "20s"), ("MIGRATE_LOCK_WAIT", "20s")]);
    let options = sqlite().with("wait", "5m");
    let config = resolve(&options, &environment, &file.settings(None)).unwrap();
    assert_eq!(config.limits.wait, Duration::from_mins(5));
    assert_eq!(config.limits.lock_wait, Duration::from_secs(20));
    assert_eq!(config.limits.lock_timeout, Duration::from_secs(3));
    assert_eq!(config.limits.statement_timeout, Duration::ZERO);
    let told: Vec<_> = config
        .told
        .iter()
        .map(|told| format!("{} {} {}", told.option, told.value, told.origin))
        .collect();
    assert_eq!(
        told,
        [
            "database-url sqlite:a.db the option --database-url",
            "wait 5m the option --wait",
            "lock-wait 20s the variable MIGRATE_LOCK_WAIT",
            "lock-timeout 3s `lock-timeout` in migrate.toml",
        ]
    );
}

/// Whatever an option is, its variable and its key say the same.
#[cfg(feature = "sqlite")]
#[test]
fn every_option_is_one_by_flag_variable_and_key() {
    let show = |options: &Options, environment: &Environment, text: &str| {
        let config = resolve(options, environment, &file(text).settings(None)).unwrap();
        format!(
            "{:?} {:?} {:?} {:?}",
            config.request, config.limits, config.transaction, config.yes
        )
    };
    let plain = show(&sqlite(), &nothing(), "");
    for (option, value) in [
        ("deadline", "7s"),
        ("lock-timeout", "7s"),
        ("lock-wait", "7s"),
        ("out-of-order", "apply"),
        ("statement-timeout", "7s"),
        ("transaction", "all"),
        ("unknown-applied", "warn"),
        ("wait", "7s"),
        ("yes", "true"),
    ] {
        let by_flag = show(&sqlite().with(option, value), &nothing(), "");
        assert_ne!(by_flag, plain, "{option}");
        let variable = environment::variable(option);
        let by_variable = Environment::new([(variable.as_str(), value)]);
        assert_eq!(show(&sqlite(), &by_variable, ""), by_flag, "{option}");
        if option != "yes" {
            let key = format!("{option} = \"{value}\"\n");
            assert_eq!(show(&sqlite(), &nothing(), &key), by_flag, "{option}");
        }
    }
}

#[test]
fn how_it_talks_is_set_in_the_same_order() {
    let resolve = |options: &Options, variables: &[(&str, &str)], text: &str| {
        let environment = Environment::new(variables.iter().copied());
        let lookup = Lookup {
            options,
            environment: &environment,
        };
        let (presentation, result) = Presentation::resolve(lookup, Some(&file(text)));
        (presentation, result.is_ok())
    };
    let told = |output, color, detail| {
        let presentation = Presentation {
            output,
            color,
            detail,
        };
        (presentation, true)
    };
    let none = Options::default();
    assert_eq!(
        resolve(&none, &[], ""),
        told(Output::Human, Color::Auto, Detail::Usual)
    );
    let text = "output = \"json\"\ncolor = \"always\"\nquiet = true\n";
    assert_eq!(
        resolve(&none, &[], text),
        told(Output::Json, Color::Always, Detail::Quiet)
    );
    let variables = [
        ("MIGRATE_OUTPUT", "human"),
        ("MIGRATE_COLOR", "never"),
        ("MIGRATE_QUIET", "0"),
        ("MIGRATE_VERBOSE", "1"),
    ];
    assert_eq!(
        resolve(&none, &variables, text),
        told(Output::Human, Color::Never, Detail::Verbose)
    );
    // Both are wanted: the stronger place counts.
    let verbose = Options::default().with("verbose", "true");
    assert_eq!(
        resolve(&verbose, &[("MIGRATE_QUIET", "true")], ""),
        told(Output::Human, Color::Auto, Detail::Verbose)
    );
    assert_eq!(
        resolve(&none, &[("NO_COLOR", "1")], ""),
        told(Output::Human, Color::Never, Detail::Usual)
    );
    // What is wrong is told in the form that was understood.
    let (presentation, is_right) = resolve(
        &none,
        &[("MIGRATE_OUTPUT", "json"), ("MIGRATE_COLOR", "red")],
        "",
    );
    assert_eq!((presentation.output, is_right), (Output::Json, false));
}

#[cfg(feature = "sqlite")]
fn sqlite() -> Options {
    Options::default().with("database-url", "sqlite:a.db")
}

#[cfg(feature = "sqlite")]
fn resolve(
    options: &Options,
    environment: &Environment,
    settings: &Settings,
) -> Result<Config, ConfigError> {
    let lookup = Lookup {
        options,
        environment,
    };
    Config::resolve(lookup, settings, &UrlReader::Sqlx)
}

#[cfg(feature = "sqlite")]
fn url(variables: &[(&str, &str)], text: &str, name: Option<&str>) -> Result<String, ConfigError> {
    let environment = Environment::new(variables.iter().copied());
    resolve(
        &Options::default(),
        &environment,
        &file(text).settings(name),
    )
    .map(|config| config.database.value.to_string())
}

#[cfg(feature = "sqlite")]
#[test]
fn the_more_telling_variable_wins_and_an_empty_one_is_no_url() {
    let both = [
        ("DATABASE_URL", "sqlite:a"),
        ("MIGRATE_DATABASE_URL", "sqlite:b"),
    ];
    assert_eq!(url(&both, "", None).unwrap(), "sqlite:b");
    assert!(matches!(
        url(&[("DATABASE_URL", "")], "", None),
        Err(ConfigError::Url {
            error: UrlError::Empty,
            ..
        })
    ));
    assert!(matches!(
        url(&[("MIGRATE_DATABSE_URL", "sqlite:a")], "", None),
        Err(ConfigError::NoDatabaseUrl { variable, misspelt: Some(misspelt), .. })
            if variable == "DATABASE_URL" && misspelt == "MIGRATE_DATABSE_URL"
    ));
}

#[cfg(feature = "sqlite")]
#[test]
fn a_database_with_a_name_has_a_variable_of_its_own() {
    let text = "[database.big-one]\n[database.other]\nurl-env = \"ELSEWHERE\"\n\
                [database.fixed]\ndatabase-url = \"sqlite:fixed\"\n";
    let variables = [
        ("DATABASE_URL", "sqlite:app"),
        ("BIG_ONE_DATABASE_URL", "sqlite:big"),
        ("ELSEWHERE", "sqlite:else"),
    ];
    for (name, said) in [
        ("big-one", "sqlite:big"),
        ("other", "sqlite:else"),
        ("fixed", "sqlite:fixed"),
    ] {
        assert_eq!(url(&variables, text, Some(name)).unwrap(), said);
    }
    // The application's own URL is nobody else's.
    assert!(matches!(
        url(&variables[..1], text, Some("other")),
        Err(ConfigError::NoDatabaseUrl { variable, database: Some(name), .. })
            if variable == "ELSEWHERE" && name == "other"
    ));
}

#[cfg(feature = "sqlite")]
#[test]
fn a_bad_value_names_whose_setting_it_was() {
    let environment = Environment::new([("MIGRATE_WAIT", "soon")]);
    let error = resolve(&sqlite(), &environment, &Settings::default()).unwrap_err();
    assert!(matches!(
        error,
        ConfigError::BadValue { option: "wait", origin: Origin::Environment(name), value, .. }
            if name == "MIGRATE_WAIT" && value == "soon"
    ));
}

#[cfg(all(feature = "mysql", feature = "sqlite"))]
#[test]
fn one_transaction_over_all_is_refused_where_schemas_commit_by_themselves() {
    let text = "transaction = \"all\"\n";
    let error = url(&[("DATABASE_URL", "mysql://h/d")], text, None).unwrap_err();
    assert!(matches!(
        error,
        ConfigError::TransactionAll { origin } if origin.place().is_some()
    ));
}
