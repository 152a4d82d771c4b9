//! TLS as the URL says, against a server whose certificate is of a private
//! authority (`scripts/servers start postgres-tls`).

use crate::support::{Migrate, Output, Project};

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: scripts/servers start postgres-tls"))
}

/// Asks for the status with this mode, and this authority in the environment.
fn status(mode: &str, authority: Option<&str>) -> Output {
    let url = format!(
        "{}?sslmode={mode}",
        variable("MIGRATE_TEST_POSTGRES_TLS_URL")
    );
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    let command = Migrate::new(&project)
        .env("DATABASE_URL", &url)
        .args(["status", "--wait", "1s"]);
    match authority {
        Some(authority) => command.env("DATABASE_CA_CERT", authority).run(),
        None => command.run(),
    }
}

#[test]
#[ignore = "needs scripts/servers"]
fn without_a_check_any_certificate_will_do() {
    for mode in ["prefer", "require"] {
        status(mode, None).exits(0);
    }
}

#[test]
#[ignore = "needs scripts/servers"]
fn the_authority_is_a_path_or_a_text() {
    let path = variable("MIGRATE_TEST_TLS_CA");
    let text = std::fs::read_to_string(&path).unwrap();
    for authority in [path.as_str(), text.as_str()] {
        status("verify-full", Some(authority)).exits(0);
    }
}

#[test]
#[ignore = "needs scripts/servers"]
fn an_unknown_authority_is_not_trusted() {
    let other = variable("MIGRATE_TEST_TLS_OTHER_CA");
    for authority in [None, Some(other.as_str())] {
        status("verify-full", authority)
            .exits(4)
            .complains("error[tls_failed]");
    }
}

#[test]
#[ignore = "needs scripts/servers"]
fn verify_ca_is_refused_with_its_reason() {
    status("verify-ca", Some(&variable("MIGRATE_TEST_TLS_CA")))
        .exits(3)
        .complains("error[verify_ca_refused]");
}
