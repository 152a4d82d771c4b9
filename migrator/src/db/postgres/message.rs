//! Migrations as one message, each a transaction of its own or all of them one,
//! each with its history row first. Over a network the round trips are nearly all
//! of the time.

use super::DIALECT;
use super::fault::{
    DIVISION_BY_ZERO, LOCK_NOT_AVAILABLE, QUERY_CANCELED, SERIALIZATION_FAILURE, UNIQUE_VIOLATION,
    UNTRANSLATABLE_CHARACTER,
};
use super::place::name_in;
use crate::db::fault::{Fault, FaultKind, Position};
use crate::db::statement_by_statement::removed;
use crate::db::wire::{Answer, Rows};
use crate::db::{Failure, Job, Remainder};
use crate::history::ledger::quote;
use crate::text::SourceFile;
use std::time::Duration;

/// The size of a slice from which the next statement begins another, in bytes.
const SLICE: usize = 1024 * 1024;

/// The first server that ends what a vanished client left running.
const HAS_CONNECTION_CHECK: u32 = 140_000;

/// Makes a session what it was when it was opened. What one migration leaves there
/// must reach neither the next, nor our own statements, nor a pooled connection's
/// next user; and what somebody has left in a pooled connection must not reach a
/// migration. A thousand times all of it took 15 ms.
const FRESH: [&str; 7] = [
    "RESET ALL",
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "CLOSE ALL",
    "UNLISTEN *",
    "DISCARD SEQUENCES",
    "DISCARD TEMP",
];

/// The same after a file, with what would harm others behind a pooler and is
/// therefore done only where the file has made some of it.
pub(super) fn fresh(file: Option<&SourceFile>) -> Vec<&'static str> {
    let text = file.map(|file| file.text().to_ascii_uppercase());
    let has = |word: &str| text.as_ref().is_some_and(|text| text.contains(word));
    FRESH
        .into_iter()
        .chain(has("PREPARE").then_some("DEALLOCATE ALL"))
        .chain(has("ADVISORY").then_some("SELECT pg_advisory_unlock_all()"))
        .collect()
}

pub(super) struct Message<'a> {
    pub(super) text: String,
    parts: Vec<Part<'a>>,
    transaction: Transaction,
}

/// What is a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transaction {
    Message,
    Part,
}

/// One migration's part of the message.
struct Part<'a> {
    job: Job<'a>,
    /// How many statements of the message stand before the INSERT that is the
    /// fence, before the file's first, and before the next part.
    fence: usize,
    file: usize,
    end: usize,
    /// How many stand before what completes the row.
    measured: usize,
    /// Where the file's text begins, in characters of the message.
    at: usize,
    characters: usize,
    /// Where its text begins and where its part ends, in bytes of the message.
    begins: usize,
    ends: usize,
}

/// What a failed message came to.
pub(super) enum Verdict {
    /// The part with this number failed, and those before it are applied.
    Failed(usize, Box<Failure>),
    /// Nothing ran, because of a later part that cannot be parsed: this many
    /// parts stand before it.
    Unparsed(usize),
}

impl<'a> Message<'a> {
    pub(super) fn of(jobs: &[Job<'a>], version: u32, transaction: Transaction) -> Self {
        let mut message = Self {
            text: String::new(),
            parts: Vec::with_capacity(jobs.len()),
            transaction,
        };
        let mut statements = 0;
        let mut characters = 0;
        for (number, job) in jobs.iter().enumerate() {
            let each = transaction == Transaction::Part;
            let mut before = before(job, version);
            if number == 0 {
                before.splice(0..0, fresh(None).into_iter().map(str::to_owned));
            }
            if each || number == 0 {
                before.insert(0, "BEGIN".to_owned());
            }
            let after = after(job, each || number + 1 == jobs.len());
            let head = format!("{};\n", before.join("; "));
            // The line break ends a comment in the file's last line, which would
            // swallow the COMMIT.
            let tail = format!("\n;\n{};\n", after.join("; "));
            let text = job.file.text();
            // Elsewhere than in a file's beginning it would be part of a name.
            let sql = text.strip_prefix('\u{feff}').unwrap_or(text);
            let unsent = usize::from(sql.len() != text.len());
            let begins = message.text.len() + head.len();
            let part = Part {
                begins,
                ends: begins + sql.len() + tail.len(),
                job: *job,
                // The last but two: the file's own timeouts follow it.
                fence: statements + before.len() - 3,
                file: statements + before.len(),
                end: statements + before.len() + job.statements.len() + after.len(),
                measured: statements + before.len() + job.statements.len() + after.len()
                    - 1
                    - usize::from(each || number + 1 == jobs.len()),
                at: characters + head.chars().count() - unsent,
                characters: text.chars().count(),
            };
            statements = part.end;
            characters = part.at + part.characters + tail.chars().count();
            message.text.reserve(head.len() + text.len() + tail.len());
            message.text.push_str(&head);
            message.text.push_str(sql);
            message.text.push_str(&tail);
            message.parts.push(part);
        }
        message
    }

    /// How many statements complete when all goes well.
    pub(super) fn expected(&self) -> usize {
        self.parts.last().map_or(0, |part| part.end)
    }

    /// The text in slices that are sent one after the other: the server parses each
    /// as a whole before it runs, and needs some twelve times its size for that. They
    /// are cut between statements, in the middle of the transaction.
    pub(super) fn slices(&self) -> Vec<&str> {
        let mut cuts = vec![0];
        // What a setting of the text changes, it changes for the next slice.
        let is_whole = self.text.len() <= SLICE
            || self
                .text
                .to_ascii_uppercase()
                .contains("STANDARD_CONFORMING_STRINGS");
        if !is_whole {
            for part in &self.parts {
                let unsent = part.unsent();
                for statement in part.job.statements {
                    let start = part.begins + statement.span.start - unsent;
                    if cuts.last().is_some_and(|last| start - last >= SLICE) {
                        cuts.push(start);
                    }
                }
            }
        }
        let ends = cuts.iter().skip(1).copied().chain([self.text.len()]);
        cuts.iter()
            .zip(ends)
            .map(|(start, end)| &self.text[*start..end])
            .collect()
    }

    /// Whether each of its parts is a transaction.
    pub(super) fn is_of_transactions(&self) -> bool {
        self.transaction == Transaction::Part
    }

    /// Which rows of an answer are worth keeping: a file's own may be millions.
    pub(super) fn wanted(&self) -> Rows<'a> {
        self.parts
            .first()
            .map_or(Rows::None, |part| Rows::MarkedBy(part.job.run))
    }

