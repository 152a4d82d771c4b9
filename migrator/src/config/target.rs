//! Which database: its URL, and the authority that vouches for its certificate.

use super::ConfigError;
use super::environment::Environment;
use super::file::Settings;
use super::lookup::Lookup;
use super::setting::{Origin, Setting};
use crate::db::url::DatabaseUrl;
use crate::sources;
use std::path::{Path, PathBuf};

/// Who reads the URL: of SQLite it means another file to each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlReader {
    /// A program that reads it by `SQLAlchemy`, and takes paths from this folder.
    SqlAlchemy { folder: PathBuf },
    /// This program.
    Sqlx,
}

/// `--database-url`, `MIGRATE_DATABASE_URL`, the database's own variable, the
/// file. An empty variable is an error here, since it is what a platform leaves
/// of a binding that it could not resolve.
pub(super) fn find(
    lookup: Lookup<'_>,
    file: &Settings,
    reader: &UrlReader,
) -> Result<Setting<DatabaseUrl>, ConfigError> {
    let found = written(lookup, file)?;
    let url = match reader {
        UrlReader::SqlAlchemy { folder } => {
            // To it, three slashes begin a relative path.
            let relative = found.value.trim().strip_prefix("sqlite:///");
            let of_alchemy = relative.map(|path| format!("sqlite+sqlalchemy:///{path}"));
            let url = DatabaseUrl::parse(of_alchemy.as_ref().unwrap_or(&found.value));
            url.map(|url| url.seen_from(folder))
        }
        UrlReader::Sqlx => DatabaseUrl::parse(&found.value),
    };
    match url {
        Ok(url) => Ok(Setting::new(
            match authority(lookup, file)? {
                Some(authority) => url.trusting(authority),
                None => url,
            },
            found.origin,
        )),
        Err(error) => Err(ConfigError::Url {
            origin: found.origin,
            error,
        }),
    }
}

/// The URL as it is written, wherever that is.
fn written(lookup: Lookup<'_>, file: &Settings) -> Result<Setting<String>, ConfigError> {
    let variable = variable(file);
    let found = lookup.given("database-url")?;
    match (found, lookup.environment.get(&variable)?) {
        (Some(found), _) => Ok(found),
        (None, Some(value)) => Ok(Setting::new(
            value.to_owned(),
            Origin::Environment(variable),
        )),
        (None, None) => file
            .database_url
            .clone()
            .ok_or_else(|| ConfigError::NoDatabaseUrl {
                misspelt: misspelt(lookup.environment),
                database: file.name.clone(),
                variable,
            }),
    }
}

/// The variable in which a project's own program looks for the URL, with the URL,
/// where that was given elsewhere: a second program must not connect to another
/// database than the one that is locked and looked at.
///
/// # Errors
/// A variable that is no text.
pub fn handed_on(
    lookup: Lookup<'_>,
    file: &Settings,
) -> Result<Option<(String, String)>, ConfigError> {
    let variable = variable(file);
    let own = lookup.environment.get(&variable)?;
    let given = lookup.given("database-url")?;
    let url = match (given, own) {
        (Some(given), _) => given.value,
        (None, Some(_)) => return Ok(None),
        (None, None) => match &file.database_url {
            Some(url) => url.value.clone(),
            None => return Ok(None),
        },
    };
    Ok(Some((variable, as_sqlalchemy(url, own))))
}

/// A URL as `SQLAlchemy` reads it; with the driver of another of the same kind,
/// for which its program is written, where it names none itself.
fn as_sqlalchemy(url: String, other: Option<&str>) -> String {
    let scheme = |url: &str| url.split_once(':').map(|(scheme, _)| scheme.to_owned());
    let url = match (scheme(&url).as_deref(), DatabaseUrl::parse(&url)) {
        // Its third slash ends an empty host.
        (Some("sqlite"), Ok(parsed)) if !url.starts_with("sqlite:///") => match parsed.file() {
            Some(file) => format!("sqlite:///{}", file.path.display()),
            None => url,
        },
        _ => url,
    };
    let (Some(ours), Some(theirs)) = (scheme(&url), other.and_then(scheme)) else {
        return url;
    };
    let kind = |scheme: &str| {
        scheme
            .split('+')
            .next()
            .unwrap_or_default()
            .replace("postgresql", "postgres")
    };
    if !ours.contains('+') && theirs.contains('+') && kind(&ours) == kind(&theirs) {
        return format!("{theirs}{}", &url[ours.len()..]);
    }
    url
}

/// The variable that holds the URL: of a database with a name, its own.
#[must_use]
pub fn variable(file: &Settings) -> String {
    match (&file.url_env, &file.name) {
        (Some(named), _) => named.value.trim().to_owned(),
        (None, Some(name)) => {
            format!("{}_DATABASE_URL", name.replace('-', "_").to_uppercase())
        }
        (None, None) => "DATABASE_URL".to_owned(),
    }
}

/// A variable of ours that is none, where it was probably meant to hold the URL.
fn misspelt(environment: &Environment) -> Option<String> {
    let mut unknown = environment.unknown(&[]).into_iter();
    unknown
        .find(|unknown| unknown.nearest.as_deref() == Some("MIGRATE_DATABASE_URL"))
        .map(|unknown| unknown.name)
}

/// The certificate authority: its text, as platforms bind it, or its file.
fn authority(lookup: Lookup<'_>, file: &Settings) -> Result<Option<String>, ConfigError> {
    let found = lookup.given("database-ca-cert")?;
    let found = match found.or_else(|| file.database_ca_cert.clone()) {
        Some(found) => Some(found),
        None => lookup.environment.setting("DATABASE_CA_CERT")?,
    };
    let Some(found) = found else {
        return Ok(None);
    };
    let wrong = |problem: String| ConfigError::Authority {
        origin: found.origin.clone(),
        problem,
    };
    if is_certificate(&found.value) {
        return Ok(Some(found.value));
    }
    if found.value.contains("${") {
        let problem = format!(
            "contains {}, which the platform has not replaced",
            found.value
        );
        return Err(wrong(problem));
    }
    let path = match found.origin {
        Origin::File { .. } => file.folder.join(&found.value),
        Origin::Embedded | Origin::Environment(_) | Origin::Option(_) => {
            Path::new(&found.value).to_owned()
        }
    };
    match sources::read_optional(&path) {
        Ok(Some(text)) if is_certificate(&text) => Ok(Some(text)),
        Ok(Some(_)) => Err(wrong(format!(
            "names {}, which does not contain a certificate",
            found.value
        ))),
        Ok(None) | Err(_) => Err(wrong(
            "is neither a certificate nor the path of a readable file".to_owned(),
        )),
    }
}

/// Whether it is the text of a certificate, and not the path of its file.
pub(crate) fn is_certificate(text: &str) -> bool {
    text.contains("-----BEGIN CERTIFICATE-----")
}
