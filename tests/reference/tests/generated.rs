//! SQL that nobody would write, but that PostgreSQL can read.

use proptest::prelude::*;
use proptest::sample::select;
use splitter_reference::{Outcome, compare, compare_tokens};

/// Pieces that mean something to a scanner.
const PIECES: &[&str] = &[
    " ",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\u{b}",
    "\u{c}",
    ";",
    ";",
    ";",
    "'",
    "''",
    "'a'",
    "'\\'",
    "\"",
    "\"a\"",
    "$$",
    "$a$",
    "$A$",
    "$é$",
    "$1",
    "$",
    "--",
    "-- x\n",
    "-",
    "/*",
    "*/",
    "/",
    "*",
    "(",
    ")",
    "[",
    "]",
    ",",
    " . ",
    " .. ",
    ":",
    "::",
    "=",
    "@",
    "#",
    "`",
    "?",
    "|",
    "~",
    "<",
    "E'",
    "E'\\''",
    "E'a' '\\'",
    "e",
    "N'x'",
    "B'1'",
    "X'f'",
    "U&'x'",
    "U&\"x\"",
    "u&",
    "\\'",
    "1",
    "1. ",
    " .5",
    "1e5",
    "0x1f",
    "1_000",
    "é",
    "\u{a0}",
    "x",
    "a$b",
    "a$$",
    "SELECT ",
    "CASE ",
    "END ",
    "BEGIN ",
    "UESCAPE '!'",
];

/// Statements that are one each, whatever stands around them.
const STATEMENTS: &[&str] = &[
    "SELECT 1",
    "SELECT 'it''s; \\', E'it\\'s;', e'\\\\', U&'\\0061;', U&\"a;\", B'1', X'f', N'a;'",
    "SELECT 'a;' -- '\n 'b;', E'c\\'' -- '\n '\\';'",
    "SELECT $$;'$$, $a$;$$;$b$;$a$, $A$ $a$ ; $A$, a$b$c, $1, 1 AS \"a;\"\"\"",
    "SELECT /* /* ; ' */ ; $$ */ 2 -- ; ' $$ /*\n, 3",
    "SELECT 1 @-1, 2*-3, a<@b, 4 +/* ; */ 5, c->>'d;', e #>> '{;}'",
    "SELECT a[1:2], b[1:c], (d).e, f::int[]",
    "SELECT CASE WHEN a THEN CASE b WHEN 1 THEN 2 END END",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v WHERE a IN (1, 2);)",
    "CREATE RULE r AS ON DELETE TO t DO INSTEAD (;;SELECT ';)'; SELECT $$)$$)",
    "CREATE RULE r AS ON UPDATE TO t DO INSTEAD NOTHING",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN b END; END",
    "CREATE OR REPLACE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC END",
    "CREATE FUNCTION f(a int) RETURNS TABLE (b int) LANGUAGE sql STABLE BEGIN ATOMIC \
     SELECT a; WITH if AS (SELECT 1) SELECT * FROM if; SELECT repeat('end;', 2); END",
    "CREATE FUNCTION begin() RETURNS begin LANGUAGE sql BEGIN ATOMIC \
     DELETE FROM begin; UPDATE loop SET atomic = 1 WHERE CASE WHEN a THEN b ELSE c END; \
     INSERT INTO declare SELECT 1; VALUES (1); RETURN CASE a WHEN 1 THEN 2 END; END",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN CASE WHEN true THEN 1 END",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = begin, atomic AS 'SELECT 1;'",
    "CREATE FUNCTION atomic(begin int, atomic int DEFAULT 1) RETURNS int LANGUAGE plpgsql \
     AS $f$ BEGIN EXECUTE $$ ; $$; END; $f$",
    "CREATE TRIGGER begin AFTER UPDATE OF begin ON t FOR EACH ROW WHEN (a < 1) \
     EXECUTE FUNCTION atomic()",
    "CREATE SCHEMA s CREATE TABLE a (begin int) CREATE VIEW v AS SELECT 1",
    "CREATE TABLE atomic (begin int DEFAULT 1, \"end\" text CHECK (\"end\" <> ';'))",
    "CREATE VIEW v AS SELECT 1 AS begin, 2 AS atomic",
    "DO $$ BEGIN PERFORM 1; END $$",
    "DO LANGUAGE plpgsql 'BEGIN; END;'",
    "PREPARE p (int) AS SELECT $1+$1",
    "COMMENT ON TABLE t IS ';'",
    "COPY t FROM '/a;b' WITH (DELIMITER ';')",
    "BEGIN",
    "END",
    "ROLLBACK TO SAVEPOINT a",
];

const GAPS: &[&str] = &[
    "",
    "",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\u{c}",
    ";",
    ";;",
    "-- it's;\n",
    "-- $$ /*\r",
    "/* \" ; ' */",
    "/* /* */ $$ -- */",
];

fn text_of(pieces: &'static [&str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(select(pieces), 0..most).prop_map(|pieces| pieces.concat())
}

fn statements() -> impl Strategy<Value = (usize, String)> {
    let one = (text_of(GAPS, 3), select(STATEMENTS), text_of(GAPS, 3));
    prop::collection::vec(one, 0..8).prop_map(|all| {
        let texts = all
            .iter()
            .map(|(before, statement, after)| format!("{before}{statement}{after};"));
        (all.len(), texts.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_disorder_is_scanned_alike(text in text_of(PIECES, 24)) {
        if let Outcome::Different(differences) = compare_tokens(&text) {
            prop_assert!(false, "{text:?}{differences:#?}");
        }
    }

    #[test]
    fn what_is_put_together_comes_apart_alike((count, text) in statements()) {
        match compare(&text) {
            Outcome::Agreed { statements } => prop_assert_eq!(statements, count),
            other => prop_assert!(false, "{text:?}{other:#?}"),
        }
    }
}

/// So that the first property is about something.
#[test]
fn not_all_of_the_disorder_is_refused() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = text_of(PIECES, 24);
    let (mut agreed, mut unterminated) = (0, 0);
    for _ in 0..1000 {
        let Ok(tree) = strategy.new_tree(&mut runner) else {
            continue;
        };
        match compare_tokens(&proptest::strategy::ValueTree::current(&tree)) {
            Outcome::Agreed { .. } => agreed += 1,
            Outcome::Unterminated(_) => unterminated += 1,
            Outcome::Different(_) | Outcome::Skipped(_) => {}
        }
    }
    println!("of 1000: {agreed} split, {unterminated} unterminated");
    assert!(agreed > 100 && unterminated > 100);
}
