//! A run whose work another program does: under our lock and deadline, watched,
//! and ended with its statements where it must end. What it did, the history says,
//! before and after.

use super::event::{Event, Listener};
use super::stop::Stop;
use super::worker::{Waiting, see};
use super::{Control, LockState, RELEASE_WITHIN, REMEMBER_WITHIN, Run, STARVED_AFTER, guard};
use crate::db::fault::Fault;
use crate::db::{Activity, Entry, GuardSession, Handle, Outside, Session};
use crate::error::Error;
use crate::history::table::LockKey;
use crate::history::{self, History};
use crate::limits::StopReason;
use crate::model::{Operation, Subject};
use crate::python::{Child, Ending, Running, running};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often the guard looks at what the program does.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often its statements are cancelled once it is to end.
const CANCEL_EVERY: Duration = Duration::from_millis(250);

/// How long it may take to end at a signal before the next, less gentle one. The
/// shortest grace period of a platform is ten seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long its transactions may outlive it.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// How many of its last lines are kept.
const LAST_LINES: usize = 400;

/// What the program is to do.
pub(crate) struct ExternalRun<'a> {
    /// What it is to do, in order.
    pub(crate) operations: Vec<Operation<'a>>,
    /// What a person may type instead.
    pub(crate) command: String,
    pub(crate) start: Box<dyn FnOnce(Stdio) -> io::Result<Child> + 'a>,
    /// A line without what nobody may see.
    pub(crate) without_secrets: Box<dyn Fn(&str) -> String + 'a>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Delegated {
    pub(crate) before: History,
    /// What the history says now; the complaint where nobody knows.
    pub(crate) after: Result<History, Fault>,
    pub(crate) output: ChildOutput,
}

/// What was heard of the program.
#[derive(Debug, Default)]
pub(crate) struct ChildOutput {
    /// `None` where it could not be waited for.
    pub(crate) status: Option<ExitStatus>,
    /// Why it was told to end.
    pub(crate) stopped: Option<StopReason>,
    /// What it began with, and how long each took.
    pub(crate) ran: Vec<(Running, Duration)>,
    pub(crate) last_lines: Vec<String>,
}

/// Lets the program do what `decide` finds to be done under the lock; `None` where
/// that is nothing.
///
/// # Errors
/// Why it was not started.
pub(crate) async fn delegate<'a, W: Session, G: GuardSession>(
    run: &Run<'_>,
    mut guard: G,
    open: impl AsyncFn() -> Result<W, Fault>,
    decide: impl Fn(&History) -> Result<Option<ExternalRun<'a>>, Error>,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Option<Delegated>, Error> {
    let mut control = Control::of(run, Instant::now(), &mut guard, stop, listener);
    guard::lock(&mut control).await?;
    let result = under_lock(&mut control, &open, &decide).await;
    let _ = timeout(RELEASE_WITHIN, control.guard.release()).await;
    result
}

async fn under_lock<'a, W: Session>(
    control: &mut Control<'_, impl GuardSession>,
    open: &impl AsyncFn() -> Result<W, Fault>,
    decide: &impl Fn(&History) -> Result<Option<ExternalRun<'a>>, Error>,
) -> Result<Option<Delegated>, Error> {
    guard::others(control, &handle(control.run, Vec::new())).await?;
    let mut worker = control.stop.or(open()).await??;
    let before = look(control, &mut worker).await?;
    let Some(external_run) = decide(&before)? else {
        return Ok(None);
    };
    let is_remembered = !before.runs.is_empty();
    if is_remembered {
        begin(control.run, &mut worker, &external_run).await?;
    }
    // The program needs a connection, and a pool may have two.
    drop(worker);
    control.listener.event(&Event::Delegating {
        command: &external_run.command,
    });
    let ExternalRun {
        operations,
        without_secrets,
        ..
    } = external_run;
    let input = control
        .guard
        .inherited_lock()
        .map_or(Stdio::null(), Stdio::from);
    let output = match (external_run.start)(input) {
        Ok(child) => listen(control, child, &operations, &*without_secrets).await,
        Err(cause) => {
            let what = format!("{} could not be started: {cause}", external_run.command);
            return Err(Error::Unexpected { what });
        }
    };
    let mut worker = match open().await {
        Ok(worker) => worker,
        Err(fault) => {
            return Ok(Some(Delegated {
                before,
                after: Err(fault),
                output,
            }));
        }
    };
    let run = control.run;
    let after = worker.look(&run.look.ledger, run.wanted).await;
    Ok(Some(Delegated {
        before,
        after: after.map(|look| run.history(look.past)),
        output,
    }))
}

/// The program's sessions.
fn handle(run: &Run<'_>, ports: Vec<u16>) -> Handle {
    Handle::Outside(Outside {
        table: run.look.ledger.table.clone(),
        ports,
    })
}

/// The history as it is under the lock. A pool of one server connection has
/// none for this beside the guard's, and would have none for the program.
async fn look(
    control: &mut Control<'_, impl GuardSession>,
    worker: &mut impl Session,
) -> Result<History, Error> {
    let run = control.run;
    let look = worker.look(&run.look.ledger, run.wanted);
    let look = match run.look.lock {
        LockKey::Id(_) => match control.stop.or(timeout(STARVED_AFTER, look)).await? {
            Ok(look) => look,
            Err(_) => return Err(Error::NeedsSecondConnection),
        },
        LockKey::File(_) | LockKey::Name(_) => control.stop.or(look).await?,
    };
    Ok(run.history(look?.past))
}

