use super::*;

fn options() -> Options {
    Options {
        database_url: Some("sqlite:a.db".into()),
        ..Options::default()
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn the_option_wins_over_the_environment_over_the_file() {
    let file = File::parse("wait = \"1s\"\nlock-wait = \"2s\"\nlock-timeout = \"3s\"\n").unwrap();
    let environment = |name: &str| match name {
        "MIGRATE_WAIT" | "MIGRATE_LOCK_WAIT" => Some("20s".to_owned()),
        _ => None,
    };
    let options = Options {
        wait: Some("5m".into()),
        ..options()
    };
    let limits = Config::resolve(&options, &environment, &file)
        .unwrap()
        .limits;
    assert_eq!(limits.wait, Duration::from_mins(5));
    assert_eq!(limits.lock_wait, Duration::from_secs(20));
    assert_eq!(limits.lock_timeout, Duration::from_secs(3));
}

#[cfg(feature = "sqlite")]
#[test]
fn the_more_telling_variable_wins_and_an_empty_one_is_no_url() {
    let resolve = |variables: &[(&str, &str)]| {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let environment = move |name: &str| {
            variables
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        Config::resolve(&Options::default(), &environment, &File::default())
            .map(|config| config.database.value.to_string())
    };
    let both = [
        ("DATABASE_URL", "sqlite:a"),
        ("MIGRATE_DATABASE_URL", "sqlite:b"),
    ];
    assert_eq!(resolve(&both).unwrap(), "sqlite:b");
    assert!(matches!(
        resolve(&[("DATABASE_URL", "")]),
        Err(ConfigError::Url {
            error: UrlError::Empty,
            ..
        })
    ));
    assert!(matches!(resolve(&[]), Err(ConfigError::NoDatabaseUrl)));
}

#[cfg(feature = "sqlite")]
#[test]
fn a_bad_value_names_whose_setting_it_was() {
    let environment = |name: &str| (name == "MIGRATE_WAIT").then(|| "soon".to_owned());
    let error = Config::resolve(&options(), &environment, &File::default()).unwrap_err();
    assert!(matches!(
        error,
        ConfigError::BadValue { option: "wait", origin: Origin::Environment(name), value, .. }
            if name == "MIGRATE_WAIT" && value == "soon"
    ));
}

#[test]
fn an_unknown_key_is_an_error_with_its_place() {
    let error = File::parse("dir = \"m\"\nlock_wait = \"1s\"\n").unwrap_err();
    assert!(matches!(
        error,
        ConfigError::File { file, span, .. } if file.pos(span.start).line == 2
    ));
}
