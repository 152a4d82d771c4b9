//! Where a migration goes on that was begun and not ended: by the journal's
//! marks, and only if what is done is still what the file says.

use crate::history::journal::{CLAIM, REVERT, claim_digest, digest};
use crate::history::{Applied, Mark, Resume};
use crate::model::Direction;
use crate::sql::Statement;
use crate::text::SourceFile;

/// Finds the place by the marks of one migration.
///
/// # Errors
/// The 0-based number of the first done statement that the file no longer has.
pub fn point(
    file: &SourceFile,
    statements: &[Statement],
    marks: &[&Mark],
) -> Result<Resume, usize> {
    let mark = |number: usize| {
        marks
            .iter()
            .find(|mark| i64::try_from(number) == Ok(mark.statement))
    };
    let claim = marks
        .iter()
        .find(|mark| matches!(mark.statement, CLAIM | REVERT));
    let mut resume = Resume {
        run: claim.map(|mark| mark.run.clone()),
        ..Resume::default()
    };
    while let Some(mark) = mark(resume.done) {
        if !mark.done {
            resume.begun = Some((*mark).clone());
            break;
        }
        let same = statements
            .get(resume.done)
            .is_some_and(|statement| digest(file.slice_as_written(statement.span)) == mark.digest);
        if !same {
            return Err(resume.done);
        }
        resume.done += 1;
    }
    Ok(resume)
}

/// In which direction a migration that is not complete can go on: whether these
/// marks are of its row, and not of one that somebody has deleted, after which
/// another tool began the same migration again.
#[must_use]
pub fn direction(applied: &Applied, marks: &[&Mark]) -> Option<Direction> {
    let claim = applied.claim.map(claim_digest);
    marks
        .iter()
        .filter(|mark| Some(&mark.digest) == claim.as_ref())
        .find_map(|mark| match mark.statement {
            CLAIM => Some(Direction::Up),
            REVERT => Some(Direction::Down),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Version;
    use crate::sql::{Dialect, split};

    fn marks(file: &SourceFile, states: &[(i64, bool)]) -> Vec<Mark> {
        let statements = split(file, Dialect::Mysql).unwrap();
        let text = |number: i64| {
            usize::try_from(number)
                .ok()
                .and_then(|number| statements.get(number))
                .map_or("", |statement| file.slice(statement.span))
        };
        states
            .iter()
            .map(|&(statement, done)| Mark {
                version: Version::new("1"),
                statement,
                digest: digest(text(statement)),
                done,
                run: "migrate x".into(),
                connection: 7,
            })
            .collect()
    }

    fn found(file: &SourceFile, marks: &[Mark]) -> Result<(usize, bool), usize> {
        let statements = split(file, Dialect::Mysql).unwrap();
        let marks: Vec<_> = marks.iter().collect();
        point(file, &statements, &marks).map(|resume| (resume.done, resume.begun.is_some()))
    }

    #[test]
    fn it_goes_on_after_what_is_done() {
        let file = SourceFile::new("1_a.sql", "A; B; C;");
        assert_eq!(found(&file, &marks(&file, &[(-1, true)])), Ok((0, false)));
        assert_eq!(
            found(&file, &marks(&file, &[(-1, true), (0, true), (1, true)])),
            Ok((2, false))
        );
        assert_eq!(
            found(&file, &marks(&file, &[(-1, true), (0, true), (1, false)])),
            Ok((1, true))
        );
    }

    #[test]
    fn what_is_done_must_still_be_there() {
        let file = SourceFile::new("1_a.sql", "A; B; C;");
        let marks = marks(&file, &[(-1, true), (0, true), (1, true)]);
        let later = SourceFile::new("1_a.sql", "A; B; C is corrected;");
        assert_eq!(found(&later, &marks), Ok((2, false)));
        let earlier = SourceFile::new("1_a.sql", "A; changed; C;");
        assert_eq!(found(&earlier, &marks), Err(1));
        let shorter = SourceFile::new("1_a.sql", "A;");
        assert_eq!(found(&shorter, &marks), Err(1));
    }
}
