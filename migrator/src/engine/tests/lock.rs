//! The run's lock: waited for, lost to nobody, lent and taken back.

use super::script::setback;
use super::script::{Answer, NEVER};
use super::{SECOND, Scene};
use crate::db::Remainder;
use crate::db::fault::FaultKind;
use crate::db::{Activity, BlockingSession, Lock};
use crate::error::Error;
use crate::exit;
use crate::history::table::LockKey;
use crate::limits::StopReason;

/// An application that waits for the tool's lock, and that a statement waits for.
fn in_the_way() -> Answer {
    Answer::Sees(Activity {
        blockers: vec![BlockingSession {
            process: "77".to_owned(),
            application: "app".to_owned(),
            state: "active".to_owned(),
            age: SECOND,
            query: "SELECT pg_advisory_lock(1)".to_owned(),
        }],
        waits_for_guard: true,
        work: None,
        is_at_work: true,
    })
}

#[tokio::test(start_paused = true)]
async fn a_held_lock_is_waited_for_and_told_once() {
    let scene = Scene::of(1);
    for _ in 0..3 {
        scene.database.answers("lock", Answer::Held(Lock::Own));
    }
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1]);
    assert_eq!(
        ran.log,
        [
            "1: open",
            "1: lock",
            "waiting for Own",
            "1: lock",
            "1: lock",
            "1: lock",
            "2: open",
            "2: look",
            "2: begin 1",
            "2: apply 1",
            "applied 1",
            "2: end succeeded 1",
            "1: release",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_never_free_is_given_up_after_its_wait() {
    let scene = Scene::of(1);
    for _ in 0..100 {
        scene.database.answers("lock", Answer::Held(Lock::Tools));
    }
    let ran = scene.run().await;
    let Error::LockHeld(held) = ran.error() else {
        panic!("{:?}", ran.error());
    };
    assert_eq!((held.lock, held.waited), (Lock::Tools, 60 * SECOND));
    assert_eq!(ran.code(), exit::LOCKED);
    assert_eq!(ran.count("waiting for Tools"), 1);
    assert_eq!(ran.count("2: open"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_signal_and_the_deadline_end_the_wait_for_the_lock() {
    let deadline = StopReason::Deadline { limit: SECOND };
    for (reason, code) in [
        (StopReason::Interrupt, exit::INTERRUPTED),
        (StopReason::Terminate, exit::TERMINATED),
        (deadline, exit::DEADLINE),
    ] {
        let scene = Scene {
            stop: (SECOND, reason),
            ..Scene::of(1)
        };
        for _ in 0..100 {
            scene.database.answers("lock", Answer::Held(Lock::Own));
        }
        let ran = scene.run().await;
        let stopped = ran.stopped();
        assert_eq!(stopped.reason, reason);
        assert!(stopped.failure.is_none());
        assert_eq!(ran.code(), code);
        assert_eq!(ran.took, SECOND);
        assert_eq!(ran.count("2: open"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_tools_lock_is_lent_between_two_tries_and_taken_back() {
    let scene = Scene {
        tools_lock: Some(LockKey::Id(2)),
        ..Scene::of(1)
    };
    let timed_out = setback(FaultKind::LockTimeout, Remainder::Nothing);
    scene
        .database
        .answers_after(SECOND / 2, "apply", Answer::Fails(0, timed_out));
    scene.database.answers("look on", in_the_way());
    // The application is at its own migration for a while.
    scene
        .database
        .answers("take back", Answer::Held(Lock::Tools));
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1]);
    assert_eq!(
        ran.log[2..],
        [
            "2: open",
            "2: look",
            "2: begin 1",
            "2: apply 1",
            "1: look on",
            "1: lend",
            "retrying migration 1 after 1",
            "1: take back",
            "waiting for Tools",
            "1: take back",
            "2: look",
            "2: apply 1",
            "applied 1",
            "2: end succeeded 1",
            "1: release",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_tools_lock_is_lent_while_a_migration_without_a_transaction_runs() {
    let mut scene = Scene {
        tools_lock: Some(LockKey::Id(2)),
        ..Scene::of(2)
    };
    scene.migrations[0].up.transaction = false;
    scene
        .database
        .answers_after(3 * SECOND, "apply", Answer::Well);
    for _ in 0..5 {
        scene.database.answers("look on", in_the_way());
    }
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    assert_eq!(ran.count("1: lend"), 1);
    assert_eq!(ran.count("blocked by 77"), 1);
    // What the application did meanwhile, only the history knows.
    ran.has(&[
        "1: lend",
        "applied 1",
        "1: take back",
        "2: look",
        "2: apply 2",
    ]);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_one_connection_the_guard_gives_way() {
    let scene = Scene {
        lock: LockKey::Id(1),
        ..Scene::of(2)
    };
    scene
        .database
        .answers_after(SECOND + SECOND / 2, "look", Answer::Well);
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    assert_eq!(
        ran.log[2..],
        [
            "2: open",
            "2: look",
            "1: release",
            "the guard gave way",
            "2: begin 1 2",
            "2: apply 1 2",
            "applied 1",
            "applied 2",
            "2: end succeeded 1 2",
            "1: release",
        ]
    );
    assert_eq!(scene.database.looks(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_the_lock_nothing_is_begun_that_needs_it() {
    let mut scene = Scene {
        lock: LockKey::Id(1),
        ..Scene::of(2)
    };
    scene.migrations[1].up.transaction = false;
    scene
        .database
        .answers_after(2 * SECOND, "look", Answer::Well);
    let ran = scene.run().await;
    assert!(matches!(ran.error(), Error::NeedsSecondConnection));
    assert_eq!(ran.code(), exit::CONNECTION);
    assert_eq!(ran.count("2: begin 1 2"), 0);
}

#[tokio::test(start_paused = true)]
async fn everything_is_applied_though_the_release_of_the_lock_is_not_answered() {
    let scene = Scene::of(2);
    scene.database.answers_after(NEVER, "release", Answer::Well);
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    ran.has(&["applied 2", "2: end succeeded 1 2", "1: release"]);
    assert!(ran.took < SECOND, "{:?}", ran.took);
}

#[tokio::test(start_paused = true)]
async fn neither_connection_answers_where_there_is_one_and_the_deadline_ends_it() {
    let scene = Scene {
        lock: LockKey::Id(1),
        stop: (10 * SECOND, StopReason::Terminate),
        ..Scene::of(1)
    };
    scene.database.answers_after(NEVER, "look", Answer::Well);
    scene.database.answers_after(NEVER, "release", Answer::Well);
    let ran = scene.run().await;
    assert_eq!(ran.code(), exit::TERMINATED);
    assert!(ran.took < 11 * SECOND, "{:?}", ran.took);
}
