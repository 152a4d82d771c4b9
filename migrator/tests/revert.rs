//! What is taken back, under files, histories, marks and wishes that nobody would
//! think of, held against a second telling of its rules.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use migrate::formats::sqlx::{Settings, Sqlx};
use migrate::history::journal::{CLAIM, REVERT, claim_digest};
use migrate::history::{Applied, Ending, History, Mark, Run, Who};
use migrate::model::{
    Body, Checksum, Direction, Migration, Needs, Operation, Script, Subject, Version,
};
use migrate::plan::planner::Request;
use migrate::plan::revert::{self, LeftAlone, RevertError, RevertTarget};
use migrate::text::SourceFile;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What there is of one version.
#[derive(Clone, Copy, Debug)]
struct State {
    /// Whether there is a file, and with it a way back.
    file: Option<bool>,
    row: Option<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Complete,
    /// In this direction, or by another tool.
    Begun(Option<Direction>),
    /// By marks of a row that is no more.
    Stale,
}

type States = BTreeMap<i64, State>;

fn states() -> impl Strategy<Value = States> {
    let rows = |broken: usize| {
        let mut rows = vec![Some(Row::Complete); 8 - broken];
        let broken_rows = [
            None,
            Some(Row::Begun(Some(Direction::Down))),
            Some(Row::Begun(Some(Direction::Up))),
            Some(Row::Begun(None)),
            Some(Row::Stale),
        ];
        rows.extend(&broken_rows[..=broken]);
        rows
    };
    let state = |broken, ways: Vec<Option<bool>>| {
        (select(ways), select(rows(broken))).prop_map(|(file, row)| State { file, row })
    };
    let some = [Some(true), Some(true), Some(true), Some(false), None].to_vec();
    prop_oneof![
        prop::collection::btree_map(-2..20_i64, state(4, some), 0..7),
        // Such that nothing but a wish decides.
        prop::collection::btree_map(-2..20_i64, state(0, vec![Some(true)]), 0..7),
        prop::collection::btree_map(-2..20_i64, state(1, vec![Some(true)]), 0..7),
    ]
}

fn wishes() -> impl Strategy<Value = RevertTarget> {
    prop_oneof![
        (0..5_usize).prop_map(RevertTarget::Steps),
        (-2..20_i64).prop_map(|version| RevertTarget::To(Version::from(version))),
        Just(RevertTarget::To(Version::from(0))),
    ]
}

fn format() -> Sqlx {
    Sqlx::new(&Settings::default(), None)
}

fn script(name: &str) -> Script {
    Script {
        file: Arc::new(SourceFile::new(name, "SELECT 1")),
        transaction: true,
        body: Body::Sql,
        allow: Vec::new(),
    }
}

fn migrations(states: &States) -> Vec<Migration> {
    let files = states.iter().filter_map(|(version, state)| {
        Some(Migration {
            version: Version::from(*version),
            name: "name".into(),
            up: script("up.sql"),
            down: state.file?.then(|| script("down.sql")),
            checksum: Some(Checksum(vec![1])),
            needs: Needs::AllBefore,
        })
    });
    files.collect()
}

fn history(states: &States) -> History {
    let applied = states.iter().filter_map(|(version, state)| {
        let row = state.row?;
        Some(Applied {
            version: Version::from(*version),
            name: "name".into(),
            checksum: Some(Checksum(vec![1])),
            complete: row == Row::Complete,
            at: Some("2026-01-01 00:00:00".into()),
            took: None,
            claim: match row {
                Row::Complete | Row::Begun(None) => None,
                Row::Begun(Some(_)) => Some(*version - 100),
                Row::Stale => Some(*version - 500),
            },
        })
    });
    let marks = states.iter().filter_map(|(version, state)| {
        let direction = match state.row? {
            Row::Complete | Row::Begun(None) => return None,
            Row::Begun(Some(Direction::Up)) => CLAIM,
            Row::Begun(Some(Direction::Down)) | Row::Stale => REVERT,
        };
        Some(Mark {
            version: Version::from(*version),
            statement: direction,
            digest: claim_digest(*version - 100),
            done: true,
            run: "migrate x".into(),
            connection: 7,
        })
    });
    History {
        applied: applied.collect(),
        marks: marks.collect(),
        ..History::default()
    }
}

// The rules, told a second time

/// Whether its down script can be begun, or gone on with.
fn can_go_back(state: State) -> bool {
    matches!(
        state.row,
        Some(Row::Complete | Row::Begun(Some(Direction::Down)))
    )
}

