//! The planner under files, histories and wishes that nobody would think of, held
//! against a second telling of its rules.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::collections::BTreeMap;

use migrate::formats::Format as _;
use migrate::formats::sqlx::{Settings, Sqlx};
use migrate::history::journal::{CLAIM, claim_digest, digest};
use migrate::history::{Applied, History, Mark, Repeated};
use migrate::model::{Body, Checksum, Migration, Repeatable, Script, Subject, Version};
use migrate::order::Rules;
use migrate::plan::drift::Drift;
use migrate::plan::planner::{self, Files, OutOfOrder, Plan, PlanError, Request, UnknownApplied};
use migrate::plan::resume;
use migrate::sources::{Content, Entry, Listing};
use migrate::sql::{self, Dialect};
use migrate::text::SourceFile;
use proptest::prelude::*;
use proptest::sample::select;

/// What there is of one version.
#[derive(Clone, Debug)]
struct State {
    file: bool,
    row: Option<Row>,
    claim: Claim,
    /// How many of its statements the journal has marks of.
    marks: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Unfinished,
    /// Complete, with the checksum of the file, of the file with other line
    /// endings, or of another file.
    Same,
    LineEndings,
    Edited,
}

/// What row and journal say of whose a half applied migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Nothing,
    /// The row was claimed, and nobody has marked anything.
    RowOnly,
    /// The journal's is of a row that is no more.
    Stale,
    Ours,
}

/// What a version is to the planner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    Warning,
    Refused,
}

type States = BTreeMap<i64, State>;

fn states() -> impl Strategy<Value = States> {
    let row = select(vec![
        None,
        None,
        Some(Row::Same),
        Some(Row::Same),
        Some(Row::Same),
        Some(Row::Unfinished),
        Some(Row::LineEndings),
        Some(Row::Edited),
    ]);
    let claim = select(vec![
        Claim::Nothing,
        Claim::RowOnly,
        Claim::Stale,
        Claim::Ours,
    ]);
    let state = (prop::bool::weighted(0.8), row, claim, 0..4_i64);
    let state = state.prop_map(|(file, row, claim, marks)| State {
        file,
        row,
        claim,
        marks,
    });
    // Few, so that the planner does not refuse nearly all of them.
    prop::collection::btree_map(0..20_i64, state, 0..7)
}

/// States that no default would refuse: applied ones, then pending ones.
fn clean_states() -> impl Strategy<Value = States> {
    (states(), any::<i64>()).prop_map(|(mut states, first_pending)| {
        let first_pending = first_pending.rem_euclid(21);
        for (version, state) in &mut states {
            state.file = true;
            state.claim = Claim::Ours;
            state.row = match state.row {
                _ if *version >= first_pending => None,
                Some(Row::Unfinished) => Some(Row::Unfinished),
                Some(Row::LineEndings) => Some(Row::LineEndings),
                _ => Some(Row::Same),
            };
        }
        states
    })
}

fn some_states() -> impl Strategy<Value = States> {
    prop_oneof![states(), clean_states()]
}

fn requests() -> impl Strategy<Value = Request> {
    let out_of_order = select(vec![OutOfOrder::Apply, OutOfOrder::Error]);
    let unknown_applied = select(vec![
        UnknownApplied::Error,
        UnknownApplied::Newer,
        UnknownApplied::Warn,
    ]);
    (out_of_order, unknown_applied).prop_map(|(out_of_order, unknown_applied)| Request {
        out_of_order,
        unknown_applied,
        ..Request::default()
    })
}

fn format() -> Sqlx {
    Sqlx::new(&Settings::default(), None)
}

fn text(version: i64) -> String {
    format!("SELECT {version};\nSELECT 2;\n")
}

/// The files, read as from a folder that lists them backwards.
fn migrations(states: &States) -> Vec<Migration> {
    let with_file = states.iter().filter(|(_, state)| state.file);
    read(with_file.map(|(version, _)| (*version, text(*version))))
}

fn read(files: impl DoubleEndedIterator<Item = (i64, String)>) -> Vec<Migration> {
    let entries: Vec<_> = files
        .rev()
        .map(|(version, text)| Entry {
            name: format!("{version}_name.sql"),
            content: Content::File(text.into_bytes()),
        })
        .collect();
    if entries.is_empty() {
        return Vec::new();
    }
    let dir = "migrations".to_owned();
    format()
        .read(&[Listing { dir, entries }])
        .unwrap()
        .migrations
}

