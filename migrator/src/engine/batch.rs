//! Which migrations travel together: in one message, each a transaction of its
//! own.

use super::Step;

/// The largest message that is made of several migrations, in bytes.
const LARGEST_MESSAGE: usize = 256 * 1024;

/// How many of the first steps go in one message: never more than `most`, which
/// is the database's, and at least one where there is any.
pub(crate) fn length(steps: &[Step<'_>], most: usize) -> usize {
    let mut size = 0;
    steps
        .iter()
        .enumerate()
        .take(most)
        .take_while(|(number, step)| {
            size += step.migration.up.file.text().len();
            let is_first = *number == 0;
            let alone = step.is_alone() || steps[0].is_alone();
            is_first || (!alone && size <= LARGEST_MESSAGE)
        })
        .count()
}
