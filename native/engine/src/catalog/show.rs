//! Pieces of a table as SHOW CREATE TABLE prints them.

use serde_json::Value;
use ti_codec::field_type::{type_code, FieldType};

use super::table_info::{flag, ColumnInfo, FieldTypeInfo, IndexInfo, PartitionDefinition, PartitionInfo, TableInfo};
use crate::error::Result;

/// The codec's form of a type.
pub fn field_type(info: &FieldTypeInfo) -> FieldType {
    // Lengths over i32 exist for LONGTEXT (4294967295): they bound nothing here.
    let length = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    FieldType {
        tp: info.tp,
        flag: info.flag,
        flen: length(info.flen),
        decimal: length(info.decimal),
        charset: info.charset.clone(),
        collate: info.collate.clone(),
        elems: info.elems.clone(),
    }
}

/// A JSON value of `default` or `origin_default` as the text that TiDB means; `None` for null.
pub fn value_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The DEFAULT clause's value; `None` without one. Times of TIMESTAMP defaults are in UTC.
pub fn default_text(column: &ColumnInfo) -> Result<Option<String>> {
    let flags = column.field_type.flag;
    let hidden = flag::NO_DEFAULT | flag::AUTO_INCREMENT;
    if flags & hidden != 0 || !column.generated_expr_string.is_empty() {
        return Ok(None);
    }
    let bits = super::default_value::bit_bytes(column.field_type.tp, column.default_bit.as_deref())?;
    if let Some(bytes) = bits {
        let digits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
        let digits = digits.trim_start_matches('0');
        return Ok(Some(format!("b'{}'", if digits.is_empty() { "0" } else { digits })));
    }
    let Some(text) = value_text(&column.default) else {
        return Ok((flags & flag::NOT_NULL == 0).then(|| "NULL".to_owned()));
    };
    let fsp = column.field_type.decimal;
    Ok(Some(match text.as_str() {
        "CURRENT_TIMESTAMP" if fsp > 0 => format!("CURRENT_TIMESTAMP({fsp})"),
        "CURRENT_TIMESTAMP" => text,
        "CURRENT_DATE" => "(CURRENT_DATE)".to_owned(),
        _ if column.default_is_expr => format!("({text})"),
        _ if column.field_type.tp == type_code::BIT => format!("b'{text}'"),
        _ => format!("'{}'", text.replace('\'', "''")),
    }))
}

/// The columns of an index: names, with the length of a prefix; an expression in parentheses.
pub fn index_columns(table: &TableInfo, index: &IndexInfo) -> Vec<String> {
    let text = |column: &super::table_info::IndexColumn| match table.cols.get(column.offset) {
        Some(hidden) if hidden.hidden => format!("({})", hidden.generated_expr_string),
        _ if column.length >= 0 => format!("{}({})", column.name.0, column.length),
        _ => column.name.0.clone(),
    };
    index.idx_cols.iter().map(text).collect()
}

/// RANGE, RANGE COLUMNS, LIST, LIST COLUMNS, HASH or KEY.
pub fn partition_method(info: &PartitionInfo) -> String {
    let columns = !info.columns.is_empty();
    match info.method {
        1 if columns => "RANGE COLUMNS".into(),
        1 => "RANGE".into(),
        2 => "HASH".into(),
        3 if columns => "LIST COLUMNS".into(),
        3 => "LIST".into(),
        4 => "KEY".into(),
        other => format!("type {other}"),
    }
}

/// The expression or the column list.
pub fn partition_expression(info: &PartitionInfo) -> String {
    if info.columns.is_empty() {
        return info.expr.clone();
    }
    info.columns
        .iter()
        .map(|name| format!("`{}`", name.0.replace('`', "``")))
        .collect::<Vec<_>>()
        .join(",")
}

/// "LESS THAN (100)", "IN (1,2)", "DEFAULT"; empty for HASH and KEY.
pub fn partition_description(info: &PartitionInfo, definition: &PartitionDefinition) -> String {
    match info.method {
        1 => format!("LESS THAN ({})", definition.less_than.join(",")),
        3 => {
            let is_default = match definition.in_values.as_slice() {
                [] => true,
                [only] => matches!(only.as_slice(), [word] if word.eq_ignore_ascii_case("default")),
                _ => false,
            };
            if is_default {
                return "DEFAULT".into();
            }
            let tuple = |values: &Vec<String>| match values.as_slice() {
                [one] => one.clone(),
                many => format!("({})", many.join(",")),
            };
            format!(
                "IN ({})",
                definition.in_values.iter().map(tuple).collect::<Vec<_>>().join(",")
            )
        }
        _ => String::new(),
    }
}

#[cfg(test)]
#[path = "show_tests.rs"]
mod tests;
