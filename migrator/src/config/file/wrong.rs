//! What is wrong with a file, and where: the parser's complaint with the key that
//! was probably meant, and what the types cannot say.

use super::{ConfigError, Databases, File, Migrations, nearest};
use crate::text::{SourceFile, Span};
use std::sync::Arc;

/// The parser's complaint.
pub(super) fn explain(source: &Arc<SourceFile>, error: &toml::de::Error) -> ConfigError {
    let message = error.message();
    let span = error
        .span()
        .map_or_else(Span::default, |span| Span::new(span.start, span.end));
    let wrong = |message: String, nearest| ConfigError::File {
        file: Arc::clone(source),
        span,
        message,
        nearest,
    };
    if message.starts_with("unknown field") {
        // serde names the key, and then all that would do.
        let mut words = message.split('`').skip(1).step_by(2);
        let key = words.next().unwrap_or_default();
        return wrong(format!("there is no key `{key}`"), nearest(key, words));
    }
    wrong(message.to_owned(), None)
}

/// What the types cannot say.
pub(super) fn check(source: &Arc<SourceFile>, file: &File) -> Result<(), ConfigError> {
    let wrong = |span, message: &str| ConfigError::File {
        file: Arc::clone(source),
        span,
        message: message.to_owned(),
        nearest: None,
    };
    for table in file.database.iter().flat_map(Databases::tables) {
        if !is_name(&table.name) {
            return Err(wrong(
                table.span,
                "a database's name begins with a letter and contains only letters, digits, - and \
                 _, because the name of its variable is made from it",
            ));
        }
    }
    let own = file.database.iter().flat_map(Databases::tables);
    let migrations = own.filter_map(|table| table.keys.migration.as_ref());
    let migrations = migrations.chain(&file.migration);
    for table in migrations.flat_map(Migrations::tables) {
        if table.version().is_none() {
            return Err(wrong(
                table.span,
                "a migration's version contains only digits, as in [migration.20260131120000]",
            ));
        }
    }
    match (&file.database_url, &file.database) {
        (Some(url), Some(_)) => Err(wrong(
            url.span,
            "it would be the URL of every database; give each a `url-env` or `database-url` in \
             its own table",
        )),
        _ => Ok(()),
    }
}

/// The schema's pattern, by hand: nobody else would need an expression.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// The same text, as long to the byte, with the passwords of its URLs masked.
pub(super) fn without_passwords(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.split_once("://") {
            None => masked.push_str(line),
            Some((before, url)) => {
                masked.push_str(before);
                masked.push_str("://");
                masked.push_str(&without_password(url));
            }
        }
    }
    masked
}

/// Up to the last `@` of the line: what of it is no password is no loss.
fn without_password(url: &str) -> String {
    let end = url.rfind('@').unwrap_or_default();
    let start = url[..end].find(':').map_or(end, |colon| colon + 1);
    let mut masked = url[..start].to_owned() + &"*".repeat(end - start);
    let mut rest = &url[end..];
    while let Some(at) = rest.find("password=") {
        let (before, password) = rest.split_at(at + "password=".len());
        let length = password
            .find(['&', '"', '\'', '\r', '\n'])
            .unwrap_or(password.len());
        masked.push_str(before);
        masked.push_str(&"*".repeat(length));
        rest = &password[length..];
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_and_nothing_moves() {
        for (text, masked) in [
            ("a = \"x://u:pä@h/d\" # b\n", "a = \"x://u:***@h/d\" # b\n"),
            (
                "u = \"x://u:p\\\"w@h/d\"\nwait = 1\n",
                "u = \"x://u:****@h/d\"\nwait = 1\n",
            ),
            (
                "u = 'x://u@h/d?password=pw&sslmode=a'\n",
                "u = 'x://u@h/d?password=**&sslmode=a'\n",
            ),
            ("dir = \"m\"\n", "dir = \"m\"\n"),
        ] {
            assert_eq!(without_passwords(text), masked);
            assert_eq!(masked.len(), text.len());
        }
    }
}
