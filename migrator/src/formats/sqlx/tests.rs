use super::*;
use crate::sources::Entry;

fn listing(files: &[(&str, &str)]) -> Listing {
    Listing {
        dir: "migrations".into(),
        entries: files
            .iter()
            .map(|(name, text)| Entry {
                name: (*name).into(),
                content: Content::File(text.as_bytes().to_vec()),
            })
            .collect(),
    }
}

fn sqlx() -> Sqlx {
    Sqlx::new(&Settings::default(), None)
}

fn read(files: &[(&str, &str)]) -> Result<Reading, FormatError> {
    sqlx().read(&[listing(files)])
}

#[test]
fn names_are_read_as_sqlx_reads_them() {
    let reading = read(&[
        ("10_later.sql", ""),
        ("2_create_users.up.sql", ""),
        ("2_create_users.down.sql", ""),
        ("0003_twice.sql.sql", ""),
    ])
    .unwrap();
    let labels: Vec<_> = reading.migrations.iter().map(Migration::label).collect();
    assert_eq!(labels, ["2 create users", "3 twice", "10 later"]);
    assert!(reading.migrations[0].down.is_some());
    assert!(reading.warnings.is_empty());
}

#[test]
fn checksums_are_those_of_sqlx() {
    let reading = read(&[("1_a.sql", "CREATE TABLE users (id INT);\n")]).unwrap();
    let hex = reading.migrations[0].checksum.as_ref().unwrap().hex();
    assert_eq!(
        hex,
        "7bfe57009bfad9bc8d1662dec752274bf22cc6a80893d466a6e7ae11d65e0fed12f5318525134f50ddd7ade7b9809ad8"
    );
}

#[test]
fn line_endings_and_byte_order_marks_are_no_change() {
    let reading = read(&[("1_a.sql", "a;\nb;\n")]).unwrap();
    let migration = &reading.migrations[0];
    for text in ["a;\r\nb;\r\n", "\u{feff}a;\nb;\n", "\u{feff}a;\r\nb;\r\n"] {
        let recorded = sqlx().checksum(text);
        assert!(sqlx().same_but_for_line_endings(migration, &recorded));
    }
    let other = sqlx().checksum("a; \nb;\n");
    assert!(!sqlx().same_but_for_line_endings(migration, &other));
}

#[test]
fn only_the_first_bytes_ask_for_no_transaction() {
    let reading = read(&[
        ("1_a.sql", "-- no-transaction\nVACUUM;"),
        ("2_b.sql", "\n-- no-transaction\nVACUUM;"),
    ])
    .unwrap();
    assert!(!reading.migrations[0].up.transaction);
    assert!(reading.migrations[1].up.transaction);
}

#[test]
fn a_name_that_sqlx_passes_over_is_a_warning_and_one_that_it_rejects_an_error() {
    let reading = read(&[("1_a.sql", ""), ("002-b.sql", ""), ("3_c.SQL", "")]).unwrap();
    assert_eq!(reading.migrations.len(), 1);
    assert_eq!(reading.warnings.len(), 2);
    assert!(matches!(
        read(&[("one_a.sql", "")]),
        Err(FormatError::BadVersion { path, prefix })
            if path == "migrations/one_a.sql" && prefix == "one"
    ));
}

#[test]
fn a_version_belongs_to_one_file() {
    for second in ["01_b.sql", "1_b.up.sql"] {
        assert!(matches!(
            read(&[("1_a.sql", ""), (second, "")]),
            Err(FormatError::DuplicateVersion { first, .. })
                if first == "migrations/1_a.sql"
        ));
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let mut listing = listing(&[("1_a.sql", "")]);
    listing.entries[0].content = Content::File(b"SELECT '\xff'".to_vec());
    assert!(matches!(
        sqlx().read(&[listing]),
        Err(FormatError::NotUtf8 { offset: 8, .. })
    ));
}

#[test]
fn a_folder_without_migrations_says_what_it_holds_instead() {
    assert!(matches!(
        read(&[("setup.sql", "")]),
        Err(FormatError::NoMigrations { sql_files, .. }) if sql_files == ["setup.sql"]
    ));
}

#[test]
fn sqlx_toml_is_obeyed() {
    let file = |text: &str| Arc::new(SourceFile::new("sqlx.toml", text));
    let settings = Settings::parse(&file(
        "[common]\ndatabase-url-var = \"X\"\n[migrate]\ntable-name = \"app.history\"\n\
         create-schemas = [\"app\"]\nignored-chars = [\"\\r\"]\n\
         [migrate.defaults]\nmigration-type = \"reversible\"\n",
    ))
    .unwrap();
    let format = Sqlx::new(&settings, None);
    assert_eq!(format.ledger().table, "app.history");
    assert_eq!(format.ledger().schemas, ["app"]);
    assert_eq!(format.checksum("a\r\n"), sqlx().checksum("a\n"));
    assert_eq!(Sqlx::new(&settings, Some("t")).ledger().table, "t");

    let wrong = file("[migrate]\ntable_name = \"x\"\n");
    assert!(matches!(
        Settings::parse(&wrong),
        Err(FormatError::Configuration { span, .. }) if wrong.pos(span.start).line == 2
    ));
}
