//! What of a URL nobody may see.

use super::DatabaseUrl;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

impl DatabaseUrl {
    /// A text from elsewhere, without the URL's secrets. One that could be a word of
    /// any text is hidden only where it stands as a secret does: a password `app`
    /// would make every path and every name with it unreadable.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            if is_like_a_word(secret) {
                without_word(&text, secret)
            } else {
                text.replace(secret, "***")
            }
        })
    }
}

/// Below this length letters, or digits, may be a word of any text.
const SHORTEST_TELLING: usize = 8;

fn is_like_a_word(secret: &str) -> bool {
    let is_of = |kind: fn(&u8) -> bool| secret.as_bytes().iter().all(kind);
    secret.len() < SHORTEST_TELLING && (is_of(u8::is_ascii_lowercase) || is_of(u8::is_ascii_digit))
}

/// A text without a word where it stands as a secret: in a URL before its host, after
/// a name like `password`, or in quotes of its own.
fn without_word(text: &str, secret: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    for (at, _) in text.match_indices(secret) {
        let (before, after) = (&text[..at], &text[at + secret.len()..]);
        let in_url = before.ends_with(':') && after.starts_with('@');
        let in_quotes = ['\'', '"']
            .iter()
            .any(|quote| before.ends_with(*quote) && after.starts_with(*quote));
        let is_end = !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if at >= rest && (in_url || in_quotes || (is_end && follows_name(before))) {
            clean.push_str(&text[rest..at]);
            clean.push_str("***");
            rest = at + secret.len();
        }
    }
    clean.push_str(&text[rest..]);
    clean
}

/// Whether a text ends with the name of a secret, and what stands between it and the
/// value: `password=`, `PASSWORD: `, `"passwd" => `.
fn follows_name(before: &str) -> bool {
    let name = before.trim_end_matches(|c: char| "'\"=:> ".contains(c));
    let lower = name.to_ascii_lowercase();
    name.len() < before.len()
        && ["password", "passwd", "pwd", "pass", "secret", "token"]
            .iter()
            .any(|known| lower.ends_with(known))
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
            url.without_secrets("a p@ss, p%40ss and 'other'"),
            "a ***, *** and '***'"
        );
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_secret_like_a_word_is_hidden_where_it_stands_as_one() {
        let url = DatabaseUrl::parse("postgres://app:app@h/app").unwrap();
        for (text, clean) in [
            ("/srv/app/models.py", "/srv/app/models.py"),
            ("the application maps", "the application maps"),
            (
                "postgresql+asyncpg://app:app@h/app",
                "postgresql+asyncpg://app:***@h/app",
            ),
            (
                "connect(user='app', password='app')",
                "connect(user='***', password='***')",
            ),
            ("PASSWORD = app;", "PASSWORD = ***;"),
            ("password: application", "password: application"),
        ] {
            assert_eq!(url.without_secrets(text), clean, "{text}");
        }
        let url = DatabaseUrl::parse("postgres://app:correcthorse@h/app").unwrap();
        assert_eq!(url.without_secrets("xcorrecthorsex"), "x***x");
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
