//! Files against those that are merged already: what somebody else's database may
//! have applied must stay as it is.
//!
//! Three states count. *Fork* is where this branch left the other: what was there
//! may not be edited or deleted. *Tip* is the other branch now: a new migration
//! must sort after what is there. A branch that is merely behind has none of what
//! was merged since, and is not told that it deleted it.

use crate::model::{Migration, Version};
use crate::order::{self, Rules};
use crate::text::{SourceFile, Span};
use std::collections::HashMap;
use std::sync::Arc;

/// One way in which a branch disagrees with what is merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// A merged migration has no file any more.
    Deleted { version: Version, path: String },
    /// A merged migration was changed, first at this place of its file.
    Edited { file: Arc<SourceFile>, at: Span },
    /// Once this branch is merged, there are several ends, and nothing says which is
    /// meant: each with its file.
    Heads { heads: Vec<(Version, String)> },
    /// A merged migration was changed in line endings or a byte order mark only.
    LineEndings { file: Arc<SourceFile> },
    /// A merged migration has another name, and may have another version.
    Renamed {
        path: String,
        file: Arc<SourceFile>,
        renumbered: bool,
    },
    /// A new migration sorts before a merged one.
    SortsBefore {
        file: Arc<SourceFile>,
        newest: Version,
        newest_path: String,
    },
    /// A new migration has the version of another that was merged meanwhile.
    VersionTaken { file: Arc<SourceFile>, by: String },
}

/// All disagreements: first of what was merged at the fork, then of what is new,
/// each in order of version.
#[must_use]
pub fn find(
    rules: &dyn Rules,
    files: &[Migration],
    fork: &[Migration],
    tip: &[Migration],
) -> Vec<Deviation> {
    let ours = by_version(files);
    let (at_fork, at_tip) = (by_version(fork), by_version(tip));
    // What the branch has for itself alone.
    let new: Vec<&Migration> = files
        .iter()
        .filter(|migration| !at_fork.contains_key(&migration.version))
        .filter(|migration| {
            at_tip
                .get(&migration.version)
                .is_none_or(|merged| !is_same(merged, migration))
        })
        .collect();
    let mut renumbered = Vec::new();
    let mut deviations = Vec::new();
    for merged in fork {
        let at_tip = at_tip.get(&merged.version);
        match ours.get(&merged.version) {
            Some(ours) if at_tip.is_some_and(|tip| is_same(tip, ours)) => {
                deviations.extend(renamed(merged, ours));
            }
            Some(ours) if is_same(ours, merged) => {
                deviations.extend(renamed(merged, ours));
            }
            Some(ours) => deviations.push(edited(rules, ours, merged)),
            // Deleted there, too.
            None if at_tip.is_none() => {}
            None => {
                let moved = new.iter().find(|new| is_moved(merged, new));
                let path = merged.up.file.path().to_owned();
                deviations.push(match moved {
                    Some(new) => {
                        renumbered.push(&new.version);
                        Deviation::Renamed {
                            path,
                            file: Arc::clone(&new.up.file),
                            renumbered: true,
                        }
                    }
                    None => Deviation::Deleted {
                        version: merged.version.clone(),
                        path,
                    },
                });
            }
        }
    }
    let others = new
        .iter()
        .filter(|migration| !renumbered.contains(&&migration.version));
    let is_after = |one: &Version, other| {
        let order = rules.compare(one, other);
        order.is_some_and(std::cmp::Ordering::is_gt)
    };
    for migration in others {
        let file = Arc::clone(&migration.up.file);
        if let Some(merged) = at_tip.get(&migration.version) {
            let by = merged.up.file.path().to_owned();
            deviations.push(Deviation::VersionTaken { file, by });
        } else if let Some(newest) = tip
            .last()
            .filter(|tip| is_after(&tip.version, &migration.version))
        {
            deviations.push(Deviation::SortsBefore {
                file,
                newest: newest.version.clone(),
                newest_path: newest.up.file.path().to_owned(),
            });
        }
    }
    let heads = heads_after_merge(files, fork, tip);
    let all: Vec<_> = files.iter().collect();
    if heads.len() > 1 && order::heads(&all).len() <= 1 {
        deviations.push(Deviation::Heads { heads });
    }
    deviations
}

/// The heads of both together: what one of them deleted since the fork is gone.
fn heads_after_merge(
    files: &[Migration],
    fork: &[Migration],
    tip: &[Migration],
) -> Vec<(Version, String)> {
    let (ours, at_fork) = (by_version(files), by_version(fork));
    let is_theirs =
        |it: &&Migration| !ours.contains_key(&it.version) && !at_fork.contains_key(&it.version);
    // Where they are in a line, the last of all is the only one.
    let both: Vec<_> = files.iter().chain(tip.iter().filter(is_theirs)).collect();
    let heads = order::heads(&both).into_iter();
    heads
        .map(|head| (head.version.clone(), head.up.file.path().to_owned()))
        .collect()
}