fn checksum(text: String) -> Checksum {
    read([(1, text)].into_iter())[0].checksum.clone().unwrap()
}

fn history(states: &States) -> History {
    let applied = states.iter().filter_map(|(version, state)| {
        let text = text(*version);
        let row = state.row?;
        Some(applied(
            *version,
            match row {
                Row::Unfinished | Row::Same => checksum(text),
                Row::LineEndings => checksum(text.replace('\n', "\r\n")),
                Row::Edited => checksum(text + "-- edited\n"),
            },
            match (row, state.claim) {
                (Row::Unfinished, Claim::RowOnly | Claim::Ours) => Some(*version),
                (Row::Unfinished, Claim::Stale) => Some(*version + 1),
                _ => None,
            },
            row != Row::Unfinished,
        ))
    });
    let marks = states.iter().flat_map(|(version, state)| {
        let claimed = matches!(state.claim, Claim::Ours | Claim::Stale);
        let claim = claimed.then(|| mark(*version, CLAIM, true, claim_digest(*version)));
        let done = |number| mark(*version, number, true, digest("SELECT 1"));
        claim.into_iter().chain((0..state.marks).map(done))
    });
    History {
        applied: applied.collect(),
        marks: marks.collect(),
        ..History::default()
    }
}

fn applied(version: i64, checksum: Checksum, claim: Option<i64>, complete: bool) -> Applied {
    Applied {
        version: Version::from(version),
        name: "name".into(),
        checksum: Some(checksum),
        complete,
        at: Some("2026-01-01 00:00:00".into()),
        took: None,
        claim,
    }
}

fn mark(version: i64, statement: i64, done: bool, digest: String) -> Mark {
    Mark {
        version: Version::from(version),
        statement,
        digest,
        done,
        run: "migrate x".into(),
        connection: 7,
    }
}

// The rules, told a second time

fn verdict(states: &States, version: i64, request: &Request) -> Verdict {
    let state = &states[&version];
    match (state.file, state.row) {
        (false, None) | (true, Some(Row::Same)) => Verdict::Fine,
        (true, None) => {
            let overtaken = states
                .iter()
                .any(|(other, state)| *other > version && state.row.is_some());
            if overtaken && request.out_of_order == OutOfOrder::Error {
                Verdict::Refused
            } else {
                Verdict::Fine
            }
        }
        (true, Some(Row::Unfinished)) if state.claim == Claim::Ours => Verdict::Warning,
        (_, Some(Row::Unfinished)) | (true, Some(Row::Edited)) => Verdict::Refused,
        (true, Some(Row::LineEndings)) => Verdict::Warning,
        (false, Some(_)) => {
            let newer = states
                .iter()
                .all(|(other, state)| *other < version || !state.file);
            match request.unknown_applied {
                UnknownApplied::Warn => Verdict::Warning,
                UnknownApplied::Newer if newer => Verdict::Warning,
                UnknownApplied::Newer | UnknownApplied::Error => Verdict::Refused,
            }
        }
    }
}

/// The versions of this verdict, in order.
fn versions_of(states: &States, request: &Request, wanted: Verdict) -> Vec<i64> {
    states
        .keys()
        .copied()
        .filter(|version| verdict(states, *version, request) == wanted)
        .collect()
}

/// The versions that a file has and that are not applied in full, in order.
fn pending(states: &States) -> Vec<i64> {
    states
        .iter()
        .filter(|(_, state)| state.file && matches!(state.row, None | Some(Row::Unfinished)))
        .map(|(version, _)| *version)
        .collect()
}

fn versions_of_drifts(drifts: &[Drift]) -> Vec<i64> {
    drifts
        .iter()
        .map(|drift| drift.version().number().unwrap())
        .collect()
}

fn plan<'a>(
    format: &dyn Rules,
    migrations: &'a [Migration],
    history: &History,
    request: &Request,
) -> Result<Plan<'a>, PlanError> {
    let files = Files {
        migrations,
        repeatables: &[],
    };
    planner::plan(format, files, history, request)
}

