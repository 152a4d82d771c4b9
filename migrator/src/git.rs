//! What a git repository says: by the git command, for git is git's. The only room
//! that starts a process. It changes nothing, and needs nothing that is newer than
//! git 2.30.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder of a working tree, of which git is asked.
pub(crate) struct Git {
    folder: PathBuf,
}

/// A commit's full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit(String);

/// A file of the folder in a commit.
pub(crate) struct GitFile {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

/// How a file of the working tree differs from what is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    Changed,
    Ignored,
    Untracked,
}

/// Why git has no answer; `said` is the first line of what it said.
#[derive(Debug)]
pub enum GitError {
    /// It failed at what it can always do.
    Failed { command: String, said: String },
    /// There is no git command.
    NoCommand { cause: io::Error },
    /// The branch and the other have no commit in common, as far as is known here.
    NoCommonCommit { reference: String, is_shallow: bool },
    /// The folder is in no working tree.
    NotARepository { folder: PathBuf, said: String },
    /// No commit has this name.
    UnknownReference { reference: String, is_shallow: bool },
}

impl Git {
    /// Asks of a folder, which must be there.
    ///
    /// # Errors
    /// No git command, or no working tree around the folder.
    pub(crate) fn of(folder: &Path) -> Result<Self, GitError> {
        let git = Self {
            folder: folder.to_owned(),
        };
        let output = git.run(&["rev-parse", "--show-toplevel"])?;
        if output.status.success() {
            Ok(git)
        } else {
            Err(GitError::NotARepository {
                folder: folder.to_owned(),
                said: first_line(&output.stderr),
            })
        }
    }

    /// The commit of a branch, a tag, or any other name that git knows.
    ///
    /// # Errors
    /// No commit has the name.
    pub(crate) fn commit(&self, reference: &str) -> Result<Commit, GitError> {
        let unknown = || {
            Ok(GitError::UnknownReference {
                reference: reference.to_owned(),
                is_shallow: self.is_shallow()?,
            })
        };
        // git would take it for an option; no name begins like that.
        if reference.starts_with('-') || reference.is_empty() {
            return Err(unknown()?);
        }
        let commit = format!("{reference}^{{commit}}");
        let output = self.run(&["rev-parse", "--verify", "--quiet", &commit])?;
        if output.status.success() {
            Ok(Commit(first_line(&output.stdout)))
        } else {
            Err(unknown()?)
        }
    }

    /// The commit at which the current branch left the other.
    ///
    /// # Errors
    /// There is none, or a shallow clone does not know it.
    pub(crate) fn fork(&self, reference: &str, other: &Commit) -> Result<Commit, GitError> {
        let output = self.run(&["merge-base", &other.0, "HEAD"])?;
        if output.status.success() {
            Ok(Commit(first_line(&output.stdout)))
        } else {
            Err(GitError::NoCommonCommit {
                reference: reference.to_owned(),
                is_shallow: self.is_shallow()?,
            })
        }
    }

