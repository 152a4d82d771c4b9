//! What fails, at which place, and what is tried again.

use super::script::{Answer, setback};
use super::{Ran, SECOND, Scene};
use crate::db::Remainder;
use crate::db::fault::FaultKind;
use crate::error::{Error, MigrationFailure, MigrationState};
use crate::exit;
use crate::limits::StopReason;
use crate::limits::Transaction;
use crate::model::Subject;
use std::time::Duration;

fn failure(ran: &Ran) -> &MigrationFailure {
    match ran.error() {
        Error::Migration(failure) => failure,
        Error::Stopped(stopped) => stopped.failure.as_ref().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn versions(subjects: &[Subject]) -> Vec<i64> {
    let versions = subjects.iter().filter_map(Subject::version);
    versions.map(|version| version.number().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_the_one_that_failed_is_named_those_before_stand_those_after_never_began() {
    for at in [0, 1, 2] {
        let scene = Scene::of(4);
        let failing = setback(FaultKind::Statement, Remainder::Nothing);
        scene.database.answers("apply", Answer::Fails(at, failing));
        let ran = scene.run().await;
        let failed = at + 1;
        let before: Vec<_> = (1..i64::try_from(failed).unwrap()).collect();
        let failure = failure(&ran);
        assert_eq!(failure.file.path(), format!("{failed}_t.sql"));
        assert_eq!(failure.state, MigrationState::RolledBack);
        assert_eq!(failure.statement.unwrap().0, 1);
        assert_eq!(versions(&failure.applied), before);
        assert_eq!(failure.not_started, 4 - failed);
        assert_eq!(ran.code(), exit::FAILED);
        let mut told = vec!["2: apply 1 2 3".to_owned()];
        told.extend(before.iter().map(|version| format!("applied {version}")));
        told.push(["2: end failed", "2: end failed 1", "2: end failed 1 2"][at].to_owned());
        told.push("1: release".to_owned());
        assert_eq!(ran.log[5..], told);
    }
}

#[tokio::test(start_paused = true)]
async fn in_one_transaction_nothing_stands_whichever_failed() {
    let scene = Scene {
        transaction: Transaction::All,
        ..Scene::of(5)
    };
    let failing = setback(FaultKind::Statement, Remainder::Nothing);
    scene
        .database
        .answers("apply as one", Answer::FailsAsOne(3, failing));
    let ran = scene.run().await;
    let failure = failure(&ran);
    assert_eq!(failure.file.path(), "4_t.sql");
    assert_eq!(failure.as_one, Some(5));
    assert!(failure.applied.is_empty());
    assert_eq!(
        ran.log[4..],
        [
            "2: begin 1 2 3 4 5",
            "2: apply as one 1 2 3 4 5",
            "2: end failed",
            "1: release"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_stays_of_a_half_applied_one_is_told_and_nothing_after_it_begins() {
    let scene = Scene::of(2);
    let part = Remainder::Part {
        ran: 1,
        resumable: true,
    };
    let half = setback(FaultKind::Statement, part);
    scene.database.answers("apply", Answer::Fails(0, half));
    let ran = scene.run().await;
    let state = MigrationState::HalfApplied {
        ran: 1,
        resumable: true,
    };
    assert_eq!(failure(&ran).state, state);
    assert_eq!(ran.code(), exit::HALF_APPLIED);
    ran.has(&["2: apply 1 2", "2: end failed", "1: release"]);
}

#[tokio::test(start_paused = true)]
async fn a_table_lock_is_tried_for_longer_and_longer_and_the_pauses_grow() {
    let scene = Scene::of(2);
    let tries = 12;
    for _ in 0..tries {
        let timed_out = setback(FaultKind::LockTimeout, Remainder::Nothing);
        scene.database.answers("apply", Answer::Fails(0, timed_out));
    }
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    let sent = scene.database.tries();
    let bounds: Vec<_> = sent.iter().map(|(_, bound)| bound.as_millis()).collect();
    assert_eq!(
        bounds,
        [
            500, 500, 500, 1000, 1000, 1000, 2000, 2000, 2000, 4000, 4000, 4000, 4000
        ]
    );
    let mut longest = Duration::from_millis(250);
    for pair in sent.windows(2) {
        let pause = pair[1].0 - pair[0].0;
        // A timer has a grain of a millisecond.
        let grain = Duration::from_millis(2);
        assert!(
            pause >= longest / 2 && pause <= longest + grain,
            "{pause:?} of {longest:?}"
        );
        longest = (longest * 2).min(5 * SECOND);
    }
    for failed in 1..=tries {
        assert_eq!(
            ran.count(&format!("retrying migration 1 after {failed}")),
            1
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_migration_begins_with_a_short_try_again() {
    let scene = Scene::of(2);
    for at in [0, 0, 0, 0, 1, 0] {
        let timed_out = setback(FaultKind::LockTimeout, Remainder::Nothing);
        scene
            .database
            .answers("apply", Answer::Fails(at, timed_out));
    }
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    let sent = scene.database.tries();
    let bounds: Vec<_> = sent.iter().map(|(_, bound)| bound.as_millis()).collect();
    assert_eq!(bounds, [500, 500, 500, 1000, 1000, 500, 500]);
    ran.has(&[
        "retrying migration 1 after 4",
        "2: apply 1 2",
        "applied 1",
        "retrying migration 2 after 1",
        "2: apply 2",
        "retrying migration 2 after 2",
        "2: apply 2",
        "applied 2",
    ]);
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_the_table_lock_is_given_up_and_is_the_reason_told() {
    let reason = StopReason::Deadline { limit: 30 * SECOND };
    let scene = Scene {
        stop: (30 * SECOND, reason),
        ..Scene::of(2)
    };
    for _ in 0..100 {
        let timed_out = setback(FaultKind::LockTimeout, Remainder::Nothing);
        scene.database.answers("apply", Answer::Fails(0, timed_out));
    }
    let ran = scene.run().await;
    assert_eq!(ran.code(), exit::DEADLINE);
    assert_eq!(failure(&ran).fault.kind, FaultKind::LockTimeout);
    assert_eq!(failure(&ran).state, MigrationState::RolledBack);
    assert_eq!(failure(&ran).not_started, 1);
    assert!(ran.took < 31 * SECOND, "{:?}", ran.took);
    ran.has(&[
        "retrying migration 1 after 5",
        "2: end stopped",
        "1: release",
    ]);
}

#[tokio::test(start_paused = true)]
async fn messages_grow_while_they_are_quick_and_are_small_again_after_a_failure() {
    let scene = Scene::of(16);
    scene.database.answers("apply", Answer::Well);
    scene.database.answers("apply", Answer::Well);
    let timed_out = setback(FaultKind::LockTimeout, Remainder::Nothing);
    scene.database.answers("apply", Answer::Fails(1, timed_out));
    let ran = scene.run().await;
    assert_eq!(ran.done(), (1..=16).collect::<Vec<_>>());
    ran.has(&[
        "2: apply 1 2 3",
        "2: apply 4 5 6 7 8 9",
        "2: apply 10 11 12 13 14 15 16",
        "applied 10",
        "retrying migration 11 after 1",
        "2: apply 11 12 13",
        "2: apply 14 15 16",
    ]);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_pending_nothing_is_sent_or_remembered() {
    let scene = Scene::of(0);
    let ran = scene.run().await;
    assert!(ran.done().is_empty());
    assert_eq!(
        ran.log,
        ["1: open", "1: lock", "2: open", "2: look", "1: release"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_another_run_has_claimed_is_waited_for_and_not_told_as_ours() {
    let scene = Scene::of(3);
    scene.database.another_applies(2, 5 * SECOND);
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 3]);
    assert_eq!(
        ran.log[4..],
        [
            "2: begin 1 2 3",
            "2: apply 1 2 3",
            "applied 1",
            "claimed: migration 2",
            "2: look",
            "2: apply 3",
            "applied 3",
            "2: end succeeded 1 3",
            "1: release",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_nobody_gives_up_is_a_held_lock() {
    let scene = Scene::of(2);
    for _ in 0..1000 {
        let claimed = setback(FaultKind::Claimed, Remainder::Claimed);
        scene
            .database
            .answers_after(SECOND, "apply", Answer::Fails(0, claimed));
    }
    let ran = scene.run().await;
    assert_eq!(ran.code(), exit::LOCKED);
    assert!(
        ran.took >= 60 * SECOND && ran.took < 62 * SECOND,
        "{:?}",
        ran.took
    );
    ran.has(&["claimed: migration 1", "2: end failed", "1: release"]);
}
