//! The JSON Schema of `migrate.toml`, made of the types that read it, so that
//! editors say what the program would. `docs/reference/migrate.schema.json` is golden.

use super::OPTIONS;
use super::file::{self, File};
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;
use std::fs;
use std::path::Path;

const PATH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/reference/migrate.schema.json"
);

/// Draft 7 is what the editors' TOML extensions know.
fn schema() -> Value {
    let generator = SchemaSettings::draft07()
        .with_transform(RecursiveTransform(without_null))
        .into_generator();
    generator.into_root_schema_for::<File>().to_value()
}

/// TOML has no null: a key is there or not.
fn without_null(schema: &mut Schema) {
    for keyword in ["type", "enum"] {
        let Some(Value::Array(values)) = schema.get_mut(keyword) else {
            continue;
        };
        values.retain(|value| !value.is_null() && value != "null");
        if let ("type", [only]) = (keyword, &values[..]) {
            let only = only.clone();
            schema.insert(keyword.to_owned(), only);
        }
    }
}

#[test]
fn the_schema_in_the_documentation_is_that_of_the_types() {
    let schema = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(PATH, &schema).unwrap();
    }
    let golden = fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        golden == schema,
        "UPDATE_GOLDEN=1 writes docs/reference/migrate.schema.json anew:\n{schema}"
    );
}

#[test]
fn every_key_is_an_option() {
    let mut keys: Vec<_> = file::KEYS.iter().map(|key| key.replace('_', "-")).collect();
    keys.sort();
    // A table of what files may do is none.
    keys.retain(|key| key != "migration");
    let not_in_the_file = ["config", "yes"];
    let options: Vec<_> = OPTIONS
        .into_iter()
        .filter(|option| !not_in_the_file.contains(option))
        .collect();
    assert_eq!(keys, options);
}

#[test]
fn schema_and_parser_come_to_the_same_verdict() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let both = |text: &str| {
        let value: toml::Table = text.parse().unwrap();
        let value = serde_json::to_value(value).unwrap();
        let parser = File::parse(file::NAME, Path::new("."), text);
        let verdicts = (validator.is_valid(&value), parser.is_ok());
        assert_eq!(verdicts.0, verdicts.1, "schema and parser of:\n{text}");
        verdicts.0
    };
    for good in GOOD {
        assert!(both(good), "{good}");
    }
    for bad in BAD {
        assert!(!both(bad), "{bad}");
    }
    // Every key with a value of every kind: whatever the verdict, there is one.
    let values = [
        "1",
        "1.5",
        "true",
        "\"\"",
        "\" \"",
        "\"1s\"",
        "\"0\"",
        "\"all\"",
        "\"json\"",
        "\"never\"",
        "\"sqlx\"",
        "\"error\"",
        "[]",
        "{}",
        "1979-05-27",
    ];
    let mut good = 0;
    for key in OPTIONS.into_iter().chain(["url-env", "lock_wait"]) {
        for value in values {
            good += usize::from(both(&format!("{key} = {value}\n")));
            good += usize::from(both(&format!("[database.a]\n{key} = {value}\n")));
        }
    }
    assert!(good > 50, "{good}");
}

/// Durations are the one kind that neither side takes from a list.
#[test]
fn schema_and_parser_read_the_same_durations() {
    let schema = schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let numbers = ["0", "1", "90", "1.5", "1 0", "-1", ".5", "1.", "a", ""];
    let units = [
        "", "s", " s", "sec", "min", "M", "h 5m", "h5m", "hm", "µs", "d,", "week", "Y",
    ];
    let mut good = 0;
    for number in numbers {
        for unit in units {
            let text = format!("wait = \"{number}{unit}\"\n");
            let value = serde_json::json!({ "wait": format!("{number}{unit}") });
            let parsed = File::parse(file::NAME, Path::new("."), &text).is_ok();
            assert_eq!(validator.is_valid(&value), parsed, "{text}");
            good += usize::from(parsed);
        }
    }
    assert!(good > 30, "{good}");
}

const GOOD: &[&str] = &[
    "",
    "dir = \"migrations\"\nlock-wait = \"10m\"\n[database.billing]\nurl-env = \"BILLING_URL\"\n\
     dir = \"billing/migrations\"\n",
    "color = \"never\"\noutput = \"json\"\nquiet = true\nverbose = false\ndeadline = \"1h 30m\"\n",
    "transaction = \"all\"\nformat = \"sqlx\"\nout-of-order = \"apply\"\nunknown-applied = \"warn\"\n",
    "database-url = \"sqlite:app.db\"\ndatabase-ca-cert = \"ca.pem\"\ntable = \"a.b\"\n",
    "[database.a]\n[database.B-2_c]\nwait = \"0\"\ndatabase-url = \"sqlite:b.db\"\n",
    "[database]\n",
    "[migration.0001]\nallow = [\"drop_cascades\"]\nreason = \"they are made again\"\n",
    "[migration]\n[database.a.migration.20260101]\nallow = []\nreason = \"none\"\n",
    "lock-timeout = \"0\"\nstatement-timeout = \" 5 seconds \"\n",
];

const BAD: &[&str] = &[
    "lock_wait = \"1s\"\n",
    "url-env = \"A\"\n",
    "config = \"a.toml\"\n",
    "yes = true\n",
    "dir = 1\n",
    "dir = \"\"\n",
    "wait = \"soon\"\n",
    "wait = 5\n",
    "quiet = \"true\"\n",
    "quiet = 1\n",
    "format = \"goose\"\n",
    "transaction = \"one\"\n",
    "database = \"a\"\n",
    "[database.a]\ndeadline = \"1s\"\n",
    "[database.a]\noutput = \"json\"\n",
    "[database.\"a b\"]\n",
    "[database.1]\n",
    "[database.\"é\"]\n",
    "database-url = \"sqlite:a.db\"\n[database.a]\n",
    "[database.a.b]\n",
    "migration = 1\n",
    "[migration.a]\nallow = [\"drop_cascades\"]\nreason = \"b\"\n",
    "[migration.-1]\nallow = [\"drop_cascades\"]\nreason = \"b\"\n",
    "[migration.1]\nallow = [\"drop_cascade\"]\nreason = \"b\"\n",
    "[migration.1]\nallow = \"drop_cascades\"\nreason = \"b\"\n",
    "[migration.1]\nallow = [\"drop_cascades\"]\n",
    "[migration.1]\nallow = [\"drop_cascades\"]\nreason = \" \"\n",
    "[migration.1]\nreason = \"b\"\n",
    "[migration.1]\nallow = []\nreason = \"b\"\nmore = 1\n",
    "[[database.a]]\n",
];
