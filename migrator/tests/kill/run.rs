//! A run of the program that something happens to.

use crate::proxy::Relay;
use crate::support::Project;
use std::fmt::{self, Display};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a run is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blow {
    /// All connections end, and the database cannot be reached any more.
    Isolate,
    /// The process is killed, and with it its connections end.
    Kill,
    /// All connections end, once.
    Reset,
}

/// What is done to all migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Down,
    Up,
}

impl Verb {
    pub(crate) fn args(self) -> &'static [&'static str] {
        match self {
            Self::Down => &["down", "--to", "0"],
            Self::Up => &["up"],
        }
    }
}

pub(crate) struct Run(Child);

pub(crate) struct Ended {
    pub(crate) blow: Blow,
    /// `None` where it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
}

impl Run {
    /// `wait` is how long it waits for the database to answer.
    pub(crate) fn start(verb: Verb, project: &Project, url: &str, wait: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_migrate"))
            .args(verb.args())
            .args(["--wait", wait])
            .current_dir(project.root())
            .env_clear()
            .env("DATABASE_URL", url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    pub(crate) fn end(self, blow: Blow, relay: Relay) -> Ended {
        match blow {
            Blow::Isolate => {
                drop(relay);
                self.wait(blow)
            }
            // The proxy ends the connections only when their owner is dead.
            Blow::Kill => self.kill(),
            Blow::Reset => {
                relay.reset();
                self.wait(blow)
            }
        }
    }

    pub(crate) fn kill(mut self) -> Ended {
        self.0.kill().unwrap();
        self.wait(Blow::Kill)
    }

    pub(crate) fn wait(mut self, blow: Blow) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        while self.is_running() {
            assert!(Instant::now() < deadline, "it still runs");
            sleep(Duration::from_millis(1));
        }
        let mut stdout = String::new();
        let mut pipe = self.0.stdout.take().unwrap();
        pipe.read_to_string(&mut stdout).unwrap();
        Ended {
            blow,
            code: self.0.wait().unwrap().code(),
            stdout,
        }
    }
}

impl Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { blow, code, stdout } = self;
        write!(f, "{blow:?}, exit {code:?}\n{stdout}")
    }
}

/// The versions that an output reports as done: `✅ 1 step (2 ms)`, or `✅ 1 step
/// reverted (2 ms)`.
pub(crate) fn done(stdout: &str) -> Vec<String> {
    stdout
        .lines()
        .filter_map(|line| Some(line.strip_prefix("✅ ")?.split_once(' ')?.0.to_owned()))
        .filter(|word| word.parse::<u32>().is_ok())
        .collect()
}