/// What is planned, as versions.
fn steps(
    migrations: &[Migration],
    history: &History,
    request: &Request,
) -> Result<Vec<i64>, PlanError> {
    let plan = plan(&format(), migrations, history, request)?;
    Ok(plan
        .steps
        .iter()
        .map(|step| step.subject().version().unwrap().number().unwrap())
        .collect())
}

/// What the history knows of a repeatable file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ran {
    Never,
    AsItIs,
    AsItWas,
}

fn repeatables(ran: &[Ran]) -> (Vec<Repeatable>, Vec<Repeated>) {
    let checksum = |number: usize| Checksum(vec![u8::try_from(number).unwrap()]);
    let file = |number| Repeatable {
        name: format!("r{number}"),
        script: Script {
            file: SourceFile::new("r.sql", "SELECT 1").into(),
            transaction: true,
            body: Body::Sql,
            allow: Vec::new(),
        },
        checksum: checksum(number),
    };
    let recorded = ran.iter().enumerate().filter_map(|(number, ran)| {
        Some(Repeated {
            name: format!("r{number}"),
            checksum: match ran {
                Ran::Never => return None,
                Ran::AsItIs => checksum(number),
                Ran::AsItWas => checksum(number + 100),
            },
            at: "2026-01-01 00:00:00".into(),
            run: "migrate x".into(),
        })
    });
    // One of which there is no file any more.
    let gone = Repeated {
        name: "gone".into(),
        checksum: checksum(7),
        at: String::new(),
        run: String::new(),
    };
    let files = (0..ran.len()).map(file).collect();
    (files, recorded.rev().chain([gone]).collect())
}

/// A wish for less than all.
fn narrowed(request: Request) -> impl Strategy<Value = Request> {
    let version = || prop::option::weighted(0.4, (0..20_i64).prop_map(Version::from));
    let steps = prop::option::weighted(0.4, 0..5_usize);
    (
        version(),
        steps,
        prop::option::weighted(0.2, (0..20_i64).prop_map(Version::from)),
    )
        .prop_map(move |(to, steps, only)| Request {
            to,
            steps,
            only,
            ..request.clone()
        })
}

/// Whether a version is applied that is newer than every file.
fn has_newer(states: &States) -> bool {
    let files = states.iter().filter(|(_, state)| state.file);
    let newest = files.map(|(version, _)| *version).max();
    states
        .iter()
        .any(|(version, state)| !state.file && state.row.is_some() && Some(*version) > newest)
}

