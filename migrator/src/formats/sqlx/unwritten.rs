//! What a migration's file may have been before anybody wrote SQL into it: as it
//! was created, or the comments that it begins with.

/// No file begins with as many lines that say nothing else.
const LINES: usize = 200;

/// The texts without a statement that a file may have had, going by what it is
/// now and by the migration's name.
pub(super) fn texts(text: &str, name: &str) -> Vec<String> {
    let created = [
        String::new(),
        format!("-- Up: {name}\n"),
        // Those of sqlx's own `migrate add`.
        "-- Add migration script here\n".to_owned(),
        "-- Add up migration script here\n".to_owned(),
    ];
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let begins = beginnings(&text);
    let kept = begins.iter().flat_map(|end| {
        let whole = &text[..*end];
        let unended = whole.strip_suffix('\n').unwrap_or(whole);
        [whole.to_owned(), unended.to_owned()]
    });
    created.into_iter().chain(kept).collect()
}

/// Where each of the first lines ends that are comments or empty.
fn beginnings(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    let mut is_inside = false;
    for line in text.split_inclusive('\n').take(LINES) {
        let mut rest = line.trim();
        while !rest.is_empty() {
            if is_inside {
                let Some(end) = rest.find("*/") else { break };
                is_inside = false;
                rest = rest[end + 2..].trim_start();
            } else if rest.starts_with("--") || rest.starts_with('#') {
                rest = "";
            } else if rest.starts_with("/*") && !rest[2..].starts_with(['!', 'M', '+']) {
                is_inside = true;
                rest = &rest[2..];
            } else {
                return ends;
            }
        }
        at += line.len();
        if !is_inside {
            ends.push(at);
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comments_that_a_file_begins_with_may_have_been_all() {
        let text = "\u{feff}-- Up: a\r\n\r\n/* why\n   not */ -- so\n# x\nSELECT 1; -- no\n-- y\n";
        let texts = texts(text, "b c");
        for was in [
            "",
            "-- Up: b c\n",
            "-- Up: a",
            "-- Up: a\n\n",
            "-- Up: a\n\n/* why\n   not */ -- so\n",
            "-- Up: a\n\n/* why\n   not */ -- so\n# x\n",
        ] {
            assert!(texts.iter().any(|text| text == was), "{was:?}");
        }
        assert!(texts.iter().all(|text| !text.contains("SELECT")));
        assert!(texts.iter().all(|text| !text.ends_with("why\n")));
    }

    #[test]
    fn a_comment_that_is_run_is_none() {
        assert_eq!(beginnings("/*!40101 SET x = 1 */;\n"), Vec::<usize>::new());
        assert_eq!(beginnings("-- a\n/*! b */\n"), [5]);
    }
}
