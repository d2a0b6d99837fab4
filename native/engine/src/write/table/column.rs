//! A column: its place in rows and handles, and what it has when it is left out.

use ti_codec::datum::Datum;
use ti_codec::default_value;
use ti_codec::field_type::{type_code as t, FieldType};

use super::{needs_restored_data, Default, WriteColumn};
use crate::catalog::default_value::bit_bytes;
use crate::catalog::show::{field_type, value_text};
use crate::catalog::table_info::{flag, ColumnInfo, IndexInfo, TableInfo};
use crate::error::{Error, Result};

/// A column as the writer sees it.
pub(super) fn write_column(
    table: &TableInfo,
    column: &ColumnInfo,
    clustered: Option<&IndexInfo>,
) -> Result<WriteColumn> {
    let ty = field_type(&column.field_type);
    let in_handle = if table.pk_is_handle {
        column.field_type.flag & flag::PRI_KEY != 0
    } else {
        let keys = clustered.iter().flat_map(|index| &index.idx_cols);
        let mut keys = keys.filter(|key| key.offset == column.offset);
        // The first use of the column decides, as in TiDB.
        keys.next()
            .is_some_and(|key| key.length < 0 && !needs_restored_data(&ty))
    };
    let generated = !column.generated_expr_string.is_empty();
    let origin = datum(column, &column.origin_default, column.origin_default_bit.as_deref());
    Ok(WriteColumn {
        id: column.id,
        name: column.name.0.clone(),
        generated,
        hidden: column.hidden,
        not_null: ty.is_not_null(),
        on_update_now: column.field_type.flag & flag::ON_UPDATE_NOW != 0,
        auto_increment: column.field_type.flag & flag::AUTO_INCREMENT != 0,
        in_handle,
        null_is_absent: column.default.is_null()
            && column.default_bit.is_none()
            && column.origin_default.is_null()
            && column.origin_default_bit.is_none(),
        origin_default: if generated { Datum::Null } else { origin? },
        default: if generated {
            Default::Value(Datum::Null)
        } else {
            default(column, &ty)?
        },
        field_type: ty,
    })
}

/// `default` or `origin_default` as a value.
fn datum(column: &ColumnInfo, value: &serde_json::Value, bits: Option<&str>) -> Result<Datum<'static>> {
    let ty = field_type(&column.field_type);
    let bits = bit_bytes(ty.tp, bits)?;
    let Some(bytes) = bits.or_else(|| value_text(value).map(String::into_bytes)) else {
        return Ok(Datum::Null);
    };
    default_value::datum(&ty, Some(&bytes))
        .map(Datum::into_owned)
        .map_err(|e| Error::from(e).context(format!("default value of column `{}`", column.name.0)))
}

fn default(column: &ColumnInfo, ty: &FieldType) -> Result<Default> {
    let is_time = matches!(ty.tp, t::TIMESTAMP | t::DATETIME);
    let text = value_text(&column.default);
    Ok(match text.as_deref() {
        Some(text) if is_time && text.eq_ignore_ascii_case("CURRENT_TIMESTAMP") => Default::Now,
        Some(text) if ty.tp == t::DATE && text.eq_ignore_ascii_case("CURRENT_DATE") => Default::Today,
        Some(text) if column.default_is_expr => Default::Expression(text.to_owned()),
        // The time zone of such a default is written nowhere.
        Some(text) if ty.tp == t::TIMESTAMP && column.version == 0 && !text.starts_with("0000-00-00") => {
            Default::Expression(text.to_owned())
        }
        None if column.default_bit.is_none() && ty.is_not_null() => match ty.tp {
            // MySQL's rule: the first member.
            t::ENUM => Default::Value(Datum::Uint(1)),
            _ => Default::Missing,
        },
        _ => Default::Value(datum(column, &column.default, column.default_bit.as_deref())?),
    })
}
