//! Table properties `tidb.*`: what a table of TiDB has and Spark has no words for.

use std::collections::HashMap;

use super::key::{self, KeyColumn};
use super::text::{identifier, word};
use crate::error::{Error, ErrorKind, Result};

/// Before the names of our properties.
pub(super) const PREFIX: &str = "tidb.";
const INDEX: &str = "tidb.index.";
/// Every table has its primary key under this name among the indexes.
const PRIMARY: &str = "PRIMARY";
/// Shown with a table; nothing that one could ask for.
const SHOWN: [&str; 6] = [
    "tidb.kind",
    "tidb.table_id",
    "tidb.handle",
    "tidb.schema_ts",
    "tidb.partition_by",
    "tidb.partitions",
];
const KNOWN: &str = "tidb.primary_key, tidb.clustered, tidb.auto_random, tidb.auto_increment, tidb.index.<name>, tidb.charset, tidb.collation";

/// Character set and collation of a database or table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Charset {
    charset: Option<String>,
    collation: Option<String>,
}

impl Charset {
    /// Takes the property when it is one of these.
    pub(super) fn take(&mut self, name: &str, value: &str) -> Result<bool> {
        let field = match name {
            "tidb.charset" => &mut self.charset,
            "tidb.collation" => &mut self.collation,
            _ => return Ok(false),
        };
        *field = Some(word(name, value)?.to_owned());
        Ok(true)
    }

    /// As CREATE and ALTER have it, with a space before each.
    pub(super) fn clauses(&self) -> String {
        let clause =
            |name: &str, value: &Option<String>| value.as_ref().map_or(String::new(), |v| format!(" {name} = {v}"));
        clause("DEFAULT CHARACTER SET", &self.charset) + &clause("COLLATE", &self.collation)
    }
}

/// An index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) name: String,
    unique: bool,
    invisible: bool,
    pub(super) columns: Vec<KeyColumn>,
}

impl Index {
    /// As CREATE TABLE has it, and ALTER TABLE after ADD.
    pub(super) fn sql(&self) -> Result<String> {
        Ok(format!(
            "{}INDEX {} {}{}",
            if self.unique { "UNIQUE " } else { "" },
            identifier(&self.name)?,
            key::list(&self.columns)?,
            if self.invisible { " INVISIBLE" } else { "" }
        ))
    }
}

/// The properties of a new table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) primary_key: Vec<KeyColumn>,
    pub(super) clustered: Option<bool>,
    /// Column, and `(shard bits[, range])`.
    pub(super) auto_random: Option<(String, String)>,
    pub(super) auto_increment: Option<String>,
    /// In the order of their names.
    pub(super) indexes: Vec<Index>,
    pub(super) charset: Charset,
}

impl Properties {
    pub(super) fn parse(properties: &HashMap<String, String>) -> Result<Self> {
        let mut parsed = Self::default();
        // In the order of names, so that the same properties give the same statement.
        let mut sorted: Vec<(&String, &String)> = properties.iter().collect();
        sorted.sort();
        let mut of_index = Vec::new();
        for (name, value) in sorted {
            match name.as_str() {
                "tidb.primary_key" => parsed.primary_key = key::parse(name, value)?,
                "tidb.clustered" => parsed.clustered = Some(boolean(name, value)?),
                "tidb.auto_random" => parsed.auto_random = Some(auto_random(name, value)?),
                "tidb.auto_increment" => {
                    let (column, rest) = key::name(value.trim()).unwrap_or_default();
                    if column.is_empty() || !rest.is_empty() {
                        return Err(invalid(format!("{name}: '{value}' is not the name of one column")));
                    }
                    parsed.auto_increment = Some(column);
                }
                other => match index(other, value)? {
                    Some(Parsed::Index(index)) => parsed.indexes.push(index),
                    Some(Parsed::Primary(columns)) => of_index = columns,
                    None if parsed.charset.take(name, value)? => {}
                    None => return Err(unknown(name)),
                },
            }
        }
        if parsed.primary_key.is_empty() {
            parsed.primary_key = of_index;
        }
        Ok(parsed)
    }
}

/// The error for a property that tables do not have.
pub(super) fn unknown(name: &str) -> Error {
    if SHOWN.contains(&name) {
        return invalid(format!(
            "the property {name} says what TiDB has made of a table, and cannot be set; for partitions write PARTITIONED BY (bucket(n, column))"
        ));
    }
    invalid(format!(
        "the table property {name} is not known. A table of TiDB has a comment and {KNOWN}"
    ))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

fn boolean(name: &str, value: &str) -> Result<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(format!("{name}: '{value}' is not true or false"))),
    }
}

/// `column`, `column(shard bits)` or `column(shard bits, range)`.
fn auto_random(name: &str, value: &str) -> Result<(String, String)> {
    let bad = || {
        invalid(format!(
            "{name}: '{value}' is not a column with the number of shard bits, such as id or id(5) or id(5, 54)"
        ))
    };
    let (column, rest) = key::name(value.trim()).ok_or_else(bad)?;
    if rest.is_empty() {
        return Ok((column, String::new()));
    }
    let inner = rest
        .strip_prefix('(')
        .and_then(|r| r.strip_suffix(')'))
        .ok_or_else(bad)?;
    let numbers: Vec<u32> = inner
        .split(',')
        .map(|n| n.trim().parse().map_err(|_| bad()))
        .collect::<Result<_>>()?;
    let text: Vec<String> = numbers.iter().map(u32::to_string).collect();
    Ok((column, format!("({})", text.join(", "))))
}

/// What a property `tidb.index.<name>` says.
pub(super) enum Parsed {
    /// An index.
    Index(Index),
    /// The primary key, under its name as an index.
    Primary(Vec<KeyColumn>),
}

/// The name of an index, when the property is about one.
pub(super) fn index_name(property: &str) -> Option<&str> {
    property.strip_prefix(INDEX).filter(|name| !name.is_empty())
}

/// `[PRIMARY|UNIQUE] (columns) [INVISIBLE]`; `None` when the property is about something else.
pub(super) fn index(property: &str, value: &str) -> Result<Option<Parsed>> {
    let Some(name) = index_name(property) else {
        return Ok(None);
    };
    let bad = || {
        invalid(format!(
            "{property}: '{value}' is no index; write (a, b) or UNIQUE (a, b), with INVISIBLE after it if need be"
        ))
    };
    let (before, rest) = value.trim().split_once('(').ok_or_else(bad)?;
    let (columns, after) = rest.rsplit_once(')').ok_or_else(bad)?;
    // An expression would be read as a column of that name.
    if columns.trim_start().starts_with('(') {
        return Err(Error::new(
            ErrorKind::UnsupportedFeature,
            format!("{property}: an index on an expression cannot be made from here; make it in TiDB"),
        ));
    }
    let columns = key::parse(property, columns)?;
    let unique = match before.trim().to_ascii_uppercase().as_str() {
        "" => false,
        "UNIQUE" => true,
        PRIMARY if name == PRIMARY => return Ok(Some(Parsed::Primary(columns))),
        _ => return Err(bad()),
    };
    let invisible = match after.trim().to_ascii_uppercase().as_str() {
        "" => false,
        "INVISIBLE" => true,
        _ => return Err(bad()),
    };
    Ok(Some(Parsed::Index(Index {
        name: name.to_owned(),
        unique,
        invisible,
        columns,
    })))
}
