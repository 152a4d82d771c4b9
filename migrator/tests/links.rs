//! The pages' links: each leads somewhere, and the index to every page.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut checked = 0;
    for page in pages(Path::new(ROOT)) {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text).filter(|link| !link.contains("://")) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{}: {link}", page.display());
            if !heading.is_empty() {
                let there = fs::read_to_string(&target).unwrap();
                let is_there = there
                    .lines()
                    .any(|line| anchor(line) == Some(heading.into()));
                assert!(is_there, "{}: {link}", page.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "found only {checked} links");
}

#[test]
fn the_index_has_every_page() {
    let docs = Path::new(ROOT).join("docs");
    let index = docs.join("README.md");
    let text = fs::read_to_string(&index).unwrap();
    let listed: Vec<_> = links(&text).map(|link| docs.join(link)).collect();
    for page in pages(&docs) {
        let is_listed = page == index || listed.contains(&page);
        assert!(is_listed, "{} is not in the index", page.display());
    }
}

/// All Markdown files of a folder and of those below it, but for what a build makes.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "packaged" {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

/// What stands between `](` and `)`, without what only looks like it in code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .filter(|link| !link.contains(char::is_whitespace))
}

/// The name by which a heading is reached.
fn anchor(line: &str) -> Option<String> {
    let heading = line.trim_start_matches('#').strip_prefix(' ')?;
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let kept = heading.chars().filter(is_kept);
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
        .filter(|_| line.starts_with('#'))
}
