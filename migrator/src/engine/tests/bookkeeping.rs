//! What is remembered of a run never hides what it did.

use super::script::{Answer, NEVER, setback};
use super::{SECOND, Scene};
use crate::db::Remainder;
use crate::db::fault::FaultKind;
use crate::exit;
use crate::limits::StopReason;

#[tokio::test(start_paused = true)]
async fn a_run_that_may_not_be_remembered_goes_on_and_says_so_once() {
    let scene = Scene::of(2);
    scene
        .database
        .answers("begin", Answer::Fault(FaultKind::Statement));
    scene
        .database
        .answers("begin", Answer::Fault(FaultKind::Statement));
    scene.database.another_applies(1, SECOND);
    let ran = scene.run().await;
    assert_eq!(ran.done(), [2]);
    assert_eq!(
        ran.log[4..],
        [
            "2: begin 1 2",
            "warning run_not_remembered",
            "2: apply 1 2",
            "claimed: migration 1",
            "2: look",
            "2: apply 2",
            "applied 2",
            "1: release",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_in_the_way_of_the_record_is_tried_again_and_told_at_the_end() {
    let scene = Scene {
        stop: (20 * SECOND, StopReason::Interrupt),
        ..Scene::of(1)
    };
    for _ in 0..100 {
        scene
            .database
            .answers_after(SECOND, "begin", Answer::Fault(FaultKind::LockTimeout));
    }
    let ran = scene.run().await;
    let stopped = ran.stopped();
    assert_eq!(
        stopped.failure.as_ref().unwrap().fault.kind,
        FaultKind::LockTimeout
    );
    assert_eq!(ran.code(), exit::INTERRUPTED);
    ran.has(&[
        "2: begin 1",
        "retrying migration 1 after 1",
        "2: begin 1",
        "1: release",
    ]);
    assert_eq!(ran.count("2: apply 1"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_the_end_that_fails_or_never_comes_changes_no_outcome() {
    for (after, answer) in [
        (SECOND, Answer::Fault(FaultKind::Lost)),
        (NEVER, Answer::Well),
    ] {
        let scene = Scene::of(2);
        scene.database.answers_after(after, "end", answer.clone());
        let ran = scene.run().await;
        assert_eq!(ran.done(), [1, 2]);
        assert_eq!(ran.count("reconnecting"), 0);

        let scene = Scene::of(2);
        let failing = setback(FaultKind::Statement, Remainder::Nothing);
        scene.database.answers("apply", Answer::Fails(1, failing));
        scene.database.answers_after(after, "end", answer);
        let ran = scene.run().await;
        assert_eq!(ran.code(), exit::FAILED);
        ran.has(&["applied 1", "2: end failed 1", "1: release"]);
        assert!(ran.took < 10 * SECOND, "{:?}", ran.took);
    }
}
