//! What one statement leaves in its session, told by its words, for each dialect.

use super::Dialect;
use super::session::{State, Trace};
use super::words::{Words, has_word};

/// What a statement with this text leaves in its session.
pub(super) fn traces(text: &str, dialect: Dialect) -> Vec<Trace> {
    match dialect {
        Dialect::Mysql => mysql(text),
        Dialect::Postgres => postgres(text),
        Dialect::Sqlite => sqlite(text),
    }
}

fn mysql(text: &str) -> Vec<Trace> {
    let words = Words::of(text, Dialect::Mysql);
    let first = words.word(0);
    let mut traces = Vec::new();
    match first {
        "USE" => traces.push(Trace::Setting),
        "SET" => traces.extend(mysql_set(text, &words)),
        "CREATE" if words.has_before("TEMPORARY", 4) => {
            traces.push(temporary_table(&words));
        }
        "PREPARE" => {
            let name = words.word(1);
            traces.push(State::trace(
                format!("the prepared statement {name}"),
                &[name],
            ));
        }
        "CALL" => traces.push(State::of_unknown_use("whatever the procedure set")),
        "HANDLER" => traces.push(State::of_unknown_use("an open table")),
        "BEGIN" if words.word(1) == "NOT" => {
            traces.push(State::of_unknown_use("whatever the block set"));
        }
        "FOR" | "IF" | "CASE" | "LOOP" | "REPEAT" | "WHILE" => {
            traces.push(State::of_unknown_use("whatever the block set"));
        }
        _ => {}
    }
    if matches!(first, "INSERT" | "REPLACE" | "LOAD") || words.has("LAST_INSERT_ID") {
        traces.push(State::trace(
            "the number of the inserted row",
            &["LAST_INSERT_ID", "IDENTITY"],
        ));
    }
    if !matches!(
        first,
        "SET" | "CREATE" | "ALTER" | "DROP" | "GRANT" | "REVOKE"
    ) {
        for name in words.assigned() {
            traces.push(variable(&name));
        }
        if words.has("GET_LOCK") {
            traces.push(State::of_unknown_use("a named lock"));
        }
    }
    traces
}

fn mysql_set(text: &str, words: &Words<'_>) -> Vec<Trace> {
    let scope = words.word(1);
    let is_one = !text.contains(',');
    let is_of_no_session = matches!(
        scope,
        "GLOBAL" | "PASSWORD" | "PERSIST" | "PERSIST_ONLY" | "STATEMENT"
    );
    // The next transaction has it, and nothing after.
    if (is_of_no_session && is_one) || scope == "TRANSACTION" {
        return Vec::new();
    }
    let is_computed = words.calls().iter().any(|name| {
        !matches!(
            name.as_str(),
            "CONCAT"
                | "CONCAT_WS"
                | "REPLACE"
                | "IF"
                | "IFNULL"
                | "COALESCE"
                | "CAST"
                | "LOWER"
                | "TRIM"
                | "UPPER"
        )
    }) || words.has("SELECT");
    if !is_computed {
        return vec![Trace::Setting];
    }
    let names = words.assigned();
    if names.is_empty() {
        return vec![State::of_unknown_use("a setting")];
    }
    names.iter().map(|name| variable(name)).collect()
}

fn variable(name: &str) -> Trace {
    State::trace(
        format!("the variable @{}", name.to_ascii_lowercase()),
        &[&format!("@{name}")],
    )
}

/// The user variables that a `SET` reads or writes, as words.
pub(super) fn variables(text: &str, dialect: Dialect) -> Vec<String> {
    let words = Words::of(text, dialect);
    words
        .assigned()
        .iter()
        .map(|name| format!("@{name}"))
        .collect()
}

fn postgres(text: &str) -> Vec<Trace> {
    let words = Words::of(text, Dialect::Postgres);
    let numbers = || State::trace("a sequence's last number", &["CURRVAL", "LASTVAL"]);
    let mut traces = Vec::new();
    match words.word(0) {
        "SET" if !matches!(words.word(1), "LOCAL" | "TRANSACTION" | "CONSTRAINTS") => {
            traces.push(Trace::Setting);
        }
        "RESET" | "LISTEN" | "UNLISTEN" | "DISCARD" => traces.push(Trace::Setting),
        "PREPARE" if words.word(1) != "TRANSACTION" => {
            let name = words.word(1);
            traces.push(State::trace(
                format!("the prepared statement {name}"),
                &[name],
            ));
        }
        "DECLARE" => {
            let name = words.word(1);
            traces.push(State::trace(format!("the cursor {name}"), &[name]));
        }
        "CREATE" if words.has_before("TEMP", 5) || words.has_before("TEMPORARY", 5) => {
            traces.push(temporary_table(&words));
        }
        "CREATE" if words.has_before("PG_TEMP", 6) => traces.push(temporary_table(&words)),
        "INSERT" | "COPY" | "MERGE" => traces.push(numbers()),
        "CALL" => traces.push(State::of_unknown_use("whatever the procedure set")),
        "DO" => {
            let capitals = text.to_ascii_uppercase();
            if [
                "SET_CONFIG",
                "PERFORM",
                "TEMP",
                "TEMPORARY",
                "PREPARE",
                "CALL",
            ]
            .iter()
            .any(|word| has_word(&capitals, word))
                || sets_in_block(&capitals)
            {
                traces.push(State::of_unknown_use("whatever the block set"));
            }
            traces.push(numbers());
        }
        "SELECT" | "WITH" | "VALUES" | "TABLE" => traces.extend(postgres_query(&words)),
        _ => {}
    }
    traces
}

