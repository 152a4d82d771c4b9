//! Words of a command line that a person can paste.

/// A path or another word as a shell reads it: quoted where it must be.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    // What begins with a dash would be an option.
    let safe = if word.starts_with('-') { "./" } else { "" };
    format!("'{safe}{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
        for (word, quoted) in [
            ("migrations/1_a.sql", "migrations/1_a.sql"),
            ("größe.sql", "größe.sql"),
            ("my app/1_a.sql", "'my app/1_a.sql'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("a;b", "'a;b'"),
            ("~x", "'~x'"),
            ("-rf", "'./-rf'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }
}
