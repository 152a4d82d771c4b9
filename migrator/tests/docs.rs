//! The examples in the documentation, run word for word. Each page runs in a
//! folder of its own that holds a copy of `examples/`.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn examples_do_what_the_documentation_shows() {
    let pages = tempfile::tempdir().unwrap();
    let mut found = 0;
    for entry in fs::read_dir(Path::new(ROOT).join("docs")).unwrap() {
        let page = entry.unwrap().path();
        let text = fs::read_to_string(&page).unwrap();
        if text.contains("```console") {
            found += 1;
            let copy = pages.path().join(page.file_name().unwrap());
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

/// A code that nobody can look up is of no use.
#[test]
fn every_code_is_listed() {
    let listed = fs::read_to_string(Path::new(ROOT).join("docs/errors.md")).unwrap();
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

/// Codes are the words in `snake_case` that open a diagnostic, or stand alone on
/// a line of the words' tables.
fn collect_codes(folder: &Path, codes: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_codes(&path, codes);
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