/// Whether two are the same by what their tool compares; where it keeps no checksum,
/// by their lines.
fn is_same(one: &Migration, other: &Migration) -> bool {
    if one.checksum.is_some() && other.checksum.is_some() {
        return one.checksum == other.checksum;
    }
    let (one, other) = (one.up.file.text(), other.up.file.text());
    one.lines().eq(other.lines())
}

/// Whether it is the same text under another version.
fn is_moved(merged: &Migration, new: &Migration) -> bool {
    merged.checksum.is_some() && merged.checksum == new.checksum
}

fn by_version(migrations: &[Migration]) -> HashMap<&Version, &Migration> {
    migrations
        .iter()
        .map(|migration| (&migration.version, migration))
        .collect()
}

/// Its text is as it was. To be given a way back is no new name.
fn renamed(merged: &Migration, ours: &Migration) -> Option<Deviation> {
    (merged.name != ours.name).then(|| Deviation::Renamed {
        path: merged.up.file.path().to_owned(),
        file: Arc::clone(&ours.up.file),
        renumbered: false,
    })
}

fn edited(rules: &dyn Rules, ours: &Migration, merged: &Migration) -> Deviation {
    let file = Arc::clone(&ours.up.file);
    let checksum = merged.checksum.as_ref();
    if checksum.is_some_and(|merged| rules.same_but_for_line_endings(ours, merged)) {
        Deviation::LineEndings { file }
    } else {
        let at = first_difference(file.text(), merged.up.file.text());
        Deviation::Edited { file, at }
    }
}

/// The first line of a text that the other has not at the same place; where it
/// only ends sooner, its last line.
fn first_difference(text: &str, other: &str) -> Span {
    let mut others = other.lines();
    let (mut start, mut last) = (0, Span::default());
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        last = Span::new(start, start + content.len());
        if others.next() != Some(content) {
            return last;
        }
        start += line.len();
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, Needs, Script};
    use std::cmp::Ordering;

    /// No order but that of the files, and no checksum.
    struct Graph;

    impl Rules for Graph {
        fn compare(&self, _: &Version, _: &Version) -> Option<Ordering> {
            None
        }
    }

    fn revision(id: &str, follows: Option<&str>, text: &str) -> Migration {
        let script = Script {
            file: Arc::new(SourceFile::new(format!("versions/{id}.py"), text)),
            transaction: true,
            body: Body::Delegated,
            allow: Vec::new(),
        };
        Migration {
            version: Version::new(id),
            name: String::new(),
            up: script.clone(),
            down: Some(script),
            checksum: None,
            needs: Needs::These {
                follows: follows.map(Version::new).into_iter().collect(),
                depends_on: Vec::new(),
            },
        }
    }

    #[test]
    fn two_branches_that_each_add_one_make_two_heads() {
        let a = revision("a", None, "");
        let (ours, theirs) = (revision("b", Some("a"), ""), revision("c", Some("a"), ""));
        let fork = std::slice::from_ref(&a);
        let tip = [a.clone(), theirs.clone()];
        let found = find(&Graph, &[a.clone(), ours], fork, &tip);
        let [Deviation::Heads { heads }] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(heads.len(), 2);
        // Rebased onto theirs, there is one again.
        let rebased = revision("b", Some("c"), "");
        assert_eq!(find(&Graph, &[a.clone(), theirs, rebased], &tip, &tip), []);
        // A branch that is merely behind has nothing to answer for.
        assert_eq!(find(&Graph, fork, fork, &tip), []);
    }

    #[test]
    fn without_a_checksum_the_lines_are_compared() {
        let (a, b) = (revision("a", None, "x\n"), revision("b", Some("a"), ""));
        let merged = [a.clone(), b];
        let found = find(&Graph, &[revision("a", None, "y\n")], &merged, &merged);
        let [
            Deviation::Edited { file, at },
            Deviation::Deleted { version, .. },
        ] = &found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!((file.slice(*at), version.as_str()), ("y", "b"));
        let with_crlf = [revision("a", None, "x\r\n")];
        let fork = std::slice::from_ref(&a);
        assert_eq!(find(&Graph, &with_crlf, fork, fork), []);
    }

    #[test]
    fn the_first_line_that_differs_is_shown() {
        let shown = |text: &'static str, other: &str| &text[first_difference(text, other).range()];
        assert_eq!(shown("a\nb\nc\n", "a\nx\nc\n"), "b");
        assert_eq!(shown("a\r\nb\r\nc", "a\nb\nx\n"), "c");
        assert_eq!(shown("a\nb\nc\n", "a\nb\n"), "c");
        assert_eq!(shown("a\nb\n", "a\nb\nc\n"), "b");
        assert_eq!(shown("", "a\n"), "");
    }
}
