//! A process of which every line is heard, and that ends when it is told to.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, timeout_at};

/// The longest line that is kept whole, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

/// How long what is left of its output may take once it has ended: a process of
/// its own may hold the pipe for ever.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(500);

/// How a process is told to end, the gentlest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Python raises `KeyboardInterrupt`: asyncio's drivers cancel what runs in the
    /// server, and a transaction is rolled back.
    Interrupt,
    Terminate,
    Kill,
}

/// A process in a group of its own, so that a terminal's Ctrl-C is ours alone.
pub(crate) struct Child {
    process: tokio::process::Child,
    /// Both of its streams, in the order in which it wrote.
    output: Option<BufReader<Receiver>>,
    line: Vec<u8>,
    ended: Option<ExitStatus>,
    last_words_until: Option<Instant>,
}

impl Child {
    pub(super) fn start(mut command: Command, input: Stdio) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        command
            .stdin(input)
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0);
        let mut command = tokio::process::Command::from(command);
        let process = command.kill_on_drop(true).spawn()?;
        // Its writers go with it, or the pipe would never end.
        drop(command);
        let reader = OwnedFd::from(reader);
        let output = Receiver::from_owned_fd(reader)?;
        Ok(Self {
            process,
            output: Some(BufReader::new(output)),
            line: Vec::new(),
            ended: None,
            last_words_until: None,
        })
    }

    /// The next line, or `None` once it has ended and said all. May be given up
    /// and asked again.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            let output = self.output.as_mut()?;
            let read = async {
                loop {
                    let chunk = output.fill_buf().await.unwrap_or_default();
                    if chunk.is_empty() {
                        return false;
                    }
                    let end = chunk.iter().position(|byte| *byte == b'\n');
                    let (length, is_whole) = match end {
                        Some(end) => (end + 1, true),
                        None => (chunk.len(), false),
                    };
                    let room = LONGEST_LINE.saturating_sub(self.line.len());
                    self.line.extend(&chunk[..length.min(room)]);
                    output.consume(length);
                    if is_whole {
                        return true;
                    }
                }
            };
            if let Some(until) = self.last_words_until {
                match timeout_at(until, read).await {
                    Ok(true) => return Some(self.take_line()),
                    Ok(false) | Err(_) => self.output = None,
                }
                return (!self.line.is_empty()).then(|| self.take_line());
            }
            tokio::select! {
                biased;
                is_line = read => {
                    if is_line {
                        return Some(self.take_line());
                    }
                    // It has closed its streams; its end is near.
                    self.ended = self.process.wait().await.ok();
                    self.output = None;
                    return (!self.line.is_empty()).then(|| self.take_line());
                }
                status = self.process.wait() => {
                    self.ended = status.ok();
                    // Of all that is left, however often somebody asks.
                    self.last_words_until = Some(Instant::now() + LAST_WORDS_WITHIN);
                }
            }
        }
    }

    fn take_line(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// How it ended, once [`Child::line`] has said so.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        self.ended
    }

    /// Tells it to end, and whatever it has started.
    pub(crate) fn end(&self, how: Ending) {
        let signal = match how {
            Ending::Interrupt => Signal::SIGINT,
            Ending::Terminate => Signal::SIGTERM,
            Ending::Kill => Signal::SIGKILL,
        };
        if let Some(id) = self.process.id().and_then(|id| i32::try_from(id).ok()) {
            // One that has just ended has no group any more.
            let _ = killpg(Pid::from_raw(id), signal);
        }
    }

    /// The local ports of its connections, by which a server knows them.
    pub(crate) fn ports(&self) -> Vec<u16> {
        self.process.id().map(ports_of).unwrap_or_default()
    }
}

/// The local ports of a process, as Linux tells them in /proc; none elsewhere.
fn ports_of(process: u32) -> Vec<u16> {
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{process}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter_map(|target| {
            let target = target.to_str()?.strip_prefix("socket:[")?;
            Some(target.strip_suffix(']')?.to_owned())
        })
        .collect();
    ["tcp", "tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(format!("/proc/{process}/net/{table}")).ok())
        .flat_map(|table| {
            let ports = table.lines().filter_map(|line| {
                let fields: Vec<_> = line.split_whitespace().collect();
                let (local, inode) = (fields.get(1)?, fields.get(9)?);
                let (_, port) = local.rsplit_once(':')?;
                sockets
                    .iter()
                    .any(|socket| socket == inode)
                    .then(|| u16::from_str_radix(port, 16).ok())?
            });
            ports.collect::<Vec<_>>()
        })
        .collect()
}
