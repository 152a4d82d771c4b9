//! Where in a statement a complaint of MySQL or MariaDB points to.

use crate::db::fault::{Fault, Position};

/// The complaints of a name that stands in the statement.
const OF_A_NAME: [u16; 22] = [
    1049, 1050, 1051, 1054, 1059, 1060, 1061, 1063, 1067, 1072, 1074, 1091, 1101, 1115, 1146, 1166,
    1193, 1253, 1273, 1286, 1294, 4161,
];

/// The name in `Unknown collation: 'x'`, `Table 'db.x' doesn't exist` and the like.
pub(super) fn name(number: u16, message: &str) -> Option<String> {
    if !OF_A_NAME.contains(&number) {
        return None;
    }
    // The apostrophe of `Can't` opens nothing.
    let opens = |(at, _): &(usize, char)| message[..*at].ends_with([' ', '(']);
    let (at, quote) = message
        .char_indices()
        .filter(|(_, c)| matches!(c, '\'' | '`'))
        .find(opens)?;
    let (name, _) = message[at + 1..].split_once(quote)?;
    let last = name.rsplit('.').next().unwrap_or(name);
    (!last.is_empty()).then(|| last.to_owned())
}

/// Where in a statement an error is: `near '…' at line N`, which counts the
/// statement's own lines, and whose quoted text runs on to the message's end.
pub(super) fn offset_in(text: &str, fault: &Fault) -> Option<usize> {
    let line = match &fault.position {
        Some(Position::Line(line)) => *line,
        Some(Position::Token(_)) => {
            return fault
                .token_in(text)
                // It names some in small letters.
                .or_else(|| fault.token_in(&text.to_ascii_lowercase()));
        }
        Some(Position::Character(_)) | None => return None,
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
    fn a_name_is_placed_where_it_stands_once() {
        let place = |number, message: &str, text: &str| {
            let fault = Fault {
                position: name(number, message).map(Position::Token),
                ..Fault::new(FaultKind::Statement, message)
            };
            offset_in(text, &fault)
        };
        let text = "CREATE TABLE t (\n  C TEXT COLLATE utf8_none DEFAULT ''\n)";
        for (number, message, token) in [
            (1273, "Unknown collation: 'utf8_none'", "utf8_none"),
            (
                1101,
                "BLOB, TEXT, GEOMETRY or JSON column 'c' can't have a default value",
                "C TEXT",
            ),
            (
                1091,
                "Can't DROP COLUMN `C`; check that it exists",
                "C TEXT",
            ),
            (
                1091,
                "Can't DROP 'C'; check that column/key exists",
                "C TEXT",
            ),
            (1146, "Table 'app.t' doesn't exist", "t ("),
        ] {
            assert_eq!(place(number, message, text), text.find(token), "{message}");
        }
        assert_eq!(place(1062, "Duplicate entry 't' for key 'x'", text), None);
        let twice = "ALTER TABLE c ADD c INT";
        assert_eq!(place(1060, "Duplicate column name 'c'", twice), None);
    }

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
