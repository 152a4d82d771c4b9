//! The URL of a SQLite file.

use super::parameters::plain;
use super::{DatabaseFile, DatabaseUrl, UrlError, UrlFacts, decode};
use crate::sql::Dialect;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::path::Path;

/// A path as a URL has it.
pub(super) fn encode(path: &Path) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_');
    utf8_percent_encode(&path.to_string_lossy(), PLAIN).to_string()
}

impl DatabaseUrl {
    pub(super) fn sqlite(rest: &str, alchemy: bool) -> Result<Self, UrlError> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        // For SQLAlchemy the third slash ends an empty host: ///a is relative.
        let path = if alchemy {
            path.strip_prefix('/').unwrap_or(path)
        } else {
            // SQLAlchemy's form of an absolute path has four.
            path.strip_prefix('/')
                .filter(|path| path.starts_with('/'))
                .unwrap_or(path)
        };
        let name = decode(path);
        if name.is_empty() || name.contains(":memory:") || parameters.contains("mode=memory") {
            return Err(UrlError::InMemory);
        }
        if name.starts_with("file:") {
            return Err(UrlError::FileForm);
        }
        let mut pairs = parameters.split('&');
        let mode = pairs.find_map(|pair| pair.strip_prefix("mode="));
        if let Some(mode) = mode.filter(|mode| !matches!(*mode, "ro" | "rw" | "rwc")) {
            let mode = mode.to_owned();
            return Err(UrlError::Mode { mode });
        }
        // What sqlx does not know it refuses; here it is told, as for the servers.
        let (obeyed, others): (Vec<&str>, Vec<&str>) = parameters
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| {
                let name = pair.split('=').next().unwrap_or_default();
                matches!(name, "cache" | "immutable" | "mode" | "vfs")
            });
        let unused = others
            .into_iter()
            // Foreign keys are enforced here anyway.
            .filter(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                !(matches!(plain(name).as_str(), "fk" | "foreignkeys")
                    && matches!(value, "1" | "true" | "on"))
            })
            .map(|pair| decode(pair.split('=').next().unwrap_or_default()))
            .collect();
        let parameters = obeyed.join("&");
        Ok(Self {
            dialect: Dialect::Sqlite,
            driver: format!("sqlite:{path}?{parameters}"),
            shown: format!("sqlite:{path}"),
            secrets: Vec::new(),
            told: Box::new(UrlFacts {
                unused,
                ..UrlFacts::default()
            }),
            authority: None,
            file: Some(DatabaseFile {
                path: decode(path).into(),
                may_create: mode.is_none_or(|mode| mode == "rwc"),
            }),
        })
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_file_may_be_created_unless_the_url_forbids_it() {
        for (text, may) in [
            ("sqlite:a", true),
            ("sqlite:a?mode=rwc", true),
            ("sqlite:a?mode=rw", false),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(url.file().unwrap().may_create, may, "{text}");
        }
    }
}