/// Only where runs are remembered already, by a first `confirm`: a table that
/// the models do not know would be dropped by the next autogenerated revision.
async fn begin(
    run: &Run<'_>,
    worker: &mut impl Session,
    external_run: &ExternalRun<'_>,
) -> Result<(), Error> {
    let remembered = history::Run {
        name: run.name.to_owned(),
        verb: run.verb.to_owned(),
        did: external_run
            .operations
            .iter()
            .map(|operation| operation.subject())
            .collect(),
        tool: crate::VERSION.to_owned(),
        who: run.who.clone(),
        ..history::Run::default()
    };
    worker
        .remember(&run.look.ledger, Entry::Begin(&remembered))
        .await?;
    Ok(())
}

/// Remembers how a run ended that was remembered when it began.
pub(crate) async fn end(
    run: &Run<'_>,
    worker: &mut impl Session,
    ending: history::Ending,
    did: &[Subject],
    error: Option<&str>,
) -> Result<(), Fault> {
    let entry = Entry::End {
        run: run.name,
        ending,
        did,
        error,
    };
    let remember = worker.remember(&run.look.ledger, entry);
    timeout(REMEMBER_WITHIN, remember).await.unwrap_or(Ok(()))
}

/// Hears the program to its end, whatever ends it.
async fn listen(
    control: &mut Control<'_, impl GuardSession>,
    mut child: Child,
    operations: &[Operation<'_>],
    without_secrets: &dyn Fn(&str) -> String,
) -> ChildOutput {
    let mut output = ChildOutput::default();
    let mut waiting = Waiting::default();
    let mut since = Instant::now();
    let mut stopped_at = None;
    let mut next_ending = vec![Ending::Kill, Ending::Terminate, Ending::Interrupt];
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.tick().await;
    loop {
        tokio::select! {
            biased;
            line = child.line() => {
                let Some(line) = line else { break };
                let line = without_secrets(&line);
                match running(&line) {
                    None => control.listener.event(&Event::Output { line: &line }),
                    Some(next) => {
                        close(&mut output, &mut since);
                        if let Some(operation) = operation_of(operations, &next) {
                            control.listener.event(&Event::Beginning { operation });
                        }
                        output.ran.push((next, Duration::ZERO));
                    }
                }
                output.last_lines.push(line);
                if output.last_lines.len() > LAST_LINES {
                    output.last_lines.remove(0);
                }
            }
            reason = control.stop.requested(), if stopped_at.is_none() => {
                output.stopped = Some(reason);
                stopped_at = Some(Instant::now());
                control.listener.event(&Event::Stopping { reason });
                look = interval(CANCEL_EVERY);
            }
            _ = look.tick() => {
                let handle = handle(control.run, child.ports());
                let Some(stopped_at) = stopped_at else {
                    let activity = watch(control, &handle, &mut waiting).await;
                    let last = output.ran.last();
                    control.listener.event(&Event::Running {
                        operation: last.and_then(|(running, _)| operation_of(operations, running)),
                        sent_with_it: 0,
                        elapsed: since.elapsed(),
                        activity: &activity,
                    });
                    continue;
                };
                // One signal after the other, each with its time to be obeyed.
                let sent = u32::try_from(3 - next_ending.len()).unwrap_or_default();
                if stopped_at.elapsed() >= PATIENCE * sent
                    && let Some(ending) = next_ending.pop()
                {
                    child.end(ending);
                }
                cancel(control, &handle).await;
            }
        }
    }
    close(&mut output, &mut since);
    output.status = child.status();
    let is_cut = output.stopped.is_some() || output.status.is_none_or(|it| it.code().is_none());
    if is_cut || output.status.is_none_or(|status| !status.success()) {
        outlive(control, is_cut).await;
    }
    output
}

/// What it is to do of which it says that it begins with it.
fn operation_of<'a>(operations: &[Operation<'a>], running: &Running) -> Option<Operation<'a>> {
    let is_it = |operation: &&Operation<'_>| {
        let migration = operation.migration();
        migration.is_some_and(|migration| migration.version.as_str() == running.id)
    };
    operations.iter().find(is_it).copied()
}

/// Notes how long the last one took.
fn close(output: &mut ChildOutput, since: &mut Instant) {
    if let Some((_, took)) = output.ran.last_mut() {
        *took = since.elapsed();
    }
    *since = Instant::now();
}

async fn watch(
    control: &mut Control<'_, impl GuardSession>,
    handle: &Handle,
    waiting: &mut Waiting,
) -> Activity {
    let run = control.run;
    let activity = see(control.guard, &mut control.lock_state, handle, run.name).await;
    waiting.see(&activity.blockers, LOOK_EVERY, control.listener);
    activity
}

async fn cancel(control: &mut Control<'_, impl GuardSession>, handle: &Handle) {
    if control.lock_state == LockState::Locked {
        let cancel = control.guard.cancel(handle, control.run.name);
        // Whoever refuses it, or is gone: the program is told to end in any case.
        let _ = timeout(PATIENCE, cancel).await;
    }
}

/// A server does not notice at once that its client has gone: its rollback is
/// awaited before the version table is read, and of a program that was cut short
/// what still runs is cancelled.
async fn outlive(control: &mut Control<'_, impl GuardSession>, is_cut: bool) {
    let handle = handle(control.run, Vec::new());
    let until = Instant::now() + ENDS_WITHIN;
    while Instant::now() < until {
        let run = control.run;
        let activity = see(control.guard, &mut control.lock_state, &handle, run.name).await;
        if !activity.is_at_work {
            return;
        }
        if is_cut {
            cancel(control, &handle).await;
        }
        tokio::time::sleep(CANCEL_EVERY).await;
    }
}
