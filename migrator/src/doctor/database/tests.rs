//! What no server here can be made to be: old, far away, a standby, one whose
//! clock is wrong. Everything else is found in real databases (tests/live).

use super::*;
use crate::db::health::{
    Clock, Line, Mysql, Of, Own, Postgres, Prepared, Product, ReadOnly, Room, Setting,
};

const LIMITS: Limits = Limits {
    wait: Duration::from_mins(1),
    deadline: Duration::from_mins(25),
    lock_wait: Duration::from_mins(10),
    lock_timeout: Duration::from_secs(5),
    statement_timeout: Duration::ZERO,
};

/// The findings' codes, where this file is still to be run.
fn codes(health: &Health, dialect: Dialect, pending: Option<(&str, bool)>) -> Vec<&'static str> {
    judged(health, dialect, pending)
        .iter()
        .map(|found| found.code)
        .collect()
}

fn judged(health: &Health, dialect: Dialect, pending: Option<(&str, bool)>) -> Vec<Diagnostic> {
    let pending: Vec<PendingScript> = pending
        .map(|(text, transaction)| {
            let file = Arc::new(SourceFile::new("migrations/1_a.sql", text));
            PendingScript {
                statements: crate::sql::split(&file, dialect).unwrap(),
                file,
                transaction,
            }
        })
        .into_iter()
        .collect();
    judge(&Facts {
        health,
        dialect,
        history: &History::default(),
        limits: LIMITS,
        pending: &pending,
    })
}

fn postgres(own: Postgres) -> Health {
    Health {
        user: "app".to_owned(),
        database: "shop".to_owned(),
        product: Some((Product::Postgres, 15, 18)),
        own: Own::Postgres(Box::new(Postgres {
            search_path: crate::db::health::SearchPath {
                current: Some("public".to_owned()),
                ..Default::default()
            },
            ..own
        })),
        ..Health::default()
    }
}

fn mysql(own: Mysql) -> Health {
    Health {
        own: Own::Mysql(own),
        ..Health::default()
    }
}

#[test]
fn clocks_that_agree_within_the_round_trip_do_agree() {
    for (before, server, after, codes) in [
        (1000, 1000, 1000, &[][..]),
        // A slow answer is no wrong clock.
        (1000, 1000, 1060, &[]),
        (1000, 1060, 1060, &[]),
        (1000, 990, 1000, &[]),
        (1000, 989, 1000, &["wrong_clock"]),
        (1000, 1011, 1000, &["wrong_clock"]),
        (1000, 5000, 1060, &["wrong_clock"]),
    ] {
        let health = Health {
            clock: Some(Clock {
                before: Duration::from_secs(before),
                server: Duration::from_secs(server),
                after: Duration::from_secs(after),
            }),
            ..Health::default()
        };
        assert_eq!(
            self::codes(&health, Dialect::Postgres, None),
            codes,
            "{before} {server} {after}"
        );
    }
}

#[test]
fn only_a_far_server_must_be_spoken_to_in_secret() {
    for (encrypted, ends, codes) in [
        (
            Some(false),
            &["203.0.113.9", "10.0.0.2"][..],
            &["unencrypted"][..],
        ),
        (Some(false), &["2001:db8::1"], &["unencrypted"]),
        (Some(true), &["203.0.113.9"], &[]),
        (None, &["203.0.113.9"], &[]),
        (Some(false), &["172.18.0.4", "172.18.0.2"], &[]),
        (Some(false), &["100.64.1.1", "192.168.1.1"], &[]),
        (Some(false), &["fd00::1", "fe80::1"], &[]),
        (Some(false), &["::ffff:10.1.2.3", "::1"], &[]),
        (Some(false), &[], &[]),
    ] {
        let health = Health {
            line: Line {
                encrypted,
                ends: ends.iter().map(|end| end.parse().unwrap()).collect(),
            },
            ..Health::default()
        };
        assert_eq!(
            self::codes(&health, Dialect::Postgres, None),
            codes,
            "{ends:?}"
        );
    }
}

#[test]
fn a_server_that_nobody_mends_is_old() {
    for (product, old, good) in [
        (Product::Mariadb, (10, 5), (10, 6)),
        (Product::Mysql, (5, 7), (8, 0)),
        (Product::Postgres, (12, 22), (13, 0)),
    ] {
        let health = |(major, minor)| Health {
            product: Some((product, major, minor)),
            ..Health::default()
        };
        assert_eq!(codes(&health(old), Dialect::Mysql, None), ["old_server"]);
        assert_eq!(codes(&health(good), Dialect::Mysql, None), [""; 0]);
    }
}

#[test]
fn a_standby_is_told_once() {
    let health = postgres(Postgres {
        is_standby: true,
        settings: vec![setting("default_transaction_read_only", "on", "user")],
        ..Postgres::default()
    });
    assert_eq!(codes(&health, Dialect::Postgres, None), ["standby"]);
}

