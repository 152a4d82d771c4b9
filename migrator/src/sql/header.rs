//! Where a body begins: the head of a `CREATE`, read word by word. Only here do
//! the dialects' bodies differ; inside, [`super::body`] reads them all alike.

use crate::text::Span;

use super::Dialect;
use super::scanner::TokenKind;

/// How much of a statement's head has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// `CREATE`, with words like `OR REPLACE` and `TEMP`.
    Create,
    /// MySQL: a procedure's parameters are read, its characteristics follow.
    Characteristics,
    /// MySQL: `DEFINER`, with what follows it.
    Definer,
    /// MySQL: a trigger, at `EACH`.
    Each,
    /// MySQL: an event, to its `DO`.
    Event,
    /// MySQL: a function, to its parameters.
    FunctionName,
    /// MySQL: a function's parameters are read, its type and characteristics follow.
    FunctionType,
    /// MySQL: a trigger, at `FOLLOWS` or `PRECEDES`.
    Order,
    /// MySQL: a procedure, to its parameters.
    ProcedureName,
    /// PostgreSQL: a routine, to its `BEGIN ATOMIC`.
    Routine,
    /// MySQL: a trigger's `FOR EACH ROW` is read.
    Row,
    Start,
    /// A trigger, to its `BEGIN` or `EACH`.
    Trigger,
    /// `BEGIN`, which opens a body if `ATOMIC` follows; MariaDB has a `NOT` between.
    Unsure(Span),
}

/// What a token means to a head.
pub(super) enum HeaderStep {
    /// The body begins with this token.
    BodyHere,
    /// The body begins after this token.
    BodyNext,
    /// The body is open since the given token.
    BodySince(Span),
    /// The head goes on.
    Head(Header),
    /// There is no body, or none that holds semicolons.
    NoBody,
}

/// A token of a statement, as the search for bodies sees it.
#[derive(Clone, Copy)]
pub(super) struct Sign<'a> {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
    /// A word's capitals, unless it is certainly a name; otherwise nothing.
    pub(super) keyword: &'a str,
}

impl Header {
    /// Whether the head is that of something that can have a body.
    pub(super) fn is_of_routine(self) -> bool {
        !matches!(
            self,
            Self::Create | Self::Definer | Self::Start | Self::Unsure(_)
        )
    }

    /// Reads one token that stands outside of parentheses, or closes one.
    pub(super) fn read(self, dialect: Dialect, sign: Sign<'_>) -> HeaderStep {
        match dialect {
            Dialect::Mysql => self.read_mysql(sign),
            Dialect::Postgres => self.read_postgres(sign),
            Dialect::Sqlite => self.read_sqlite(sign),
        }
    }

    #[expect(clippy::match_same_arms, reason = "in the grammar's order")]
    fn read_postgres(self, sign: Sign<'_>) -> HeaderStep {
        match (self, sign.keyword) {
            (Self::Start, "CREATE") | (Self::Create, "OR" | "REPLACE") => {
                HeaderStep::Head(Self::Create)
            }
            (Self::Create, "FUNCTION" | "PROCEDURE") => HeaderStep::Head(Self::Routine),
            (Self::Routine | Self::Unsure(_), "BEGIN") => HeaderStep::Head(Self::Unsure(sign.span)),
            (Self::Unsure(begin), "ATOMIC") => HeaderStep::BodySince(begin),
            (Self::Routine | Self::Unsure(_), _) => HeaderStep::Head(Self::Routine),
            _ => HeaderStep::NoBody,
        }
    }

    #[expect(clippy::match_same_arms, reason = "in the grammar's order")]
    fn read_sqlite(self, sign: Sign<'_>) -> HeaderStep {
        match (self, sign.keyword) {
            (Self::Start, "CREATE") | (Self::Create, "TEMP" | "TEMPORARY") => {
                HeaderStep::Head(Self::Create)
            }
            (Self::Create, "TRIGGER") => HeaderStep::Head(Self::Trigger),
            (Self::Trigger, "BEGIN") => HeaderStep::BodyHere,
            (Self::Trigger, _) => HeaderStep::Head(Self::Trigger),
            _ => HeaderStep::NoBody,
        }
    }

