//! The splitter against files on disk, and against files that nobody would write.
//!
//! `tests/sql/<dialect>/<case>.sql` is split, and its statements, joined by a line
//! `-- end --`, are `<case>.golden`; of a file that cannot be split, the golden file
//! has the error and its place. `UPDATE_GOLDEN=1` writes them anew: read the diff.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::fs;
use std::path::{Path, PathBuf};

use migrate::sql::{self, Dialect, StatementKind};
use migrate::text::SourceFile;
use proptest::prelude::*;

const DIALECTS: [(Dialect, &str); 3] = [
    (Dialect::Mysql, "mysql"),
    (Dialect::Postgres, "postgres"),
    (Dialect::Sqlite, "sqlite"),
];

fn texts(text: &str, dialect: Dialect) -> Vec<String> {
    let file = SourceFile::new("test.sql", text);
    let statements = sql::split(&file, dialect).unwrap();
    statements
        .iter()
        .map(|found| file.slice(found.span).to_owned())
        .collect()
}

// Golden files

fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/sql")
        .join(folder);
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    cases.sort();
    cases
}

/// What the golden file of a case should say.
fn outcome(file: &SourceFile, dialect: Dialect) -> String {
    match sql::split(file, dialect) {
        Ok(statements) => statements
            .iter()
            .map(|found| match found.kind {
                StatementKind::Other => format!("{}\n", file.slice(found.span)),
                kind => format!("{}\n-- {kind:?}\n", file.slice(found.span)),
            })
            .collect::<Vec<_>>()
            .join("-- end --\n"),
        Err(error) => {
            let place = file.pos(error.span.start);
            let opening = file.slice(error.span);
            format!("{}:{}: {error}: {opening}\n", place.line, place.column)
        }
    }
}

#[test]
fn files_come_apart_as_their_golden_files_say() {
    for (dialect, folder) in DIALECTS {
        let cases = cases(folder);
        assert!(cases.len() >= 12, "{folder} has its cases");
        for case in cases {
            let file = SourceFile::new("case.sql", fs::read_to_string(&case).unwrap());
            let golden = case.with_extension("golden");
            let outcome = outcome(&file, dialect);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&golden, &outcome).unwrap();
            }
            let expected = fs::read_to_string(&golden).unwrap_or_default();
            assert_eq!(outcome, expected, "{}", case.display());
        }
    }
}

// Properties

/// Pieces that mean something to a splitter, in every disorder.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        " ",
        "\n",
        "\r\n",
        "\t",
        ";",
        ";;",
        "'",
        "''",
        "\"",
        "`",
        "\\",
        "\\'",
        "$$",
        "$a$",
        "$1",
        "$",
        "--",
        "-- x\n",
        "#",
        "/*",
        "*/",
        "/*!40101 ",
        "/*M!",
        "/*+",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "@",
        ":",
        "E'",
        "e",
        "N'x'",
        "U&'x'",
        "1",
        "1e5",
        "é",
        "\u{feff}",
        "\u{a0}",
        "\0",
        "x",
        "SELECT ",
        "CREATE ",
        "OR REPLACE ",
        "FUNCTION ",
        "PROCEDURE ",
        "TRIGGER ",
        "EVENT ",
        "f() ",
        "BEGIN ",
        "ATOMIC ",
        "NOT ",
        "END ",
        "END;",
        "IF ",
        "THEN ",
        "ELSE ",
        "CASE ",
        "WHEN ",
        "LOOP ",
        "WHILE ",
        "DO ",
        "REPEAT ",
        "UNTIL ",
        "DECLARE ",
        "HANDLER FOR ",
        "FOR EACH ROW ",
        "RETURN ",
        "DEFINER=",
        "COPY t FROM stdin;\n",
        "\\.\n",
        "\n\\d x\n",
        "\nDELIMITER $$\n",
        "\nDELIMITER //\n",
        "\ndelimiter ;\n",
        "DELIMITER ",
        "//",
        "-- ",
    ]);
    prop::collection::vec(fragment, 0..40).prop_map(|fragments| fragments.concat())
}