fn wanted(states: &States, wish: &RevertTarget) -> Option<Vec<i64>> {
    let newest_first = states
        .iter()
        .rev()
        .filter(|(_, state)| can_go_back(**state));
    let all = newest_first.map(|(version, _)| *version);
    let row = |version: i64| states.get(&version).and_then(|state| state.row);
    match wish {
        RevertTarget::Steps(steps) => Some(all.take(*steps).collect()),
        RevertTarget::To(version) => match number(version) {
            0 if row(0).is_none() => Some(all.collect()),
            0 => Some(all.take_while(|version| *version != 0).collect()),
            to if row(to) == Some(Row::Complete) => {
                Some(all.filter(|version| *version > to).collect())
            }
            _ => None,
        },
    }
}

fn number(version: &Version) -> i64 {
    version.number().unwrap()
}

/// Whether something has begun that this `down` cannot go on with.
fn in_the_way(states: &States, targets: &[i64]) -> bool {
    states.iter().any(|(version, state)| match state.row {
        None | Some(Row::Complete) => false,
        Some(Row::Begun(Some(Direction::Down))) => !targets.contains(version),
        Some(Row::Begun(_) | Row::Stale) => true,
    })
}

fn versions(targets: &[Version]) -> Vec<i64> {
    targets.iter().map(number).collect()
}

/// What is planned, as versions.
fn steps(states: &States, targets: &[Version]) -> Result<Vec<i64>, RevertError> {
    let migrations = migrations(states);
    let plan = revert::plan(
        &format(),
        &migrations,
        &history(states),
        targets,
        &Request::default(),
    )?;
    Ok(plan.steps.iter().map(reverted).collect())
}

/// The version of a deed that is nothing but a way back, by its own script.
fn reverted(operation: &Operation<'_>) -> i64 {
    match operation {
        Operation::Revert(migration, down) if migration.down.as_ref() == Some(*down) => {
            number(&migration.version)
        }
        other => panic!("no way back: {other:?}"),
    }
}

/// The same after these were taken back.
fn after(mut states: States, done: &[i64]) -> States {
    for version in done {
        states.get_mut(version).unwrap().row = None;
    }
    states
}

fn run(name: &str, verb: &str, did: &[i64], confirmed: bool, minutes: u64) -> Run {
    let did = did
        .iter()
        .map(|version| Subject::Migration(Version::from(*version)));
    Run {
        name: name.into(),
        verb: verb.into(),
        ending: Ending::Succeeded,
        did: did.collect(),
        confirmed: confirmed.then(|| "2026-01-01 00:00:00".into()),
        age: Duration::from_mins(minutes),
        ..Run::default()
    }
}