    /// How long each of the migrations took that are applied.
    pub(super) fn took(answer: &Answer) -> Vec<Duration> {
        let mut began = 0;
        let mut took = Vec::new();
        for row in &answer.rows {
            let text = |at: usize| row.get(at).and_then(Option::as_deref);
            let nanoseconds: u64 = text(2)
                .and_then(|text| text.parse().ok())
                .unwrap_or_default();
            match text(1) {
                Some("began") => began = nanoseconds,
                Some("ended") => {
                    took.push(Duration::from_nanos(nanoseconds.saturating_sub(began)));
                }
                _ => took.push(Duration::from_nanos(nanoseconds)),
            }
        }
        took
    }

    /// Whether an error may be any part's: the server takes in the whole message
    /// before any of it runs, and does not always say where it stopped.
    pub(super) fn is_unplaced(fault: &Fault, completed: usize) -> bool {
        completed == 0
            && fault.kind == FaultKind::Statement
            && !fault.has_code(&[QUERY_CANCELED])
            && !matches!(fault.position, Some(Position::Character(_)))
    }

    /// The text up to the end of each part.
    pub(super) fn ends(&self) -> Vec<&str> {
        self.parts
            .iter()
            .map(|part| &self.text[..part.ends])
            .collect()
    }

    /// The text up to the beginning of a part's file, up to the end of each of its
    /// statements, and up to the part's end.
    pub(super) fn statement_ends(&self, number: usize) -> Vec<&str> {
        let part = &self.parts[number];
        let statements = part.job.statements.iter();
        let unsent = part.unsent();
        let ends = statements.map(|statement| part.begins + statement.span.end - unsent);
        std::iter::once(part.begins)
            .chain(ends)
            .chain([part.ends])
            .map(|end| &self.text[..end])
            .collect()
    }

    /// What it means that the text up to this one of [`Message::statement_ends`]
    /// is the first that the server does not take in.
    pub(super) fn unread(&self, number: usize, end: usize, fault: Fault) -> Failure {
        let job = self.parts[number].job;
        let statement = end.checked_sub(1).filter(|at| *at < job.statements.len());
        // Before the file is our own row, with the file's name.
        let character = untranslatable(&fault).filter(|_| end > 0);
        let offset = character.and_then(|character| job.file.text().find(character));
        Failure {
            // The character may stand in a comment.
            statement: statement.filter(|at| {
                offset.is_none_or(|offset| job.statements[*at].span.range().contains(&offset))
            }),
            offset,
            left: Remainder::Nothing,
            fault,
        }
    }

    /// What an error means after so many completed statements.
    pub(super) fn verdict(&self, fault: Fault, completed: usize) -> Verdict {
        let number = self
            .parts
            .iter()
            .position(|part| completed < part.end)
            .unwrap_or_default();
        // The whole message is parsed before any of it runs.
        if completed == 0
            && let Some(Position::Character(at)) = fault.position
        {
            let named = self.parts.iter().rposition(|part| part.at <= at);
            match (named.filter(|named| *named > 0), self.transaction) {
                (Some(named), Transaction::Part) => return Verdict::Unparsed(named),
                (Some(named), Transaction::Message) => {
                    let setback = self.parts[named].setback(fault, completed);
                    return Verdict::Failed(named, Box::new(setback));
                }
                (None, _) => {}
            }
        }
        match self.parts.get(number) {
            Some(part) => Verdict::Failed(number, Box::new(part.setback(fault, completed))),
            None => Verdict::Failed(0, Box::new(Failure::unplaced(fault, Remainder::Unknown))),
        }
    }
}

