//! What comes before and after what: of files that are in order, where each needs
//! all that sort before it, or those that it names.

use crate::model::{Checksum, Migration, Needs, Version};
use std::cmp::Ordering;
use std::collections::HashSet;

/// What a tool says of versions and texts, whichever files there are.
pub trait Rules {
    /// Which of two versions comes first, also where no file has them; `None` where
    /// only files tell.
    fn compare(&self, one: &Version, other: &Version) -> Option<Ordering>;

    /// Whether a recorded checksum is that of this migration's text except for line
    /// endings or a byte order mark.
    fn same_but_for_line_endings(&self, _: &Migration, _recorded: &Checksum) -> bool {
        false
    }

    /// Whether a recorded checksum is that of a text without a statement that this
    /// migration's file may have had before.
    fn was_empty(&self, _: &Migration, _recorded: &Checksum) -> bool {
        false
    }
}

/// These and all that they need, in order. Versions that no file has are none of
/// them.
#[must_use]
pub fn lineage<'a, 'v>(
    files: &'a [Migration],
    of: impl IntoIterator<Item = &'v Version>,
) -> Vec<&'a Migration> {
    let mut wanted: HashSet<Version> = of.into_iter().cloned().collect();
    let mut lineage = Vec::new();
    let mut is_all_before = false;
    // Backwards, whoever needs one comes before it.
    for migration in files.iter().rev() {
        if is_all_before || wanted.contains(&migration.version) {
            is_all_before |= migration.needs == Needs::AllBefore;
            wanted.extend(migration.parents().cloned());
            lineage.push(migration);
        }
    }
    lineage.reverse();
    lineage
}

/// These and all that cannot be without them, in order. Versions that no file has
/// are none of them.
#[must_use]
pub fn dependents<'a, 'v>(
    files: &'a [Migration],
    of: impl IntoIterator<Item = &'v Version>,
) -> Vec<&'a Migration> {
    let mut on_them: HashSet<Version> = of.into_iter().cloned().collect();
    let mut dependents = Vec::new();
    for migration in files {
        let needs_one = match migration.needs {
            Needs::AllBefore => !dependents.is_empty(),
            Needs::These { .. } => migration.parents().any(|it| on_them.contains(it)),
        };
        if needs_one || on_them.contains(&migration.version) {
            on_them.insert(migration.version.clone());
            dependents.push(migration);
        }
    }
    dependents
}

/// Those that come after one on its branch, and all that cannot be without them, in
/// order. What only depends on it from another branch is none of them: it stays where
/// that one does.
#[must_use]
pub fn after<'a>(files: &'a [Migration], version: &Version) -> Vec<&'a Migration> {
    let at = files.iter().position(|it| it.version == *version);
    let is_next = |(number, it): &(usize, &Migration)| match it.needs {
        Needs::AllBefore => at.is_some_and(|at| *number == at + 1),
        Needs::These { .. } => it.follows().contains(version),
    };
    let next = files.iter().enumerate().filter(is_next);
    dependents(files, next.map(|(_, it)| &it.version))
}

/// Those that no other of them needs: where a schema is that has exactly these.
#[must_use]
pub fn tips<'a>(of: &[&'a Migration]) -> Vec<&'a Version> {
    let needed: HashSet<&Version> = of.iter().flat_map(|it| it.parents()).collect();
    let last = of.len().saturating_sub(1);
    let is_tip = |(at, migration): &(usize, &&Migration)| match migration.needs {
        Needs::AllBefore => *at == last,
        Needs::These { .. } => !needed.contains(&migration.version),
    };
    let tips = of.iter().enumerate().filter(is_tip);
    tips.map(|(_, migration)| &migration.version).collect()
}

/// Those that none comes after: where the branches of the files end.
#[must_use]
pub fn heads<'a>(of: &[&'a Migration]) -> Vec<&'a Migration> {
    let followed: HashSet<&Version> = of.iter().flat_map(|it| it.follows()).collect();
    let last = of.len().saturating_sub(1);
    let is_head = |(at, migration): &(usize, &&'a Migration)| match migration.needs {
        Needs::AllBefore => *at == last,
        Needs::These { .. } => !followed.contains(&migration.version),
    };
    let heads = of.iter().enumerate().filter(is_head);
    heads.map(|(_, migration)| *migration).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, Script};
    use crate::text::SourceFile;
    use std::sync::Arc;

    /// Migrations of `version:parent,parent`; of `version` alone, in a line.
    fn files(all: &[&str]) -> Vec<Migration> {
        let migration = |line: &&str| {
            let needs = line.split_once(':').map(|(_, parents)| Needs::These {
                follows: parents
                    .split(',')
                    .filter(|it| !it.is_empty())
                    .map(Version::new)
                    .collect(),
                depends_on: Vec::new(),
            });
            Migration {
                version: Version::new(line.split(':').next().unwrap_or_default()),
                name: String::new(),
                up: Script {
                    file: Arc::new(SourceFile::new("a", "")),
                    transaction: true,
                    body: Body::Delegated,
                    allow: Vec::new(),
                },
                down: None,
                checksum: None,
                needs: needs.unwrap_or_default(),
            }
        };
        all.iter().map(migration).collect()
    }

    fn names(found: &[&Migration]) -> String {
        let names: Vec<_> = found.iter().map(|it| it.version.as_str()).collect();
        names.join(" ")
    }

    #[test]
    fn in_a_line_everything_before_is_needed() {
        let files = files(&["1", "2", "3"]);
        let two = [Version::new("2")];
        assert_eq!(names(&lineage(&files, &two)), "1 2");
        assert_eq!(names(&dependents(&files, &two)), "2 3");
        assert_eq!(names(&after(&files, &two[0])), "3");
        assert_eq!(names(&lineage(&files, &[Version::new("9")])), "");
        assert_eq!(tips(&lineage(&files, &two)), [&two[0]]);
        assert_eq!(names(&heads(&lineage(&files, &two))), "2");
    }

    #[test]
    fn what_depends_on_one_from_another_branch_stays_beside_it() {
        let mut files = files(&["a:", "b:a", "x:", "y:x"]);
        if let Needs::These { depends_on, .. } = &mut files[2].needs {
            depends_on.push(Version::new("a"));
        }
        let a = Version::new("a");
        assert_eq!(names(&after(&files, &a)), "b");
        assert_eq!(names(&dependents(&files, [&a])), "a b x y");
    }

    #[test]
    fn in_a_graph_only_what_is_named_is_needed() {
        let files = files(&["a:", "b:a", "c:a", "d:b,c", "e:c"]);
        let of = |name: &str| [Version::new(name)];
        assert_eq!(names(&lineage(&files, &of("d"))), "a b c d");
        assert_eq!(names(&lineage(&files, &of("e"))), "a c e");
        assert_eq!(names(&dependents(&files, &of("b"))), "b d");
        assert_eq!(names(&after(&files, &Version::new("a"))), "b c d e");
        assert_eq!(names(&after(&files, &Version::new("b"))), "d");
        let both = lineage(&files, &[Version::new("b"), Version::new("c")]);
        assert_eq!(tips(&both).len(), 2);
        let all: Vec<_> = files.iter().collect();
        assert_eq!(names(&heads(&all)), "d e");
    }
}
