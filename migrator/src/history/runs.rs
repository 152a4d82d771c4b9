//! The table of ours that remembers the runs: what each did, by whom it was
//! started, and why it failed, when the platform has long thrown its log away.

use super::ledger::{Ledger, as_written};
use super::side_table::{FORMAT, Layout, SideTable, Upkeep, format_column};
use super::table::Row;
use super::{Ending, Run};
use crate::model::{Subject, Version};
use crate::sql::Dialect;

const TABLE: &str = "_migrate_runs";

/// How many runs are remembered.
const KEPT: usize = 1000;

/// The longest error that is kept, in bytes.
const LONGEST_ERROR: usize = 16 * 1024;

/// The runs of one history table. The table's name and columns are fixed for
/// ever, so that two released versions read each other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs(SideTable);

impl Runs {
    /// The table beside a history table that a database has named in full.
    #[must_use]
    pub fn of(ledger: &Ledger, dialect: Dialect) -> Self {
        Self(SideTable::beside(ledger, TABLE, dialect))
    }

    /// How the table is made and kept.
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        self.0.upkeep(self.create())
    }

    fn create(&self) -> String {
        // A first run can name thousands of versions; MySQL's TEXT ends at 64 KB.
        let (instant, list) = match self.0.dialect {
            Dialect::Mysql => ("TIMESTAMP(6) NULL", "MEDIUMTEXT"),
            Dialect::Postgres => ("TIMESTAMPTZ", "TEXT"),
            Dialect::Sqlite => ("TEXT", "TEXT"),
        };
        format!(
            "CREATE TABLE IF NOT EXISTS {} (\
             history VARCHAR(255) NOT NULL, run VARCHAR(64) NOT NULL, verb VARCHAR(16) NOT NULL, \
             began {instant}, ended {instant}, outcome VARCHAR(16) NOT NULL, did {list}, \
             tool VARCHAR(64), commit_hash VARCHAR(255), deployment VARCHAR(255), \
             host VARCHAR(255), error TEXT, confirmed {instant}, {}, \
             PRIMARY KEY (history, run)){}",
            self.0.table,
            format_column(),
            as_written(self.0.dialect)
        )
    }

    /// Records that a run has begun; it is to do what its `did` says. Once is
    /// enough: whoever has lost the answer asks again.
    #[must_use]
    pub fn begin(&self, run: &Run) -> String {
        let text = |text: &Option<String>| match text {
            Some(text) => self.0.quote(text),
            None => "NULL".to_owned(),
        };
        let now = self.now();
        let once = match self.0.dialect {
            Dialect::Mysql => "ON DUPLICATE KEY UPDATE verb = verb",
            Dialect::Postgres | Dialect::Sqlite => "ON CONFLICT (history, run) DO NOTHING",
        };
        format!(
            "INSERT INTO {} (history, run, verb, began, outcome, did, tool, commit_hash, \
             deployment, host, confirmed, format) \
             VALUES ({}, {}, {}, {now}, {}, {}, {}, {}, {}, {}, {}, {FORMAT}) {once}",
            self.0.table,
            self.0.history(),
            self.0.quote(&run.name),
            self.0.quote(&run.verb),
            self.0.quote(run.ending.word()),
            self.0.quote(&words(&run.did)),
            self.0.quote(&run.tool),
            text(&run.who.commit),
            text(&run.who.deployment),
            text(&run.who.host),
            if run.confirmed.is_some() { now } else { "NULL" },
        )
    }

    /// Records how a run ended, and what it did in truth.
    #[must_use]
    pub fn end(&self, run: &str, outcome: Ending, did: &[Subject], error: Option<&str>) -> String {
        let error = match error {
            Some(error) => {
                let cut = &error[..error.floor_char_boundary(LONGEST_ERROR)];
                // NUL is no character to PostgreSQL.
                self.0.quote(&cut.replace('\0', "\u{2400}"))
            }
            None => "NULL".to_owned(),
        };
        format!(
            "UPDATE {} SET ended = {}, outcome = {}, did = {}, error = {error} \
             WHERE {} AND run = {}",
            self.0.table,
            self.now(),
            self.0.quote(outcome.word()),
            self.0.quote(&words(did)),
            self.0.of_history(),
            self.0.quote(run),
        )
    }

    /// Forgets all but the newest runs.
    #[must_use]
    pub fn prune(&self) -> String {
        let of_history = self.0.of_history();
        let table = &self.0.table;
        // MySQL does not read a table that it deletes from, but by a derived one.
        format!(
            "DELETE FROM {table} WHERE {of_history} AND began < (SELECT began FROM (\
             SELECT began FROM {table} WHERE {of_history} ORDER BY began DESC \
             LIMIT 1 OFFSET {}) AS oldest)",
            KEPT - 1
        )
    }

    /// Marks all runs so far as live.
    #[must_use]
    pub fn confirm(&self) -> String {
        format!(
            "UPDATE {} SET confirmed = {} WHERE {} AND confirmed IS NULL",
            self.0.table,
            self.now(),
            self.0.of_history()
        )
    }

    /// The newest runs, the newest first, every column as text.
    #[must_use]
    pub fn select(&self, layout: Layout) -> String {
        let (instant, text): (fn(&str) -> String, &str) = match self.0.dialect {
            Dialect::Mysql => (
                |column| format!("DATE_FORMAT({column}, '%Y-%m-%d %H:%i:%s')"),
                "CHAR",
            ),
            Dialect::Postgres => (
                |column| format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"),
                "TEXT",
            ),
            Dialect::Sqlite => (|column| format!("substr({column}, 1, 19)"), "TEXT"),
        };
        let age = match self.0.dialect {
            Dialect::Mysql => "TIMESTAMPDIFF(MICROSECOND, began, CURRENT_TIMESTAMP(6)) DIV 1000",
            Dialect::Postgres => {
                "floor(extract(epoch FROM clock_timestamp() - began) * 1000)::bigint"
            }
            Dialect::Sqlite => "CAST((julianday('now') - julianday(began)) * 86400000 AS INTEGER)",
        };
        let plain = |column: &str| format!("CAST({column} AS {text})");
        let columns = [
            plain("run"),
            plain("verb"),
            instant("began"),
            instant("ended"),
            plain("outcome"),
            plain("did"),
            plain("tool"),
            plain("commit_hash"),
            plain("deployment"),
            plain("host"),
            plain("error"),
            instant("confirmed"),
            plain(age),
        ];
        format!(
            "{} ORDER BY {}.began DESC LIMIT {KEPT}",
            self.0.select(layout, &columns.join(", ")),
            // By its bare name it could be the text that is selected.
            self.0.table,
        )
    }

    /// Reads a row of [`Runs::select`].
    #[must_use]
    pub fn read(row: &Row) -> Option<Run> {
        let text = |at: usize| row.get(at).cloned().flatten();
        Some(Run {
            name: text(1)?,
            verb: text(2)?,
            began: text(3).unwrap_or_default(),
            ended: text(4),
            ending: Ending::from_word(&text(5)?),
            did: subjects(&text(6).unwrap_or_default()),
            tool: text(7).unwrap_or_default(),
            who: super::Who {
                commit: text(8),
                deployment: text(9),
                host: text(10),
            },
            error: text(11),
            confirmed: text(12),
            age: text(13)
                .and_then(|milliseconds| milliseconds.parse().ok())
                .map(std::time::Duration::from_millis)
                .unwrap_or_default(),
        })
    }

    /// The clock, finer than a second: the newest run is told by it.
    fn now(&self) -> &'static str {
        match self.0.dialect {
            Dialect::Mysql => "CURRENT_TIMESTAMP(6)",
            Dialect::Postgres => "clock_timestamp()",
            Dialect::Sqlite => "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        }
    }
}

