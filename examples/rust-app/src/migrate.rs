//! The program `migrate` of this application: its migrations are compiled in.

mod backfill;

use std::process::ExitCode;

fn main() -> ExitCode {
    migrate::embedded!("migrations")
        .rust(20260301090000, "fold names", backfill::fold_names)
        .main()
}
