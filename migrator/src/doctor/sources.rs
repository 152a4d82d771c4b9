//! What is wrong with the project's own files: whatever keeps them from being
//! read or applied is a finding, too.

use super::finding::Finding;
use crate::diagnostic::Diagnostic;

/// What another verb would say of the files, as a finding. Its code is explained
/// in docs/errors.md, and no other documentation knows of it.
pub(crate) fn finding(diagnostic: Diagnostic) -> Finding {
    Finding {
        code: diagnostic.code,
        severity: diagnostic.severity,
        title: diagnostic.title,
        place: diagnostic.place,
        label: diagnostic.label,
        why: diagnostic.notes.join("; "),
        see: "",
        fix: diagnostic.help.unwrap_or_default(),
        correction: None,
    }
}