fn postgres_query(words: &Words<'_>) -> Vec<Trace> {
    let mut traces = Vec::new();
    for name in words.calls() {
        traces.extend(match name.as_str() {
            "SET_CONFIG" if words.is_local_config() => None,
            "SET_CONFIG" if words.is_literal_config() => Some(Trace::Setting),
            "SET_CONFIG" => Some(State::of_unknown_use("a setting")),
            "NEXTVAL" | "SETVAL" => Some(State::trace(
                "a sequence's last number",
                &["CURRVAL", "LASTVAL"],
            )),
            "PG_ADVISORY_LOCK"
            | "PG_TRY_ADVISORY_LOCK"
            | "PG_ADVISORY_LOCK_SHARED"
            | "PG_TRY_ADVISORY_LOCK_SHARED" => Some(State::of_unknown_use("an advisory lock")),
            "SETSEED" => Some(State::trace("the seed of random()", &["RANDOM"])),
            name if is_harmless(name) => None,
            name => Some(State::of_unknown_use(&format!(
                "whatever the function {} may have set",
                name.to_ascii_lowercase()
            ))),
        });
    }
    if words.has_pair("INTO", "TEMP") || words.has_pair("INTO", "TEMPORARY") {
        traces.push(State::of_unknown_use("a temporary table"));
    }
    traces
}

/// Functions of the server itself that leave nothing in a session, and words that
/// stand before parentheses.
fn is_harmless(name: &str) -> bool {
    name.starts_with("PG_")
        || name.starts_with("TO_")
        || name.starts_with("HAS_")
        || matches!(
            name,
            "ABS"
                | "ALL"
                | "AND"
                | "ANY"
                | "ARRAY"
                | "ARRAY_AGG"
                | "AS"
                | "AVG"
                | "BETWEEN"
                | "BOOL_AND"
                | "BOOL_OR"
                | "BY"
                | "CASE"
                | "CAST"
                | "CEIL"
                | "CHAR"
                | "COALESCE"
                | "CONCAT"
                | "COUNT"
                | "CURRENT_SCHEMA"
                | "CURRENT_SCHEMAS"
                | "CURRENT_SETTING"
                | "CURRVAL"
                | "DATE"
                | "DISTINCT"
                | "ELSE"
                | "EXISTS"
                | "EXTRACT"
                | "FILTER"
                | "FLOOR"
                | "FORMAT"
                | "FROM"
                | "GENERATE_SERIES"
                | "GREATEST"
                | "HAVING"
                | "IN"
                | "IS"
                | "JOIN"
                | "JSONB_BUILD_OBJECT"
                | "JSON_BUILD_OBJECT"
                | "LASTVAL"
                | "LATERAL"
                | "LEAST"
                | "LEFT"
                | "LENGTH"
                | "LIKE"
                | "LIMIT"
                | "LOWER"
                | "MAX"
                | "MD5"
                | "MIN"
                | "NOT"
                | "NOW"
                | "NULLIF"
                | "NUMERIC"
                | "ON"
                | "OR"
                | "OVER"
                | "POSITION"
                | "RANDOM"
                | "RECURSIVE"
                | "REPLACE"
                | "RIGHT"
                | "ROUND"
                | "ROW"
                | "ROW_NUMBER"
                | "SELECT"
                | "SOME"
                | "STRING_AGG"
                | "STRPOS"
                | "SUBSTR"
                | "SUBSTRING"
                | "SUM"
                | "THEN"
                | "TRIM"
                | "UNION"
                | "UNNEST"
                | "UPPER"
                | "USING"
                | "VALUES"
                | "VARCHAR"
                | "VERSION"
                | "WHEN"
                | "WHERE"
                | "WITH"
        )
}

/// Whether a block's code has a `SET` that begins a statement.
fn sets_in_block(capitals: &str) -> bool {
    capitals.match_indices("SET ").any(|(at, _)| {
        let before = capitals[..at].trim_end();
        before.ends_with(';')
            || ["BEGIN", "ELSE", "LOOP", "THEN"]
                .iter()
                .any(|word| before.ends_with(word))
    })
}

fn sqlite(text: &str) -> Vec<Trace> {
    let words = Words::of(text, Dialect::Sqlite);
    let mut traces = Vec::new();
    match words.word(0) {
        "PRAGMA" | "ATTACH" | "DETACH" => traces.push(Trace::Setting),
        "CREATE" if words.has_before("TEMP", 2) || words.has_before("TEMPORARY", 2) => {
            traces.push(temporary_table(&words));
        }
        "CREATE" if words.has_pair("TABLE", "TEMP") || words.has_pair("EXISTS", "TEMP") => {
            traces.push(temporary_table(&words));
        }
        "INSERT" | "REPLACE" | "UPDATE" | "DELETE" | "WITH" => traces.push(State::trace(
            "the count of its changes",
            &["LAST_INSERT_ROWID", "TOTAL_CHANGES"],
        )),
        _ => {}
    }
    traces
}

/// The table (or view, or sequence) of a `CREATE TEMPORARY …`.
fn temporary_table(words: &Words<'_>) -> Trace {
    let skipped = [
        "CREATE",
        "OR",
        "REPLACE",
        "GLOBAL",
        "LOCAL",
        "TEMP",
        "TEMPORARY",
        "PG_TEMP",
        "UNLOGGED",
        "TABLE",
        "VIEW",
        "SEQUENCE",
        "RECURSIVE",
        "TRIGGER",
        "INDEX",
        "UNIQUE",
        "IF",
        "NOT",
        "EXISTS",
    ];
    match words
        .all
        .iter()
        .find(|word| !skipped.contains(&word.as_str()))
    {
        Some(name) => State::trace(
            format!("the temporary table {}", name.to_ascii_lowercase()),
            &[name],
        ),
        None => State::of_unknown_use("a temporary table"),
    }
}
