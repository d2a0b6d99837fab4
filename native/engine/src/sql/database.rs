//! Databases: what Spark calls namespaces.

use ti_proto::plan;

use super::property::{Charset, PREFIX};
use super::text::identifier;
use crate::error::{Error, ErrorKind, Result};

pub(super) fn create(create: &plan::CreateDatabase) -> Result<String> {
    Ok(format!(
        "CREATE DATABASE {}{}",
        identifier(&create.database)?,
        charset(&create.properties)?.clauses()
    ))
}

/// `None`: nothing changes.
pub(super) fn alter(alter: &plan::AlterDatabase) -> Result<Option<String>> {
    let clauses = charset(&alter.properties)?.clauses();
    let name = identifier(&alter.database)?;
    Ok((!clauses.is_empty()).then(|| format!("ALTER DATABASE {name}{clauses}")))
}

pub(super) fn drop(drop: &plan::DropDatabase) -> Result<String> {
    Ok(format!("DROP DATABASE {}", identifier(&drop.database)?))
}

fn charset(properties: &std::collections::HashMap<String, String>) -> Result<Charset> {
    let mut charset = Charset::default();
    for (name, value) in properties {
        if !charset.take(name, value)? {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("a database of TiDB has no property '{name}'; it has {PREFIX}charset and {PREFIX}collation"),
            ));
        }
    }
    Ok(charset)
}
