//! How a SQLite file is opened.

use super::Sqlite;
use super::fault::{fault, missing, unopened};
use crate::db::fault::Fault;
use crate::db::url::DatabaseUrl;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// How many of SQLite's instructions run between two questions whether to go
/// on: well below a millisecond of them.
const ASK_EVERY: i32 = 1000;

impl Sqlite {
    /// Opens the database; a missing file is created only where `create` says
    /// so. Settings are sqlx's own: foreign keys are enforced.
    pub(in crate::db) async fn connect(url: &DatabaseUrl, create: bool) -> Result<Self, Fault> {
        let path = url.file().map(|file| file.path.clone()).unwrap_or_default();
        if !create && !path.exists() {
            return Err(missing(&path));
        }
        let connection = async {
            SqliteConnectOptions::from_str(url.for_driver())?
                .create_if_missing(create)
                .connect()
                .await
        };
        let mut connection = connection
            .await
            .map_err(|error| unopened(&path, fault(&error, true)))?;
        let cancelled = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&cancelled);
        let bound: Arc<Mutex<Option<Instant>>> = Arc::default();
        let end = Arc::clone(&bound);
        connection
            .lock_handle()
            .await
            .map_err(|error| fault(&error, true))?
            .set_progress_handler(ASK_EVERY, move || {
                let is_late = |end: &Instant| Instant::now() >= *end;
                let late = end
                    .lock()
                    .is_ok_and(|end| end.as_ref().is_some_and(is_late));
                !late && !asked.load(Ordering::Relaxed)
            });
        Ok(Self {
            connection,
            path,
            cancelled,
            bound,
            url: Box::new(url.clone()),
            is_changed: false,
            held: None,
        })
    }
}
