//! Alembic's revisions against those that are merged already. Alembic keeps no
//! checksum: an edited revision is simply another one, for every database that has
//! it already; and two branches that each add a revision make two heads, which
//! git merges without a word.

use super::merged::first_difference;
use crate::formats::alembic::{Graph, Revision};
use crate::text::{SourceFile, Span};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One way in which a branch disagrees with what is merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// A merged revision has no file any more.
    Deleted { id: String, path: String },
    /// A merged revision was changed, first at this place of its file.
    Edited { file: Arc<SourceFile>, at: Span },
    /// Once this branch is merged, there are several heads.
    Heads { heads: Vec<(String, String)> },
}

/// All disagreements; `fork` is where this branch left the other, `tip` the other
/// now.
#[must_use]
pub fn find(files: &Graph, fork: &[Revision], tip: &[Revision]) -> Vec<Divergence> {
    let find = |all: &[Revision], id: &str| all.iter().find(|it| it.id == id).cloned();
    let mut found = Vec::new();
    for merged in fork {
        let at_tip = find(tip, &merged.id);
        match files.find(&merged.id) {
            None if at_tip.is_none() => {}
            None => found.push(Divergence::Deleted {
                id: merged.id.clone(),
                path: merged.file.path().to_owned(),
            }),
            Some(ours) => {
                let is_as =
                    |other: &Revision| ours.file.text().lines().eq(other.file.text().lines());
                if !is_as(merged) && !at_tip.as_ref().is_some_and(is_as) {
                    found.push(Divergence::Edited {
                        at: first_difference(ours.file.text(), merged.file.text()),
                        file: Arc::clone(&ours.file),
                    });
                }
            }
        }
    }
    let heads = heads_after_merge(files, fork, tip);
    if heads.len() > 1 && files.heads().len() <= 1 {
        found.push(Divergence::Heads { heads });
    }
    found
}

/// The heads of both together: what one of them deleted since the fork is gone.
fn heads_after_merge(files: &Graph, fork: &[Revision], tip: &[Revision]) -> Vec<(String, String)> {
    let ids = |all: &[Revision]| all.iter().map(|it| it.id.clone()).collect::<BTreeSet<_>>();
    let (at_fork, ours) = (ids(fork), ids(files.revisions()));
    let theirs_alone = tip
        .iter()
        .filter(|it| !ours.contains(&it.id) && !at_fork.contains(&it.id));
    let all: Vec<&Revision> = files.revisions().iter().chain(theirs_alone).collect();
    let followed: BTreeSet<&str> = all
        .iter()
        .flat_map(|it| it.follows.iter().map(String::as_str))
        .collect();
    all.iter()
        .filter(|it| !followed.contains(it.id.as_str()))
        .map(|it| (it.id.clone(), it.file.path().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(id: &str, follows: Option<&str>, body: &str) -> Revision {
        let follows = follows.map_or("None".to_owned(), |id| format!("'{id}'"));
        let text = format!("revision = '{id}'\ndown_revision = {follows}\n{body}\n");
        let file = SourceFile::new(format!("versions/{id}.py"), text);
        Revision::read(&Arc::new(file)).unwrap()
    }

    fn graph(revisions: &[Revision]) -> Graph {
        Graph::of(revisions.to_vec()).unwrap()
    }

    #[test]
    fn two_branches_that_each_add_a_revision_make_two_heads() {
        let a = revision("a", None, "");
        let (ours, theirs) = (revision("b", Some("a"), ""), revision("c", Some("a"), ""));
        let found = find(
            &graph(&[a.clone(), ours.clone()]),
            std::slice::from_ref(&a),
            &[a.clone(), theirs.clone()],
        );
        let [Divergence::Heads { heads }] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(heads.len(), 2);
        // Rebased onto theirs, there is one again.
        let rebased = revision("b", Some("c"), "");
        let tip = [a.clone(), theirs.clone()];
        assert_eq!(find(&graph(&[a.clone(), theirs, rebased]), &tip, &tip), []);
        // A branch that is merely behind has nothing to answer for.
        assert_eq!(
            find(
                &graph(std::slice::from_ref(&a)),
                std::slice::from_ref(&a),
                &tip
            ),
            []
        );
    }

    #[test]
    fn a_merged_revision_may_be_neither_edited_nor_deleted() {
        let (a, b) = (revision("a", None, "x"), revision("b", Some("a"), ""));
        let merged = [a.clone(), b];
        let edited = find(&graph(&[revision("a", None, "y")]), &merged, &merged);
        assert!(matches!(&edited[0], Divergence::Edited { file, at } if file.slice(*at) == "y"));
        assert!(matches!(&edited[1], Divergence::Deleted { id, .. } if id == "b"));
        let with_crlf = Revision {
            file: Arc::new(SourceFile::new(
                "versions/a.py",
                a.file.text().replace('\n', "\r\n"),
            )),
            ..a.clone()
        };
        assert_eq!(
            find(
                &graph(&[with_crlf]),
                std::slice::from_ref(&a),
                std::slice::from_ref(&a)
            ),
            []
        );
    }
}
