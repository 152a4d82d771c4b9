//! `sqlx-migrator URL FOLDER`: applies a folder as `sqlx migrate run` does, by
//! sqlx's own library: the peer of the benchmarks. The sqlx command adds
//! nothing to the path from the folder to the database but its own start.

use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};
use std::error::Error;
use std::path::Path;
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, folder] = &arguments[..] else {
        return Err("usage: sqlx-migrator URL FOLDER".into());
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let migrator = Migrator::new(Path::new(folder)).await?;
        let mut connection = PgConnection::connect(url).await?;
        migrator.run(&mut connection).await?;
        Ok(connection.close().await?)
    })
}
