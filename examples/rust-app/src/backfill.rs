//! What SQL alone cannot say: each name is folded as Rust knows capitals and
//! spaces, whatever the database's locale is.

use migrate::Transaction;
use migrate::sqlx::{self, Row};

/// Fills the column `folded`. It runs inside the migration's own transaction.
pub async fn fold_names(transaction: &mut Transaction<'_>) -> Result<(), sqlx::Error> {
    let select = "SELECT id, name FROM guests WHERE folded IS NULL";
    let update = "UPDATE guests SET folded = $1 WHERE id = $2";
    if let Ok(database) = transaction.postgres() {
        for guest in sqlx::query(select).fetch_all(&mut *database).await? {
            sqlx::query(update)
                .bind(folded(guest.try_get("name")?))
                .bind(guest.try_get::<i64, _>("id")?)
                .execute(&mut *database)
                .await?;
        }
    }
    if let Ok(database) = transaction.sqlite() {
        for guest in sqlx::query(select).fetch_all(&mut *database).await? {
            sqlx::query(update)
                .bind(folded(guest.try_get("name")?))
                .bind(guest.try_get::<i64, _>("id")?)
                .execute(&mut *database)
                .await?;
        }
    }
    Ok(())
}

fn folded(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}
