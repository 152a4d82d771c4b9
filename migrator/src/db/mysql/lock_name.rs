//! By what two migrators of one history exclude each other.

use crate::model::Checksum;
use sha2::{Digest, Sha256};

/// The named lock of a history table: the form is fixed for ever.
pub(super) fn lock_name(database: &str, table: &str) -> String {
    let table = table.replace('`', "");
    let full = match table.split_once('.') {
        Some((schema, table)) => format!("{schema}.{table}"),
        None => format!("{database}.{table}"),
    };
    let digest = Sha256::digest(full);
    format!("cnb-migrate:{}", Checksum(digest[..16].to_vec()).hex())
}

#[cfg(test)]
mod tests {
    use super::super::look::qualified;
    use super::*;

    #[test]
    fn the_lock_has_the_name_that_never_changes() {
        // printf 'app._sqlx_migrations' | sha256sum, 16 bytes.
        let name = "cnb-migrate:b1bcfeb63e0357e77a5f35672113e8d0";
        assert_eq!(lock_name("app", "_sqlx_migrations"), name);
        assert_eq!(lock_name("other", "`app`.`_sqlx_migrations`"), name);
        let look_again = qualified("app", "_sqlx_migrations");
        assert_eq!(lock_name("other", &look_again), name);
    }
}
