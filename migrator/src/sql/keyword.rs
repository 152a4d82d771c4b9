//! A word in capitals, so that keywords can be matched as plain text.

/// More than the longest word that anybody here looks for.
const LONGEST: usize = 16;

/// A word's capitals; of a word too long to be a keyword, nothing.
pub(super) struct Keyword {
    capitals: [u8; LONGEST],
    length: usize,
}

impl Keyword {
    pub(super) fn new(word: &str) -> Self {
        let mut keyword = Self {
            capitals: [0; LONGEST],
            length: 0,
        };
        if word.is_ascii()
            && let Some(capitals) = keyword.capitals.get_mut(..word.len())
        {
            capitals.copy_from_slice(word.as_bytes());
            capitals.make_ascii_uppercase();
            keyword.length = word.len();
        }
        keyword
    }

    pub(super) fn as_str(&self) -> &str {
        self.capitals
            .get(..self.length)
            .and_then(|capitals| str::from_utf8(capitals).ok())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_capitals_and_long_ones_nothing() {
        assert_eq!(Keyword::new("Begin").as_str(), "BEGIN");
        assert_eq!(Keyword::new("no_keyword_is_so_long").as_str(), "");
        assert_eq!(Keyword::new("ｂegin").as_str(), "");
    }
}
