//! Which statements of a file go together where each is otherwise run and recorded
//! by itself: a transaction of the file's own, and what asks about the statement
//! before it, which nothing of ours may come between.

use super::session::{Asks, asks, autocommit};
use super::{Dialect, Statement, StatementKind};
use crate::text::{SourceFile, Span};
use std::ops::Range;

/// Statements that are run and recorded together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Their numbers in the file.
    pub(crate) statements: Range<usize>,
    pub(crate) ends: Ends,
}

/// What ends a unit's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The file says nothing of transactions: it is ours.
    Ours,
    /// The last of its statements is a `COMMIT`.
    Commit,
    /// The last of its statements is a `ROLLBACK`.
    Rollback,
    /// Statements of the file begin or end transactions, and the last does not.
    Open,
}

/// What a statement does to the transactions of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// `SET TRANSACTION` is for the transaction that comes next.
    Announce,
    /// MySQL: from here on there is always a transaction, or no more.
    Autocommit(bool),
    Begin,
    Commit,
    Rollback,
    None,
}

/// A file's statements in units, in order; the first may stand in a transaction that
/// was begun before.
pub(crate) fn units(
    file: &SourceFile,
    statements: &[Statement],
    dialect: Dialect,
    begins_inside: bool,
) -> Vec<Unit> {
    let texts: Vec<_> = statements
        .iter()
        .map(|statement| file.slice(statement.span))
        .collect();
    let controls: Vec<_> = statements
        .iter()
        .zip(&texts)
        .map(|(statement, text)| control(text, statement.kind, dialect))
        .collect();
    let mut is_joined = transactions(&controls, begins_inside);
    for number in 1..texts.len() {
        let from = match asks(texts[number], dialect) {
            None => continue,
            Some(Asks::Previous) => number - 1,
            Some(Asks::Session) => 0,
            Some(Asks::Insert) => match (0..number).rev().find(|at| inserts(texts[*at])) {
                Some(from) => from,
                None => continue,
            },
        };
        is_joined[from + 1..=number].fill(true);
    }
    let mut units: Vec<Unit> = Vec::new();
    for (number, joined) in is_joined.into_iter().enumerate() {
        match units.last_mut() {
            Some(last) if joined => last.statements.end = number + 1,
            _ => units.push(Unit {
                statements: number..number + 1,
                ends: Ends::Ours,
            }),
        }
    }
    for unit in &mut units {
        unit.ends = ends(&controls[unit.statements.clone()]);
        if begins_inside && unit.statements.start == 0 && unit.ends == Ends::Ours {
            unit.ends = Ends::Open;
        }
    }
    units
}

/// The plain BEGIN and COMMIT that a file has around all its other statements.
pub(crate) fn wrapping(file: &SourceFile, statements: &[Statement]) -> Option<[Span; 2]> {
    let [first, inner @ .., last] = statements else {
        return None;
    };
    let is_control = |statement: &&Statement| statement.kind == StatementKind::TransactionControl;
    if !(is_control(&first) && is_control(&last)) || inner.iter().any(|it| is_control(&it)) {
        return None;
    }
    let words = |statement: &Statement| {
        let words = file.slice(statement.span).split_ascii_whitespace();
        words.collect::<Vec<_>>().join(" ").to_ascii_uppercase()
    };
    let begins = matches!(
        words(first).as_str(),
        "BEGIN"
            | "BEGIN DEFERRED"
            | "BEGIN DEFERRED TRANSACTION"
            | "BEGIN EXCLUSIVE"
            | "BEGIN EXCLUSIVE TRANSACTION"
            | "BEGIN IMMEDIATE"
            | "BEGIN IMMEDIATE TRANSACTION"
            | "BEGIN TRANSACTION"
            | "BEGIN WORK"
            | "START TRANSACTION"
    );
    let ends = matches!(
        words(last).as_str(),
        "COMMIT" | "COMMIT TRANSACTION" | "COMMIT WORK" | "END" | "END TRANSACTION" | "END WORK"
    );
    (begins && ends).then_some([first.span, last.span])
}

/// Which statements belong to the transaction of the one before.
fn transactions(controls: &[Control], begins_inside: bool) -> Vec<bool> {
    let mut is_open = begins_inside;
    let mut is_announced = false;
    let mut autocommits = true;
    let mut is_joined = Vec::with_capacity(controls.len());
    for control in controls {
        is_joined.push(is_open || is_announced);
        is_announced = *control == Control::Announce;
        match control {
            Control::Begin => is_open = true,
            Control::Commit | Control::Rollback => is_open = false,
            Control::Autocommit(on) => {
                autocommits = *on;
                is_open = false;
            }
            Control::None => is_open |= !autocommits,
            Control::Announce => {}
        }
    }
    is_joined
}

