//! Where in a statement a complaint of SQLite points to: it names a token.

/// The token of `near "x": syntax error`, `no such column: x` and the like.
pub(super) fn token(message: &str) -> Option<String> {
    if let Some((_, rest)) = message.split_once("near \"") {
        return rest.rsplit_once('"').map(|(token, _)| token.to_owned());
    }
    let (what, name) = message.rsplit_once(": ")?;
    let name = name.rsplit('.').next()?.trim();
    (what.starts_with("no such") || what.starts_with("duplicate column"))
        .then(|| name.to_owned())
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fault::{Fault, FaultKind, Position};

    #[test]
    fn a_token_that_stands_twice_is_no_place() {
        let fault = |token: &str| Fault {
            position: Some(Position::Token(token.into())),
            ..Fault::new(FaultKind::Statement, "")
        };
        let text = "CREATE TABLE t (id txt(1)) txtual x";
        assert_eq!(fault("txt").token_in(text), text.find("txt("));
        assert_eq!(fault(")").token_in(text), None);
        assert_eq!(fault("nowhere").token_in(text), None);
    }

    #[test]
    fn a_message_names_its_token() {
        for (message, expected) in [
            ("near \"txt\": syntax error", Some("txt")),
            ("near \"\"\": syntax error", Some("\"")),
            ("no such table: main.users", Some("users")),
            ("UNIQUE constraint failed: users.name", None),
        ] {
            assert_eq!(token(message).as_deref(), expected, "{message}");
        }
    }
}
