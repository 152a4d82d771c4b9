//! Runs that are to end before their time.

use super::script::{Answer, NEVER};
use super::{Ran, SECOND, Scene};
use crate::db::fault::FaultKind;
use crate::error::{MigrationState, Stopped};
use crate::exit;
use crate::limits::StopReason;

/// Four migrations of which three travel together, and a signal after a second.
fn scene() -> Scene {
    Scene {
        stop: (SECOND, StopReason::Terminate),
        ..Scene::of(4)
    }
}

fn stopped(ran: &Ran) -> &Stopped {
    assert_eq!(ran.code(), exit::TERMINATED);
    ran.stopped()
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_cancelled_until_it_ends() {
    let scene = scene();
    scene.database.answers("apply", Answer::UntilCancelled(3));
    let ran = scene.run().await;
    let failure = stopped(&ran).failure.as_ref().unwrap();
    assert_eq!(failure.file.path(), "1_t.sql");
    assert_eq!(failure.state, MigrationState::RolledBack);
    assert_eq!(stopped(&ran).not_started, 4);
    assert_eq!(
        ran.log[5..],
        [
            "2: apply 1 2 3",
            "stopping",
            "1: cancel",
            "1: cancel",
            "1: cancel",
            "1: cancel",
            "2: end stopped",
            "1: release",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_ends_well_in_spite_of_the_cancel_is_applied_and_the_rest_not_begun() {
    let scene = scene();
    scene
        .database
        .answers_after(2 * SECOND, "apply", Answer::Well);
    let ran = scene.run().await;
    assert!(stopped(&ran).failure.is_none());
    assert_eq!(stopped(&ran).not_started, 1);
    ran.has(&[
        "stopping",
        "1: cancel",
        "applied 3",
        "2: end stopped 1 2 3",
        "1: release",
    ]);
}

#[tokio::test(start_paused = true)]
async fn what_was_the_last_and_ends_well_is_a_success() {
    let scene = Scene {
        stop: (SECOND, StopReason::Terminate),
        ..Scene::of(3)
    };
    scene
        .database
        .answers_after(2 * SECOND, "apply", Answer::Well);
    let ran = scene.run().await;
    assert_eq!(ran.done(), [1, 2, 3]);
    ran.has(&["stopping", "applied 3", "2: end succeeded 1 2 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_is_refused_is_sent_again() {
    let scene = scene();
    scene.database.answers("apply", Answer::UntilCancelled(0));
    scene
        .database
        .answers("cancel", Answer::Fault(FaultKind::Statement));
    let ran = scene.run().await;
    assert_eq!(
        stopped(&ran).failure.as_ref().unwrap().state,
        MigrationState::RolledBack
    );
    assert_eq!(ran.count("1: cancel"), 2);
}

#[tokio::test(start_paused = true)]
async fn where_the_guard_does_not_answer_the_cancel_nobody_knows_and_the_run_ends() {
    let scene = scene();
    scene.database.answers_after(NEVER, "apply", Answer::Well);
    scene.database.answers_after(NEVER, "cancel", Answer::Well);
    // Neither does the worker take what the run's end is recorded by.
    scene.database.answers_after(NEVER, "end", Answer::Well);
    let ran = scene.run().await;
    let failure = stopped(&ran).failure.as_ref().unwrap();
    assert_eq!(failure.state, MigrationState::Unknown);
    assert_eq!(failure.sent_with_it, 2);
    assert!(ran.took < 5 * SECOND, "{:?}", ran.took);
    assert_eq!(ran.count("1: cancel"), 1);
    assert_eq!(ran.count("reconnecting"), 0);
    assert!(!ran.log.iter().any(|line| line.starts_with("applied")));
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_heard_while_a_connection_is_made_ready() {
    let scene = scene();
    scene.database.answers_after(NEVER, "prepare", Answer::Well);
    let ran = scene.run().await;
    assert!(stopped(&ran).failure.is_none());
    assert_eq!(stopped(&ran).not_started, 4);
    assert!(ran.took < 2 * SECOND, "{:?}", ran.took);
}

#[tokio::test(start_paused = true)]
async fn a_signal_while_connections_are_made_anew_tells_what_is_in_doubt() {
    let scene = scene();
    scene.database.answers("open", Answer::Well);
    scene.database.answers("open", Answer::Well);
    scene.database.answers_after(NEVER, "open", Answer::Well);
    scene.database.answers("apply", Answer::Loses(None));
    let ran = scene.run().await;
    let failure = stopped(&ran).failure.as_ref().unwrap();
    assert_eq!(failure.state, MigrationState::Unknown);
    ran.has(&["2: apply 1 2 3", "reconnecting", "3: open"]);
}