    #[expect(clippy::match_same_arms, reason = "in the grammar's order")]
    fn read_mysql(self, sign: Sign<'_>) -> HeaderStep {
        match (self, sign.keyword) {
            (Self::Start, "CREATE") | (Self::Create, "OR" | "REPLACE" | "AGGREGATE") => {
                HeaderStep::Head(Self::Create)
            }
            (Self::Start, "ALTER") | (Self::Create, "DEFINER") => HeaderStep::Head(Self::Definer),
            (Self::Start, "BEGIN") => HeaderStep::Head(Self::Unsure(sign.span)),
            (Self::Unsure(begin), "NOT") => HeaderStep::Head(Self::Unsure(begin)),
            (Self::Unsure(begin), "ATOMIC") => HeaderStep::BodySince(begin),
            // MariaDB takes compound statements outside of routines, too.
            (Self::Start, word) if opens_compound(word) => HeaderStep::BodyHere,

            (Self::Create | Self::Definer, "PROCEDURE") => HeaderStep::Head(Self::ProcedureName),
            (Self::Create | Self::Definer, "FUNCTION") => HeaderStep::Head(Self::FunctionName),
            (Self::Create | Self::Definer, "TRIGGER") => HeaderStep::Head(Self::Trigger),
            (Self::Create | Self::Definer, "EVENT") => HeaderStep::Head(Self::Event),
            (Self::Definer, "TABLE" | "VIEW" | "SQL") => HeaderStep::NoBody,
            (Self::Definer, _) => HeaderStep::Head(Self::Definer),

            (Self::ProcedureName, _) if sign.closes() => HeaderStep::Head(Self::Characteristics),
            (Self::FunctionName, _) if sign.closes() => HeaderStep::Head(Self::FunctionType),
            (Self::Characteristics, word) if is_characteristic(word) || !sign.is_name() => {
                HeaderStep::Head(Self::Characteristics)
            }
            // A function's body is compound or one RETURN; what stands before it is
            // a type of many possible words.
            (Self::FunctionType, word) if opens_compound(word) => HeaderStep::BodyHere,
            (Self::FunctionType, "RETURN") => HeaderStep::NoBody,

            (Self::Trigger, "EACH") => HeaderStep::Head(Self::Each),
            (Self::Each, "ROW") => HeaderStep::Head(Self::Row),
            (Self::Each, _) => HeaderStep::Head(Self::Trigger),
            (Self::Row, "FOLLOWS" | "PRECEDES") => HeaderStep::Head(Self::Order),
            (Self::Order, _) | (Self::Event, "DO") => HeaderStep::BodyNext,
            (Self::Characteristics | Self::Row, _) => HeaderStep::BodyHere,

            (Self::Create | Self::Start | Self::Unsure(_), _) => HeaderStep::NoBody,
            (head, _) => HeaderStep::Head(head),
        }
    }
}

impl Sign<'_> {
    pub(super) fn is_symbol(&self, symbol: u8) -> bool {
        self.kind == TokenKind::Symbol(symbol)
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, TokenKind::QuotedIdentifier | TokenKind::Word)
    }

    fn closes(&self) -> bool {
        self.is_symbol(b')')
    }
}

/// The words that begin a compound statement, and nothing else where a statement
/// begins.
fn opens_compound(word: &str) -> bool {
    matches!(
        word,
        "BEGIN" | "CASE" | "FOR" | "IF" | "LOOP" | "REPEAT" | "WHILE"
    )
}

/// The words that may stand between a procedure's parameters and its body.
fn is_characteristic(word: &str) -> bool {
    matches!(
        word,
        "COMMENT"
            | "CONTAINS"
            | "DATA"
            | "DEFINER"
            | "DETERMINISTIC"
            | "INVOKER"
            | "LANGUAGE"
            | "MODIFIES"
            | "NO"
            | "NOT"
            | "READS"
            | "SECURITY"
            | "SQL"
    )
}
