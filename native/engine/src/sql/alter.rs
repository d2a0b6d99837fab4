//! ALTER TABLE: all changes of a request in one statement, so that all of them happen or none.

use ti_proto::plan;
use ti_proto::plan::table_alteration::Change;

use super::create::column_definition;
use super::definition::Definition;
use super::key;
use super::property::{self, Charset, Parsed};
use super::text::{identifier, qualified, text};
use super::types::{column_type, default_value, is_large};
use crate::error::{Error, ErrorKind, Result};

/// The whole statement.
///
/// # Arguments
/// * `shown` - SHOW CREATE TABLE's answer: MODIFY COLUMN repeats what shall stay.
///
/// # Errors
/// `ColumnNotFound`, `InvalidArgument`, `UnsupportedType` and `UnsupportedFeature` name the column or the property.
pub(super) fn alter_table(alter: &plan::AlterTable, shown: &str) -> Result<String> {
    let types = alter.types.clone().unwrap_or_default();
    let mut specs = Vec::with_capacity(alter.changes.len());
    let mut charset = Charset::default();
    let mut modified: Vec<plan::ModifyColumn> = Vec::new();
    for change in &alter.changes {
        let change = change.change.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                "ALTER TABLE has a change that this build does not know",
            )
        })?;
        match change {
            Change::AddColumn(add) => {
                let column = add
                    .column
                    .as_ref()
                    .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "ADD COLUMN without a column"))?;
                specs.push(format!(
                    "ADD COLUMN {}{}",
                    column_definition(column, &types, "")?,
                    position(add.position.as_ref())?
                ));
            }
            Change::DropColumn(drop) => specs.push(format!(
                "DROP COLUMN {}{}",
                if drop.if_exists { "IF EXISTS " } else { "" },
                identifier(&drop.name)?
            )),
            Change::RenameColumn(rename) => specs.push(format!(
                "RENAME COLUMN {} TO {}",
                identifier(&rename.name)?,
                identifier(&rename.new_name)?
            )),
            Change::ModifyColumn(modify) => merge(&mut modified, modify),
            Change::TableComment(comment) => specs.push(format!("COMMENT = {}", text(comment))),
            Change::SetProperty(set) => match property::index(&set.name, &set.value)? {
                Some(Parsed::Index(index)) => specs.push(format!("ADD {}", index.sql()?)),
                Some(Parsed::Primary(columns)) => specs.push(format!("ADD PRIMARY KEY {}", key::list(&columns)?)),
                None if charset.take(&set.name, &set.value)? => {}
                None => return Err(fixed(&set.name)),
            },
            Change::RemoveProperty(name) => match property::index_name(name) {
                Some("PRIMARY") => specs.push("DROP PRIMARY KEY".into()),
                Some(index) => specs.push(format!("DROP INDEX {}", identifier(index)?)),
                None => return Err(fixed(name)),
            },
        }
    }
    for modify in &modified {
        specs.push(modify_column(modify, shown, &types)?);
    }
    let charset = charset.clauses();
    if !charset.is_empty() {
        specs.push(charset.trim_start().to_owned());
    }
    Ok(format!(
        "ALTER TABLE {} {}",
        qualified(alter.table.as_ref())?,
        specs.join(", ")
    ))
}

/// A property that is settled when a table is made, or none at all.
fn fixed(name: &str) -> Error {
    match name {
        "tidb.primary_key" | "tidb.clustered" | "tidb.auto_random" | "tidb.auto_increment" => Error::new(
            ErrorKind::UnsupportedFeature,
            format!("{name} is settled when a table is made, and does not change"),
        ),
        "tidb.charset" | "tidb.collation" => Error::new(
            ErrorKind::UnsupportedFeature,
            format!("{name}: every table has one; set another instead of removing it"),
        ),
        _ => property::unknown(name),
    }
}

fn position(position: Option<&plan::ColumnPosition>) -> Result<String> {
    Ok(match position {
        Some(position) if position.first => " FIRST".into(),
        Some(position) if !position.after.is_empty() => format!(" AFTER {}", identifier(&position.after)?),
        _ => String::new(),
    })
}

/// Brings changes of one column together: each MODIFY would undo the others.
fn merge(modified: &mut Vec<plan::ModifyColumn>, change: &plan::ModifyColumn) {
    let wanted = change.name.to_lowercase();
    let Some(known) = modified.iter_mut().find(|m| m.name.to_lowercase() == wanted) else {
        modified.push(change.clone());
        return;
    };
    if change.r#type.is_some() {
        known.r#type.clone_from(&change.r#type);
    }
    if change.nullable.is_some() {
        known.nullable = change.nullable;
    }
    if change.comment.is_some() {
        known.comment.clone_from(&change.comment);
    }
    if change.default_value.is_some() || change.drop_default {
        known.default_value.clone_from(&change.default_value);
        known.drop_default = change.drop_default;
    }
    if change.position.is_some() {
        known.position.clone_from(&change.position);
    }
}

fn modify_column(modify: &plan::ModifyColumn, shown: &str, types: &plan::TypeOptions) -> Result<String> {
    let Some((name, mut definition)) = Definition::find(shown, &modify.name)? else {
        return Err(Error::new(
            ErrorKind::ColumnNotFound,
            format!("the table has no column {}", modify.name),
        ));
    };
    if modify.r#type.is_some() {
        if !definition.generated.is_empty() {
            return Err(Error::new(
                ErrorKind::UnsupportedFeature,
                format!("column {name} is generated: its type follows from its expression; change it in TiDB"),
            ));
        }
        definition.ty = column_type(&name, modify.r#type.as_ref(), types)?;
        let text = modify.r#type.as_ref().and_then(|t| t.r#type).map(|t| t.kind());
        if text != Some(plan::data_type::Kind::String) {
            definition.charset.clear();
        }
        let null = definition.default.iter().any(|part| part.eq_ignore_ascii_case("NULL"));
        if is_large(modify.r#type.as_ref()) && !definition.default.is_empty() && !null && !modify.drop_default {
            return Err(Error::new(
                ErrorKind::UnsupportedFeature,
                format!("column {name} has a default, and a STRING or BINARY without a length has none in TiDB; drop the default first"),
            ));
        }
    }
    if let Some(nullable) = modify.nullable {
        definition.not_null = !nullable;
        if !nullable && definition.default.iter().any(|part| part.eq_ignore_ascii_case("NULL")) {
            definition.default.clear();
        }
    }
    if let Some(comment) = &modify.comment {
        definition.set_comment(comment);
    }
    if modify.drop_default {
        definition.default.clear();
    }
    if let Some(value) = default_value(&name, modify.r#type.as_ref(), modify.default_value.as_ref())? {
        definition.default = vec!["DEFAULT".into(), value];
    }
    Ok(format!(
        "MODIFY COLUMN {} {}{}",
        identifier(&name)?,
        definition.sql(),
        position(modify.position.as_ref())?
    ))
}
