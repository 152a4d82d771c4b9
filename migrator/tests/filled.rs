//! Texts with variables, filled with values that nobody would think of: the way
//! back to what was written, and what a message may show of a value.

use migrate::text::{Fill, SourceFile, Span};
use proptest::prelude::*;
use std::sync::Arc;

/// A text in parts: as it is, or a variable with its value.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Variable(String),
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![
        "[a-c;é日\n ]{0,6}".prop_map(Part::Text),
        "[a-c;é日'\n ]{0,9}".prop_map(Part::Variable),
    ];
    prop::collection::vec(part, 0..8)
}

struct Filled {
    file: Arc<SourceFile>,
    written: String,
    /// Of each part, where it is in the filled and in the written text.
    places: Vec<(Part, Span, Span)>,
}

fn filled(parts: &[Part]) -> Filled {
    let mut written = String::new();
    let mut at = 0;
    let mut fills = Vec::new();
    let mut places = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let start = written.len();
        let length = match part {
            Part::Text(text) => {
                written.push_str(text);
                text.len()
            }
            Part::Variable(value) => {
                let name = format!("V{number}");
                written = written + "${" + &name + "}";
                fills.push(Fill {
                    span: Span::new(start, written.len()),
                    name,
                    value: value.clone(),
                });
                value.len()
            }
        };
        let place = (
            part.clone(),
            Span::new(at, at + length),
            Span::new(start, written.len()),
        );
        places.push(place);
        at += length;
    }
    let file = Arc::new(SourceFile::new("1_a.sql", written.clone()));
    Filled {
        file: Arc::new(SourceFile::filled(&file, fills)),
        written,
        places,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn what_was_not_filled_in_leads_back_to_itself(
        parts in parts(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let filled = filled(&parts);
        for (part, in_filled, in_written) in &filled.places {
            let Part::Text(text) = part else { continue };
            let boundaries: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (one, other) = (*from.get(&boundaries), *to.get(&boundaries));
            let (start, end) = (one.min(other), one.max(other));
            if start == end { continue }
            let span = Span::new(in_filled.start + start, in_filled.start + end);
            let expected = Span::new(in_written.start + start, in_written.start + end);
            let (file, back) = filled.file.written(span);
            prop_assert_eq!(file.text(), &filled.written);
            prop_assert_eq!(back, expected);
            prop_assert_eq!(filled.file.slice(span), file.slice(back));
        }
    }

    #[test]
    fn a_part_of_a_value_is_its_variable(parts in parts(), at in any::<prop::sample::Index>()) {
        let filled = filled(&parts);
        for (part, in_filled, in_written) in &filled.places {
            let Part::Variable(value) = part else { continue };
            let Some((offset, c)) = value.char_indices().nth(at.index(value.len() + 1)) else { continue };
            let start = in_filled.start + offset;
            let (_, back) = filled.file.written(Span::new(start, start + c.len_utf8()));
            prop_assert_eq!(back, *in_written);
        }
    }

    /// Any span is a span of the other text, too, and the longer holds the shorter.
    #[test]
    fn every_span_has_a_place(
        parts in parts(),
        ends in prop::array::uniform4(any::<prop::sample::Index>()),
    ) {
        let filled = filled(&parts);
        let text = filled.file.text();
        let boundaries: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut ends = ends.map(|end| *end.get(&boundaries));
        ends.sort_unstable();
        let [outer, start, end, last] = ends;
        let (file, inner) = filled.file.written(Span::new(start, end));
        let _ = file.slice(inner);
        let _ = filled.file.slice_as_written(Span::new(start, end));
        let (_, outer) = filled.file.written(Span::new(outer, last));
        prop_assert!(inner.is_empty() || (outer.start <= inner.start && inner.end <= outer.end));
    }

    /// A statement is known by its text as written, whatever its values are: those
    /// that are no part of a statement, blanks and comments, change nothing either.
    #[test]
    fn a_statement_is_the_same_whatever_the_values(
        one in prop::array::uniform3("[a-c]{1,3}|/\\* x \\*/| {0,2}"),
        other in prop::array::uniform3("[a-c]{1,3}|/\\* x \\*/| {0,2}"),
    ) {
        use migrate::sql::{Dialect, split};
        let known = |values: &[String; 3]| {
            let text = |text: &str| Part::Text(text.to_owned());
            let value = |number: usize| Part::Variable(values[number].clone());
            let filled = filled(&[
                text("SELECT 1 "), value(0), text(";\n"), value(1), text("\nSELECT 2 "),
                value(2), text("x;\n"),
            ]);
            let statements = split(&filled.file, Dialect::Postgres).ok();
            statements.map(|statements| {
                let text = |it: &migrate::sql::Statement| filled.file.slice_as_written(it.span).to_owned();
                statements.iter().map(text).collect::<Vec<_>>()
            })
        };
        prop_assert_eq!(known(&one), known(&other));
    }

    #[test]
    fn no_value_is_left_in_a_message(
        value in "[k-z0-9é日'\\\\ .\n]{3,40}",
        before in "[ A-J\"'(]{0,12}",
        after in "[ A-J\"')]{0,12}",
    ) {
        let parts = [Part::Text("x".into()), Part::Variable(value.clone())];
        let file = filled(&parts).file;
        for shown in [value.clone(), value.to_uppercase().to_lowercase(), value.replace("''", "'")] {
            // With its quotes undone it may be too short to tell anything.
            if shown.len() < 3 {
                continue;
            }
            let message = format!("{before}{shown}{after}{before}{shown}");
            let told = file.without_values(&message);
            prop_assert!(!told.contains(&shown), "{:?} in {:?}", shown, told);
            prop_assert!(told.contains("${V1}"), "{:?}", told);
        }
    }

    #[test]
    fn no_telling_part_of_a_value_is_left_in_a_message(
        value in "[k-z0-9é日 .\n]{5,300}",
        cut in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let parts = [Part::Variable(value.clone())];
        let file = filled(&parts).file;
        let boundaries: Vec<_> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
        let (one, other) = (*cut.0.get(&boundaries), *cut.1.get(&boundaries));
        let part = &value[one.min(other)..one.max(other)];
        // Three bytes are too few to tell anything, as they stand in quotes.
        if part.len() >= 3 {
            let told = file.without_values(&format!("NEAR \"{part}\" AT"));
            prop_assert_eq!(told, "NEAR \"${V0}\" AT");
        }
        if part.len() >= 5 {
            let told = file.without_values(&format!("A {part} B"));
            let told = told.replace("${V0}", "").replace(['A', 'B', ' '], "");
            prop_assert!(told.is_empty(), "{:?} of {:?}", told, part);
        }
    }

    #[test]
    fn a_message_without_a_value_stays_as_it_is(
        value in "[k-z0-9]{0,40}",
        message in "[ A-J\"'()éß日]{0,80}",
    ) {
        let file = filled(&[Part::Variable(value)]).file;
        prop_assert_eq!(file.without_values(&message), message);
    }
}

#[test]
fn what_is_short_is_hidden_where_it_stands_alone() {
    let of = |value: &str| filled(&[Part::Variable(value.to_owned())]).file;
    assert_eq!(
        of("e").without_values("relation \"e\" e"),
        "relation \"${V0}\" ${V0}"
    );
    assert_eq!(of("id").without_values("hidden id"), "hidden ${V0}");
    assert_eq!(of("key").without_values("monkey"), "mon${V0}");
    assert_eq!(of("").without_values("as it is"), "as it is");
}

#[test]
fn escapes_and_cuts_hide_nothing_less() {
    let of = |value: &str| filled(&[Part::Variable(value.to_owned())]).file;
    assert_eq!(of("it''s me").without_values("'it's me'"), "'${V0}'");
    assert_eq!(
        of("größe").without_values("'gr\\xC3\\xB6\\xC3\\x9Fe'"),
        "'${V0}'"
    );
    assert_eq!(
        of("Admin_Role").without_values("\"admin_role\""),
        "\"${V0}\""
    );
    assert_eq!(
        of("my pass").without_values("near 'ass); SELECT"),
        "near '${V0}); SELECT"
    );
    assert_eq!(
        of("my pass").without_values("(1, 'my p' at"),
        "(1, '${V0}' at"
    );
}

/// Both may be megabytes.
#[test]
fn a_long_value_in_a_long_message_takes_no_time() {
    let value = "0123456789abcdefghij".repeat(50_000);
    let file = filled(&[Part::Variable(value.clone())]).file;
    let began = std::time::Instant::now();
    let told = file.without_values(&format!("near \"{value}\""));
    assert_eq!(told, "near \"${V0}\"");
    // What looks at every place for every place takes hours.
    assert!(began.elapsed() < std::time::Duration::from_mins(1));
}
