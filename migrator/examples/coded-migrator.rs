//! `coded-migrator …`: a project's own program as the tests need it. It carries
//! three migrations, and the second is written in Rust: what it does, the variable
//! CODE says.

use migrate::sqlx::{self, Connection, Executor};
use migrate::{Program, Transaction};
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

/// As a build.rs would list it.
const CARRIED: migrate::embedded::Carried = (
    &[("migrations", None)],
    &[
        ("migrations/1_a.sql", b"CREATE TABLE a (id INT);\n"),
        ("migrations/3_c.sql", b"CREATE TABLE c (id INT);\n"),
    ],
);

type Done = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let code = std::env::var("CODE").unwrap_or_default();
    let program = Program::carrying(CARRIED);
    let up = async move |transaction: &mut Transaction<'_>| act(&code, transaction).await;
    match std::env::var("DOWN").as_deref() {
        Ok(_) => program.reversible_rust(2, "by code", up, async |transaction: &mut _| {
            run(transaction, "DELETE FROM a WHERE id = 7").await
        }),
        Err(_) => program.rust(2, "by code", up),
    }
    .main()
}

async fn act(code: &str, transaction: &mut Transaction<'_>) -> Done {
    run(transaction, "INSERT INTO a VALUES (7)").await?;
    match code {
        "commits" => run(transaction, "COMMIT").await?,
        "commits-and-fails" => {
            run(transaction, "COMMIT").await?;
            return Err("too late".into());
        }
        "creates-and-fails" => {
            run(transaction, "CREATE TABLE b (id INT)").await?;
            return Err("the second half is missing".into());
        }
        "fails" => run(transaction, "INSERT INTO nowhere VALUES (1)").await?,
        "forgets-an-error" => {
            let _ = run(transaction, "INSERT INTO nowhere VALUES (1)").await;
        }
        "nests" => nest(transaction).await?,
        "panics" => panic!("at the seventh row"),
        "runs" => {
            let endless = endless(transaction);
            run(transaction, endless).await?;
        }
        "sleeps" => run(transaction, "SELECT pg_sleep(1.5)").await?,
        "says" => return Err(format!("as it was told: {}", "x".repeat(20)).into()),
        "waits" => tokio::time::sleep(Duration::from_mins(10)).await,
        "writes" => run(transaction, "UPDATE a SET id = 8").await?,
        _ => {}
    }
    Ok(())
}

async fn run(transaction: &mut Transaction<'_>, sql: &'static str) -> Done {
    if let Ok(database) = transaction.postgres() {
        sqlx::query(sql).execute(database).await?;
    } else if let Ok(database) = transaction.sqlite() {
        sqlx::query(sql).execute(database).await?;
    } else {
        sqlx::query(sql).execute(transaction.mysql()?).await?;
    }
    Ok(())
}

/// A transaction inside the transaction, of which one half stays.
async fn nest(transaction: &mut Transaction<'_>) -> Done {
    macro_rules! nested {
        ($database:expr) => {{
            let database = $database;
            let mut kept = database.begin().await?;
            kept.execute("INSERT INTO a VALUES (71)").await?;
            kept.commit().await?;
            let mut dropped = database.begin().await?;
            dropped.execute("INSERT INTO a VALUES (72)").await?;
            drop(dropped);
        }};
    }
    if let Ok(database) = transaction.postgres() {
        nested!(database);
    } else if let Ok(database) = transaction.sqlite() {
        nested!(database);
    } else {
        nested!(transaction.mysql()?);
    }
    Ok(())
}

/// A statement that takes far longer than any test.
fn endless(transaction: &mut Transaction<'_>) -> &'static str {
    if transaction.postgres().is_ok() {
        "SELECT pg_sleep(600)"
    } else if transaction.sqlite().is_ok() {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    } else {
        "UPDATE a SET id = SLEEP(600)"
    }
}
