//! What a database or its driver complained of, as data without secrets.

use crate::text::SourceFile;

/// A complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// SQLSTATE, or the server's own number where it has none to tell more.
    pub code: Option<String>,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// Where in the text that was sent.
    pub position: Option<Position>,
    /// The function in which it happened, with the line in it.
    pub context: Option<String>,
    pub constraint: Option<String>,
    pub table: Option<String>,
    /// The statement inside a function that failed (PostgreSQL).
    pub inner: Option<Box<Inner>>,
    /// The user of the URL, for whoever is to give it a right.
    pub user: Option<String>,
}

/// A statement that a function ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inner {
    pub text: String,
    /// 0-based number of the character at which it failed.
    pub character: usize,
}

/// What kind of complaint: it decides the exit code and whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Rows of other tables would be lost: a statement was not sent.
    Cascades,
    /// Another run has done it, or is at it.
    Claimed,
    /// The driver understood nothing any more, or was never to be asked that.
    Driver,
    /// A database's file, or its lock file, cannot be used.
    File,
    /// The history's rows are hidden from this user.
    Hidden,
    /// A statement waited for a table lock for as long as it may.
    LockTimeout,
    /// The history table's name is none.
    Name,
    /// A newer version of this program wrote what this one does not know.
    Newer,
    /// The history table is of another shape.
    NotAHistory,
    /// The connection ended in the middle.
    Lost,
    /// The login was refused, or the database is not there: no use to wait.
    Refused,
    /// A setting in the URL that the driver does not take.
    Setting,
    /// The server refused a statement.
    Statement,
    /// TLS could not be agreed on.
    Tls,
    /// Nobody answers, or not yet.
    Unreachable,
}

/// Where in a text that was sent to a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// 0-based number of a character (PostgreSQL).
    Character(usize),
    /// 1-based line (MySQL, MariaDB).
    Line(usize),
    /// The token that the message names (SQLite; PostgreSQL where it does not count).
    Token(String),
}

impl Fault {
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            context: None,
            constraint: None,
            table: None,
            inner: None,
            user: None,
        }
    }

    /// The same of a connection that is to be made anew: whoever has lost one connects
    /// again.
    #[must_use]
    pub fn lost(self) -> Self {
        Self {
            kind: match self.kind {
                FaultKind::Unreachable => FaultKind::Lost,
                kind => kind,
            },
            ..self
        }
    }

    /// The same, with the user of the URL.
    #[must_use]
    pub fn of(self, user: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            ..self
        }
    }

    /// The same, with its character counted from a later one.
    #[must_use]
    pub fn moved_back(mut self, characters: usize) -> Self {
        self.position = match self.position {
            Some(Position::Character(at)) => at.checked_sub(characters).map(Position::Character),
            other => other,
        };
        self
    }

    /// The same, with its character counted from an earlier one.
    #[must_use]
    pub fn moved_on(mut self, characters: usize) -> Self {
        self.position = match self.position {
            Some(Position::Character(at)) => Some(Position::Character(at + characters)),
            other => other,
        };
        self
    }

    /// The same, without the values of a file's variables.
    #[must_use]
    pub fn without_values(self, file: &SourceFile) -> Self {
        self.in_other_words(|text| file.without_values(text))
    }

    /// The same, with whatever the server said put otherwise.
    #[must_use]
    pub fn in_other_words(mut self, put: impl Fn(&str) -> String) -> Self {
        self.message = put(&self.message);
        for text in [
            &mut self.detail,
            &mut self.hint,
            &mut self.context,
            &mut self.constraint,
            &mut self.table,
        ] {
            *text = text.take().map(|text| put(&text));
        }
        self
    }

    /// Where in a statement the token is that the message names: none where it
    /// stands more than once, for a wrong place is worse than the statement's.
    #[must_use]
    pub fn token_in(&self, statement: &str) -> Option<usize> {
        let Some(Position::Token(token)) = &self.position else {
            return None;
        };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut places = statement
            .match_indices(token.as_str())
            .filter(|(at, _)| {
                let inside = token.starts_with(is_word) && statement[..*at].ends_with(is_word);
                let rest = &statement[at + token.len()..];
                let ahead = token.ends_with(is_word) && rest.starts_with(is_word);
                !inside && !ahead
            })
            .map(|(at, _)| at);
        match (places.next(), places.next()) {
            (Some(at), None) => Some(at),
            _ => None,
        }
    }

    /// Whether a right is missing: PostgreSQL's code, and MySQL's of a table and of
    /// its columns.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.has_code(&["42501", "1142", "1143"])
    }

    /// Whether its code is one of these.
    #[must_use]
    pub fn has_code(&self, codes: &[&str]) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| codes.contains(&code))
    }
}
