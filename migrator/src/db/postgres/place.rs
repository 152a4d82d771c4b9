//! Where in a statement a complaint of PostgreSQL points to.

use crate::db::fault::{Fault, Position};

pub(super) fn character(fault: &Fault) -> Option<usize> {
    match fault.position {
        Some(Position::Character(at)) => Some(at),
        _ => None,
    }
}

pub(super) fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices()
        .nth(character)
        .map_or(text.len(), |(offset, _)| offset)
}

/// Where in a statement the name is that the server complains of where it counts
/// no characters: it does not for what only a running command looks up.
pub(super) fn name_in(statement: &str, fault: &Fault) -> Option<usize> {
    // It names what was written in capitals in small letters.
    fault
        .token_in(&statement.to_ascii_lowercase())
        .or_else(|| fault.token_in(statement))
}

/// The name in `column "x" of relation "y" does not exist` and the like.
pub(super) fn name(message: &str) -> Option<String> {
    let (_, rest) = message.split_once('"')?;
    let (name, _) = rest.split_once('"')?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fault::FaultKind;

    #[test]
    fn a_name_is_placed_where_it_stands_once() {
        let place = |statement: &str, message: &str| {
            let fault = Fault {
                position: name(message).map(Position::Token),
                ..Fault::new(FaultKind::Statement, message)
            };
            name_in(statement, &fault)
        };
        let message = "column \"mail\" of relation \"users\" does not exist";
        let statement = "ALTER TABLE users\n  DROP COLUMN Mail";
        assert_eq!(place(statement, message), statement.find("Mail"));
        assert_eq!(place("ALTER TABLE mail DROP mail", message), None);
        let quoted = "ALTER TABLE users DROP COLUMN \"Mail\"";
        let message = "column \"Mail\" of relation \"users\" does not exist";
        assert_eq!(place(quoted, message), quoted.find("Mail"));
        assert_eq!(place(quoted, "permission denied"), None);
    }
}
