//! Paths as texts, as people write them.

/// A path without what makes no difference: `./migrations/` is `migrations`, and
/// nothing is `.`.
#[must_use]
pub fn tidy(path: &str) -> &str {
    let mut tidy = path;
    while let Some(rest) = tidy.strip_prefix("./") {
        tidy = rest.trim_start_matches('/');
    }
    match tidy.trim_end_matches('/') {
        "" if path.starts_with('/') => "/",
        "" => ".",
        path => path,
    }
}

/// A path below a folder, which may be the root itself.
#[must_use]
pub fn below(folder: &str, path: &str) -> String {
    match (folder, path) {
        (_, path) if path.starts_with('/') => path.to_owned(),
        ("" | ".", path) => path.to_owned(),
        (folder, "" | ".") => folder.to_owned(),
        _ => format!("{folder}/{path}"),
    }
}
