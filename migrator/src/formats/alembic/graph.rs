//! The graph of the revisions: which follows which, and what that makes of them.

use super::revision::Revision;
use crate::text::{SourceFile, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Revisions that can be put in order, each after all that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    revisions: Vec<Revision>,
}

/// Why revisions are no graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// Each of them needs another of them.
    Cycle { ids: Vec<String> },
    /// Two files have one name.
    Duplicate {
        id: String,
        first: Arc<SourceFile>,
        second: Arc<SourceFile>,
        /// In the second.
        span: Span,
    },
    /// One follows a revision that no file has.
    MissingParent {
        id: String,
        parent: String,
        file: Arc<SourceFile>,
        span: Span,
    },
}

impl Graph {
    /// Puts revisions in order; among equals, that of their files' names.
    ///
    /// # Errors
    /// The first thing for which Alembic could not order them either.
    pub fn of(mut revisions: Vec<Revision>) -> Result<Self, GraphError> {
        revisions.sort_by(|one, other| one.file.path().cmp(other.file.path()));
        name_branches(&mut revisions);
        let mut known: BTreeMap<&str, &Revision> = BTreeMap::new();
        for revision in &revisions {
            if let Some(first) = known.insert(&revision.id, revision) {
                return Err(GraphError::Duplicate {
                    id: revision.id.clone(),
                    first: Arc::clone(&first.file),
                    second: Arc::clone(&revision.file),
                    span: revision.span,
                });
            }
        }
        for revision in &revisions {
            for parent in revision.parents() {
                if !known.contains_key(parent) {
                    return Err(GraphError::MissingParent {
                        id: revision.id.clone(),
                        parent: parent.to_owned(),
                        file: Arc::clone(&revision.file),
                        span: revision.follows_span,
                    });
                }
            }
        }
        let mut placed: BTreeSet<String> = BTreeSet::new();
        let mut rest = revisions;
        let mut ordered = Vec::with_capacity(rest.len());
        while !rest.is_empty() {
            let is_ready = |it: &Revision| it.parents().all(|parent| placed.contains(parent));
            let (ready, waiting): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_ready);
            if ready.is_empty() {
                let ids = waiting.into_iter().map(|revision| revision.id).collect();
                return Err(GraphError::Cycle { ids });
            }
            placed.extend(ready.iter().map(|revision| revision.id.clone()));
            ordered.extend(ready);
            rest = waiting;
        }
        Ok(Self { revisions: ordered })
    }

    /// All of them, each after what it needs.
    #[must_use]
    pub fn revisions(&self) -> &[Revision] {
        &self.revisions
    }

    /// The revision of this name.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Revision> {
        self.revisions.iter().find(|revision| revision.id == id)
    }

    /// Of where a database is, what no file has.
    pub fn unknown<'a>(&self, current: &'a [String]) -> impl Iterator<Item = &'a String> {
        current.iter().filter(|id| self.find(id).is_none())
    }

    /// The revision that a person means: by its name, or by the beginning of it
    /// that no other has, as Alembic's own commands take it.
    #[must_use]
    pub fn meant(&self, typed: &str) -> Option<&Revision> {
        self.find(typed).or_else(|| {
            let mut begin = self.revisions.iter().filter(|it| it.id.starts_with(typed));
            match (begin.next(), begin.next()) {
                (Some(only), None) if typed.len() >= SHORTEST => Some(only),
                _ => None,
            }
        })
    }

    /// Those that none follows.
    #[must_use]
    pub fn heads(&self) -> Vec<&Revision> {
        let followed: BTreeSet<&str> = self
            .revisions
            .iter()
            .flat_map(|it| it.follows.iter().map(String::as_str))
            .collect();
        self.revisions
            .iter()
            .filter(|revision| !followed.contains(revision.id.as_str()))
            .collect()
    }

    /// Whether each of several heads is of a branch with a label of its own: such
    /// branches need never be merged, and `upgrade heads` brings up all of them.
    #[must_use]
    pub fn has_branches(&self) -> bool {
        let heads = self.heads();
        let labels: Vec<BTreeSet<&str>> = heads.iter().map(|head| self.labels(head)).collect();
        heads.len() > 1
            && labels.iter().enumerate().all(|(number, own)| {
                let others = labels.iter().enumerate().filter(|(at, _)| *at != number);
                let taken: BTreeSet<&str> = others.flat_map(|(_, other)| other).copied().collect();
                own.iter().any(|label| !taken.contains(label))
            })
    }

    /// The labels of a revision's branch, and of those that it came from.
    fn labels(&self, head: &Revision) -> BTreeSet<&str> {
        let mut branch = BTreeSet::from([head.id.as_str()]);
        let mut labels = BTreeSet::new();
        // Backwards, whoever follows comes before what it follows.
        for revision in self.revisions.iter().rev() {
            if branch.contains(revision.id.as_str()) {
                branch.extend(revision.follows.iter().map(String::as_str));
                labels.extend(revision.branch_labels.iter().map(String::as_str));
            }
        }
        labels
    }

    /// These and all that they need, in order. Names that no file has are none of
    /// them.
    #[must_use]
    pub fn lineage<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Vec<&Revision> {
        let mut wanted: BTreeSet<String> = ids.into_iter().map(str::to_owned).collect();
        // Backwards, whoever needs one comes before it.
        for revision in self.revisions.iter().rev() {
            if wanted.contains(&revision.id) {
                wanted.extend(revision.parents().map(str::to_owned));
            }
        }
        self.revisions
            .iter()
            .filter(|revision| wanted.contains(&revision.id))
            .collect()
    }

    /// What is still to be applied to come to these from where a database is, in
    /// order.
    #[must_use]
    pub fn pending<'a>(
        &self,
        to: impl IntoIterator<Item = &'a str>,
        current: &[String],
    ) -> Vec<&Revision> {
        let applied = self.lineage(current.iter().map(String::as_str));
        let mut pending = self.lineage(to);
        pending.retain(|revision| !applied.iter().any(|it| it.id == revision.id));
        pending
    }

    /// What a downgrade to this revision takes back of what is applied, the newest
    /// first: whatever stands on it. To `None`, which is the beginning, all.
    #[must_use]
    pub fn above(&self, target: Option<&str>, current: &[String]) -> Vec<&Revision> {
        let mut above = self.lineage(current.iter().map(String::as_str));
        if let Some(target) = target {
            let mut on_it = BTreeSet::from([target]);
            for revision in &self.revisions {
                if revision.parents().any(|parent| on_it.contains(parent)) {
                    on_it.insert(&revision.id);
                }
            }
            above.retain(|it| it.id != target && on_it.contains(it.id.as_str()));
        }
        above.reverse();
        above
    }

    /// What the version table says when exactly these are applied: those that no
    /// other of them needs.
    #[must_use]
    pub fn tips<'a>(applied: &[&'a Revision]) -> Vec<&'a str> {
        let needed: BTreeSet<&str> = applied.iter().flat_map(|it| it.parents()).collect();
        let mut tips: Vec<&str> = applied
            .iter()
            .map(|revision| revision.id.as_str())
            .filter(|id| !needed.contains(*id))
            .collect();
        tips.sort_unstable();
        tips
    }
}

