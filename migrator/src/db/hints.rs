//! Known causes: what a complaint that people meet again and again means, and
//! the one step that helps.

use super::fault::Fault;
use crate::text::shell_word;

/// What a server says it lacks, and the extension of PostgreSQL that has it.
const EXTENSIONS: [(&str, &str); 12] = [
    ("\"citext\"", "citext"),
    ("\"geography\"", "postgis"),
    ("\"geometry\"", "postgis"),
    ("\"gin_trgm_ops\"", "pg_trgm"),
    ("\"gist_trgm_ops\"", "pg_trgm"),
    ("\"hstore\"", "hstore"),
    ("\"ltree\"", "ltree"),
    ("\"vector\"", "vector"),
    ("crypt(", "pgcrypto"),
    ("gen_salt(", "pgcrypto"),
    ("unaccent(", "unaccent"),
    ("uuid_generate_v", "\"uuid-ossp\""),
];

/// How it is said that a SQLite file's folder is not there.
pub(super) const NO_FOLDER: &str = " cannot be opened: the folder ";

/// What PostgreSQL says of a statement that may not be in a transaction.
pub const NEEDS_NO_TRANSACTION: [&str; 2] = ["25001", "2D000"];

/// The next step for a known cause.
#[must_use]
pub fn next_step(fault: &Fault) -> Option<String> {
    let code = fault.code.as_deref().unwrap_or_default();
    postgres(fault, code)
        .or_else(|| mysql(fault, code))
        .or_else(|| folder(fault))
        .or_else(|| connection(fault, code).map(str::to_owned))
        .or_else(|| statement(fault, code).map(str::to_owned))
}

fn postgres(fault: &Fault, code: &str) -> Option<String> {
    match code {
        "42501" => Some(right(fault)),
        "42704" | "42883" => {
            let (_, extension) = EXTENSIONS
                .iter()
                .find(|(lacked, _)| fault.message.contains(lacked))?;
            Some(format!(
                "the extension {extension} has it: write `CREATE EXTENSION IF NOT EXISTS \
                 {extension};` before it; if it already exists, its schema is not in the \
                 search_path"
            ))
        }
        _ => None,
    }
}

/// Whom to give which right. What is not a plain name is quoted.
fn right(fault: &Fault) -> String {
    let user = match &fault.user {
        Some(user) => identifier(user),
        None => "the user of DATABASE_URL".to_owned(),
    };
    let message = fault.message.as_str();
    let after = |words: &str| message.split_once(words).map(|(_, name)| name);
    if let Some(schema) = after("permission denied for schema ") {
        let since = match schema {
            "public" => {
                "since PostgreSQL 15 only the owner of the schema public may create objects in \
                 it. "
            }
            _ => "",
        };
        let schema = identifier(schema);
        return format!(
            "{since}As the database's owner: GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}"
        );
    }
    if let Some(what) = after("must be owner of ") {
        let what = what.strip_prefix("relation ").unwrap_or(what);
        return format!(
            "run migrate as the user who created {what}, or let {user} act for its owner: GRANT \
             the owner TO {user}"
        );
    }
    for (words, kind, rights) in [
        (
            "permission denied for table ",
            "",
            "SELECT, INSERT, UPDATE, DELETE",
        ),
        (
            "permission denied for sequence ",
            "SEQUENCE ",
            "USAGE, SELECT",
        ),
        ("permission denied for function ", "FUNCTION ", "EXECUTE"),
        (
            "permission denied for database ",
            "DATABASE ",
            "CREATE, CONNECT",
        ),
    ] {
        if let Some(name) = after(words) {
            let name = identifier(name);
            return format!("as its owner: GRANT {rights} ON {kind}{name} TO {user}");
        }
    }
    format!("run it as a user who is allowed to, or grant {user} the right")
}

