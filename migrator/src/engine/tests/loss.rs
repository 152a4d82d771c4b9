//! Connections that are lost, and guards that do not answer: nothing is told as
//! applied that is not known to be.

use super::script::{Answer, NEVER};
use super::{SECOND, Scene};
use crate::db::fault::FaultKind;
use crate::error::{Error, MigrationState};
use crate::exit;
use crate::limits::StopReason;

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_lost_at_the_lock_begins_again() {
    let scene = Scene::of(1);
    scene
        .database
        .answers("lock", Answer::Fault(FaultKind::Lost));
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1]);
    assert_eq!(
        ran.log,
        [
            "1: open",
            "1: lock",
            "reconnecting",
            "2: open",
            "2: end lost 1",
            "2: lock",
            "3: open",
            "3: look",
            "3: begin 1",
            "3: apply 1",
            "applied 1",
            "3: end succeeded 1",
            "2: release",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_lost_during_the_last_job_changes_nothing_of_its_outcome() {
    let scene = Scene::of(1);
    scene
        .database
        .answers_after(3 * SECOND, "apply", Answer::Well);
    scene
        .database
        .answers("look on", Answer::Fault(FaultKind::Lost));
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1]);
    ran.has(&[
        "2: apply 1",
        "1: look on",
        "applied 1",
        "2: end succeeded 1",
    ]);
    assert_eq!(ran.count("reconnecting"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_was_lost_during_a_job_is_made_anew_before_the_next() {
    let scene = Scene::of(4);
    scene
        .database
        .answers_after(3 * SECOND, "apply", Answer::Well);
    // Starved: its answer takes longer than it may.
    scene
        .database
        .answers_after(5 * SECOND, "look on", Answer::Well);
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2, 3, 4]);
    assert_eq!(
        ran.log[5..],
        [
            "2: apply 1 2 3",
            "1: look on",
            // A new connection looks whether the server is at it.
            "3: open",
            "applied 1",
            "applied 2",
            "applied 3",
            "2: end failed 1 2 3",
            "1: release",
            "reconnecting",
            "4: open",
            "4: end lost 1",
            "4: lock",
            "5: open",
            "5: look",
            "5: apply 4",
            "applied 4",
            "5: end succeeded 1 2 3 4",
            "4: release",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_only_refuses_a_look_still_holds_the_lock() {
    let scene = Scene::of(4);
    scene.database.answers_after(SECOND, "apply", Answer::Well);
    scene
        .database
        .answers("look on", Answer::Fault(FaultKind::Statement));
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2, 3, 4]);
    assert_eq!(ran.count("reconnecting"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_done_before_its_answer_was_lost_is_ours() {
    let scene = Scene::of(2);
    let done = Answer::Loses(Some(SECOND / 2));
    scene.database.answers_after(SECOND, "apply", done);
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    ran.has(&[
        "2: apply 1 2",
        "reconnecting",
        "4: look",
        "recovered migration 1",
        "recovered migration 2",
        "4: end succeeded 1 2",
    ]);
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_and_not_done_is_done_once_more() {
    let scene = Scene::of(2);
    scene.database.answers("apply", Answer::Loses(None));
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    ran.has(&[
        "2: apply 1 2",
        "reconnecting",
        "4: look",
        "4: apply 1 2",
        "applied 2",
    ]);
}

/// The connection broke, and the server, which has not noticed, is at it still.
#[tokio::test(start_paused = true)]
async fn what_the_server_does_after_its_answer_was_lost_is_ours_too() {
    let scene = Scene::of(2);
    scene
        .database
        .answers_after(SECOND, "apply", Answer::Loses(Some(20 * SECOND)));
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    ran.has(&[
        "2: apply 1 2",
        "reconnecting",
        "4: look",
        "4: apply 1 2",
        "4: look",
        "recovered migration 1",
        "recovered migration 2",
        "4: end succeeded 1 2",
    ]);
}

/// The same, and it outlasts the wait for it.
#[tokio::test(start_paused = true)]
async fn what_the_server_is_at_for_too_long_stays_in_doubt() {
    let scene = Scene::of(2);
    let lasts = Answer::Loses(Some(500 * SECOND));
    scene.database.answers_after(SECOND, "apply", lasts);
    let ran = scene.run().await;
    let Error::Migration(failure) = ran.error() else {
        panic!("{:?}", ran.error());
    };
    assert_eq!(failure.file.path(), "1_t.sql");
    assert_eq!(failure.state, MigrationState::Unknown);
    assert_eq!(failure.sent_with_it, 1);
    assert_eq!(ran.code(), exit::HALF_APPLIED);
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_and_applied_again_is_told_once() {
    let scene = Scene::of(5);
    scene.database.answers("apply", Answer::Loses(None));
    scene.database.answers("apply", Answer::Well);
    scene.database.answers("apply", Answer::Loses(None));
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2, 3, 4, 5]);
    assert_eq!(ran.count("reconnecting"), 2);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_answers_any_more_what_was_sent_is_told_as_unknown() {
    let scene = Scene::of(4);
    scene.database.answers("apply", Answer::Well);
    scene.database.answers("apply", Answer::Loses(None));
    for _ in 0..2 {
        scene.database.answers("open", Answer::Well);
    }
    scene
        .database
        .answers("open", Answer::Fault(FaultKind::Unreachable));
    let ran = scene.run().await;
    let Error::Migration(failure) = ran.error() else {
        panic!("{:?}", ran.error());
    };
    assert_eq!(failure.file.path(), "4_t.sql");
    assert_eq!(failure.state, MigrationState::Unknown);
    assert_eq!(failure.applied.len(), 3);
    assert_eq!(ran.code(), exit::HALF_APPLIED);
    ran.has(&["applied 3", "2: apply 4", "reconnecting", "3: open"]);
    assert_eq!(ran.count("applied 4"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_again_and_again_is_given_up() {
    let scene = Scene::of(1);
    for _ in 0..10 {
        scene.database.answers("apply", Answer::Loses(None));
    }
    let ran = scene.run().await;
    assert_eq!(ran.code(), exit::HALF_APPLIED);
    assert_eq!(ran.count("reconnecting"), 3);
}

/// Where nothing was sent, nothing is in doubt.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_before_a_job_was_sent_leaves_nothing_unknown() {
    let scene = Scene::of(2);
    for _ in 0..4 {
        scene
            .database
            .answers("prepare", Answer::Fault(FaultKind::Lost));
    }
    let ran = scene.run().await;
    assert!(
        matches!(ran.error(), Error::Database(_)),
        "{:?}",
        ran.error()
    );
    assert_eq!(ran.code(), exit::CONNECTION);
    assert_eq!(ran.count("2: apply 1 2"), 0);
}

/// The network has forgotten both connections.
#[tokio::test(start_paused = true)]
async fn a_silent_worker_is_told_from_a_busy_one_by_a_new_connection() {
    let scene = Scene::of(2);
    scene
        .database
        .answers_after(NEVER, "apply", Answer::Loses(Some(30 * SECOND)));
    scene.database.answers_after(NEVER, "look on", Answer::Well);
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    assert!(
        ran.took > 30 * SECOND && ran.took < 40 * SECOND,
        "{:?}",
        ran.took
    );
    ran.has(&[
        "2: apply 1 2",
        "1: look on",
        "3: open",
        "reconnecting",
        "recovered migration 1",
        "recovered migration 2",
    ]);
    assert_eq!(ran.count("applied 1"), 0);
}

/// The network has forgotten the worker's connection alone, as it does where that
/// was idle for the longest.
#[tokio::test(start_paused = true)]
async fn a_silent_worker_is_told_from_a_busy_one_by_the_guard() {
    let scene = Scene::of(2);
    scene
        .database
        .answers_after(NEVER, "apply", Answer::Loses(Some(30 * SECOND)));
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2]);
    // Nobody waits for another session for longer than for the lock.
    let silent = 30 * SECOND + scene.limits.lock_wait;
    assert!(
        ran.took > silent && ran.took < silent + 15 * SECOND,
        "{:?}",
        ran.took
    );
    ran.has(&["2: apply 1 2", "reconnecting", "recovered migration 1"]);
}

/// The same, and the run is to end meanwhile: its cancel reaches the server, whose
/// answer nobody gets.
#[tokio::test(start_paused = true)]
async fn a_silent_worker_does_not_keep_a_run_from_its_end() {
    let scene = Scene {
        stop: (10 * SECOND, StopReason::Terminate),
        ..Scene::of(2)
    };
    scene
        .database
        .answers_after(NEVER, "apply", Answer::Loses(Some(11 * SECOND)));
    let ran = scene.run().await;
    let stopped = ran.stopped();
    assert_eq!(
        stopped.failure.as_ref().unwrap().state,
        MigrationState::Unknown
    );
    assert_eq!(ran.code(), exit::TERMINATED);
    assert!(ran.took < 20 * SECOND, "{:?}", ran.took);
}