/// The history after these versions were applied.
fn after(mut history: History, migrations: &[Migration], versions: &[i64]) -> History {
    for version in versions.iter().map(|version| Version::from(*version)) {
        history.applied.retain(|applied| applied.version != version);
        history.marks.retain(|mark| mark.version != version);
        let mut all = migrations.iter();
        let checksum = &all.find(|it| it.version == version).unwrap().checksum;
        let row = applied(
            version.number().unwrap(),
            checksum.clone().unwrap(),
            None,
            true,
        );
        history.applied.push(row);
    }
    history
        .applied
        .sort_by_key(|applied| applied.version.number());
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn it_refuses_exactly_what_is_not_tolerated(states in some_states(), request in requests()) {
        let refused = versions_of(&states, &request, Verdict::Refused);
        match plan(&format(), &migrations(&states), &history(&states), &request) {
            Ok(plan) => {
                prop_assert_eq!(refused, [0; 0]);
                let warnings = versions_of(&states, &request, Verdict::Warning);
                prop_assert_eq!(versions_of_drifts(&plan.warnings), warnings);
            }
            Err(error) => {
                prop_assert!(!refused.is_empty());
                prop_assert_eq!(versions_of_drifts(&error.drifts), refused);
            }
        }
    }

    #[test]
    fn it_plans_all_that_is_pending_once_and_in_order(
        states in some_states(),
        request in requests(),
    ) {
        let (migrations, history) = (migrations(&states), history(&states));
        if let Ok(steps) = steps(&migrations, &history, &request) {
            prop_assert!(steps.is_sorted_by(|one, next| one < next));
            for step in &steps {
                let applied = history.find(&Version::from(*step));
                prop_assert!(applied.is_none_or(|applied| !applied.complete));
            }
            prop_assert_eq!(steps, pending(&states));
        }
    }

    #[test]
    fn a_narrower_wish_takes_the_first_of_what_is_wanted_and_repeats_only_behind_all(
        states in some_states(),
        request in requests().prop_flat_map(narrowed),
        ran in prop::collection::vec(select(vec![Ran::Never, Ran::AsItIs, Ran::AsItWas]), 0..4),
    ) {
        let (migrations, mut history) = (migrations(&states), history(&states));
        let (repeatables, repeated) = repeatables(&ran);
        history.repeated = repeated;
        let files = Files { migrations: &migrations, repeatables: &repeatables };
        let planned = planner::plan(&format(), files, &history, &request);
        let whole = Request { to: None, steps: None, only: None, ..request.clone() };
        let refused = plan(&format(), &migrations, &history, &whole).is_err();
        prop_assert_eq!(planned.is_err(), refused, "a wish for less is no reason to refuse");
        if let Ok(planned) = planned {
            let pending = pending(&states);
            let mut expected: Vec<_> = pending.clone();
            let number = |version: &Option<Version>| version.as_ref().and_then(Version::number);
            expected.retain(|version| number(&request.only).is_none_or(|only| only == *version));
            expected.truncate(request.steps.unwrap_or(usize::MAX));
            expected.retain(|version| number(&request.to).is_none_or(|to| *version <= to));
            let all = expected.len() == pending.len();
            let mut expected: Vec<_> = expected.into_iter().map(|version| Subject::Migration(version.into())).collect();
            if all && !has_newer(&states) {
                let changed = ran.iter().enumerate().filter(|(_, ran)| **ran != Ran::AsItIs);
                expected.extend(changed.map(|(number, _)| Subject::Repeatable(format!("r{number}"))));
            }
            let subjects: Vec<_> = planned.steps.iter().map(|step| step.subject()).collect();
            prop_assert_eq!(subjects, expected);
        }
    }

    #[test]
    fn the_same_is_planned_from_the_same(states in some_states(), request in requests()) {
        let (migrations, history) = (migrations(&states), history(&states));
        let once = plan(&format(), &migrations, &history, &request);
        prop_assert_eq!(&once, &plan(&format(), &migrations, &history, &request));
        // The journal has no order.
        let mut shuffled = history.clone();
        shuffled.marks.reverse();
        prop_assert_eq!(once, plan(&format(), &migrations, &shuffled, &request));
    }

    #[test]
    fn a_run_that_stops_anywhere_leaves_the_rest_and_nothing_else(
        states in some_states(),
        request in requests(),
        stop in any::<prop::sample::Index>(),
    ) {
        let (migrations, history) = (migrations(&states), history(&states));
        if let Ok(planned) = steps(&migrations, &history, &request) {
            let (done, rest) = planned.split_at(stop.index(planned.len() + 1));
            let history = after(history, &migrations, done);
            let left = steps(&migrations, &history, &request);
            prop_assert_eq!(left, Ok(rest.to_vec()));
        }
    }

    #[test]
    fn a_migration_goes_on_behind_what_is_done_and_unchanged(
        statements in 1..8_usize,
        done in 0..8_usize,
        begun in any::<bool>(),
        edited in prop::option::of(0..8_usize),
    ) {
        let texts: Vec<_> = (0..statements).map(|number| format!("SELECT {number}")).collect();
        let done = done.min(statements);
        let begun = begun && done < statements;
        let mut marks = vec![mark(1, CLAIM, true, claim_digest(1))];
        for (number, text) in texts.iter().enumerate().take(done + usize::from(begun)) {
            let statement = i64::try_from(number).unwrap();
            marks.push(mark(1, statement, number < done, digest(text)));
        }
        marks.reverse();
        let marks: Vec<_> = marks.iter().collect();

        let mut texts = texts;
        let edited = edited.filter(|number| *number < statements);
        if let Some(number) = edited {
            texts[number].push_str(", 'edited'");
        }
        let file = SourceFile::new("1_name.sql", texts.join(";\n"));
        let split = sql::split(&file, Dialect::Mysql).unwrap();
        let point = resume::point(&file, &split, &marks);
        if let Some(number) = edited.filter(|number| *number < done) {
            prop_assert_eq!(point, Err(number));
        } else {
            let point = point.unwrap();
            prop_assert_eq!((point.done, point.begun.is_some()), (done, begun));
        }
    }
}
