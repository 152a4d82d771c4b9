//! What a URL tells before anybody connects. Ports of this machine that nobody
//! listens at keep the tests from waiting; `.invalid` is nobody's name.

use super::patient::Patient;

#[test]
fn what_a_platform_left_of_a_binding_is_said() {
    for (value, code) in [
        ("", "database_url_empty"),
        ("${db.DATABASE_URL}", "database_url_unresolved"),
        ("hunter2", "bad_database_url"),
    ] {
        let patient = Patient::healthy().set("DATABASE_URL", value);
        let (document, exit) = patient.document(&[]);
        let found = document["findings"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{document:#}");
        assert_eq!(
            (found[0]["code"].as_str(), exit),
            (Some(code), Some(3)),
            "{document:#}"
        );
        assert!(!document.to_string().contains("hunter2"), "{document:#}");
    }
}

#[test]
fn without_a_spec_or_a_url_nothing_says_how_a_deploy_gets_it() {
    Patient::healthy().has("database_url_unset");
    let misspelt = Patient::healthy().set("MIGRATE_DATABSE_URL", "sqlite:a.db");
    let (document, exit) = misspelt.document(&[]);
    assert_eq!(exit, Some(0));
    let found = document["findings"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{document:#}");
    assert_eq!(found[0]["code"], "unknown_variable");
    assert_eq!(found[0]["fix"], "did you mean MIGRATE_DATABASE_URL?");
}

#[test]
fn where_a_url_leads_and_how_is_judged() {
    let managed = "shop-do-user-1-0.b.db.ondigitalocean.com";
    for (url, codes) in [
        (
            "postgres://u:hunter2@db.example.invalid/d?sslmode=disable".to_owned(),
            vec!["tls_off"],
        ),
        (
            "mysql://u:hunter2@db.example.invalid/d?ssl-mode=DISABLED".to_owned(),
            vec!["tls_off"],
        ),
        (
            "postgres://u:hunter2@db.example.invalid/d".to_owned(),
            vec!["tls_not_required"],
        ),
        (
            "postgres://u:hunter2@db.example.invalid/d?sslmode=prefer".to_owned(),
            vec!["tls_not_required"],
        ),
        (
            "postgres://u:hunter2@db.example.invalid/d?sslmode=require".to_owned(),
            vec![],
        ),
        (
            "postgres://u:hunter2@127.0.0.1:1/d?sslmode=disable".to_owned(),
            vec![],
        ),
        ("postgres://u:hunter2@10.1.2.3:1/d".to_owned(), vec![]),
        ("postgres://u:hunter2@db:1/d".to_owned(), vec![]),
        (
            format!("postgres://u:hunter2@{managed}:25060/d?sslmode=require"),
            vec!["tls_unverified"],
        ),
        (
            format!("mysql://u:hunter2@{managed}:25060/d?ssl-mode=REQUIRED"),
            vec!["tls_unverified"],
        ),
        (
            format!("postgres://u:hunter2@{managed}:25060/d?sslmode=verify-full"),
            vec![],
        ),
        (
            format!("postgres://u:hunter2@{managed}:25061/pool?sslmode=verify-full"),
            vec!["pooled_url"],
        ),
        ("sqlite:nowhere.db".to_owned(), vec![]),
    ] {
        let patient = Patient::healthy()
            .set("DATABASE_URL", &url)
            .set("MIGRATE_WAIT", "0s");
        let (document, _) = patient.document(&[]);
        assert!(!document.to_string().contains("hunter2"), "{document:#}");
        let ours = [
            "pooled_url",
            "tls_not_required",
            "tls_off",
            "tls_unverified",
        ];
        let found = document["findings"].as_array().unwrap().iter();
        let found: Vec<_> = found
            .filter_map(|found| found["code"].as_str())
            .filter(|code| ours.contains(code))
            .collect();
        assert_eq!(found, codes, "{url}");
    }
}