/// A run's words: its verb, what it did, whether it was confirmed, and when.
fn runs() -> impl Strategy<Value = Vec<Run>> {
    let verb = select(vec!["up", "up", "up", "down", "redo", "confirm"]);
    let did = prop::collection::btree_set(-2..20_i64, 0..4);
    let run = (verb, did, prop::bool::weighted(0.3), 0..90_u64).prop_map(
        |(verb, did, confirmed, minutes)| {
            let did: Vec<_> = did.into_iter().collect();
            run("migrate x", verb, &did, confirmed, minutes)
        },
    );
    prop::collection::vec(run, 0..5).prop_map(|mut runs| {
        runs.sort_by_key(|run| run.age);
        runs
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_wish_is_about_what_is_applied_and_the_newest_comes_first(
        states in states(),
        wish in wishes(),
    ) {
        match revert::targets(&migrations(&states), &history(&states), &wish) {
            Ok(targets) => prop_assert_eq!(Some(versions(&targets)), wanted(&states, &wish)),
            Err(error) => {
                prop_assert_eq!(wanted(&states, &wish), None);
                let RevertTarget::To(version) = wish else { panic!("{wish:?}") };
                prop_assert_eq!(error, RevertError::NotApplied { version });
            }
        }
    }

    #[test]
    fn it_refuses_exactly_when_it_must(states in states(), wish in wishes()) {
        if let Ok(targets) = revert::targets(&migrations(&states), &history(&states), &wish) {
            let wanted = versions(&targets);
            let no_way_back: Vec<i64> = wanted
                .iter()
                .copied()
                .filter(|version| states[version].file != Some(true))
                .collect();
            match steps(&states, &targets) {
                Ok(steps) => {
                    prop_assert!(!in_the_way(&states, &wanted) && no_way_back.is_empty());
                    prop_assert_eq!(steps, wanted);
                }
                Err(RevertError::HalfApplied { .. }) => {
                    prop_assert!(in_the_way(&states, &wanted));
                }
                Err(RevertError::Irreversible { without, all }) => {
                    let without: Vec<i64> = without.iter().map(|(version, _)| number(version)).collect();
                    prop_assert_eq!(without, no_way_back);
                    prop_assert_eq!(all, targets);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_run_that_stops_anywhere_leaves_the_rest_and_nothing_else(
        states in states(),
        wish in wishes(),
        stop in any::<prop::sample::Index>(),
    ) {
        let targets = revert::targets(&migrations(&states), &history(&states), &wish).unwrap_or_default();
        if let Ok(planned) = steps(&states, &targets) {
            let (done, rest) = planned.split_at(stop.index(planned.len() + 1));
            let states = after(states, done);
            prop_assert_eq!(steps(&states, &targets), Ok(rest.to_vec()));
            prop_assert_eq!(steps(&after(states, rest), &targets), Ok(Vec::new()));
        }
    }

    /// Whatever came meanwhile, nothing is taken back that was not meant, nor
    /// anything from under what stays.
    #[test]
    fn what_was_not_meant_stays_and_what_stands_on_it(
        before in states(),
        meanwhile in states(),
        wish in wishes(),
    ) {
        let targets = revert::targets(&migrations(&before), &history(&before), &wish).unwrap_or_default();
        let meant = versions(&targets);
        match steps(&meanwhile, &targets) {
            Ok(steps) => {
                prop_assert!(steps.iter().all(|step| meant.contains(step)));
                prop_assert!(steps.iter().all(|step| can_go_back(meanwhile[step])));
                prop_assert!(steps.is_sorted_by(|one, next| one > next));
                let after = after(meanwhile, &steps);
                let newest = after.iter().rev().find(|(_, state)| state.row.is_some());
                if let (Some(oldest), Some((newest, _))) = (steps.last(), newest) {
                    prop_assert!(newest < oldest);
                }
            }
            Err(RevertError::Overtaken { by }) => {
                prop_assert!(!meant.contains(&number(&by)));
                prop_assert!(meant.iter().any(|version| *version < number(&by)));
            }
            Err(_) => {}
        }
    }

    #[test]
    fn an_unconfirmed_run_is_taken_back_or_left_for_a_reason(
        states in states(),
        runs in runs(),
    ) {
        let history = History { runs: runs.clone(), ..history(&states) };
        let hour = Duration::from_hours(1);
        let newest = runs.iter().find(|run| run.verb == "up");
        let confirmed = runs.iter().any(|run| run.confirmed.is_some());
        let stands = |version: i64| states.get(&version).is_some_and(|state| state.row.is_some());
        match revert::unconfirmed(&migrations(&states), &history, hour, |_| true) {
            Ok(found) => {
                let newest = newest.unwrap();
                prop_assert!(newest.confirmed.is_none() && confirmed && newest.age <= hour);
                let mut did: Vec<i64> = newest
                    .did
                    .iter()
                    .map(|subject| number(subject.version().unwrap()))
                    .filter(|version| stands(*version))
                    .collect();
                did.reverse();
                prop_assert_eq!(versions(&found.stand), did.clone());
                // Nothing of others is above the oldest of it.
                let oldest = *did.last().unwrap();
                prop_assert!(states
                    .iter()
                    .filter(|(version, state)| **version > oldest && state.row.is_some())
                    .all(|(version, _)| did.contains(version)));
            }
            Err(LeftAlone::NoRun) => prop_assert!(newest.is_none()),
            Err(LeftAlone::Confirmed) => prop_assert!(newest.unwrap().confirmed.is_some()),
            Err(LeftAlone::NeverConfirmed) => prop_assert!(!confirmed),
            Err(LeftAlone::TooOld { .. }) => prop_assert!(newest.unwrap().age > hour),
            Err(LeftAlone::NothingStands) => {
                let did = &newest.unwrap().did;
                prop_assert!(did.iter().all(|it| !stands(number(it.version().unwrap()))));
            }
            Err(LeftAlone::Overtaken) => {
                let did = &newest.unwrap().did;
                let of_it = |version| did.contains(&Subject::Migration(Version::from(version)));
                prop_assert!(states
                    .iter()
                    .any(|(version, state)| state.row.is_some() && !of_it(*version)));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn who(commit: Option<&str>, deployment: Option<&str>) -> Who {
    Who {
        commit: commit.map(str::to_owned),
        deployment: deployment.map(str::to_owned),
        host: None,
    }
}

#[test]
fn deployments_are_told_apart_by_what_both_name() {
    for (one, other, may_be, is) in [
        (who(None, None), who(None, None), true, false),
        (who(Some("a"), None), who(None, Some("7")), true, false),
        (who(Some("a"), None), who(Some("a"), None), true, true),
        (who(Some("a"), None), who(Some("b"), None), false, false),
        (
            who(Some("a"), Some("7")),
            who(Some("a"), Some("8")),
            false,
            false,
        ),
        (who(Some("a"), Some("7")), who(Some("a"), None), true, true),
    ] {
        assert_eq!(one.may_be(&other), may_be, "{one:?} {other:?}");
        assert_eq!(one.is(&other), is, "{one:?} {other:?}");
        assert_eq!(other.is(&one), is);
    }
}
