//! A database that answers by a script, and notes what was sent to it. What the
//! script says nothing of goes well: the fence holds, and what was applied stands
//! in the history. Time is tokio's paused one, so that waits cost nothing.

use super::super::event::{Event, Listener};
use crate::db::fault::{Fault, FaultKind};
use crate::db::{
    Activity, Attempt, BlockingSession, Edit, Entry, Failure, GuardSession, Handle, Job, Lock,
    Look, Past, Progress, ReadScope, Remainder, Session,
};
use crate::history::ledger::Ledger;
use crate::history::table::LockKey;
use crate::history::{Applied, Records};
use crate::model::{Checksum, Subject, Version};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// No answer comes.
pub(super) const NEVER: Duration = Duration::MAX;

/// How long a migration takes.
pub(super) const QUICK: Duration = Duration::from_millis(10);

/// What comes of a call.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Well,
    Fault(FaultKind),
    /// Of the jobs, this one fails, and those before it are applied.
    Fails(usize, Failure),
    /// The same in one transaction: nothing is applied.
    FailsAsOne(usize, Failure),
    /// Somebody has the lock, or has it still.
    Held(Lock),
    /// The connection is lost; so long after they were sent, the server has applied
    /// the jobs.
    Loses(Option<Duration>),
    Sees(Activity),
    /// The jobs run until a cancel ends them; so many before it have no effect.
    UntilCancelled(usize),
}

#[derive(Default)]
struct State {
    /// For a call's name, when it is answered and what.
    script: Vec<(&'static str, Duration, Answer)>,
    /// What was sent, and what the listener was told.
    log: Vec<String>,
    connections: usize,
    /// From when on each version stands in the history.
    applied: BTreeMap<i64, Instant>,
    at_work_until: Option<Instant>,
    cancels: usize,
    looks: usize,
    /// When each message with migrations was sent, and its first one's bound.
    tries: Vec<(Instant, Duration)>,
}

#[derive(Clone, Default)]
pub(super) struct Database(Rc<RefCell<State>>);

/// A worker, or a guard.
pub(super) struct ScriptedSession {
    database: Database,
    number: usize,
}

impl Database {
    /// The next call of this name that has no answer yet is answered so.
    pub(super) fn answers(&self, call: &'static str, answer: Answer) {
        self.answers_after(Duration::ZERO, call, answer);
    }

    pub(super) fn answers_after(&self, after: Duration, call: &'static str, answer: Answer) {
        self.0.borrow_mut().script.push((call, after, answer));
    }

    /// Somebody else is at a migration, and has applied it then.
    pub(super) fn another_applies(&self, version: i64, after: Duration) {
        let at = Instant::now() + after;
        self.0.borrow_mut().applied.insert(version, at);
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.0.borrow().log.clone()
    }

    pub(super) fn looks(&self) -> usize {
        self.0.borrow().looks
    }

    pub(super) fn tries(&self) -> Vec<(Instant, Duration)> {
        self.0.borrow().tries.clone()
    }

    pub(super) async fn open(&self) -> Result<ScriptedSession, Fault> {
        self.0.borrow_mut().connections += 1;
        let number = self.0.borrow().connections;
        self.call(number, "open", "").await?;
        Ok(ScriptedSession {
            database: self.clone(),
            number,
        })
    }

    fn note(&self, line: impl Into<String>) {
        self.0.borrow_mut().log.push(line.into());
    }

    /// The script's line for a call. What is sent often is only noted where there is
    /// one.
    fn next(&self, number: usize, name: &'static str, of: &str) -> (Duration, Answer) {
        let line = {
            let script = &mut self.0.borrow_mut().script;
            let at = script.iter().position(|(call, ..)| *call == name);
            at.map(|at| script.remove(at))
        };
        let often = ["flush", "holder", "look on", "prepare", "refresh"];
        if line.is_some() || !often.contains(&name) {
            self.note(format!("{number}: {name}{of}"));
        }
        let (_, after, answer) = line.unwrap_or((name, Duration::ZERO, Answer::Well));
        (after, answer)
    }

    /// The answer to a call, in its time.
    async fn call(&self, number: usize, name: &'static str, of: &str) -> Result<Answer, Fault> {
        let (after, answer) = self.next(number, name, of);
        wait(after).await;
        match answer {
            Answer::Fault(kind) => Err(Fault::new(kind, format!("{name} was refused"))),
            answer => Ok(answer),
        }
    }