    /// The folder's files in a commit whose names are wanted: none where the folder
    /// is not in it. Links and subfolders are passed over.
    ///
    /// # Errors
    /// An object that cannot be read.
    pub(crate) fn files(
        &self,
        commit: &Commit,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<GitFile>, GitError> {
        // In a subfolder, git lists that folder, by names relative to it.
        let listed = self.answer(&["ls-tree", "-z", &commit.0])?;
        let listed = String::from_utf8_lossy(&listed);
        let wanted: Vec<(&str, &str)> = listed
            .split('\0')
            .filter_map(entry)
            .filter(|(name, _)| is_wanted(name))
            .collect();
        let mut objects = Objects::open(self)?;
        wanted
            .into_iter()
            .map(|(name, object)| {
                let content = objects.read(object).map_err(|cause| GitError::Failed {
                    command: format!("cat-file {object}"),
                    said: cause.to_string(),
                })?;
                let name = name.to_owned();
                Ok(GitFile { name, content })
            })
            .collect()
    }

    /// The files among some paths, relative to the folder, that are not in the last
    /// commit as they are here.
    ///
    /// # Errors
    /// A repository that cannot be read.
    pub(crate) fn differences(
        &self,
        paths: &[String],
    ) -> Result<Vec<(Difference, String)>, GitError> {
        let prefix = self.answer(&["rev-parse", "--show-prefix"])?;
        let prefix = first_line(&prefix);
        let mut args = vec![
            "--literal-pathspecs",
            "status",
            "--porcelain=v1",
            "-z",
            "--no-renames",
            "--ignored=traditional",
            "--untracked-files=all",
            "--",
        ];
        args.extend(paths.iter().map(String::as_str));
        let listed = self.answer(&args)?;
        let listed = String::from_utf8_lossy(&listed);
        let difference = |line: &str| {
            let (standing, path) = line.split_at_checked(3)?;
            let difference = match standing {
                "?? " => Difference::Untracked,
                "!! " => Difference::Ignored,
                _ => Difference::Changed,
            };
            // Its paths begin at the repository's root.
            let path = path.strip_prefix(&prefix).unwrap_or(path);
            Some((difference, path.to_owned()))
        };
        Ok(listed.split('\0').filter_map(difference).collect())
    }

    /// The address that the repository is pushed to, and its main branch, or else the
    /// one that is checked out, as far as there are any.
    pub(crate) fn origin(&self) -> (Option<String>, Option<String>) {
        let said = |args: &[&str]| {
            let said = first_line(&self.answer(args).ok()?);
            (!said.is_empty()).then_some(said)
        };
        let main = said(&[
            "symbolic-ref",
            "--quiet",
            "--short",
            "refs/remotes/origin/HEAD",
        ]);
        let main = main.and_then(|branch| Some(branch.strip_prefix("origin/")?.to_owned()));
        (
            said(&["remote", "get-url", "origin"]),
            main.or_else(|| said(&["symbolic-ref", "--quiet", "--short", "HEAD"])),
        )
    }

    fn is_shallow(&self) -> Result<bool, GitError> {
        let output = self.run(&["rev-parse", "--is-shallow-repository"])?;
        Ok(first_line(&output.stdout) == "true")
    }

    fn answer(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        let output = self.run(args)?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(GitError::Failed {
                command: args.join(" "),
                said: first_line(&output.stderr),
            })
        }
    }

    fn run(&self, args: &[&str]) -> Result<Output, GitError> {
        let run = self.command(args).stdin(Stdio::null()).output();
        run.map_err(|cause| GitError::NoCommand { cause })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.folder)
            .args(args)
            // Its words are quoted; and nobody is there to be asked.
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0");
        command
    }
}

/// The name and object of a file in `MODE TYPE OBJECT<tab>NAME`.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (facts, name) = line.split_once('\t')?;
    let mut facts = facts.split(' ');
    let (mode, object) = (facts.next()?, facts.nth(1)?);
    mode.starts_with("100").then_some((name, object))
}

/// One process that hands over objects as they are asked for.
struct Objects {
    child: Child,
    answers: BufReader<Box<dyn Read>>,
}

impl Objects {
    fn open(git: &Git) -> Result<Self, GitError> {
        let mut child = git
            .command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| GitError::NoCommand { cause })?;
        let answers: Box<dyn Read> = match child.stdout.take() {
            Some(stdout) => Box::new(stdout),
            None => Box::new(io::empty()),
        };
        Ok(Self {
            child,
            answers: BufReader::new(answers),
        })
    }

    /// Asks for one and reads it whole before the next: neither side waits for the
    /// other with its pipe full.
    fn read(&mut self, object: &str) -> io::Result<Vec<u8>> {
        if let Some(questions) = &mut self.child.stdin {
            writeln!(questions, "{object}")?;
            questions.flush()?;
        }
        let mut header = String::new();
        self.answers.read_line(&mut header)?;
        let size = header
            .trim_end()
            .rsplit_once(' ')
            .and_then(|(_, size)| size.parse().ok())
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, header.trim().to_owned()))?;
        let mut content = vec![0; size];
        self.answers.read_exact(&mut content)?;
        self.answers.read_exact(&mut [0])?;
        Ok(content)
    }
}

impl Drop for Objects {
    /// It ends by itself when it is asked nothing more.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn first_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().next().unwrap_or_default().to_owned()
}
