//! What a SQLite database tells of the tables that pending files drop: facts,
//! for whoever judges the files.

use crate::sql::tables::OnDelete;
use std::fmt;

/// What depends on tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dependents {
    /// Every foreign key by which the deletion of a row reaches other rows.
    pub(crate) keys: Vec<Key>,
    /// What dropping the tables would do to other tables' rows, by what is in
    /// them now.
    pub(crate) losses: Vec<(String, Loss)>,
    /// Indexes and triggers of the tables.
    pub(crate) objects: Vec<Object>,
}

/// A foreign key of one table to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) child: String,
    pub(crate) parent: String,
    pub(crate) on_delete: OnDelete,
}

/// Rows of a table that would be deleted or changed when another is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The tables on the way from the one that is dropped; the last is the one
    /// whose rows they are.
    pub(crate) path: Vec<String>,
    pub(crate) on_delete: OnDelete,
    pub(crate) rows: u64,
}

/// An index or a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) table: String,
    pub(crate) name: String,
    /// `index` or `trigger`.
    pub(crate) kind: String,
    pub(crate) sql: String,
}

/// What would become of the rows, after "would".
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.path.last().map_or("", String::as_str);
        let rows = match self.rows {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        };
        let on_delete = self.on_delete.words();
        match self.on_delete {
            OnDelete::Cascade => write!(f, "delete {rows} of {table}"),
            OnDelete::SetDefault | OnDelete::SetNull => {
                write!(f, "change the foreign key in {rows} of {table}")
            }
        }?;
        write!(f, " (ON DELETE {on_delete})")
    }
}

/// All of them in one sentence, after "would".
pub(crate) fn sentence<'a>(losses: impl IntoIterator<Item = &'a Loss>) -> String {
    let losses: Vec<String> = losses.into_iter().map(Loss::to_string).collect();
    match &losses[..] {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
