//! Our splitter and PostgreSQL's own scanner and parser (`libpg_query`) on the same
//! text: statements must begin and end at the same bytes, and what either calls
//! unterminated, the other must, too.

use std::collections::BTreeSet;

use migrate::sql::{self, Dialect, Kind, SplitErrorKind};
use migrate::text::{SourceFile, Span};
use pg_query::protobuf::Token;

/// How many disagreements of one text are shown.
const SHOWN: usize = 3;

const UNTERMINATED: &str = "unterminated";

/// What came of one text.
#[derive(Debug)]
pub enum Outcome {
    Agreed {
        statements: usize,
    },
    Different(Vec<String>),
    /// The parser's reason to refuse it.
    Skipped(String),
    /// The same, and so do we.
    Unterminated(String),
}

/// Our statements against the parser's.
#[must_use]
pub fn compare(text: &str) -> Outcome {
    let text = without_placeholders(text);
    let plain = without_client_lines(&text);
    let file = SourceFile::new("", text);
    let ours = sql::split(&file, Dialect::Postgres);
    match (reference(&plain), ours) {
        (Ok(theirs), Ok(ours)) => {
            let ours: Vec<_> = ours
                .iter()
                .filter(|statement| statement.kind != Kind::PsqlCommand)
                .map(|statement| trim_data(&file, statement))
                .collect();
            let differences = differences(&file, &theirs, &ours);
            if differences.is_empty() {
                Outcome::Agreed {
                    statements: ours.len(),
                }
            } else {
                Outcome::Different(differences)
            }
        }
        (Ok(_), Err(error)) => Outcome::Different(vec![format!(
            "{}: only we say: {error}",
            line(&file, error.span)
        )]),
        (Err(reason), Ok(_)) if reason.contains(UNTERMINATED) => {
            Outcome::Different(vec![format!("1: only the parser says: {reason}")])
        }
        // A body is a matter of grammar, and the parser gave up on it.
        (Err(reason), Err(error)) if error.kind == SplitErrorKind::UnterminatedBody => {
            Outcome::Skipped(reason)
        }
        (Err(reason), Err(error)) if !reason.contains(UNTERMINATED) => Outcome::Different(vec![
            format!("{}: we say: {error}", line(&file, error.span)),
            format!("1: the parser says: {reason}"),
        ]),
        (Err(reason), Err(_)) => Outcome::Unterminated(reason),
        (Err(reason), Ok(_)) => Outcome::Skipped(reason),
    }
}

/// Our statements against the scanner's tokens, for text that no parser would take:
/// it has to be without anything that holds semicolons but parentheses, and without
/// `COPY`, and no number in it may touch a dot behind it: `1.2.a$$` is several tokens
/// that no parser takes, and to us one and the beginning of a string.
#[must_use]
pub fn compare_tokens(text: &str) -> Outcome {
    let file = SourceFile::new("", text);
    let ours = sql::split(&file, Dialect::Postgres);
    match (tokens(text), ours) {
        // What follows a backslash is psql's.
        (Ok(tokens), _) if tokens.iter().any(|(token, _)| *token == Token::Ascii92) => {
            Outcome::Skipped("a backslash".to_owned())
        }
        (Ok(tokens), Ok(ours)) => {
            let ours: Vec<_> = ours.iter().map(|statement| statement.span).collect();
            let differences = differences(&file, &group(&tokens), &ours);
            if differences.is_empty() {
                Outcome::Agreed {
                    statements: ours.len(),
                }
            } else {
                Outcome::Different(differences)
            }
        }
        (Ok(_), Err(error)) => Outcome::Different(vec![format!(
            "{}: only we say: {error}",
            line(&file, error.span)
        )]),
        (Err(reason), Ok(_)) if reason.contains(UNTERMINATED) && !text.contains('\\') => {
            Outcome::Different(vec![format!("1: only the scanner says: {reason}")])
        }
        (Err(reason), Err(_)) if reason.contains(UNTERMINATED) => Outcome::Unterminated(reason),
        (Err(reason), _) => Outcome::Skipped(reason),
    }
}