#[test]
fn a_lock_timeout_counts_where_a_file_is_no_transaction() {
    let health = postgres(Postgres {
        settings: vec![setting("lock_timeout", "30000", "user")],
        ..Postgres::default()
    });
    let index = "CREATE INDEX CONCURRENTLY i ON t (x);";
    let of = |pending| codes(&health, Dialect::Postgres, pending);
    assert_eq!(of(None), [""; 0]);
    assert_eq!(of(Some(("SELECT 1;", true))), [""; 0]);
    assert_eq!(of(Some((index, false))), ["short_timeout"]);
    let health = postgres(Postgres {
        settings: vec![setting("transaction_timeout", "60000", "database")],
        ..Postgres::default()
    });
    assert_eq!(codes(&health, Dialect::Postgres, None), ["short_timeout"]);
}

#[test]
fn a_pool_of_one_is_refused_where_the_lock_is_needed() {
    use crate::db::health::Pooling;
    for pooling in [Pooling::Starved, Pooling::Transaction { alone: true }] {
        let health = postgres(Postgres {
            pooling,
            ..Postgres::default()
        });
        let severity = |pending| {
            let found = judged(&health, Dialect::Postgres, pending);
            found
                .iter()
                .map(|found| (found.code, found.is_error()))
                .collect::<Vec<_>>()
        };
        assert_eq!(severity(None), [("pooled_url", false)]);
        assert_eq!(severity(Some(("SELECT 1;", true))), [("pooled_url", false)]);
        assert_eq!(severity(Some(("VACUUM;", false))), [("pooled_url", true)]);
    }
}

#[test]
fn a_setting_is_taken_back_where_it_was_made() {
    for (source, sql) in [
        (
            "user",
            "ALTER ROLE \"app\" RESET default_transaction_read_only;",
        ),
        (
            "database",
            "ALTER DATABASE \"shop\" RESET default_transaction_read_only;",
        ),
        (
            "database user",
            "ALTER ROLE \"app\" IN DATABASE \"shop\" RESET default_transaction_read_only;",
        ),
        (
            "configuration file",
            "ALTER ROLE \"app\" SET default_transaction_read_only = off;",
        ),
    ] {
        let health = postgres(Postgres {
            settings: vec![setting("default_transaction_read_only", "on", source)],
            ..Postgres::default()
        });
        let found = judged(&health, Dialect::Postgres, None);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].correction.as_deref(), Some(sql));
    }
}

#[test]
fn a_prepared_transaction_that_nobody_ends_is_told() {
    let prepared = |age| {
        postgres(Postgres {
            prepared: vec![Prepared {
                name: "it's".to_owned(),
                owner: "app".to_owned(),
                age: Duration::from_secs(age),
            }],
            ..Postgres::default()
        })
    };
    assert_eq!(codes(&prepared(59), Dialect::Postgres, None), [""; 0]);
    let found = judged(&prepared(61), Dialect::Postgres, None);
    assert_eq!(found[0].code, "prepared_transaction");
    let sql = "ROLLBACK PREPARED 'it''s';";
    assert_eq!(found[0].correction.as_deref(), Some(sql));
}

#[test]
fn a_replica_cannot_be_written_but_by_whom_it_lets() {
    for (setting, is_exempt, codes) in [
        ("super_read_only", false, &["read_only"][..]),
        ("read_only", false, &["read_only"]),
        ("read_only", true, &[]),
    ] {
        let health = mysql(Mysql {
            read_only: Some(ReadOnly { setting, is_exempt }),
            ..Mysql::default()
        });
        assert_eq!(self::codes(&health, Dialect::Mysql, None), codes);
    }
}

#[test]
fn a_key_is_wanted_only_of_what_is_still_to_be_made() {
    let health = mysql(Mysql {
        wants_key: Some("sql_require_primary_key"),
        ..Mysql::default()
    });
    let of = |pending| judged(&health, Dialect::Mysql, pending);
    assert_eq!(of(None), []);
    assert_eq!(of(Some(("CREATE TABLE a (id INT PRIMARY KEY);", true))), []);
    let found = of(Some(("SELECT 1;\nCREATE TABLE a (id INT);", true)));
    let place = found[0].place.as_ref().map(ToString::to_string);
    assert_eq!(found[0].code, "needs_primary_key");
    assert_eq!(place.as_deref(), Some("migrations/1_a.sql:2:1"));
}

#[test]
fn the_narrowest_room_is_the_one_to_widen() {
    let room = |of, used| Room { of, limit: 5, used };
    let health = |rooms| Health {
        user: "app".to_owned(),
        rooms,
        ..Health::default()
    };
    let roomy = health(vec![room(Of::Server, 4), room(Of::User, 1)]);
    assert_eq!(codes(&roomy, Dialect::Postgres, None), [""; 0]);
    let full = health(vec![room(Of::Server, 5), room(Of::User, 5)]);
    let found = judged(&full, Dialect::Postgres, None);
    assert_eq!(found.len(), 1);
    let sql = "ALTER ROLE \"app\" CONNECTION LIMIT 5;";
    assert_eq!(found[0].correction.as_deref(), Some(sql));
}

fn setting(name: &str, value: &str, source: &str) -> Setting {
    Setting {
        name: name.to_owned(),
        value: value.to_owned(),
        source: source.to_owned(),
    }
}
