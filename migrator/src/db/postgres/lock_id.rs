//! By what two migrators of one history exclude each other.

use sha2::{Digest, Sha256};

/// The advisory lock of a history table: the form is fixed for ever.
pub(super) fn lock_id(schema: &str, table: &str) -> i64 {
    let digest = Sha256::digest(format!("cnb-migrate:{schema}.{table}"));
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_has_the_name_that_never_changes() {
        // printf 'cnb-migrate:public._sqlx_migrations' | sha256sum, 8 bytes.
        assert_eq!(
            lock_id("public", "_sqlx_migrations"),
            -5_737_065_063_211_308_751
        );
    }
}