    /// What stands in the history now.
    fn past(&self) -> Past {
        let applied = |(version, _): (&i64, &Instant)| Applied {
            version: Version::from(*version),
            name: String::new(),
            checksum: Some(Checksum(Vec::new())),
            complete: true,
            at: None,
            took: None,
            claim: None,
        };
        let state = self.0.borrow();
        let now = Instant::now();
        let stands = state.applied.iter().filter(|(_, at)| **at <= now);
        Past::Known(Records {
            applied: stands.map(applied).collect(),
            ..Records::default()
        })
    }

    /// Applies a job behind its fence: whoever is at it already is waited for.
    async fn apply(&self, job: &Job<'_>) -> Result<Duration, Failure> {
        let version = version(job);
        let claimed = self.0.borrow().applied.get(&version).copied();
        if let Some(at) = claimed {
            sleep_until(at.min(Instant::now() + job.lock_wait)).await;
            let fault = Fault::new(FaultKind::Claimed, "it is there");
            return Err(Failure::unplaced(fault, Remainder::Claimed));
        }
        sleep(QUICK).await;
        self.0.borrow_mut().applied.insert(version, Instant::now());
        Ok(QUICK)
    }

    async fn cancelled(&self, without_effect: usize) -> Failure {
        let before = self.0.borrow().cancels;
        while self.0.borrow().cancels <= before + without_effect {
            sleep(Duration::from_millis(10)).await;
        }
        setback(FaultKind::Statement, Remainder::Nothing)
    }
}

async fn wait(time: Duration) {
    if time == NEVER {
        std::future::pending::<()>().await;
    }
    sleep(time).await;
}

/// Why the first statement failed.
pub(super) fn setback(kind: FaultKind, left: Remainder) -> Failure {
    Failure {
        statement: Some(0),
        ..Failure::unplaced(Fault::new(kind, "the script wants it"), left)
    }
}

fn version(job: &Job<'_>) -> i64 {
    job.operation.subject().version().unwrap().number().unwrap()
}

fn subjects(did: &[Subject]) -> String {
    let versions = did.iter().filter_map(Subject::version);
    versions.fold(String::new(), |all, version| format!("{all} {version}"))
}

impl ScriptedSession {
    async fn call(&self, name: &'static str, of: &str) -> Result<Answer, Fault> {
        self.database.call(self.number, name, of).await
    }

    async fn send(&self, name: &'static str, jobs: &[Job<'_>]) -> Progress {
        let database = &self.database;
        let sent: Vec<_> = jobs.iter().map(|job| job.operation.subject()).collect();
        let (after, answer) = database.next(self.number, name, &subjects(&sent));
        let now = Instant::now();
        let far = now + Duration::from_hours(24);
        {
            let mut state = database.0.borrow_mut();
            state.tries.push((now, jobs[0].lock_timeout));
            state.at_work_until = Some(far);
            if let Answer::Loses(Some(commits)) = answer {
                state.at_work_until = Some(now + commits);
                let versions = jobs.iter().map(|job| (version(job), now + commits));
                state.applied.extend(versions);
            }
        }
        wait(after).await;
        let mut applied = Vec::new();
        let failed = match answer {
            Answer::FailsAsOne(failed, setback) => {
                return Progress {
                    failed,
                    ..Progress::none(setback)
                };
            }
            Answer::Loses(_) => {
                let lost = Fault::new(FaultKind::Lost, "the connection ended");
                return Progress::none(Failure::unplaced(lost, Remainder::Unknown));
            }
            Answer::UntilCancelled(without_effect) => {
                Some((0, database.cancelled(without_effect).await))
            }
            Answer::Fails(at, setback) => Some((at, setback)),
            _ => None,
        };
        let well = failed.as_ref().map_or(jobs.len(), |(at, _)| *at);
        let mut setback = failed.map(|(_, setback)| setback);
        for job in &jobs[..well] {
            match database.apply(job).await {
                Ok(took) => applied.push(took),
                Err(claimed) => {
                    setback = Some(claimed);
                    break;
                }
            }
        }
        database.0.borrow_mut().at_work_until = None;
        Progress {
            failed: applied.len(),
            applied,
            setback,
        }
    }
}

impl Session for ScriptedSession {
    async fn look(&mut self, ledger: &Ledger, _wanted: ReadScope) -> Result<Look, Fault> {
        self.call("look", "").await?;
        Ok(Look {
            past: self.database.past(),
            ..super::look(ledger.clone())
        })
    }

