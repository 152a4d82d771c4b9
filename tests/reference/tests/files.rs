//! Real SQL. `files [FOLDER]...` reads every `.sql` file below the folders; without any, what
//! PostgreSQL's packages bring, and this repository's own files. A file that the
//! parser refuses has no reference and counts as skipped; but what either calls
//! unterminated, the other must, too. So that there is something unterminated in
//! real SQL, files are also read cut off at several places.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use splitter_reference::{Outcome, compare};

/// Fewer files than this, of the default folders, are no large body of SQL.
const ENOUGH: usize = 200;

/// Where PostgreSQL's packages have their scripts.
const PACKAGES: &str = "/usr/share/postgresql";

/// How often a file is cut off, unless it is longer than so many bytes.
const CUTS: usize = 16;
const LONGEST_CUT: usize = 256 * 1024;

#[derive(Default)]
struct Counts {
    bytes: usize,
    compared: usize,
    cut_off: usize,
    different: usize,
    skipped: usize,
    statements: usize,
    unterminated: usize,
}

fn main() -> ExitCode {
    let given: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let enough = if given.is_empty() { ENOUGH } else { 1 };
    let folders = if given.is_empty() { defaults() } else { given };

    let mut files = BTreeSet::new();
    for folder in &folders {
        collect(folder, &mut files);
    }
    let mut counts = Counts::default();
    for path in &files {
        compare_file(path, &mut counts);
    }
    println!(
        "compared {} files, {} statements, {} KB; skipped {} that the parser refuses; {} differ",
        counts.compared,
        counts.statements,
        counts.bytes / 1024,
        counts.skipped,
        counts.different,
    );
    println!(
        "read {} beginnings of files, of which both call {} unterminated",
        counts.cut_off, counts.unterminated,
    );
    if counts.compared < enough {
        println!("at least {enough} files should have been compared");
    }
    if counts.different > 0 || counts.compared < enough {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn defaults() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    vec![
        PathBuf::from(PACKAGES),
        root.join("migrator/tests/sql/postgres"),
        root.join("examples"),
    ]
}

/// Packages link one script to many names: each file once.
fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) {
    let Ok(path) = path.canonicalize() else {
        return;
    };
    if let Ok(entries) = fs::read_dir(&path) {
        for entry in entries.flatten() {
            collect(&entry.path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "sql") {
        files.insert(path);
    }
}

fn compare_file(path: &Path, counts: &mut Counts) {
    let name = path.display();
    let Ok(text) = fs::read_to_string(path) else {
        println!("skipped {name}: no text");
        counts.skipped += 1;
        return;
    };
    match compare(&text) {
        Outcome::Agreed { statements } => {
            counts.compared += 1;
            counts.statements += statements;
            counts.bytes += text.len();
            compare_beginnings(path, &text, counts);
        }
        Outcome::Different(differences) => {
            counts.compared += 1;
            counts.different += 1;
            for difference in differences {
                println!("DIFFERENT {name}:{difference}");
            }
        }
        Outcome::Skipped(reason) | Outcome::Unterminated(reason) => {
            let reason = reason.lines().next().unwrap_or_default();
            println!("skipped {name}: {reason}");
            counts.skipped += 1;
        }
    }
}

/// Of a file that we agree on.
fn compare_beginnings(path: &Path, text: &str, counts: &mut Counts) {
    if text.len() > LONGEST_CUT {
        return;
    }
    for number in 1..=CUTS {
        let end = text.floor_char_boundary(text.len() * number / (CUTS + 1));
        counts.cut_off += 1;
        match compare(&text[..end]) {
            Outcome::Agreed { .. } | Outcome::Skipped(_) => {}
            Outcome::Unterminated(_) => counts.unterminated += 1,
            Outcome::Different(differences) => {
                counts.different += 1;
                for difference in differences {
                    println!(
                        "DIFFERENT {}, its first {end} bytes:{difference}",
                        path.display()
                    );
                }
            }
        }
    }
}
