//! DDL, which only TiDB can do: statements over the MySQL protocol.
//!
//! ```text
//! DdlRequest ──> statements: what Spark means in TiDB's SQL   (database, create, alter; text, types, property)
//!            ──> connection: one of the addresses, TLS, time-outs ──> TiDB ──> error: its error numbers as kinds
//! ```
//! A request has a connection of its own, which ends with it: DDL is rare, and a server that was restarted is not noticed this way. Rows never
//! come this way. When TiDB has answered, the new schema is committed: every later snapshot of the catalog has it.

mod alter;
mod connection;
mod create;
mod database;
mod definition;
mod error;
mod key;
mod property;
mod text;
mod types;

use std::fmt;

use ti_proto::plan;
use ti_proto::plan::ddl_request::Statement;

use self::connection::Connection;
use self::text::qualified;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::block_on;

/// A password. Its text is given to TiDB and to nobody else.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Keeps a password.
    #[must_use]
    pub fn new(password: String) -> Self {
        Self(password)
    }

    fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*****")
    }
}

/// Has TiDB do what the request says. Blocks.
///
/// # Errors
/// `InvalidArgument`, `UnsupportedType` and `UnsupportedFeature` for what TiDB has no form for, before TiDB is asked; `Unavailable`,
/// `Timeout`, `Tls` and `AccessDenied` of the connection; `NamespaceNotFound`, `NamespaceExists`, `TableNotFound`, `TableExists`,
/// `ColumnNotFound` and `Sql` of the statement.
pub fn execute(request: plan::DdlRequest, password: &Secret) -> Result<plan::DdlResult> {
    let invalid = |what: &str| Error::new(ErrorKind::InvalidArgument, format!("a DDL request without {what}"));
    let endpoint = request.endpoint.ok_or_else(|| invalid("an endpoint"))?;
    let statement = request.statement.ok_or_else(|| invalid("a statement"))?;
    let statements = compose(&statement)?;
    block_on(async {
        let mut connection = Connection::open(&endpoint, password).await?;
        let result = run(&mut connection, statement, statements).await;
        connection.close().await;
        result
    })
}

/// The statements that need no look at TiDB first.
fn compose(statement: &Statement) -> Result<Vec<String>> {
    Ok(match statement {
        Statement::CreateDatabase(create) => vec![database::create(create)?],
        Statement::AlterDatabase(alter) => database::alter(alter)?.into_iter().collect(),
        Statement::DropDatabase(drop) => vec![database::drop(drop)?],
        Statement::CreateTable(create) => vec![create::create_table(create)?],
        Statement::CreateTableLike(like) => vec![format!(
            "CREATE TABLE {} LIKE {}",
            qualified(like.table.as_ref())?,
            qualified(like.like.as_ref())?
        )],
        Statement::DropTables(drop) => drop_tables(drop)?.into_iter().collect(),
        Statement::RenameTables(rename) => rename_tables(rename)?.into_iter().collect(),
        Statement::AnalyzeTable(table) => vec![format!("ANALYZE TABLE {}", qualified(Some(table))?)],
        Statement::AlterTable(_) | Statement::Sql(_) => Vec::new(),
    })
}

async fn run(connection: &mut Connection, statement: Statement, statements: Vec<String>) -> Result<plan::DdlResult> {
    let statements = match statement {
        Statement::Sql(sql) => return connection.query(&sql).await,
        Statement::AlterTable(alter) if !alter.changes.is_empty() => {
            let shown = connection.create_statement(&qualified(alter.table.as_ref())?).await?;
            vec![alter::alter_table(&alter, &shown)?]
        }
        _ => statements,
    };
    for statement in &statements {
        connection.run(statement).await?;
    }
    Ok(plan::DdlResult {
        statements,
        ..Default::default()
    })
}

fn drop_tables(drop: &plan::DropTables) -> Result<Option<String>> {
    let names: Vec<String> = drop.tables.iter().map(|t| qualified(Some(t))).collect::<Result<_>>()?;
    let condition = if drop.if_exists { "IF EXISTS " } else { "" };
    Ok((!names.is_empty()).then(|| format!("DROP TABLE {condition}{}", names.join(", "))))
}

fn rename_tables(rename: &plan::RenameTables) -> Result<Option<String>> {
    let one = |r: &plan::rename_tables::Rename| {
        Ok(format!(
            "{} TO {}",
            qualified(r.from.as_ref())?,
            qualified(r.to.as_ref())?
        ))
    };
    let renames: Vec<String> = rename.renames.iter().map(one).collect::<Result<_>>()?;
    Ok((!renames.is_empty()).then(|| format!("RENAME TABLE {}", renames.join(", "))))
}

#[cfg(test)]
#[path = "sql_tests.rs"]
mod tests;