impl Part<'_> {
    /// How many bytes of the file's beginning are not sent.
    fn unsent(&self) -> usize {
        let text = self.job.file.text();
        text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len()
    }

    fn setback(&self, fault: Fault, completed: usize) -> Failure {
        if completed == self.measured && fault.has_code(&[DIVISION_BY_ZERO]) {
            return Failure::unplaced(removed(), Remainder::Nothing);
        }
        let source = self.job.file;
        let offset = match fault.position {
            Some(Position::Character(at)) => at
                .checked_sub(self.at)
                .filter(|at| *at < self.characters)
                .map(|at| source.offset_of_char(at)),
            _ => None,
        };
        // A syntax error stops the message before anything of it runs: then only
        // its position tells the statement.
        let statements = self.job.statements;
        let statement = match offset {
            Some(offset) => statements
                .iter()
                .position(|statement| offset < statement.span.end),
            None => completed
                .checked_sub(self.file)
                .filter(|number| *number < statements.len()),
        };
        let offset = offset.or_else(|| {
            let span = statements.get(statement?)?.span;
            Some(span.start + name_in(source.slice(span), &fault)?)
        });
        Failure {
            left: if completed == self.fence {
                claimed_or(&fault, Remainder::Nothing)
            } else {
                lost_or(&fault, Remainder::Nothing)
            },
            statement,
            offset,
            fault,
        }
    }
}

/// The character that the database's encoding lacks: `character with byte sequence
/// 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"`.
fn untranslatable(fault: &Fault) -> Option<char> {
    if !fault.has_code(&[UNTRANSLATABLE_CHARACTER]) {
        return None;
    }
    let bytes: Vec<u8> = fault
        .message
        .split_whitespace()
        .filter_map(|word| u8::from_str_radix(word.strip_prefix("0x")?, 16).ok())
        .collect();
    std::str::from_utf8(&bytes).ok()?.chars().next()
}

pub(super) fn before(job: &Job<'_>, version: u32) -> Vec<String> {
    let mut before = Vec::new();
    before.push(format!(
        "SET LOCAL application_name = {}",
        quote(DIALECT, job.run)
    ));
    before.push(format!(
        "SET LOCAL lock_timeout = {}",
        // Zero would be for ever.
        milliseconds(job.lock_wait).max(1)
    ));
    if version >= HAS_CONNECTION_CHECK {
        before.push(format!("SET LOCAL {CONNECTION_CHECK}"));
    }
    before.push(job.record(DIALECT).fence_or_error());
    before.push(format!(
        "SET LOCAL lock_timeout = {}",
        milliseconds(job.lock_timeout)
    ));
    before.push(format!(
        "SET LOCAL statement_timeout = {}",
        milliseconds(job.statement_timeout)
    ));
    before
}

pub(super) fn after(job: &Job<'_>, ends: bool) -> Vec<String> {
    fresh(Some(job.file))
        .into_iter()
        .map(str::to_owned)
        // Row and schema are one transaction, and the run's last commit, which
        // waits for the disk, takes all earlier ones with it.
        .chain((!job.durable).then(|| "SET LOCAL synchronous_commit = off".to_owned()))
        .chain([job.record(DIALECT).measured()])
        .chain(ends.then(|| "COMMIT".to_owned()))
        .collect()
}

/// What the fence's own statement says when another run was quicker, or was
/// waited for in vain.
const CLAIMED: [&str; 4] = [
    DIVISION_BY_ZERO,
    LOCK_NOT_AVAILABLE,
    SERIALIZATION_FAILURE,
    UNIQUE_VIOLATION,
];

pub(super) fn claimed_or(fault: &Fault, otherwise: Remainder) -> Remainder {
    if fault.has_code(&CLAIMED) {
        Remainder::Claimed
    } else {
        lost_or(fault, otherwise)
    }
}

pub(super) fn lost_or(fault: &Fault, otherwise: Remainder) -> Remainder {
    if fault.kind == FaultKind::Lost {
        Remainder::Unknown
    } else {
        otherwise
    }
}

/// The server looks every two seconds whether its client is still there.
const CONNECTION_CHECK: &str = "client_connection_check_interval = 2000";

/// The same behind other statements, where the server knows it.
pub(super) fn connection_check(version: u32, set: &str) -> String {
    if version >= HAS_CONNECTION_CHECK {
        format!("; {set} {CONNECTION_CHECK}")
    } else {
        String::new()
    }
}

pub(super) fn milliseconds(duration: Duration) -> u128 {
    // The largest value that the setting takes.
    let milliseconds = duration.as_millis().min(2_147_483_647);
    // Rounded down to zero, a short wait would be for ever.
    milliseconds.max(u128::from(!duration.is_zero()))
}
