//! `wait`: until the database answers.

use crate::support::{Database, Migrate, Output, Project, Server, stories};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

stories! {
    on servers {
        a_database_that_answers_is_not_waited_for,
        a_server_that_comes_up_late_is_waited_for,
        a_wrong_password_ends_it_at_once,
    }
    on [Sqlite] {
        a_file_answers_or_is_for_up_to_create,
    }
}

/// It needs no migrations: every project here is empty.
const NOBODY: &str = "postgres://u:hush-hush@127.0.0.1:1/app";

fn wait(project: &Project, url: &str) -> Migrate {
    Migrate::new(project)
        .env("DATABASE_URL", url)
        .args(["wait"])
}

fn json(output: &Output) -> Vec<serde_json::Value> {
    let lines = output.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn a_database_that_answers_is_not_waited_for(db: &Database) {
    let none = Project::new();
    let output = wait(&none, db.url())
        .run()
        .exits(0)
        .says(" answers, after ");
    assert_eq!(output.stdout.lines().count(), 1, "{output}");
    assert_eq!(output.stderr, "");
    let output = wait(&none, db.url())
        .args(["--output", "json"])
        .run()
        .exits(0);
    assert_eq!(json(&output)[0]["event"], "answered");
    assert_eq!(db.snapshot(), "", "it wrote nothing");
}

fn a_wrong_password_ends_it_at_once(db: &Database) {
    let none = Project::new();
    let url = db.url().replace("secret-pw", "wrong-pw");
    let began = Instant::now();
    wait(&none, &url)
        .run()
        .exits(4)
        .complains("error[connection_refused]")
        .complains("check the user and the password in the URL");
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// A port at which nobody listens at first, and then the server does.
fn a_server_that_comes_up_late_is_waited_for(db: &Database) {
    let none = Project::new();
    let (before, after) = db.url().rsplit_once('@').unwrap();
    let (address, path) = after.split_once('/').unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let url = format!("{before}@127.0.0.1:{port}/{path}");
    let running = wait(&none, &url)
        .spawn()
        .until("does not answer yet; waiting for up to 1 min 0 s");
    forward(port, address.to_owned());
    running.wait().exits(0).says(" answers, after ");
}

/// Lets whoever comes to the port talk to the address.
fn forward(port: u16, address: String) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&address).unwrap());
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                thread::spawn(move || io::copy(&mut from, &mut to));
            }
        }
    });
}

fn a_file_answers_or_is_for_up_to_create(db: &Database) {
    let none = Project::new();
    assert_eq!(db.server, Server::Sqlite);
    wait(&none, db.url())
        .run()
        .exits(0)
        .says("does not exist yet; `up` creates it.");
    assert!(!db.path().exists(), "it creates nothing");
    let only_open = format!("{}?mode=rw", db.url());
    wait(&none, &only_open)
        .run()
        .exits(4)
        .complains("does not exist");
    db.run("CREATE TABLE a (id INT)");
    wait(&none, &only_open)
        .run()
        .exits(0)
        .says(" answers, after ");
}

#[test]
fn nobody_is_waited_for_as_long_as_asked() {
    let none = Project::new();
    wait(&none, NOBODY)
        .args(["--wait", "300ms"])
        .run()
        .exits(4)
        .complains("error[unreachable]");
    let output = wait(&none, NOBODY)
        .args(["--wait", "2500ms", "--output", "json"])
        .run()
        .exits(4);
    let events = json(&output);
    assert_eq!(events[0]["event"], "waiting_for_database");
    assert_eq!(events[0]["limit_ms"], 2500);
    assert_eq!(events[1]["event"], "error");
    assert_eq!(events[1]["exit_code"], 4);
    assert_eq!(output.stderr, "");
}

#[test]
fn the_deadline_and_signals_end_it() {
    let none = Project::new();
    wait(&none, NOBODY)
        .args(["--deadline", "300ms"])
        .run()
        .exits(10)
        .complains("error[deadline]");
    for (signal, code, word) in [("TERM", 143, "terminated"), ("INT", 130, "interrupted")] {
        let running = wait(&none, NOBODY).spawn().until("does not answer yet");
        running.signal(signal);
        running
            .wait()
            .exits(code)
            .complains(&format!("error[{word}]"));
    }
}

#[test]
fn without_a_url_nothing_is_waited_for() {
    Migrate::new(&Project::new())
        .args(["wait"])
        .run()
        .exits(3)
        .complains("error[no_database_url]");
    let project = Project::new().file("migrate.toml", format!("database-url = \"{NOBODY}\"\n"));
    Migrate::new(&project)
        .args(["wait", "--wait", "0"])
        .run()
        .exits(4);
}