/// A name as SQL has it.
fn identifier(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

fn mysql(fault: &Fault, code: &str) -> Option<String> {
    let user = fault.user.as_deref().unwrap_or("the user of DATABASE_URL");
    match code {
        "1044" | "1142" | "1143" => Some(format!(
            "as an administrator, give {user} all rights on the database (GRANT ALL ON DATABASE.* \
             TO the user, with the host that the user was created with: see SHOW GRANTS), or \
             correct the URL"
        )),
        "1227" => Some(
            "this server lets only an administrator do that: remove it (a DEFINER, a SET GLOBAL) \
             from the file, or let an administrator run it"
                .to_owned(),
        ),
        "1418" => Some(
            "declare the function as DETERMINISTIC, NO SQL or READS SQL DATA, or as an \
             administrator: SET GLOBAL log_bin_trust_function_creators = 1"
                .to_owned(),
        ),
        "1419" => Some(
            "as an administrator: SET GLOBAL log_bin_trust_function_creators = 1 (on a managed \
             server, a setting in its control panel): without it only an administrator can create \
             functions and triggers"
                .to_owned(),
        ),
        "1290" if !fault.message.contains("read") => Some(
            "an option of the server forbids it: remove the statement from the file, or let the \
             server's administrator change the option"
                .to_owned(),
        ),
        "1148" | "3948" | "4166" => Some(
            "LOAD DATA LOCAL reads a file of this machine, which is not part of a migration: write \
             the rows as INSERT, or load them outside of the migrations"
                .to_owned(),
        ),
        _ => None,
    }
}

/// A SQLite file in a folder that is not there.
fn folder(fault: &Fault) -> Option<String> {
    let (_, rest) = fault.message.split_once(NO_FOLDER)?;
    let folder = rest.strip_suffix(" does not exist")?;
    Some(format!(
        "create the folder: mkdir -p {}; or correct the path in the URL (sqlite:/srv/app.db, or \
         sqlite:app.db in the working directory)",
        shell_word(folder)
    ))
}

/// What keeps from a database, or from the whole of it.
fn connection(fault: &Fault, code: &str) -> Option<&'static str> {
    let says = |text: &str| fault.message.contains(text);
    Some(match code {
        "53300" if says("for role") => {
            "the user has no connection left (migrate needs two): close some, or raise its \
             CONNECTION LIMIT with ALTER ROLE"
        }
        "53300" if says("for database") => {
            "the database has no connection left (migrate needs two): close some, or raise its \
             CONNECTION LIMIT with ALTER DATABASE"
        }
        "1203" | "1226" => {
            "the user has no connection left (migrate needs two): close some, or raise its \
             MAX_USER_CONNECTIONS"
        }
        "53300" | "1040" => {
            "the server has no connection left (migrate needs two): close some (SHOW \
             max_connections shows the limit), or use a larger plan"
        }
        _ if says("statement pooling") => {
            "the pooler gives out a connection for one statement only: use a pool in the mode \
             `transaction` or `session`, or the database's direct port"
        }
        "08P01" if says("startup parameter") => {
            "the pooler refuses a parameter of the URL: remove `options` from it, or use the \
             database's direct port"
        }
        "28000" if says("pg_hba.conf") => {
            "the server does not allow this address, this user or an unencrypted connection: add \
             sslmode=require to the URL, or add this process to the trusted sources"
        }
        "28000" if says("not permitted to log in") => {
            "allow the user to log in (ALTER ROLE … LOGIN), or use another user in the URL"
        }
        "28000" | "28P01" | "1045" => "check the user and the password in the URL",
        "3D000" | "1049" => "create the database, or correct its name in the URL",
        "25006" | "1290" | "1792" | "1836" if says("read") => {
            "this server, database or user is read-only: use the address of the primary, or check \
             this setting (PostgreSQL: default_transaction_read_only, MySQL: read_only)"
        }
        _ if says("which is not a readable file") => {
            "correct the path, or put the file there; DATABASE_CA_CERT also accepts the CA \
             certificate's text"
        }
        _ if says("readonly database") => {
            "remove mode=ro and immutable from the URL, and allow the user of this process to \
             write to the file and its folder; if the file system is read-only, as in many images, \
             keep the database on a volume"
        }
        _ if says("Read-only file system") => {
            "the file system is read-only, as in many images: keep the database on a writable \
             volume"
        }
        _ if says("RSA auth backend") => {
            "MySQL's caching_sha2_password needs an encrypted connection: add ssl-mode=REQUIRED to \
             the URL, or let the user log in with mysql_native_password"
        }
        _ if says("does not support TLS") => {
            "enable TLS on the server; on a private network the connection can be unencrypted \
             (sslmode=disable, for MySQL ssl-mode=DISABLED)"
        }
        _ if says("NotValidForName") || says("not valid for name") => {
            "the certificate is for another host: use the host name in the certificate, or encrypt \
             without verifying it (sslmode=require)"
        }
        _ if says("certificate") && (says("Expired") || says("expired")) => {
            "the server's certificate has expired, or this machine's clock is wrong: renew it"
        }
        _ if says("BadEncoding") => {
            "the certificate in DATABASE_CA_CERT (or sslrootcert, ssl-ca in the URL) is damaged, \
             or the server's own is: use the CA certificate's PEM text as it was issued"
        }
        _ if says("certificate") => {
            "the server's certificate is not from a public CA: set DATABASE_CA_CERT to the \
             certificate of its CA, or encrypt without verifying it (sslmode=require, for MySQL \
             ssl-mode=REQUIRED)"
        }
        _ if fault.code.is_none() && says("No such file or directory") => {
            "the socket in the URL does not exist: check that the server is running, and correct \
             the path"
        }
        _ if says("failed to lookup address") => {
            "check the host in the URL: it cannot be resolved; a name in a platform's network can \
             be resolved only there"
        }
        _ if says("invalid data") => {
            "the server there uses another protocol: check the host and port in the URL, and that \
             its scheme (postgres, mysql) fits the server"
        }
        _ if says("no answer") => {
            "check the host and port in the URL, and that the server there is what the scheme says \
             (postgres, mysql): a firewall or another kind of server may not answer; --wait waits \
             longer"
        }
        _ => return None,
    })
}