    async fn create(&mut self, _ledger: &Ledger) -> Result<(), Fault> {
        self.call("create", "").await.map(drop)
    }

    async fn remember(&mut self, _ledger: &Ledger, entry: Entry<'_>) -> Result<(), Fault> {
        match entry {
            Entry::Begin(run) => self.call("begin", &subjects(&run.did)).await,
            Entry::End { ending, did, .. } => {
                let of = format!(" {}{}", ending.word(), subjects(did));
                self.call("end", &of).await
            }
        }
        .map(drop)
    }

    async fn edit(&mut self, _ledger: &Ledger, _edits: &[Edit<'_>]) -> Result<(), Fault> {
        self.call("edit", "").await.map(drop)
    }

    async fn prepare(&mut self, _job: &Job<'_>) -> Result<(), Fault> {
        self.call("prepare", "").await.map(drop)
    }

    async fn refresh(&mut self) -> Result<(), Fault> {
        self.call("refresh", "").await.map(drop)
    }

    fn handle(&self) -> Handle {
        Handle::Name
    }

    fn batch_size(&self) -> usize {
        super::TOGETHER
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        self.send("apply", jobs).await
    }

    async fn apply_as_one(&mut self, jobs: &[Job<'_>]) -> Progress {
        self.send("apply as one", jobs).await
    }

    async fn flush(&mut self, _ledger: &Ledger) -> Result<(), Fault> {
        self.call("flush", "").await.map(drop)
    }
}

impl GuardSession for ScriptedSession {
    async fn try_lock(&mut self, _look: &Look, _run: &str) -> Result<Attempt, Fault> {
        match self.call("lock", "").await? {
            Answer::Held(lock) => Ok(Attempt::Held(lock)),
            _ => Ok(Attempt::Locked),
        }
    }

    async fn holder(&mut self, _key: &LockKey) -> Result<Option<BlockingSession>, Fault> {
        self.call("holder", "").await.map(|_| None)
    }

    async fn yield_lock(&mut self) -> Result<(), Fault> {
        self.call("lend", "").await.map(drop)
    }

    async fn try_reacquire_lock(&mut self, _key: &LockKey) -> Result<bool, Fault> {
        let answer = self.call("take back", "").await?;
        Ok(!matches!(answer, Answer::Held(_)))
    }

    async fn cancel(&mut self, _worker: &Handle, _run: &str) -> Result<(), Fault> {
        self.call("cancel", "").await?;
        self.database.0.borrow_mut().cancels += 1;
        Ok(())
    }

    async fn observe(&mut self, _worker: &Handle, _run: &str) -> Result<Activity, Fault> {
        self.database.0.borrow_mut().looks += 1;
        if let Answer::Sees(activity) = self.call("look on", "").await? {
            return Ok(activity);
        }
        let until = self.database.0.borrow().at_work_until;
        Ok(Activity {
            is_at_work: until.is_some_and(|until| until > Instant::now()),
            ..Activity::default()
        })
    }

    async fn end_lost(
        &mut self,
        number: Option<u64>,
        _look: &Look,
        _run: &str,
    ) -> Result<(), Fault> {
        let of = number.map(|number| format!(" {number}"));
        self.call("end lost", &of.unwrap_or_default())
            .await
            .map(drop)
    }

    fn number(&self) -> Option<u64> {
        u64::try_from(self.number).ok()
    }

    async fn release(&mut self) {
        let _ = self.call("release", "").await;
    }
}

impl Listener for Database {
    /// What runs is told four times a second: it is not noted.
    fn event(&mut self, event: &Event<'_>) {
        self.note(match event {
            Event::Applied { migration, .. } => format!("applied {}", migration.version),
            Event::Blocked { blocker } => format!("blocked by {}", blocker.process),
            Event::Claimed { operation } => format!("claimed: {}", operation.subject()),
            Event::GuardGaveWay => "the guard gave way".to_owned(),
            Event::Reconnecting => "reconnecting".to_owned(),
            Event::Recovered { subject, .. } => format!("recovered {subject}"),
            Event::Retrying {
                operation, failed, ..
            } => {
                format!("retrying {} after {failed}", operation.subject())
            }
            Event::Running { .. } => return,
            Event::Stopping { .. } => "stopping".to_owned(),
            Event::WaitingForLock { lock, .. } => format!("waiting for {lock:?}"),
            Event::Warning(warning) => format!("warning {}", warning.code),
            other => format!("{other:?}"),
        });
    }
}
