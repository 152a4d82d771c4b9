//! Repeatable files: where they stand, and how they are read. sqlx passes over a
//! subfolder.

use super::FormatError;
use crate::model::{Checksum, Repeatable, Script};
use crate::sources::{Content, Listing};
use crate::text::SourceFile;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The subfolder of the migrations folder in which they are.
pub const FOLDER: &str = "repeatable";

/// Reads the files of the subfolder, in the order of their names.
///
/// # Errors
/// A file that is not text.
pub fn read(
    listing: &Listing,
    script: impl Fn(String, &[u8]) -> Result<Script, FormatError>,
) -> Result<Vec<Repeatable>, FormatError> {
    listing
        .entries
        .iter()
        .filter_map(|entry| match &entry.content {
            Content::File(bytes) => Some((&entry.name, bytes)),
            Content::Folder(_) | Content::Other => None,
        })
        .map(|(name, bytes)| {
            let script = script(listing.path(name), bytes)?;
            Ok(Repeatable {
                name: name[..name.len() - ".sql".len()].to_owned(),
                checksum: checksum(&script.file),
                script,
            })
        })
        .collect()
}

/// Of the text without what an editor changes by itself: another line ending is
/// no reason to run a file again.
fn checksum(file: &Arc<SourceFile>) -> Checksum {
    let text = file.text().trim_start_matches('\u{feff}');
    Checksum(Sha256::digest(text.replace("\r\n", "\n")).to_vec())
}
