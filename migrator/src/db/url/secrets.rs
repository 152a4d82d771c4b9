//! What of a URL nobody may see.

use super::DatabaseUrl;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

impl DatabaseUrl {
    /// A text from elsewhere, without the URL's secrets.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

/// The same secrets as other programs write them again, the longest first:
/// Python's and `SQLAlchemy`'s quoting leave some characters bare, and psycopg2
/// doubles each `%`.
pub(super) fn in_every_form(secrets: &[String]) -> Vec<String> {
    const ALL: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    const BUT_SLASH: &AsciiSet = &ALL.remove(b'/');
    const BUT_SPACE: &AsciiSet = &ALL.remove(b' ').remove(b'+');
    let mut forms: Vec<String> = secrets
        .iter()
        .flat_map(|secret| {
            let quoted = [ALL, BUT_SLASH, BUT_SPACE];
            let quoted = quoted.map(|set| utf8_percent_encode(secret, set).to_string());
            std::iter::once(secret.clone()).chain(quoted)
        })
        .flat_map(|form| [form.replace('%', "%%"), form])
        .collect();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms
}

/// A text without the user names and passwords of the URLs in it.
#[must_use]
pub fn without_user_info(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(char::is_whitespace).unwrap_or(part.len());
        let host = part[..end].rfind('@').unwrap_or_default();
        clean.push_str("://");
        clean.push_str(&part[host..]);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "postgres")]
    #[test]
    fn secrets_are_in_no_form_of_it() {
        let url = DatabaseUrl::parse("postgres://u:p%40ss@h/d?password=other").unwrap();
        for text in [url.to_string(), format!("{url:?}")] {
            assert!(!text.contains("ss") && !text.contains("other"), "{text}");
        }
        assert_eq!(
            url.without_secrets("a p@ss, p%40ss and other"),
            "a ***, *** and ***"
        );
    }

    #[test]
    fn a_url_anywhere_in_a_text_loses_its_user() {
        for (text, clean) in [
            (
                "no 'postgres://u:p@w@h/d' here",
                "no 'postgres://@h/d' here",
            ),
            ("a://u:p@h b://c d@e", "a://@h b://c d@e"),
            ("://", "://"),
            ("nothing @ all", "nothing @ all"),
        ] {
            assert_eq!(without_user_info(text), clean);
        }
    }
}
