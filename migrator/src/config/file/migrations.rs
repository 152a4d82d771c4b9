//! `[migration.VERSION]`: what one migration may do that is refused otherwise. It
//! is for files that cannot say so themselves, since they are published.

use super::spanned::SpannedValue;
use crate::model::{Rule, Version};
use crate::text::Span;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use toml::Spanned;

/// What a version may look like.
#[cfg(test)]
const VERSION: &str = "^[0-9]{1,18}$";

/// The tables of migrations, in the order written.
#[derive(Clone, Debug, Default)]
pub struct Migrations(Vec<OfVersion>);

/// A migration's table.
#[derive(Clone, Debug)]
pub(super) struct OfVersion {
    pub(super) version: String,
    /// Where the version stands.
    pub(super) span: Span,
    keys: OfMigration,
}

/// What is allowed to one migration.
#[derive(Clone, Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OfMigration {
    /// The rules that it may break.
    allow: Vec<SpannedValue<Rule>>,
    /// Why, for whoever reads it later.
    #[expect(dead_code, reason = "it is asked for, and for people")]
    reason: SpannedValue<String>,
}

impl Migrations {
    pub(super) fn tables(&self) -> impl Iterator<Item = &OfVersion> {
        self.0.iter()
    }
}

impl OfVersion {
    /// The version; `None` where it could be none.
    pub(super) fn version(&self) -> Option<Version> {
        let is_number = self.version.bytes().all(|byte| byte.is_ascii_digit());
        let is_short = (1..=18).contains(&self.version.len());
        (is_number && is_short).then(|| self.version.parse::<i64>().ok().map(Version::from))?
    }

    pub(super) fn rules(&self) -> Vec<Rule> {
        self.keys
            .allow
            .iter()
            .map(|spanned| spanned.value)
            .collect()
    }
}

impl<'de> Deserialize<'de> for Migrations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfMigrations)
    }
}

struct OfMigrations;

impl<'de> Visitor<'de> for OfMigrations {
    type Value = Migrations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table for each migration, as in [migration.20260131120000]")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Migrations, A::Error> {
        let mut tables = Vec::new();
        while let Some((version, keys)) = map.next_entry::<Spanned<String>, OfMigration>()? {
            let span = version.span();
            tables.push(OfVersion {
                version: version.into_inner(),
                span: Span::new(span.start, span.end),
                keys,
            });
        }
        tables.sort_by_key(|table| table.span);
        Ok(Migrations(tables))
    }
}

#[cfg(test)]
mod schema {
    use super::{Migrations, OfMigration, VERSION};
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use std::borrow::Cow;

    impl JsonSchema for Migrations {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            "migrations".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let table = generator.subschema_for::<OfMigration>();
            json_schema!({
                "type": "object",
                "propertyNames": { "pattern": VERSION },
                "additionalProperties": table,
            })
        }
    }
}
