//! Where in a statement a complaint of MySQL or MariaDB points to.

use crate::db::fault::{Fault, Position};

/// Where in a statement an error is: `near '…' at line N`, which counts the
/// statement's own lines, and whose quoted text runs on to the message's end.
pub(super) fn offset_in(text: &str, fault: &Fault) -> Option<usize> {
    let Some(Position::Line(line)) = fault.position else {
        return None;
    };
    let start = match line.checked_sub(2) {
        None => 0,
        Some(breaks) => text.match_indices('\n').nth(breaks).map(|(at, _)| at + 1)?,
    };
    let line = text[start..].lines().next().unwrap_or_default();
    let near = fault
        .message
        .split_once("near '")
        .and_then(|(_, rest)| rest.lines().next())
        .map(|near| near.split("' at line").next().unwrap_or(near));
    // It runs to the statement's end, so that the last place is the right one.
    let near = near.filter(|near| !near.is_empty());
    let column = near.and_then(|near| line.rfind(near));
    // MariaDB counts no lines inside of a string.
    if let (None, Some(near)) = (column, near)
        && let [at] = text
            .match_indices(near)
            .map(|(at, _)| at)
            .collect::<Vec<_>>()[..]
    {
        return Some(at);
    }
    let first_word = line.len() - line.trim_start().len();
    Some(start + column.unwrap_or(first_word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fault::FaultKind;

    #[test]
    fn an_error_is_placed_by_its_line_and_its_text() {
        let fault = |message: &str, line| Fault {
            position: Some(Position::Line(line)),
            ..Fault::new(FaultKind::Statement, message)
        };
        let text = "CREATE TABLE a (\n  id int,\n  nme txt\n)";
        let near = "You have an error … near 'txt\n)' at line 3";
        assert_eq!(offset_in(text, &fault(near, 3)), text.find("txt"));
        let twice = "SELECT 1 FROM FROM";
        assert_eq!(
            offset_in(twice, &fault("near 'FROM' at line 1", 1)),
            twice.rfind("FROM")
        );
        assert_eq!(
            offset_in(text, &fault("no text at line 3", 3)),
            text.find("nme")
        );
        assert_eq!(offset_in(text, &fault("far away at line 9", 9)), None);
        let string = "SELECT 'two\nlines' WRONG (";
        assert_eq!(
            offset_in(string, &fault("near 'WRONG (' at line 1", 1)),
            string.find("WRONG")
        );
    }
}
