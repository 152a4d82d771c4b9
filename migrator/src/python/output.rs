//! What of Alembic's output means something.

/// A revision that is begun with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) id: String,
    /// Whether it is taken back.
    pub(crate) reverts: bool,
}

/// The end of a traceback, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traceback {
    /// The exception and what it says, on one line.
    pub(crate) exception: String,
    /// The statement that failed.
    pub(crate) sql: Option<String>,
    /// Through what it went, the innermost last.
    pub(crate) frames: Vec<Frame>,
}

/// A line of a traceback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) path: String,
    pub(crate) line: usize,
    /// `<module>` where a file is being loaded.
    pub(crate) function: String,
}

/// Reads the line that Alembic's logger says at the beginning of each revision
/// (Alembic 1.19, `MigrationStep.__str__`), in whatever form it is logged.
pub(crate) fn running(line: &str) -> Option<Running> {
    let (reverts, rest) = match line.split_once("Running upgrade ") {
        Some((_, rest)) => (false, rest),
        None => (true, line.split_once("Running downgrade ")?.1),
    };
    let (from, to) = rest.split_once("-> ").or_else(|| rest.split_once("->"))?;
    let side = if reverts { from } else { to };
    let end = |c: char| c == ',' || c.is_whitespace() || c == '"';
    let id = side.trim_start().split(end).next().unwrap_or_default();
    (!id.is_empty()).then(|| Running {
        id: id.to_owned(),
        reverts,
    })
}

/// What the last lines of a failure come to; `None` where they hold no exception.
pub(crate) fn traceback(lines: &[String]) -> Option<Traceback> {
    let frame = |line: &String| {
        let rest = line.trim_start().strip_prefix("File \"")?;
        let (path, rest) = rest.split_once('"')?;
        let number = rest.strip_prefix(", line ")?;
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        let function = number.split_once(", in ").map_or("", |(_, name)| name);
        Some(Frame {
            path: path.to_owned(),
            line: digits.parse().ok()?,
            function: function.to_owned(),
        })
    };
    let begin = lines
        .iter()
        .rposition(|line| line.starts_with("Traceback "));
    let Some(begin) = begin else {
        let failed = lines
            .iter()
            .rev()
            .find_map(|line| line.split_once("FAILED: "));
        return failed.map(|(_, message)| Traceback {
            exception: message.trim().to_owned(),
            ..Traceback::default()
        });
    };
    let traceback = &lines[begin + 1..];
    let frames = traceback.iter().filter_map(frame).collect();
    let last_frame = traceback.iter().rposition(|line| frame(line).is_some());
    let after = last_frame.map_or(0, |at| at + 1);
    let said: Vec<&str> = traceback[after..]
        .iter()
        .skip_while(|line| line.starts_with(' ') || line.is_empty())
        .map(String::as_str)
        .collect();
    let of_sqlalchemy = |line: &str| {
        ["[SQL: ", "[parameters: ", "(Background on ", "LINE "]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let message: Vec<&str> = said
        .iter()
        .take_while(|line| !of_sqlalchemy(line))
        .flat_map(|line| line.split_whitespace())
        .collect();
    let exception = message.join(" ");
    let sql = said.iter().position(|line| line.starts_with("[SQL: "));
    let sql = sql.map(|at| {
        let ends =
            |line: &&str| line.starts_with("[parameters: ") || line.starts_with("(Background");
        let lines: Vec<_> = said[at..]
            .iter()
            .take_while(|line| !ends(line))
            .copied()
            .collect();
        let text = lines.join("\n");
        let text = text.trim_end().strip_prefix("[SQL: ").unwrap_or_default();
        text.strip_suffix(']').unwrap_or(text).trim().to_owned()
    });
    (!exception.is_empty()).then(|| Traceback {
        exception: short(&exception).to_owned(),
        sql,
        frames,
    })
}

/// Without the module of `SQLAlchemy`'s own exceptions, which everybody knows.
fn short(exception: &str) -> &str {
    exception
        .strip_prefix("sqlalchemy.exc.")
        .unwrap_or(exception)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_revision_is_heard_in_any_form() {
        let up = |id: &str| Running {
            id: id.to_owned(),
            reverts: false,
        };
        let down = |id: &str| Running {
            id: id.to_owned(),
            reverts: true,
        };
        for (line, step) in [
            (
                "INFO  [alembic.runtime.migration] Running upgrade  -> ae1027a6acf, create account",
                up("ae1027a6acf"),
            ),
            (
                "Running upgrade 1975ea, 27c6a -> ae10, merge -> both",
                up("ae10"),
            ),
            ("Running upgrade a -> b", up("b")),
            ("{\"event\": \"Running upgrade a -> b\"}", up("b")),
            (
                "Running downgrade ae10 -> 1975ea, 27c6a, merge",
                down("ae10"),
            ),
            ("Running downgrade ae10 -> , create account", down("ae10")),
        ] {
            assert_eq!(running(line), Some(step), "{line}");
        }
        for line in [
            "Running stamp_revision  -> a",
            "Running upgrade",
            "CREATE TABLE a",
        ] {
            assert_eq!(running(line), None, "{line}");
        }
    }

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_traceback_comes_to_its_exception_its_sql_and_its_frames() {
        let traceback = traceback(&lines(
            "Traceback (most recent call last):\n  File \"/a/engine.py\", line 10, in _exec\n    x()\n\
             psycopg2.errors.UndefinedTable: relation \"nope\" does not exist\n\n\n\
             The above exception was the direct cause of the following exception:\n\n\
             Traceback (most recent call last):\n  File \"/bin/alembic\", line 8, in <module>\n    main()\n\
             \x20 File \"/app/versions/ae10_a.py\", line 23, in upgrade\n    op.execute(\"…\")\n    ^^^^^^\n\
             sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation \"nope\" does not exist\n\
             LINE 1: ALTER TABLE nope\n                    ^\n\n[SQL: ALTER TABLE nope\n  ADD x int]\n\
             [parameters: ('secret',)]\n(Background on this error at: https://sqlalche.me/e/20/f405)",
        ))
        .unwrap();
        assert_eq!(
            traceback.exception,
            "ProgrammingError: (psycopg2.errors.UndefinedTable) relation \"nope\" does not exist"
        );
        assert_eq!(
            traceback.sql.as_deref(),
            Some("ALTER TABLE nope\n  ADD x int")
        );
        assert_eq!(
            traceback.frames.last(),
            Some(&Frame {
                path: "/app/versions/ae10_a.py".to_owned(),
                line: 23,
                function: "upgrade".to_owned(),
            })
        );
    }

    #[test]
    fn what_alembic_itself_refuses_is_one_line() {
        let said = traceback(&lines(
            "INFO x\n  FAILED: Can't locate revision identified by 'x'",
        ));
        assert_eq!(
            said.unwrap().exception,
            "Can't locate revision identified by 'x'"
        );
        assert_eq!(traceback(&lines("INFO x")), None);
    }
}
