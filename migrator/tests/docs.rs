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