/// What a revision depends on may be called by its branch's label: puts the name
/// in its place.
fn name_branches(revisions: &mut [Revision]) {
    let labels: BTreeMap<String, String> = revisions
        .iter()
        .flat_map(|it| {
            it.branch_labels
                .iter()
                .map(|label| (label.clone(), it.id.clone()))
        })
        .collect();
    for revision in revisions {
        for parent in &mut revision.depends_on {
            if let Some(id) = labels.get(parent) {
                parent.clone_from(id);
            }
        }
    }
}

/// Alembic takes no shorter beginning of a name.
const SHORTEST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// Revisions of `id:parent,parent`.
    fn graph(all: &[&str]) -> Result<Graph, GraphError> {
        let revision = |line: &&str| {
            let (id, follows) = line.split_once(':').unwrap_or((line, ""));
            let follows: Vec<_> = follows.split(',').filter(|it| !it.is_empty()).collect();
            let text = format!("revision = '{id}'\ndown_revision = {follows:?}\n");
            let file = SourceFile::new(format!("versions/{id}.py"), text);
            Revision::read(&Arc::new(file)).unwrap()
        };
        Graph::of(all.iter().map(revision).collect())
    }

    fn ids(revisions: &[&Revision]) -> Vec<String> {
        revisions.iter().map(|it| it.id.clone()).collect()
    }

    fn current(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    #[test]
    fn each_comes_after_what_it_follows() {
        let graph = graph(&["z", "m:z", "a:m"]).unwrap();
        let all: Vec<_> = graph.revisions().iter().collect();
        assert_eq!(ids(&all), ["z", "m", "a"]);
        assert_eq!(ids(&graph.heads()), ["a"]);
        assert_eq!(ids(&graph.pending(["a"], &[])), ["z", "m", "a"]);
        assert_eq!(ids(&graph.pending(["a"], &current(&["m"]))), ["a"]);
        assert_eq!(ids(&graph.above(Some("z"), &current(&["a"]))), ["a", "m"]);
        assert_eq!(ids(&graph.above(None, &current(&["m"]))), ["m", "z"]);
        assert_eq!(ids(&graph.above(Some("a"), &current(&["m"]))), [""; 0]);
    }

    #[test]
    fn two_that_follow_one_are_two_heads_until_they_are_merged() {
        assert_eq!(
            ids(&graph(&["a", "b:a", "c:a"]).unwrap().heads()),
            ["b", "c"]
        );
        let merged = graph(&["a", "b:a", "c:a", "d:b,c"]).unwrap();
        assert_eq!(ids(&merged.heads()), ["d"]);
        // Without the merge, both branches stand.
        let above = merged.above(Some("b"), &current(&["d"]));
        assert_eq!(ids(&above), ["d"]);
        let stay: Vec<_> = merged.lineage(["b", "c"]);
        assert_eq!(Graph::tips(&stay), ["b", "c"]);
    }

    #[test]
    fn what_is_no_graph_is_told() {
        let missing = graph(&["a:x"]).unwrap_err();
        assert!(matches!(missing, GraphError::MissingParent { parent, .. } if parent == "x"));
        let cycle = graph(&["a", "b:c", "c:b"]).unwrap_err();
        assert_eq!(
            cycle,
            GraphError::Cycle {
                ids: vec!["b".into(), "c".into()]
            }
        );
        let file = |path: &str| {
            let text = "revision = 'a'\ndown_revision = None\n";
            Revision::read(&Arc::new(SourceFile::new(path, text))).unwrap()
        };
        let twice = Graph::of(vec![file("versions/1.py"), file("versions/2.py")]).unwrap_err();
        assert!(matches!(twice, GraphError::Duplicate { id, .. } if id == "a"));
    }

    #[test]
    fn a_beginning_that_no_other_has_is_enough() {
        let graph = graph(&["ae1027", "ae1975:ae1027"]).unwrap();
        assert_eq!(graph.meant("ae10").unwrap().id, "ae1027");
        assert_eq!(graph.meant("ae1"), None);
        assert_eq!(graph.meant("ae1975").unwrap().id, "ae1975");
    }
}