/// A line each: a version, or the name of a repeatable with what tells it from one.
fn words(did: &[Subject]) -> String {
    let lines: Vec<_> = did
        .iter()
        .map(|subject| match subject {
            Subject::Migration(version) => version.to_string(),
            Subject::Repeatable(name) => format!("{REPEATABLE}{name}"),
        })
        .collect();
    lines.join("\n")
}

const REPEATABLE: &str = "repeatable/";
/// What an earlier version wrote before a version of Alembic's.
const REVISION: &str = "revision/";

fn subjects(words: &str) -> Vec<Subject> {
    words
        .lines()
        .filter_map(|line| {
            let version = line.strip_prefix(REVISION).unwrap_or(line);
            match line.strip_prefix(REPEATABLE) {
                Some(name) => Some(Subject::Repeatable(name.to_owned())),
                None => (!line.is_empty()).then(|| Subject::Migration(Version::new(version))),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_survives_its_words() {
        let did = [
            Subject::Migration(Version::new("007")),
            Subject::Repeatable("total of all".into()),
        ];
        assert_eq!(subjects(&words(&did)), did);
        assert_eq!(subjects(""), []);
        assert_eq!(
            subjects("revision/ae10"),
            [Subject::Migration(Version::new("ae10"))]
        );
    }
}
