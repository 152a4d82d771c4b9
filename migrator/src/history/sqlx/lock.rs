//! The lock by which sqlx's own `Migrator` excludes itself, one for all of a
//! database's history tables.

/// The number of a database's lock: on PostgreSQL it is the advisory lock's, on
/// MySQL and MariaDB its hexadecimal form is the name (sqlx-postgres and
/// sqlx-mysql 0.9, `generate_lock_id` in `src/migrate.rs`). `database` is the
/// name by which the server calls it.
pub(super) fn lock_number(database: &str) -> i64 {
    0x3d32_ad9e * i64::from(crc32(database.as_bytes()))
}

/// CRC-32/ISO-HDLC, bit by bit: a name is short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_number_that_sqlx_gives_it() {
        // The check value of the catalogue of CRCs.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(lock_number("mydb"), 293_176_876_009_260_204);
        assert_eq!(format!("{:x}", lock_number("mydb")), "41192d0bee404ac");
        assert_eq!(lock_number(""), 0);
    }
}
