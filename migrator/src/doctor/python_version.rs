//! Which Python a project asks for, as the buildpack reads it.

use super::files::Files;
use super::finding::Finding;
use super::{see, toml_file};
use crate::text::SourceFile;
use std::sync::Arc;

/// The oldest Python that its makers still mend.
const OLDEST_MINOR: u32 = 10;

/// The Python that is asked for, as the buildpack reads it.
pub(super) fn judge(files: &Files<'_>) -> Option<Finding> {
    let wrong = |file: &Arc<SourceFile>, title: String, why: &str| {
        let first = file
            .text()
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        Finding::error("python_version_wrong", title)
            .at(Some(toml_file::find(file, first)), "not this")
            .because(why, see::PYTHON)
            .fix("give major and minor: patches come by themselves")
            .correction(if file.path() == "runtime.txt" {
                "python-3.13"
            } else {
                "3.13"
            })
    };
    let (file, text) = if let Some(file) = files.file("runtime.txt") {
        let text = file
            .text()
            .trim()
            .strip_prefix("python-")
            .unwrap_or_default()
            .to_owned();
        (file, text)
    } else if let Some(file) = files.file(".python-version") {
        let lines = file.text().lines().map(str::trim);
        let lines: Vec<_> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        let text = if let [one] = lines.as_slice() {
            (*one).to_owned()
        } else {
            String::new()
        };
        (file, text)
    } else if files.has("Pipfile.lock") {
        return None;
    } else {
        return Some(
            Finding::warning(
                "python_version_missing",
                "no file says which Python the app needs",
            )
            .because(
                "the buildpack takes its own default, and another one when that changes: the next \
                     build may have another Python than this one",
                see::PYTHON,
            )
            .fix("write the version that the app is tested with into .python-version")
            .correction("3.13"),
        );
    };
    let Some((major, minor)) = version(&text) else {
        let title = format!("{} holds no version that the buildpack reads", file.path());
        return Some(wrong(
            &file,
            title,
            "the build fails: it takes `3.13` or `3.13.1`, in one line",
        ));
    };
    if major == 3 && minor >= OLDEST_MINOR {
        return None;
    }
    let title = format!(
        "{} asks for Python {major}.{minor}, which nobody mends any more",
        file.path()
    );
    Some(wrong(
        &file,
        title,
        "the buildpack refuses a Python that has reached its end of life",
    ))
}

fn version(text: &str) -> Option<(u32, u32)> {
    let parts: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    match parts?.as_slice() {
        [major, minor] | [major, minor, _] => Some((*major, *minor)),
        _ => None,
    }
}
