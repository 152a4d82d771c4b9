//! sqlx.toml: which one counts for a folder of migrations.

use crate::error::Error;
use crate::formats::sqlx::Settings;
use crate::sources;
use crate::text::SourceFile;
use std::path::Path;
use std::sync::Arc;

pub(super) const SQLX_TOML: &str = "sqlx.toml";

/// The `sqlx.toml` that counts: the nearest above the folder, up to the end of
/// the repository, wherever the program was started. A history under another name
/// must never be missed. Its path is given where it is below the root.
pub(super) fn sqlx_toml(root: &Path, dir: &str) -> Result<(Option<String>, Settings), Error> {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let root = whole(root);
    // It may be still to be made.
    let folder = whole(&root.join(dir));
    for above in folder.ancestors().skip(1) {
        let path = above.join(SQLX_TOML);
        let shown = path.strip_prefix(&root).unwrap_or(&path);
        if let Some(settings) = read_settings(&root, &shown.to_string_lossy())? {
            let below = path.starts_with(&root);
            return Ok((
                below.then(|| shown.to_string_lossy().into_owned()),
                settings,
            ));
        }
        if above.join(".git").exists() {
            break;
        }
    }
    Ok((None, Settings::default()))
}

pub(super) fn read_settings(root: &Path, path: &str) -> Result<Option<Settings>, Error> {
    let Some(text) = sources::read_optional(&root.join(path))? else {
        return Ok(None);
    };
    let file = Arc::new(SourceFile::new(path, text));
    Ok(Some(Settings::parse(&file)?))
}
