//! What can stand at a key, with its place.

use super::Database;
use crate::config::value::Value;
use crate::text::Span;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;
use toml::Spanned;

/// A value of the file, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpannedValue<T> {
    pub value: T,
    pub span: Span,
}

/// The tables of databases, in the order written.
#[derive(Clone, Debug, Default)]
pub struct Databases(Vec<Named>);

/// A database's table.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    /// Where its name stands.
    pub(super) span: Span,
    pub(super) keys: Database,
}

impl Databases {
    pub(super) fn tables(&self) -> impl Iterator<Item = &Named> {
        self.0.iter()
    }
}

impl<'de, T: Value> Deserialize<'de> for SpannedValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Bare<T>>::deserialize(deserializer)?;
        let span = spanned.span();
        Ok(Self {
            value: spanned.into_inner().0,
            span: Span::new(span.start, span.end),
        })
    }
}

impl<'de> Deserialize<'de> for Databases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfDatabases)
    }
}

struct Bare<T>(T);

impl<'de, T: Value> Deserialize<'de> for Bare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(OfValue::<T>(PhantomData))
            .map(Self)
    }
}

struct OfValue<T>(PhantomData<T>);

impl<T: Value> Visitor<'_> for OfValue<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&T::takes())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_string(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        T::from_bool(value).ok_or_else(|| E::invalid_type(Unexpected::Bool(value), &self))
    }
}

struct OfDatabases;

impl<'de> Visitor<'de> for OfDatabases {
    type Value = Databases;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table for each database, as in [database.billing]")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Databases, A::Error> {
        let mut tables = Vec::new();
        while let Some((name, keys)) = map.next_entry::<Spanned<String>, Database>()? {
            let span = name.span();
            tables.push(Named {
                name: name.into_inner(),
                span: Span::new(span.start, span.end),
                keys,
            });
        }
        // They come sorted by name; the order written is the contract.
        tables.sort_by_key(|table| table.span);
        Ok(Databases(tables))
    }
}

#[cfg(test)]
mod schema {
    use super::{Database, Databases, SpannedValue, Value};
    use crate::config::file::DATABASE_NAME;
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use std::borrow::Cow;

    impl<T: Value> JsonSchema for SpannedValue<T> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            "value".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            T::schema()
        }
    }

    impl JsonSchema for Databases {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            "databases".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let table = generator.subschema_for::<Database>();
            json_schema!({
                "type": "object",
                "propertyNames": { "pattern": DATABASE_NAME },
                "additionalProperties": table,
            })
        }
    }
}
