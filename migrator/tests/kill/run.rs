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

pub(crate) struct Run(Child);

pub(crate) struct Ended {
    pub(crate) blow: Blow,
    /// `None` where it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
}

impl Run {
    /// `wait` is how long it waits for the database to answer.
    pub(crate) fn start(project: &Project, url: &str, wait: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_migrate"))
            .args(["up", "--wait", wait])
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

/// The versions that an output reports as applied: `✅ 1 step (2 ms)`.
pub(crate) fn applied(stdout: &str) -> Vec<String> {
    stdout
        .lines()
        .filter_map(|line| Some(line.strip_prefix("✅ ")?.split_once(' ')?.0.to_owned()))
        .filter(|word| word.parse::<u32>().is_ok())
        .collect()
}
