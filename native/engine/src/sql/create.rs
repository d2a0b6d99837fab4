//! CREATE TABLE.

use ti_proto::plan;
use ti_proto::plan::data_type::Kind;

use super::key::{self, KeyColumn};
use super::property::Properties;
use super::text::{identifier, qualified, text};
use super::types::{column_type, default_clause, is_large};
use crate::error::{Error, ErrorKind, Result};

/// The whole statement.
///
/// # Errors
/// `InvalidArgument`, `ColumnNotFound`, `UnsupportedType` and `UnsupportedFeature` name the column or the property.
pub(super) fn create_table(create: &plan::CreateTable) -> Result<String> {
    let properties = Properties::parse(&create.properties)?;
    let types = create.types.clone().unwrap_or_default();
    if create.columns.is_empty() {
        return Err(Error::new(
            ErrorKind::UnsupportedFeature,
            "a table of TiDB has at least one column",
        ));
    }
    let mut parts = Vec::with_capacity(create.columns.len() + 1 + properties.indexes.len());
    for column in &create.columns {
        parts.push(column_definition(column, &types, &generated(column, &properties)?)?);
    }
    if !properties.primary_key.is_empty() {
        check_key(create, "tidb.primary_key", &properties.primary_key)?;
        let clustered = match properties.clustered {
            Some(true) => " CLUSTERED",
            Some(false) => " NONCLUSTERED",
            None => "",
        };
        parts.push(format!(
            "PRIMARY KEY {}{clustered}",
            key::list(&properties.primary_key)?
        ));
    } else if properties.clustered.is_some() {
        return Err(invalid(
            "tidb.clustered says how rows are kept by their primary key: set tidb.primary_key too",
        ));
    }
    for index in &properties.indexes {
        check_key(create, &format!("tidb.index.{}", index.name), &index.columns)?;
        parts.push(index.sql()?);
    }
    for (property, column) in [
        ("tidb.auto_random", properties.auto_random.as_ref().map(|(c, _)| c)),
        ("tidb.auto_increment", properties.auto_increment.as_ref()),
    ] {
        if let Some(column) = column {
            find(create, property, column)?;
        }
    }
    let comment = if create.comment.is_empty() {
        String::new()
    } else {
        format!(" COMMENT = {}", text(&create.comment))
    };
    Ok(format!(
        "CREATE TABLE {} (\n  {}\n){}{comment}{}",
        qualified(create.table.as_ref())?,
        parts.join(",\n  "),
        properties.charset.clauses(),
        partitioning(create)?
    ))
}

/// A column as CREATE TABLE and ADD COLUMN have it.
pub(super) fn column_definition(
    column: &plan::ColumnDefinition,
    types: &plan::TypeOptions,
    generated: &str,
) -> Result<String> {
    let comment = if column.comment.is_empty() {
        String::new()
    } else {
        format!(" COMMENT {}", text(&column.comment))
    };
    Ok(format!(
        "{} {}{}{}{generated}{comment}",
        identifier(&column.name)?,
        column_type(&column.name, column.r#type.as_ref(), types)?,
        // Without a word a column may be NULL, unless it is in the primary key.
        if column.nullable { "" } else { " NOT NULL" },
        default_clause(&column.name, column.r#type.as_ref(), column.default_value.as_ref())?,
    ))
}

/// Who gives the column its values.
fn generated(column: &plan::ColumnDefinition, properties: &Properties) -> Result<String> {
    let is = |name: &String| name.to_lowercase() == column.name.to_lowercase();
    if let Some((_, bits)) = properties.auto_random.as_ref().filter(|(name, _)| is(name)) {
        if properties.auto_increment.as_ref().is_some_and(is) {
            return Err(invalid("tidb.auto_random and tidb.auto_increment name the same column"));
        }
        return Ok(format!(" AUTO_RANDOM{bits}"));
    }
    Ok(if properties.auto_increment.as_ref().is_some_and(is) {
        " AUTO_INCREMENT".into()
    } else {
        String::new()
    })
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

fn find<'a>(create: &'a plan::CreateTable, property: &str, name: &str) -> Result<&'a plan::ColumnDefinition> {
    let wanted = name.to_lowercase();
    create
        .columns
        .iter()
        .find(|c| c.name.to_lowercase() == wanted)
        .ok_or_else(|| {
            Error::new(
                ErrorKind::ColumnNotFound,
                format!("{property}: the table has no column {name}"),
            )
        })
}

/// The columns exist, and can be in a key.
fn check_key(create: &plan::CreateTable, property: &str, key: &[KeyColumn]) -> Result<()> {
    for part in key {
        let column = find(create, property, &part.name)?;
        if part.length.is_none() && is_large(column.r#type.as_ref()) {
            let name = &part.name;
            return Err(invalid(&format!(
                "{property}: column {name} has no length, and a key of TiDB needs one: declare it VARCHAR(n), or write {name}(n) to have the first n characters or bytes in the key"
            )));
        }
    }
    Ok(())
}

fn partitioning(create: &plan::CreateTable) -> Result<String> {
    let buckets = match create.partitioning.as_slice() {
        [] => return Ok(String::new()),
        [one] => one,
        _ => {
            return Err(Error::new(
                ErrorKind::UnsupportedFeature,
                "a table of TiDB is partitioned once: write one bucket(n, columns)",
            ))
        }
    };
    let mut columns = Vec::with_capacity(buckets.columns.len());
    for name in &buckets.columns {
        columns.push(find(create, "PARTITIONED BY bucket", name)?);
    }
    let names: Vec<String> = columns.iter().map(|c| identifier(&c.name)).collect::<Result<_>>()?;
    let integer = |column: &&plan::ColumnDefinition| {
        let kind = column.r#type.as_ref().and_then(|t| t.r#type).map(|t| t.kind());
        matches!(kind, Some(Kind::Byte | Kind::Short | Kind::Int | Kind::Long))
    };
    // HASH takes one whole number; KEY takes all that can be compared by their bytes.
    let method = if columns.len() == 1 && columns.iter().all(integer) {
        "HASH"
    } else {
        "KEY"
    };
    Ok(format!(
        " PARTITION BY {method} ({}) PARTITIONS {}",
        names.join(", "),
        buckets.count
    ))
}
