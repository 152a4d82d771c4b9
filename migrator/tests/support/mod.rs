//! What every live test stands on: a database of its own, a project on the disk,
//! and the real binary, run as a user runs it.

mod command;
mod database;
mod project;
mod session;

pub(crate) use command::{Migrate, Output, Running, migrate, status, up};
pub(crate) use database::{Database, Server, server_url};
pub(crate) use project::Project;
pub(crate) use session::Session;

use std::time::{Duration, Instant};

/// Waits for what comes by itself, though not at once.
#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Makes tests of stories: `story::postgres` tells it on PostgreSQL.
///
/// On SQLite a story needs nothing and always runs; the other databases are
/// those of `scripts/servers`.
macro_rules! stories {
    ($(on $servers:tt { $($story:ident),* $(,)? })*) => {$(
        $crate::support::stories_on! { $servers $($story)* }
    )*};
}

macro_rules! stories_on {
    (every $($story:ident)*) => {
        $crate::support::stories_on! { [Mariadb, Mysql, Postgres, Sqlite] $($story)* }
    };
    (every_with_python $($story:ident)*) => {
        $crate::support::stories_on! { [Mariadb, Mysql, Postgres, SqliteWithPython] $($story)* }
    };
    (servers $($story:ident)*) => {
        $crate::support::stories_on! { [Mariadb, Mysql, Postgres] $($story)* }
    };
    ($servers:tt $($story:ident)*) => {$(
        mod $story {
            $crate::support::tests_on! { $servers $story }
        }
    )*};
}

macro_rules! tests_on {
    ([$($server:ident),*] $story:ident) => {$(
        $crate::support::test_on! { $server $story }
    )*};
}

macro_rules! test_on {
    (Mariadb $story:ident) => {
        #[test]
        #[ignore = "needs scripts/servers"]
        fn mariadb() {
            $crate::support::test_on! { tell $story Mariadb }
        }
    };
    (Mysql $story:ident) => {
        #[test]
        #[ignore = "needs scripts/servers"]
        fn mysql() {
            $crate::support::test_on! { tell $story Mysql }
        }
    };
    (Postgres $story:ident) => {
        #[test]
        #[ignore = "needs scripts/servers"]
        fn postgres() {
            $crate::support::test_on! { tell $story Postgres }
        }
    };
    (Sqlite $story:ident) => {
        #[test]
        fn sqlite() {
            $crate::support::test_on! { tell $story Sqlite }
        }
    };
    (SqliteWithPython $story:ident) => {
        #[test]
        #[ignore = "needs scripts/python"]
        fn sqlite() {
            $crate::support::test_on! { tell $story Sqlite }
        }
    };
    (tell $story:ident $server:ident) => {
        super::$story(&$crate::support::Database::new(
            $crate::support::Server::$server,
        ));
    };
}

pub(crate) use {stories, stories_on, test_on, tests_on};