fn dialects() -> impl Strategy<Value = Dialect> {
    prop::sample::select(DIALECTS.map(|(dialect, _)| dialect).to_vec())
}

/// Splits and looks at the pieces: they are the file, in order, and nothing that
/// means anything lies between the statements.
fn check_pieces(text: &str, dialect: Dialect) {
    let file = SourceFile::new("test.sql", text);
    let statements = match sql::split(&file, dialect) {
        Ok(statements) => statements,
        Err(error) => {
            assert!(!file.slice(error.span).is_empty());
            return;
        }
    };
    let gaps = sql::gaps(&file, &statements);
    assert_eq!(gaps.len(), statements.len() + 1);
    let mut together = String::new();
    let mut between = Between::new(dialect);
    for (number, gap) in gaps.iter().enumerate() {
        together.push_str(file.slice(*gap));
        let at_start = number == 0;
        assert!(
            between.holds_nothing(file.slice(*gap), at_start),
            "gap {:?} of {text:?}",
            file.slice(*gap)
        );
        if let Some(statement) = statements.get(number) {
            let statement = file.slice(statement.span);
            assert!(!statement.is_empty());
            assert_eq!(statement, statement.trim_matches([' ', '\t', '\n', '\r']));
            together.push_str(statement);
        }
    }
    assert_eq!(together, text);
}

/// What a gap may hold, told apart as simply as can be.
struct Between {
    dialect: Dialect,
    delimiter: String,
}

impl Between {
    fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            delimiter: ";".to_owned(),
        }
    }

    fn holds_nothing(&mut self, gap: &str, at_start: bool) -> bool {
        let mut rest = gap;
        if at_start {
            rest = rest.trim_start_matches('\u{feff}');
        }
        while !rest.is_empty() {
            let Some(after) = self.step(rest) else {
                return false;
            };
            rest = after;
        }
        true
    }

    fn step<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let mysql = self.dialect == Dialect::Mysql;
        let line = rest.split('\n').next().unwrap();
        if let Some(after) = rest
            .strip_prefix(self.delimiter.as_str())
            .or_else(|| rest.strip_prefix([';', ' ', '\t', '\n', '\r', '\u{b}', '\u{c}']))
        {
            Some(after)
        } else if rest.starts_with("--") || (mysql && rest.starts_with('#')) {
            let end = if self.dialect == Dialect::Postgres {
                line.find('\r').unwrap_or(line.len())
            } else {
                line.len()
            };
            Some(&rest[end..])
        } else if mysql && line.to_ascii_uppercase().starts_with("DELIMITER") {
            let argument = line["DELIMITER".len()..].split_ascii_whitespace().next();
            argument.unwrap().clone_into(&mut self.delimiter);
            Some(&rest[line.len()..])
        } else if rest.starts_with("/*")
            && !(mysql
                && ["/*!", "/*+", "/*M!"]
                    .iter()
                    .any(|open| rest.starts_with(open)))
        {
            after_comment(rest, self.dialect == Dialect::Postgres)
        } else {
            None
        }
    }
}

fn after_comment(text: &str, nested: bool) -> Option<&str> {
    let mut rest = text.strip_prefix("/*")?;
    loop {
        if let Some(after) = rest.strip_prefix("*/") {
            return Some(after);
        } else if nested && rest.starts_with("/*") {
            rest = after_comment(rest, nested)?;
        } else {
            rest = rest.get(rest.chars().next()?.len_utf8()..)?;
        }
    }
}