fn ends(controls: &[Control]) -> Ends {
    let is_plain = |control: &Control| matches!(control, Control::None | Control::Announce);
    match controls.last() {
        _ if controls.len() == 1 && is_plain(&controls[0]) => Ends::Ours,
        Some(Control::Commit) => Ends::Commit,
        Some(Control::Rollback) => Ends::Rollback,
        _ if controls.iter().all(is_plain) => Ends::Ours,
        _ => Ends::Open,
    }
}

/// What a statement does to the transactions of its file.
pub(crate) fn control(text: &str, kind: StatementKind, dialect: Dialect) -> Control {
    let mut words = text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_uppercase);
    let mut word = || words.next().unwrap_or_default();
    let first = word();
    if first == "SET" {
        return match word().as_str() {
            "TRANSACTION" => Control::Announce,
            _ if dialect == Dialect::Mysql => {
                autocommit(text).map_or(Control::None, Control::Autocommit)
            }
            _ => Control::None,
        };
    }
    if kind != StatementKind::TransactionControl {
        return Control::None;
    }
    match first.as_str() {
        "BEGIN" | "START" => Control::Begin,
        "COMMIT" | "END" => Control::Commit,
        "ROLLBACK" | "ABORT" => Control::Rollback,
        "XA" => match word().as_str() {
            "BEGIN" | "START" => Control::Begin,
            "COMMIT" => Control::Commit,
            "ROLLBACK" => Control::Rollback,
            _ => Control::None,
        },
        _ => Control::None,
    }
}

fn inserts(text: &str) -> bool {
    let start = text.get(..7).unwrap_or(text);
    ["INSERT", "REPLACE", "WITH"].iter().any(|word| {
        start
            .get(..word.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::split;

    /// Each unit as its range and its end.
    fn found(text: &str, dialect: Dialect) -> String {
        let file = SourceFile::new("1_a.sql", text);
        let statements = split(&file, dialect).unwrap();
        let units = units(&file, &statements, dialect, false);
        let words = units.iter().map(|unit| {
            let Range { start, end } = unit.statements;
            match unit.ends {
                Ends::Ours => format!("{start}-{end}"),
                ends => format!("{start}-{end} {ends:?}"),
            }
        });
        words.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_belongs_together_is_one_unit() {
        for (text, expected) in [
            ("A; B; C", "0-1, 1-2, 2-3"),
            (
                "A; START TRANSACTION; B; C; COMMIT; D",
                "0-1, 1-5 Commit, 5-6",
            ),
            (
                "BEGIN; A; SAVEPOINT s; ROLLBACK TO s; ROLLBACK; B",
                "0-5 Rollback, 5-6",
            ),
            ("BEGIN; A", "0-2 Open"),
            ("SET TRANSACTION READ ONLY; A; B", "0-2, 2-3"),
            (
                "SET TRANSACTION READ ONLY; START TRANSACTION; A; COMMIT; B",
                "0-4 Commit, 4-5",
            ),
            (
                "SET AUTOCOMMIT=0; A; B; COMMIT; C",
                "0-1 Open, 1-4 Commit, 4-5",
            ),
            (
                "SET @@session.autocommit = off; A; B; SET autocommit = 1; C",
                "0-1 Open, 1-4 Open, 4-5",
            ),
            ("A; SELECT ROW_COUNT(); SELECT FOUND_ROWS(); B", "0-3, 3-4"),
            ("A; SHOW WARNINGS; B", "0-2, 2-3"),
            (
                "CREATE PROCEDURE p() BEGIN SELECT ROW_COUNT(); END; B",
                "0-1, 1-2",
            ),
            (
                "XA START 'x'; A; XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'; B",
                "0-5 Commit, 5-6",
            ),
        ] {
            assert_eq!(found(text, Dialect::Mysql), expected, "{text}");
        }
        for (text, expected) in [
            (
                "INSERT INTO a VALUES (1); UPDATE b SET c = last_insert_rowid(); D",
                "0-2, 2-3",
            ),
            (
                "INSERT INTO a VALUES (1); C; D; UPDATE b SET c = last_insert_rowid()",
                "0-4",
            ),
            ("A; INSERT INTO b VALUES (changes()); C", "0-2, 2-3"),
            ("A; B; SELECT total_changes(); C", "0-3, 3-4"),
        ] {
            assert_eq!(found(text, Dialect::Sqlite), expected, "{text}");
        }
    }
}
