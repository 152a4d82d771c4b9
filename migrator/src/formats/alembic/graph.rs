//! The graph of the revisions: which follows which, and what that makes of them.

use super::revision::Revision;
use crate::formats::GraphError;
use crate::model::Migration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Revisions that can be put in order, each after all that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Graph {
    revisions: Vec<Revision>,
}

impl Graph {
    /// Puts revisions in order; among equals, that of their files' names.
    ///
    /// # Errors
    /// The first thing for which Alembic could not order them either.
    pub(super) fn of(mut revisions: Vec<Revision>) -> Result<Self, GraphError> {
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
    pub(super) fn migrations(&self) -> Vec<Migration> {
        self.revisions.iter().map(Revision::migration).collect()
    }

    /// Whether it ends in several heads, and nothing says which is meant.
    #[must_use]
    pub(super) fn is_ambiguous(&self) -> bool {
        self.heads().len() > 1 && !self.has_branches()
    }

    /// Those that none follows.
    fn heads(&self) -> Vec<&Revision> {
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
    fn has_branches(&self) -> bool {
        let heads = self.heads();
        let labels: Vec<BTreeSet<&str>> = heads.iter().map(|head| self.labels(head)).collect();
        labels.iter().enumerate().all(|(number, own)| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::SourceFile;

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

    fn ids(graph: &Graph) -> Vec<&str> {
        graph.revisions.iter().map(|it| it.id.as_str()).collect()
    }

    #[test]
    fn each_comes_after_what_it_follows() {
        let graph = graph(&["z", "m:z", "a:m"]).unwrap();
        assert_eq!(ids(&graph), ["z", "m", "a"]);
        assert!(!graph.is_ambiguous());
    }

    #[test]
    fn two_that_follow_one_are_two_heads_until_they_are_merged() {
        assert!(graph(&["a", "b:a", "c:a"]).unwrap().is_ambiguous());
        let merged = graph(&["a", "b:a", "c:a", "d:b,c"]).unwrap();
        assert_eq!(ids(&merged), ["a", "b", "c", "d"]);
        assert!(!merged.is_ambiguous());
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
}