/// What a statement needs that is refused.
fn statement(fault: &Fault, code: &str) -> Option<&'static str> {
    let says = |text: &str| fault.message.contains(text);
    Some(match code {
        "22P05" => {
            "the database's encoding does not have this character: remove it, also from comments \
             and from the file's name, or use a database with the encoding UTF8"
        }
        "3750" | "1173" => {
            "this server requires a primary key in every table: add one to the CREATE TABLE"
        }
        "1153" => "raise max_allowed_packet on the server, or write several smaller statements",
        "55P03" | "1205" => {
            "something else holds a lock on the table: run again at a quieter time, or wait longer \
             with --lock-timeout"
        }
        "55P04" => {
            "a new value of an enum cannot be used before it is committed: use it in a separate \
             migration after this one"
        }
        "1969" | "3024" => {
            "--statement-timeout, or a limit that the file sets, ended it: run again with a larger \
             one (0 means no limit)"
        }
        "25001" if fault.context.is_some() || says("from a function") => {
            "a function cannot run it: write the statement itself, in its own file, which begins \
             with the line `-- no-transaction`"
        }
        "25001" | "2D000" => {
            "it cannot run inside a transaction: move it to its own file, which begins with the \
             line `-- no-transaction`"
        }
        "57014" if says("statement timeout") => {
            "--statement-timeout, or a limit that the file sets, ended it: run again with a larger \
             one (0 means no limit), or raise it for this file with SET LOCAL statement_timeout"
        }
        "0A000" | "58P01" if says("extension") => {
            "the server does not have this extension: install it, or use an image or plan that \
             includes it"
        }
        "3F000" if says("no schema has been selected") => {
            "no schema of the search_path exists: create it, or set another search_path for the \
             user or the database (ALTER ROLE … SET search_path)"
        }
        "3F000" => "create the schema, or correct its name",
        "42P07" | "1050" => {
            "it already exists: check that DATABASE_URL names the right database; if the database \
             had it before it had a history, record that: `migrate baseline VERSION`"
        }
        "40P01" | "1213" => {
            "deadlock with another session: run again; if it recurs, lock tables in the same order \
             as the application"
        }
        "53100" | "1114" | "13" if says("full") || says("No space") => {
            "the disk is full: free some space or use a larger plan, then run again"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::fault::FaultKind;

    fn step(code: &str, message: &str) -> String {
        let fault = Fault {
            code: Some(code.to_owned()),
            user: Some("web-app".to_owned()),
            ..Fault::new(FaultKind::Statement, message)
        };
        next_step(&fault).unwrap()
    }

    #[test]
    fn a_missing_right_is_given_to_the_user_by_name() {
        for (message, grant) in [
            (
                "permission denied for schema public",
                "GRANT USAGE, CREATE ON SCHEMA public TO \"web-app\"",
            ),
            (
                "permission denied for table Users",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON \"Users\" TO \"web-app\"",
            ),
            ("must be owner of table a", "GRANT the owner TO \"web-app\""),
            (
                "permission denied to create role",
                "grant \"web-app\" the right",
            ),
        ] {
            let step = step("42501", message);
            assert!(step.contains(grant), "{step}");
        }
    }

    #[test]
    fn a_setting_of_the_server_has_its_own_step() {
        for (code, message, said) in [
            (
                "1418",
                "This function has none of DETERMINISTIC, NO SQL, or READS SQL DATA in its \
                 declaration and binary logging is enabled",
                "DETERMINISTIC",
            ),
            (
                "1419",
                "You do not have the SUPER privilege and binary logging is enabled",
                "SET GLOBAL log_bin_trust_function_creators = 1",
            ),
            (
                "1290",
                "The MySQL server is running with the --secure-file-priv option so it cannot \
                 execute this statement",
                "an option of the server forbids it",
            ),
            (
                "1290",
                "The MySQL server is running with the --read-only option so it cannot execute \
                 this statement",
                "the address of the primary",
            ),
            (
                "1227",
                "Access denied; you need (at least one of) the SUPER privilege(s)",
                "DEFINER",
            ),
            ("3948", "Loading local data is disabled", "as INSERT"),
            (
                "1148",
                "The used command is not allowed with this MySQL version",
                "as INSERT",
            ),
            (
                "08P01",
                "transaction blocks not allowed in statement pooling mode",
                "in the mode `transaction` or `session`",
            ),
            (
                "2D000",
                "invalid transaction termination",
                "`-- no-transaction`",
            ),
            (
                "14",
                "the lock file x cannot be used: Read-only file system (os error 30)",
                "volume",
            ),
            (
                "22P05",
                "character has no equivalent in encoding",
                "remove it",
            ),
        ] {
            assert!(step(code, message).contains(said), "{message}");
        }
    }

    #[test]
    fn who_has_no_connection_left_is_told() {
        for (code, message, said) in [
            ("53300", "too many connections for role \"a\"", "the user"),
            ("53300", "sorry, too many clients already", "the server"),
            (
                "1226",
                "User 'a' has exceeded the 'max_user_connections' resource",
                "the user",
            ),
            ("1040", "Too many connections", "the server"),
        ] {
            assert!(step(code, message).starts_with(said), "{message}");
        }
    }
}
