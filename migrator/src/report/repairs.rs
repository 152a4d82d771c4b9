//! `repair` without an option: what could be repaired, and how.

use super::answer::{Answer, Document, Line, said};
use super::words::count;
use crate::model::Direction;
use crate::plan::repair::{Damage, Unfinished};
use serde_json::json;

/// What could be repaired.
pub(crate) struct Repairs<'a> {
    /// Of one of several databases.
    pub name: Option<&'a str>,
    pub database: &'a str,
    pub table: &'a str,
    pub damages: &'a [Damage],
    pub invalid_indexes: &'a [String],
}

impl Answer for Repairs<'_> {
    fn lines(&self) -> Vec<Line> {
        let name = self.name.map_or(String::new(), |name| format!("{name}: "));
        let mut lines = vec![format!(
            "{name}{}, history in {}",
            self.database, self.table
        )];
        for damage in self.damages {
            lines.push(format!("  {}", about(damage)));
            lines.extend(ways(damage).iter().map(|way| format!("      {way}")));
        }
        for index in self.invalid_indexes {
            lines.push(format!(
                "  index {index} is INVALID: the next `migrate up` rebuilds it, --resolve drops it"
            ));
        }
        lines.push(match self.damages.len() {
            0 => "Nothing to repair.".to_owned(),
            number => format!("{} to repair. Nothing was changed.", count(number, "thing")),
        });
        said(lines)
    }

    fn document(&self) -> Document {
        let damages: Vec<_> = self
            .damages
            .iter()
            .map(|damage| {
                let mut object = match damage {
                    Damage::Edited {
                        version,
                        path,
                        recorded,
                        now,
                        harmless,
                    } => json!({
                        "damage": "edited", "version": version.to_string(), "file": path,
                        "recorded": recorded.hex(), "now": now.hex(), "harmless": harmless,
                    }),
                    Damage::FilledIn { version, path } => json!({
                        "damage": "filled in", "version": version.to_string(), "file": path,
                    }),
                    Damage::Unfinished(unfinished) => json!({
                        "damage": "unfinished",
                        "version": unfinished.version.to_string(),
                        "name": unfinished.name,
                        "resumable": unfinished.direction.map(Direction::word),
                        "statements_done": unfinished.done,
                        "statement_in_doubt": unfinished.in_doubt.map(|number| number + 1),
                    }),
                };
                object["repairs"] = ways(damage).into();
                object
            })
            .collect();
        Document::One(json!({
            "name": self.name,
            "database": self.database,
            "history": self.table,
            "repairs": damages,
            "invalid_indexes": self.invalid_indexes,
        }))
    }
}

fn about(damage: &Damage) -> String {
    match damage {
        Damage::Edited {
            version,
            path,
            harmless: true,
            ..
        } => format!("{version}  {path} has other line endings than when it was applied"),
        Damage::Edited { version, path, .. } => {
            format!("{version}  {path} was changed after it was applied")
        }
        Damage::FilledIn { version, path } => {
            format!(
                "{version}  {path} had no statement when it was applied, but has statements now"
            )
        }
        Damage::Unfinished(unfinished) => {
            let what = unfinished.word();
            let Unfinished {
                version,
                name,
                direction,
                done,
                in_doubt,
            } = unfinished;
            let known = match direction {
                Some(_) => format!(", {} done", count(*done, "statement")),
                None => String::new(),
            };
            let doubt = match in_doubt {
                Some(number) => format!(", statement {} in doubt", number + 1),
                None => String::new(),
            };
            format!("{version}  {name} is {what}{known}{doubt}")
        }
    }
}

/// The command lines that repair it.
fn ways(damage: &Damage) -> Vec<String> {
    match damage {
        Damage::Edited { version, .. } => vec![format!("migrate repair --accept {version}")],
        Damage::FilledIn { version, .. } => vec![
            format!("migrate repair --resolve {version}=reverted"),
            format!("migrate repair --accept {version}"),
        ],
        Damage::Unfinished(unfinished) => {
            let version = &unfinished.version;
            let goes_on = match (unfinished.direction, unfinished.in_doubt) {
                (Some(Direction::Up), None) => vec!["migrate up".to_owned()],
                (Some(Direction::Down), None) => vec!["migrate down".to_owned()],
                _ => Vec::new(),
            };
            let answers: &[&str] = match unfinished.in_doubt {
                Some(_) => &["done", "not-done", "applied", "reverted"],
                None => &["applied", "reverted"],
            };
            let answers = answers
                .iter()
                .map(|answer| format!("migrate repair --resolve {version}={answer}"));
            goes_on.into_iter().chain(answers).collect()
        }
    }
}
