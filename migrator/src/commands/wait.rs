//! `wait`: until the database answers and lets us in.

use crate::config::Config;
use crate::db;
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::error::Error;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long the database may take to answer before it is said that it does not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits for the database; returns for how long, or `None` where it is a SQLite
/// file that `up` would create. It asks nothing of the database, so that it does
/// not matter what is in it.
///
/// # Errors
/// That it does not answer within `--wait`, or lets nobody in.
pub(crate) async fn wait(
    config: &Config,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Option<Duration>, Error> {
    let began = Instant::now();
    let url = &config.database.value;
    if url.is_to_be_created() {
        return Ok(None);
    }
    let limit = config.limits.wait;
    let mut answer = pin!(db::answers(url, limit));
    if let Ok(first) = stop.or(timeout(PATIENCE, &mut answer)).await? {
        first?;
    } else {
        listener.event(&Event::WaitingForDatabase {
            database: &url.to_string(),
            limit,
        });
        stop.or(answer).await??;
    }
    Ok(Some(began.elapsed()))
}
