//! Small words: plurals and durations.

use crate::model::Subject;
use crate::plan::revert::LeftAlone;
use std::time::Duration;

/// `1 migration`, `2 migrations`.
pub(super) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => match noun.strip_suffix('y') {
            Some(stem) => format!("{number} {stem}ies"),
            None => format!("{number} {noun}s"),
        },
    }
}

/// Migrations and repeatable files, counted.
pub(super) fn things(subjects: impl Iterator<Item = Subject>) -> String {
    let (mut migrations, mut files) = (0, 0);
    for subject in subjects {
        match subject {
            Subject::Migration(_) => migrations += 1,
            Subject::Repeatable(_) => files += 1,
        }
    }
    match (migrations, files) {
        (_, 0) => count(migrations, "migration"),
        (0, _) => count(files, "repeatable file"),
        _ => format!(
            "{} and {}",
            count(migrations, "migration"),
            count(files, "repeatable file")
        ),
    }
}

/// A duration as a person says it: `12 ms`, `1.5 s`, `2 min 5 s`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration < Duration::from_millis(1) {
        "< 1 ms".to_owned()
    } else if seconds == 0 {
        format!("{} ms", duration.as_millis())
    } else if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else if seconds < 3600 {
        format!("{} min {} s", seconds / 60, seconds % 60)
    } else {
        format!("{} h {} min", seconds / 3600, seconds % 3600 / 60)
    }
}

/// Why an unconfirmed run is left as it is: a stable word for programs, and words.
pub(super) fn left_alone(why: &LeftAlone) -> (&'static str, String) {
    let (code, reason) = match why {
        LeftAlone::Confirmed => (
            "confirmed",
            "the newest run is confirmed, and what it did is live",
        ),
        LeftAlone::NeverConfirmed => (
            "never_confirmed",
            "no run of this database was ever confirmed (migrate confirm), so it is not known what \
             is live",
        ),
        LeftAlone::NothingStands => (
            "nothing_stands",
            "nothing of the newest run is still applied",
        ),
        LeftAlone::NoRun => ("no_run", "no run is recorded"),
        LeftAlone::OtherDeployment => (
            "other_deployment",
            "the newest run was started for another deployment",
        ),
        LeftAlone::Overtaken => (
            "overtaken",
            "newer migrations are applied that are not from the newest run",
        ),
        LeftAlone::Superseded => ("superseded", "another run has begun in the meantime"),
        LeftAlone::TooOld { age, within } => {
            let (age, within) = (duration(*age), duration(*within));
            return (
                "too_old",
                format!("the newest run began {age} ago, which is longer than --within {within}"),
            );
        }
    };
    (code, reason.to_owned())
}

/// A text on one line and without control characters, whoever wrote it: they
/// could forge a line, or clear a terminal.
pub(super) fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' | '\n' | '\r' => ' ',
        // Unicode has a picture of each: U+241B is that of U+001B.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(' '),
        '\u{7f}'..='\u{9f}' => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(
            printable("a\r\nb\tc \u{1b}[31m\u{9b}"),
            "a  b c ␛[31m\u{fffd}"
        );
    }

    #[test]
    fn durations_are_said_as_people_say_them() {
        for (milliseconds, said) in [
            (0, "< 1 ms"),
            (12, "12 ms"),
            (1_540, "1.5 s"),
            (125_000, "2 min 5 s"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), said);
        }
    }
}
