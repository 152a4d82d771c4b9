//! The real binary, and what is true of everything it ever says.

use super::{Database, Project, Server, eventually};
use percent_encoding::percent_decode_str;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any test takes, so that what hangs becomes a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// The longest line that any log reader is sent.
/// How a run may end that ended well.
const SUCCEEDED: [&str; 10] = [
    "✅ Baseline recorded; nothing was run.",
    "✅ Deploy confirmed.",
    "✅ History repaired.",
    "✅ Migrations completed successfully!",
    "✅ Migrations reverted.",
    "✅ The baseline was already recorded.",
    "✅ The database is up to date.",
    "✅ There was nothing to confirm.",
    "✅ There was nothing to repair.",
    "✅ There was nothing to revert.",
];

const LONGEST_LINE: usize = 8 * 1024;

#[must_use]
pub(crate) struct Migrate {
    command: Command,
    said: Vec<String>,
}

#[must_use]
pub(crate) struct Running {
    child: Child,
    deadline: Instant,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// What of standard output has been read.
    read: String,
    said: Vec<String>,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

#[must_use]
pub(crate) fn up(project: &Project, database: &Database) -> Output {
    Migrate::new(project).on(database).args(["up"]).run()
}

#[must_use]
pub(crate) fn status(project: &Project, database: &Database) -> Output {
    Migrate::new(project).on(database).args(["status"]).run()
}

/// Any verb with its options.
#[must_use]
pub(crate) fn migrate<const N: usize>(
    project: &Project,
    database: &Database,
    args: [&str; N],
) -> Output {
    Migrate::new(project).on(database).args(args).run()
}

impl Migrate {
    /// In the project's folder, and with nothing in the environment.
    pub(crate) fn new(project: &Project) -> Self {
        Self::of(Path::new(env!("CARGO_BIN_EXE_migrate")), project)
    }

    /// The same with a project's own program.
    pub(crate) fn of(program: &Path, project: &Project) -> Self {
        Self::by(Command::new(program), project.root())
    }

    /// By whatever starts it.
    pub(crate) fn by(mut command: Command, folder: &Path) -> Self {
        command.current_dir(folder).env_clear();
        Self {
            command,
            said: Vec::new(),
        }
    }

    pub(crate) fn on(self, database: &Database) -> Self {
        self.env("DATABASE_URL", database.url())
    }

    pub(crate) fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.command.args(args);
        self.said.extend(args.map(str::to_owned));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self.said.push(value.to_owned());
        self
    }

    pub(crate) fn spawn(mut self) -> Running {
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Running {
            child,
            deadline: Instant::now() + PATIENCE,
            stdout,
            stderr,
            read: String::new(),
            said: self.said,
        }
    }

    pub(crate) fn run(self) -> Output {
        self.spawn().wait()
    }
}

/// The lines of a stream, as they come.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let _ = sender.send(line.expect("what it says is UTF-8") + "\n");
        }
    });
    lines
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end: `TERM` or `INT`.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill")
            .args([&format!("-{signal}"), &self.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Ends it as a platform does that has lost its patience.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until standard output has the text.
    #[track_caller]
    pub(crate) fn until(mut self, text: &str) -> Self {
        while !self.read.contains(text) {
            let Some(line) = self.next_line() else {
                panic!("it ended without `{text}`: {}", self.wait());
            };
            self.read.push_str(&line);
        }
        self
    }

    /// Waits until the server is at the statement that does not end, an UPDATE of the
    /// table on MySQL and a sleep on PostgreSQL. SQLite's is seen by what the run
    /// says before it.
    pub(crate) fn until_at_work(self, db: &Database, table: &str, said: &str) -> Self {
        let at_work = match db.server {
            Server::Mariadb | Server::Mysql => format!(
                "SELECT count(*) FROM information_schema.processlist \
                 WHERE db = DATABASE() AND info LIKE 'UPDATE {table} SET%'"
            ),
            Server::Postgres => "SELECT count(*) FROM pg_stat_activity \
                                 WHERE datname = current_database() AND wait_event = 'PgSleep'"
                .to_owned(),
            Server::Sqlite => return self.until(said),
        };
        eventually("it is at work", || db.value(&at_work) == "1");
        self
    }

    #[must_use]
    pub(crate) fn wait(mut self) -> Output {
        while let Some(line) = self.next_line() {
            self.read.push_str(&line);
        }
        let output = Output {
            stdout: std::mem::take(&mut self.read),
            stderr: self.stderr.iter().collect(),
            code: self
                .child
                .wait()
                .unwrap()
                .code()
                .expect("it ends by itself"),
        };
        output.check_always(&secrets(&self.said));
        output
    }

    /// `None` where there are no more: it has ended.
    fn next_line(&mut self) -> Option<String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.stdout.recv_timeout(left) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!("it still runs after {PATIENCE:?}: {}", self.read);
            }
        }
    }
}

impl Output {
    /// What is true of every output there is.
    fn check_always(&self, secrets: &[String]) {
        for stream in [&self.stdout, &self.stderr] {
            for secret in secrets {
                assert!(!stream.contains(secret), "a password: {self}");
            }
            let control = |c: char| c.is_control() && c != '\n';
            assert!(!stream.contains(control), "a control character: {self:?}");
            let longest = stream.lines().map(str::len).max().unwrap_or_default();
            assert!(longest <= LONGEST_LINE, "a line of {longest} bytes");
        }
        let known = matches!(self.code, 0 | 2..=10 | 130 | 143);
        assert!(
            known,
            "no exit code of docs/reference/exit-codes.md: {self}"
        );
        if !self.stdout.contains("Migration") {
            return;
        }
        let last = self.last_line();
        if self.code == 0 {
            assert!(SUCCEEDED.contains(&last), "{self}");
            assert_eq!(self.stderr, "", "a success has nothing to complain of");
        } else {
            assert!(last.starts_with("❌ Migration failed: "), "{self}");
            assert!(
                last.contains(" State: ") && last.contains(" Next: "),
                "{self}"
            );
            assert!(self.stderr.starts_with("error["), "{self}");
        }
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Standard output has the text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "nothing of `{text}`: {self}");
        self
    }

    #[track_caller]
    pub(crate) fn does_not_say(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text), "`{text}`: {self}");
        self
    }

    /// Standard error has the text.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "nothing of `{text}`: {self}");
        self
    }

    /// The last line of standard output has the text: it tells all.
    #[track_caller]
    pub(crate) fn ends(self, text: &str) -> Self {
        let last = self.last_line();
        assert!(last.contains(text), "it does not end with `{text}`: {self}");
        self
    }

    pub(crate) fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            stdout,
            stderr,
            code,
        } = self;
        write!(
            f,
            "\nexit {code}\n--- stdout\n{stdout}--- stderr\n{stderr}---"
        )
    }
}

/// The passwords of all URLs in what the program was told, in both forms, and
/// those that tests use wherever else they put them.
fn secrets(said: &[String]) -> Vec<String> {
    said.iter()
        .filter_map(|text| {
            let (user_info, _) = text.split_once("://")?.1.rsplit_once('@')?;
            let (_, password) = user_info.split_once(':')?;
            let decoded = percent_decode_str(password).decode_utf8_lossy();
            Some([password.to_owned(), decoded.into_owned()])
        })
        .flatten()
        .chain(["hush-hush", "secret-pw"].map(str::to_owned))
        .filter(|secret| !secret.is_empty())
        .collect()
}
