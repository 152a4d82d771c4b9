//! Telling other tools' tables. A second history beside another tool's would apply
//! everything again: a database that another tool keeps is refused by its name until
//! the project reads that table itself.

/// A table in which another tool keeps its history, the column that tells two
/// tools of one table name apart, and the tool. More telling rows come first.
const TABLES: [(&str, Option<&str>, &str); 16] = [
    ("schema_migrations", Some("dirty"), "golang-migrate"),
    ("schema_migrations", Some("inserted_at"), "Ecto"),
    ("ar_internal_metadata", None, "Rails"),
    ("schema_migrations", None, "dbmate or Rails"),
    ("goose_db_version", None, "goose"),
    ("flyway_schema_history", None, "Flyway"),
    ("__diesel_schema_migrations", None, "Diesel"),
    ("refinery_schema_history", None, "refinery"),
    ("_prisma_migrations", None, "Prisma"),
    ("__drizzle_migrations", None, "Drizzle"),
    ("alembic_version", None, "Alembic"),
    ("databasechangelog", None, "Liquibase"),
    ("atlas_schema_revisions", None, "Atlas"),
    ("django_migrations", None, "Django"),
    ("knex_migrations", None, "Knex"),
    ("sequelizemeta", None, "Sequelize"),
];

/// Names of all tables that [`owner`] can tell, without repetition.
#[must_use]
pub fn tables() -> Vec<&'static str> {
    let mut names: Vec<_> = TABLES.iter().map(|(table, ..)| *table).collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    names
}

/// The tool to which a database's history tables belong, and the telling table.
/// `columns` holds a (table, column) pair for each column of those tables, in
/// any case.
#[must_use]
pub fn owner(columns: &[(String, String)]) -> Option<(&'static str, &'static str)> {
    TABLES
        .iter()
        .find(|(table, column, _)| {
            columns.iter().any(|(t, c)| {
                t.eq_ignore_ascii_case(table)
                    && column.is_none_or(|column| c.eq_ignore_ascii_case(column))
            })
        })
        .map(|(table, _, tool)| (*tool, *table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_two_tools_is_told_by_its_columns() {
        let columns = |names: &[&str]| -> Vec<(String, String)> {
            names
                .iter()
                .map(|&name| ("schema_migrations".into(), name.into()))
                .collect()
        };
        assert_eq!(
            owner(&columns(&["version", "DIRTY"])).unwrap().0,
            "golang-migrate"
        );
        assert_eq!(owner(&columns(&["version"])).unwrap().0, "dbmate or Rails");
        assert_eq!(owner(&[]), None);
    }
}
