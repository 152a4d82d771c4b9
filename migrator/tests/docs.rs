//! The examples in the documentation, run word for word. Each page runs in a
//! folder of its own that holds a copy of `examples/`.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn examples_do_what_the_documentation_shows() {
    let docs = Path::new(ROOT).join("docs");
    let pages = tempfile::tempdir().unwrap();
    let mut found = 0;
    for page in below(&docs) {
        let text = fs::read_to_string(&page).unwrap();
        if text.contains("```console") {
            found += 1;
            let name = page.strip_prefix(&docs).unwrap().to_string_lossy();
            let copy = pages.path().join(name.replace('/', "-"));
            fs::write(&copy, text).unwrap();
            copy_folder(
                &Path::new(ROOT).join("examples"),
                &copy.with_extension("in").join("examples"),
            );
        }
    }
    assert!(found > 0, "no page has an example");
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .case(format!("{}/*.md", pages.path().display()))
        .run();
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The schema is made of the types; the pages are written by hand.
#[test]
fn every_key_and_option_has_its_row() {
    let read = |path| fs::read_to_string(Path::new(ROOT).join(path)).unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(&read("docs/reference/migrate.schema.json")).unwrap();
    let keys = |of: &serde_json::Value| -> Vec<String> {
        let keys = of["properties"].as_object().unwrap().keys();
        keys.filter(|key| *key != "database").cloned().collect()
    };
    let (top, database) = (keys(&schema), keys(&schema["definitions"]["Database"]));
    assert!(
        top.len() > 10 && database.len() > 10,
        "{top:?} {database:?}"
    );
    let (file, options) = (
        read("docs/reference/configuration.md"),
        read("docs/reference/command-line.md"),
    );
    for key in top.iter().chain(&database) {
        let row = file
            .lines()
            .find(|line| line.starts_with(&format!("| `{key}` |")));
        let row = row.unwrap_or_else(|| panic!("no row for the key {key}"));
        let in_table = row.ends_with("| yes |") || row.ends_with("| only there |");
        assert_eq!(in_table, database.contains(key), "{row}");
    }
    let tables = ["migration"];
    for option in top
        .iter()
        .map(String::as_str)
        .filter(|key| !tables.contains(key))
        .chain(["config", "database", "yes"])
    {
        let row = format!("| `--{option}`");
        assert!(options.contains(&row), "no row for the option {option}");
    }
    let example = read("examples/two-databases/migrate.toml");
    let (_, shown) = file
        .split_once("`examples/two-databases/migrate.toml`:\n\n```toml\n")
        .unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    assert!(example.contains(shown), "{shown:?}");
}

/// A code that nobody can look up is of no use.
#[test]
fn every_code_is_listed() {
    let listed = fs::read_to_string(Path::new(ROOT).join("docs/reference/errors.md")).unwrap();
    let mut codes = Vec::new();
    collect_codes(&Path::new(ROOT).join("migrator/src"), &mut codes);
    assert!(codes.len() > 50, "found only {codes:?}");
    for code in codes {
        assert!(
            listed.contains(&format!("| `{code}` |")),
            "{code} is not listed"
        );
    }
}

#[test]
fn every_finding_of_the_doctor_is_listed() {
    let listed = fs::read_to_string(Path::new(ROOT).join("docs/commands/doctor.md")).unwrap();
    let files = below(&Path::new(ROOT).join("migrator/src/doctor"));
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    let opens = |text: &str| -> Vec<String> {
        let found = ["Diagnostic::error(", "Diagnostic::warning("].into_iter();
        found
            .flat_map(|open| text.split(open).skip(1))
            .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
            .map(str::to_owned)
            .collect()
    };
    let mut codes: Vec<_> = texts.flat_map(|text| opens(&text)).collect();
    codes.sort();
    codes.dedup();
    assert!(codes.len() > 50, "found only {codes:?}");
    for code in codes {
        let is_row = |line: &str| line.starts_with("| `") && line.contains(&format!("`{code}`"));
        assert!(listed.lines().any(is_row), "{code} is not listed");
    }
}

/// What `spec` knows, a page explains, with what `spec` prints.
#[test]
fn every_platform_has_its_page() {
    let read = |path| fs::read_to_string(Path::new(ROOT).join(path)).unwrap();
    let source = read("migrator/src/platforms/mod.rs".to_owned());
    let (_, all) = source.split_once("ALL: [(&'static str, Self); ").unwrap();
    let (all, _) = all.split_once("];").unwrap();
    let names: Vec<_> = all.split('"').skip(1).step_by(2).collect();
    assert!(names.contains(&"digitalocean"), "{names:?}");
    let spec = read("docs/commands/spec.md".into());
    let deploys = read("docs/concepts/deploys.md".into());
    for name in names {
        let page = format!("../platforms/{name}.md");
        let text = read(format!("docs/platforms/{name}.md"));
        assert!(text.contains(&format!("$ migrate spec {name}")), "{page}");
        assert!(text.contains("(../concepts/deploys.md)"), "{page}");
        assert!(spec.contains(&format!("[`{name}`]({page})")), "{page}");
        assert!(deploys.contains(&format!("({page})")), "{page}");
    }
}

/// All files of a folder and of those below it.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// Codes are the words in `snake_case` that open a diagnostic, or stand alone on
/// a line of the words' tables.
fn collect_codes(folder: &Path, codes: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What the doctor alone finds is in docs/commands/doctor.md.
            if !path.ends_with("src/doctor") {
                collect_codes(&path, codes);
            }
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let in_words = path.to_string_lossy().contains("/error/words");
        for (line, next) in text.lines().zip(text.lines().skip(1)) {
            let opens = ["Diagnostic::error(", "Diagnostic::warning("];
            let rest = opens.iter().find_map(|open| line.split_once(open));
            let word = match rest {
                Some((_, "")) => next.trim(),
                Some((_, rest)) => rest,
                None if in_words => line.trim(),
                None => continue,
            };
            let Some((code, _)) = word.strip_prefix('"').and_then(|word| word.split_once('"'))
            else {
                continue;
            };
            let is_code = |c: char| c.is_ascii_lowercase() || c == '_';
            if !code.is_empty() && code.chars().all(is_code) && code.len() > 4 {
                codes.push(code.to_owned());
            }
        }
    }
    codes.sort();
    codes.dedup();
}
