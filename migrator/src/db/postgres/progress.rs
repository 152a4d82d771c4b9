//! How far the server is with what it reports on: as its views
//! `pg_stat_progress_*` say it (PostgreSQL 13 to 18, `system_views.sql`), but by
//! the function beneath them, since a view would lock what it reads until the
//! guard's transaction ends.

use crate::db::Work;
use crate::history::table::Row;

/// Selects `('work', phase, done, total)` of the sessions that the FROM clause
/// `worker`, called `w`, holds. What waits for others counts nothing.
pub(super) fn select(worker: &str) -> String {
    format!(
        "SELECT 'work', p.phase, p.done::text, p.total::text FROM (\
         SELECT pid, CASE param10 \
         WHEN 1 THEN 'waiting for writers before build' \
         WHEN 2 THEN 'building index' || coalesce(': ' || pg_indexam_progress_phasename(param9::oid, param11), '') \
         WHEN 3 THEN 'waiting for writers before validation' \
         WHEN 4 THEN 'index validation: scanning index' \
         WHEN 5 THEN 'index validation: sorting tuples' \
         WHEN 6 THEN 'index validation: scanning table' \
         WHEN 7 THEN 'waiting for old snapshots' \
         WHEN 8 THEN 'waiting for readers before marking dead' \
         WHEN 9 THEN 'waiting for readers before dropping' END, \
         CASE WHEN param10 NOT IN (2, 4, 5, 6) THEN 0 WHEN param12 > 0 THEN param13 ELSE param17 END, \
         CASE WHEN param10 NOT IN (2, 4, 5, 6) THEN 0 WHEN param12 > 0 THEN param12 ELSE param16 END \
         FROM pg_stat_get_progress_info('CREATE INDEX') \
         UNION ALL SELECT pid, CASE param2 \
         WHEN 1 THEN 'rewriting table: scanning' \
         WHEN 2 THEN 'rewriting table: scanning by index' \
         WHEN 3 THEN 'rewriting table: sorting tuples' \
         WHEN 4 THEN 'rewriting table: writing new heap' \
         WHEN 5 THEN 'rewriting table: swapping files' \
         WHEN 6 THEN 'rewriting table: rebuilding index' \
         WHEN 7 THEN 'rewriting table: final cleanup' END, \
         CASE param2 WHEN 1 THEN param7 ELSE 0 END, CASE param2 WHEN 1 THEN param6 ELSE 0 END \
         FROM pg_stat_get_progress_info('CLUSTER') \
         UNION ALL SELECT pid, CASE param1 \
         WHEN 1 THEN 'vacuum: scanning heap' \
         WHEN 2 THEN 'vacuum: vacuuming indexes' \
         WHEN 3 THEN 'vacuum: vacuuming heap' \
         WHEN 4 THEN 'vacuum: cleaning up indexes' \
         WHEN 5 THEN 'vacuum: truncating heap' \
         WHEN 6 THEN 'vacuum: final cleanup' END, \
         CASE param1 WHEN 1 THEN param3 WHEN 3 THEN param4 ELSE 0 END, \
         CASE WHEN param1 IN (1, 3) THEN param2 ELSE 0 END \
         FROM pg_stat_get_progress_info('VACUUM') \
         UNION ALL SELECT pid, CASE param1 \
         WHEN 1 THEN 'analyze: acquiring sample rows' \
         WHEN 2 THEN 'analyze: acquiring inherited sample rows' \
         WHEN 3 THEN 'analyze: computing statistics' \
         WHEN 4 THEN 'analyze: computing extended statistics' \
         WHEN 5 THEN 'analyze: finalizing' END, \
         CASE WHEN param1 IN (1, 2) THEN param3 ELSE 0 END, \
         CASE WHEN param1 IN (1, 2) THEN param2 ELSE 0 END \
         FROM pg_stat_get_progress_info('ANALYZE')\
         ) p (pid, phase, done, total) \
         WHERE p.phase IS NOT NULL AND p.pid IN (SELECT w.pid FROM {worker})"
    )
}

/// Reads a row of [`select`].
pub(super) fn work(row: &Row) -> Option<Work> {
    let text = |at: usize| row.get(at)?.as_deref();
    (row.len() == 4 && text(0)? == "work").then_some(())?;
    Some(Work {
        phase: text(1)?.to_owned(),
        done: text(2)?.parse().ok()?,
        total: text(3)?.parse().ok()?,
    })
}