/// Statements that are one each, whatever stands around them.
fn whole_statements(dialect: Dialect) -> Vec<&'static str> {
    let mut statements = vec![
        "SELECT 1",
        "INSERT INTO t VALUES ('it''s; fine', 'é;')",
        "SELECT \";\", ';' -- ;\n, 2",
        "SELECT a /* ; */ + b",
        "SELECT CASE WHEN a THEN b END",
        "DROP TABLE IF EXISTS t",
    ];
    statements.extend_from_slice(match dialect {
        Dialect::Mysql => &[
            r"SELECT 'it\'s; ', 5--1, `;``;`",
            "/*!40101 SET NAMES utf8 */",
            "SELECT /*+ MAX_EXECUTION_TIME(1) */ ';' # ; '\n, 2",
            "CREATE PROCEDURE p() BEGIN IF IF(a, 1, 0) THEN SELECT 1; END IF; END",
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = IF(1, 2, 3)",
            "CREATE FUNCTION f(a INT) RETURNS INT RETURN IF(a, CASE a WHEN 1 THEN 2 END, 3)",
        ][..],
        Dialect::Postgres => &[
            "SELECT 'a\\', E'it\\'s; ', $$;$$, $a$;$$;$a$, a$b$c, $1",
            "SELECT /* /* ; */ ; */ 2",
            "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v)",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN b END; END",
            "CREATE OR REPLACE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC END",
        ],
        Dialect::Sqlite => &[
            "SELECT 'a\\', [;], `;`, \"a\"\";\"",
            "CREATE TEMP TRIGGER g AFTER UPDATE OF begin, end ON t BEGIN SELECT end; END",
        ],
    });
    statements
}

fn built_file() -> impl Strategy<Value = (Dialect, Vec<&'static str>, String)> {
    let gap = prop::sample::select(vec![
        "",
        " ",
        "\n",
        "\r\n",
        "-- it's;\n",
        "/* \" ; ' */",
        ";",
    ]);
    dialects()
        .prop_flat_map(move |dialect| {
            let statement = prop::sample::select(whole_statements(dialect));
            let pair = (statement, gap.clone(), gap.clone());
            (Just(dialect), prop::collection::vec(pair, 0..12))
        })
        .prop_map(|(dialect, pairs)| {
            let text = pairs
                .iter()
                .flat_map(|(statement, before, after)| [*before, *statement, *after, ";"])
                .collect();
            (dialect, pairs.iter().map(|pair| pair.0).collect(), text)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_pieces_put_together_are_the_file(text in fragments(), dialect in dialects()) {
        check_pieces(&text, dialect);
    }

    #[test]
    fn any_text_at_all_is_split_or_refused(text in any::<String>(), dialect in dialects()) {
        check_pieces(&text, dialect);
    }

    #[test]
    fn what_is_put_together_comes_apart_again((dialect, statements, text) in built_file()) {
        prop_assert_eq!(texts(&text, dialect), statements);
    }

    #[test]
    fn a_statement_alone_is_one_statement(text in fragments(), dialect in dialects()) {
        // A delimiter of its own means something only where it stands.
        let text = text.replace("DELIMITER", "D").replace("delimiter", "d");
        let file = SourceFile::new("test.sql", text.as_str());
        for found in sql::split(&file, dialect).unwrap_or_default() {
            let statement = file.slice(found.span);
            // At the beginning of a file the one is no text, at its end the other.
            prop_assume!(!statement.starts_with('\u{feff}') && !statement.ends_with("--"));
            prop_assert_eq!(texts(statement, dialect), [statement]);
        }
    }
}

#[test]
fn an_expression_without_its_end_is_left_to_the_server() {
    let statement = "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = CASE WHEN b";
    for text in [statement, &format!("{statement};")] {
        assert_eq!(texts(text, Dialect::Mysql), [statement]);
    }
}

#[test]
fn the_time_grows_with_the_file_and_no_faster() {
    // Each of these would take hours if any part of it were read again and again.
    let nasty = [
        "(", "$a", "'' ", "E'' ", "/**/", "[", "CASE ", "-", "\\\n", "COPY ", "$a$ ",
    ];
    let create = "CREATE PROCEDURE p() BEGIN ";
    for (dialect, _) in DIALECTS {
        for piece in nasty {
            let text = format!("{create}{}", piece.repeat(200_000));
            let _ = sql::split(&SourceFile::new("test.sql", text), dialect);
        }
    }
}
