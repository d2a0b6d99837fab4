//! Names and texts as TiDB's parser reads them: with back-quotes and quotes, and backslashes as escapes (`sql_mode` of our connections says so).

use ti_proto::plan;

use crate::error::{Error, ErrorKind, Result};

/// A name in back-quotes.
///
/// # Errors
/// `InvalidArgument` for what no name can be.
pub(super) fn identifier(name: &str) -> Result<String> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("{name:?} cannot be a name in TiDB"),
        ));
    }
    Ok(format!("`{}`", name.replace('`', "``")))
}

/// `database`.`table`.
pub(super) fn qualified(name: Option<&plan::TableName>) -> Result<String> {
    let name =
        name.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "a DDL request without the name of a table"))?;
    Ok(format!("{}.{}", identifier(&name.database)?, identifier(&name.table)?))
}

/// A text in quotes.
pub(super) fn text(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('\'');
    for c in value.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// The name of a character set or collation, which TiDB takes without quotes.
pub(super) fn word<'a>(property: &str, value: &'a str) -> Result<&'a str> {
    let value = value.trim();
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("{property}: '{value}' is not a name such as utf8mb4_bin"),
        ));
    }
    Ok(value)
}
