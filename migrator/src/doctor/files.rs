//! What the doctor may ask of the project's folder: a value that others read.

use crate::text::SourceFile;
use std::sync::Arc;

/// The files of a project, by their paths from its root.
pub(crate) struct Files<'a> {
    /// Whether there is a file or folder.
    pub exists: &'a dyn Fn(&str) -> bool,
    /// A file's text; nothing where there is none, or where it is no text.
    pub read: &'a dyn Fn(&str) -> Option<String>,
}

impl Files<'_> {
    pub(crate) fn has(&self, path: &str) -> bool {
        (self.exists)(path)
    }

    pub(super) fn file(&self, path: &str) -> Option<Arc<SourceFile>> {
        (self.read)(path).map(|text| Arc::new(SourceFile::new(path, text)))
    }
}
