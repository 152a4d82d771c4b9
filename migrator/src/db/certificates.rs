//! The files of certificates and keys that a URL names. To the drivers a missing
//! one is a server that does not answer, which would be waited for.

use super::fault::{Fault, FaultKind};
use super::url::DatabaseUrl;
use std::fs::File;
use url::Url;

/// Under these names the drivers take the authority's file (sqlx 0.9,
/// `options/parse.rs` of both).
const AUTHORITY: [&str; 4] = ["ssl-ca", "ssl-root-cert", "sslca", "sslrootcert"];

/// And under these the client's own.
const OWN: [&str; 4] = ["ssl-cert", "ssl-key", "sslcert", "sslkey"];

/// The modes in which no file is read.
const UNENCRYPTED: [&str; 3] = ["allow", "disable", "disabled"];

/// Finds the files that the driver will read.
///
/// # Errors
/// [`FaultKind::Setting`] with the parameter and the path of the first that
/// cannot be read.
pub(super) fn check(url: &DatabaseUrl) -> Result<(), Fault> {
    // Of SQLite it may be no URL to the parser; nor does it name certificates.
    let parameters: Vec<(String, String)> = match Url::parse(url.for_driver()) {
        Ok(driver) if url.file().is_none() => driver.query_pairs().into_owned().collect(),
        Ok(_) | Err(_) => return Ok(()),
    };
    let is_unencrypted = parameters.iter().any(|(key, value)| {
        matches!(key.as_str(), "sslmode" | "ssl-mode")
            && UNENCRYPTED.contains(&value.to_ascii_lowercase().as_str())
    });
    if is_unencrypted {
        return Ok(());
    }
    for (key, path) in &parameters {
        let is_read = OWN.contains(&key.as_str())
            || AUTHORITY.contains(&key.as_str()) && url.authority().is_none();
        // The drivers take the text of a certificate, too.
        if !is_read || path.contains("-----BEGIN") {
            continue;
        }
        let is_file = match File::open(path).and_then(|file| file.metadata()) {
            Ok(metadata) => metadata.is_file(),
            Err(_) => false,
        };
        if !is_file {
            let message = format!("{key} names {path:?}, which is not a readable file");
            return Err(Fault::new(FaultKind::Setting, message));
        }
    }
    Ok(())
}
