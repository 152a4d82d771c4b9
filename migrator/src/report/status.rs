//! `status`: every migration, and what the files and the history say of it.

use super::words::{count, duration};
use crate::model::{Migration, Version};
use crate::plan::drift::Drift;
use crate::plan::history::{Applied, History};
use std::collections::BTreeMap;

/// What `status` found.
pub(crate) struct Status<'a> {
    /// The database's name, where there are several.
    pub name: Option<&'a str>,
    pub database: &'a str,
    pub server: &'a str,
    pub table: &'a str,
    /// Whether the history table is still to be created.
    pub is_fresh: bool,
    pub migrations: &'a [Migration],
    pub history: &'a History,
    pub drifts: &'a [Drift],
}

/// A line of the table.
pub(super) struct Row<'a> {
    pub(super) state: &'static str,
    pub(super) version: Version,
    pub(super) name: &'a str,
    pub(super) applied: Option<&'a Applied>,
}

impl Status<'_> {
    /// Whether something waits to be applied.
    #[must_use]
    pub(crate) fn has_pending(&self) -> bool {
        self.migrations.iter().any(|migration| {
            self.history
                .find(migration.version)
                .is_none_or(|applied| !applied.complete)
        })
    }

    /// The report, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let rows = self.rows();
        let width = |text: fn(&Row<'_>) -> String| {
            rows.iter()
                .map(|row| text(row).chars().count())
                .max()
                .unwrap_or_default()
        };
        let versions = width(|row| row.version.to_string());
        let names = width(|row| row.name.to_owned());
        let mut lines = vec![format!(
            "{}{} ({}), history in {}{}",
            self.name.map_or(String::new(), |name| format!("{name}: ")),
            self.database,
            self.server,
            self.table,
            if self.is_fresh {
                " (not created yet)"
            } else {
                ""
            }
        )];
        lines.extend(rows.iter().map(|row| {
            let when = row.applied.map_or(String::new(), when);
            // Aligned by hand: formatting counts a version's characters, too.
            let line = format!(
                "  {:<12}  {:<versions$}  {:<names$}  {when}",
                row.state,
                row.version.to_string(),
                row.name
            );
            line.trim_end().to_owned()
        }));
        lines.push(Self::summary(&rows));
        lines
    }

    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let mut rows: BTreeMap<Version, Row<'_>> = self
            .migrations
            .iter()
            .map(|migration| {
                let row = Row {
                    state: "pending",
                    version: migration.version,
                    name: &migration.name,
                    applied: None,
                };
                (migration.version, row)
            })
            .collect();
        for applied in &self.history.applied {
            let row = Row {
                state: "applied",
                version: applied.version,
                name: &applied.name,
                applied: Some(applied),
            };
            rows.insert(applied.version, row);
        }
        for drift in self.drifts {
            if let Some(row) = rows.get_mut(&drift.version()) {
                row.state = match drift {
                    Drift::Edited { .. } => "changed",
                    Drift::HalfApplied { .. } | Drift::Resumable { .. } => "half applied",
                    Drift::LineEndings { .. } => "applied",
                    Drift::Missing { .. } => "missing",
                    Drift::OutOfOrder { .. } => "out of order",
                };
            }
        }
        rows.into_values().collect()
    }

    fn summary(rows: &[Row<'_>]) -> String {
        let of = |state| rows.iter().filter(|row| row.state == state).count();
        let mut parts = vec![
            count(rows.len(), "migration"),
            format!("{} applied", of("applied")),
            format!("{} pending", of("pending")),
        ];
        for state in ["changed", "half applied", "missing", "out of order"] {
            match of(state) {
                0 => {}
                number => parts.push(format!("{number} {state}")),
            }
        }
        format!("{}.", parts.join(", "))
    }
}

fn when(applied: &Applied) -> String {
    let took = applied
        .took
        .map_or(String::new(), |took| format!(" in {}", duration(took)));
    format!("{} UTC{took}", applied.at)
}