/// Tokens into statements.
fn group(tokens: &[(Token, Span)]) -> Vec<Span> {
    let mut statements = Vec::new();
    let mut current: Option<Span> = None;
    let mut parentheses = 0_usize;
    for (token, span) in tokens {
        match token {
            Token::Ascii40 => parentheses += 1,
            Token::Ascii41 => parentheses = parentheses.saturating_sub(1),
            Token::Ascii59 if parentheses == 0 => {
                statements.extend(current.take());
                continue;
            }
            // It is of the statement if more of that follows.
            Token::Ascii59 => continue,
            _ => {}
        }
        current.get_or_insert(*span).end = span.end;
    }
    statements.extend(current);
    statements
}

// The parser's side

/// The parser's statements, each from its first token to its last. The parser
/// itself counts white space and comments around a statement to it, or not,
/// depending on where it stands.
fn reference(text: &str) -> Result<Vec<Span>, String> {
    let statements = pg_query::split_with_parser(text).map_err(|error| error.to_string())?;
    let tokens: Vec<Span> = tokens(text)?.into_iter().map(|(_, span)| span).collect();
    Ok(statements
        .iter()
        .filter_map(|statement| {
            let start = statement.as_ptr().addr() - text.as_ptr().addr();
            let first = tokens.partition_point(|token| token.start < start);
            let after = tokens.partition_point(|token| token.end <= start + statement.len());
            let tokens = tokens.get(first..after)?;
            Some(Span::new(tokens.first()?.start, tokens.last()?.end))
        })
        .collect())
}

/// All but the comments.
fn tokens(text: &str) -> Result<Vec<(Token, Span)>, String> {
    // Not `scan_tokens`: it is unsound where there is none (pg_query 18.1).
    let scanned = pg_query::scan(text).map_err(|error| error.to_string())?;
    Ok(scanned
        .tokens
        .iter()
        .filter(|token| !is_comment(token.token()))
        .filter_map(|token| {
            let start = usize::try_from(token.start).ok()?;
            let end = usize::try_from(token.end).ok()?;
            Some((token.token(), Span::new(start, end)))
        })
        .collect())
}

fn is_comment(token: Token) -> bool {
    matches!(token, Token::CComment | Token::SqlComment)
}

/// What `CREATE EXTENSION` puts a name for is no SQL before.
fn without_placeholders(text: &str) -> String {
    text.replace("@extschema@", "_extschema_")
        .replace("@extowner@", "_extowner_")
}

/// Blanks what only psql understands: a byte order mark, lines that begin with a
/// backslash, and the data after `COPY … FROM stdin;`. Told by lines alone, and so on purpose not as
/// our splitter tells it; every byte keeps its place.
fn without_client_lines(text: &str) -> String {
    let mut in_data = false;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => format!("   {rest}"),
        None => text.to_owned(),
    };
    text.split_inclusive('\n')
        .map(|line| {
            let blank = in_data || line.starts_with('\\');
            if in_data {
                in_data = line.trim_end() != "\\.";
            } else {
                let line = line.trim_end().to_ascii_lowercase();
                in_data = line.starts_with("copy ") && line.ends_with("from stdin;");
            }
            if blank {
                let ending = line.trim_start_matches(|c| c != '\n');
                " ".repeat(line.len() - ending.len()) + ending
            } else {
                line.to_owned()
            }
        })
        .collect()
}

// Our side

/// Our `COPY` statements have their data with them.
fn trim_data(file: &SourceFile, statement: &sql::Statement) -> Span {
    let Span { start, end } = statement.span;
    let semicolon = file.slice(statement.span).find(';');
    match semicolon {
        Some(at) if statement.kind == Kind::CopyFromStdin => Span::new(start, start + at),
        _ => Span::new(start, end),
    }
}

fn differences(file: &SourceFile, theirs: &[Span], ours: &[Span]) -> Vec<String> {
    let only = |these: &[Span], those: &[Span], who: &str| -> Vec<String> {
        let those: BTreeSet<&Span> = those.iter().collect();
        these
            .iter()
            .filter(|span| !those.contains(span))
            .take(SHOWN)
            .map(|span| {
                let text = file
                    .text()
                    .get(span.range())
                    .unwrap_or("(inside a character)");
                format!("{}: only {who}: {text:?}", line(file, *span))
            })
            .collect()
    };
    let mut differences = only(theirs, ours, "the parser");
    differences.extend(only(ours, theirs, "we"));
    differences
}

fn line(file: &SourceFile, span: Span) -> usize {
    file.pos(span.start).line
}
