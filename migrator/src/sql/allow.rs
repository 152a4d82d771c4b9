//! `-- migrate:allow RULE[,RULE] reason`: comment lines before a statement that
//! say that it means what a rule would refuse. Which rules there are is not known
//! here.

use super::{Statement, gaps};
use crate::text::{SourceFile, Span};

const DIRECTIVE: &str = "migrate:allow";

/// One such line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allow {
    /// The number of the statement that it stands before; that of none at the
    /// end of a file.
    pub statement: usize,
    /// The whole line.
    pub span: Span,
    /// Where each rule's name is.
    pub rules: Vec<Span>,
    pub has_reason: bool,
}

/// All such lines between the statements of a file.
#[must_use]
pub(crate) fn lines(file: &SourceFile, statements: &[Statement]) -> Vec<Allow> {
    let gaps = gaps(file, statements);
    let gaps = gaps.into_iter().enumerate();
    gaps.flat_map(|(statement, gap)| of_gap(file, gap, statement))
        .collect()
}

/// Whether a line before a statement allows what a rule would refuse.
#[must_use]
pub(crate) fn is_allowed(
    file: &SourceFile,
    statements: &[Statement],
    statement: usize,
    rule: &str,
) -> bool {
    lines(file, statements).iter().any(|line| {
        line.statement == statement
            && line.has_reason
            && line.rules.iter().any(|span| file.slice(*span) == rule)
    })
}

fn of_gap(file: &SourceFile, gap: Span, statement: usize) -> Vec<Allow> {
    let text = file.slice(gap);
    let mut found = Vec::new();
    let mut at = 0;
    let mut in_comment = false;
    for line in text.split_inclusive('\n') {
        let start = gap.start + at;
        at += line.len();
        let begins = line.trim_start_matches('\u{feff}').trim_start();
        if !in_comment && let Some(comment) = begins.strip_prefix("--") {
            let words = comment.trim();
            let is_ours = words
                .strip_prefix(DIRECTIVE)
                .filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
            if let Some(rest) = is_ours {
                let from = start + (line.len() - begins.len());
                let span = Span::new(from, from + begins.trim_end().len());
                found.push(allow(span, rest, span.end - rest.len(), statement));
            }
            continue;
        }
        // A `/* … */` may hold anything.
        in_comment = match (line.rfind("/*"), line.rfind("*/")) {
            (Some(opened), closed) => closed.is_none_or(|closed| closed < opened),
            (None, Some(_)) => false,
            (None, None) => in_comment,
        };
    }
    found
}

/// What follows the directive: rules with commas between them, then the reason.
fn allow(span: Span, rest: &str, begins: usize, statement: usize) -> Allow {
    let words = rest.trim_start();
    let mut at = begins + (rest.len() - words.len());
    let mut rules = Vec::new();
    let mut left = words;
    loop {
        let length = left
            .find(|c: char| c == ',' || c.is_whitespace())
            .unwrap_or(left.len());
        if length > 0 {
            rules.push(Span::new(at, at + length));
        }
        let after = left.get(length..).unwrap_or_default();
        let next = after.trim_start();
        let Some(more) = next.strip_prefix(',') else {
            return Allow {
                statement,
                span,
                rules,
                has_reason: !next.trim().is_empty(),
            };
        };
        let more = more.trim_start();
        at += left.len() - more.len();
        left = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Dialect, split};

    fn read(text: &str) -> Vec<(usize, Vec<String>, bool)> {
        let file = SourceFile::new("a.sql", text);
        let statements = split(&file, Dialect::Sqlite).unwrap();
        lines(&file, &statements)
            .into_iter()
            .map(|line| {
                let rules = line.rules.iter().map(|span| file.slice(*span).to_owned());
                (line.statement, rules.collect(), line.has_reason)
            })
            .collect()
    }

    #[test]
    fn a_line_allows_what_its_statement_means() {
        let rules = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        for (text, found) in [
            (
                "-- migrate:allow a they go\nDROP TABLE x;",
                vec![(0, rules(&["a"]), true)],
            ),
            (
                "SELECT 1;\n  --migrate:allow a, b,c why\r\nDROP TABLE x;",
                vec![(1, rules(&["a", "b", "c"]), true)],
            ),
            (
                "-- migrate:allow a\nDROP TABLE x;",
                vec![(0, rules(&["a"]), false)],
            ),
            (
                "-- migrate:allow\nDROP TABLE x;",
                vec![(0, rules(&[]), false)],
            ),
            (
                "DROP TABLE x;\n-- migrate:allow a b\n",
                vec![(1, rules(&["a"]), true)],
            ),
            ("/*\n-- migrate:allow a b\n*/ DROP TABLE x;", vec![]),
            ("-- see migrate:allow a b\nDROP TABLE x;", vec![]),
            ("-- migrate:allowed a b\nDROP TABLE x;", vec![]),
            ("SELECT '\n-- migrate:allow a b\n';", vec![]),
        ] {
            assert_eq!(read(text), found, "{text}");
        }
    }
}
