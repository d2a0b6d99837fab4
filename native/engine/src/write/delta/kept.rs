//! A value that Spark has read and gives back unchanged is the stored one, even where Spark's type shows less of it.

use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::mysql::json;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::{DatetimeAs, TinyInt1, TypeOptions};

use super::super::table::WriteTable;

/// Replaces values of an updated row by the stored ones where Spark cannot tell them apart: a date that the calendar does not have (NULL), TINYINT(1) as
/// BOOLEAN, JSON as text, and a wall clock time that the session's time zone does not have. `new` and `old` are by column offset.
pub fn keep_what_was_read<'a>(
    new: &mut [Datum<'a>],
    old: &'a [Datum<'static>],
    table: &WriteTable,
    types: &TypeOptions,
) {
    let columns = table.columns.iter().zip(new.iter_mut().zip(old));
    for (column, (new, old)) in columns.filter(|(column, _)| !column.generated) {
        if *new != *old && reads_as(old, new, &column.field_type, types) {
            *new = old.borrowed();
        }
    }
}

/// Does a stored value look in Spark as a given one does?
fn reads_as(stored: &Datum<'_>, given: &Datum<'_>, ty: &FieldType, types: &TypeOptions) -> bool {
    match (ty.tp, stored, given) {
        (t::DATE | t::DATETIME | t::TIMESTAMP, Datum::Uint(packed), Datum::Null) => {
            !MysqlTime::from_packed(*packed).is_ok_and(|time| time.in_calendar())
        }
        (t::DATETIME, Datum::Uint(packed), Datum::Uint(given)) if types.datetime == DatetimeAs::Timestamp => {
            let wall = |packed: u64| MysqlTime::from_packed(packed).ok()?.wall_micros();
            let shown = |wall: i64| types.time_zone.utc_to_local(types.time_zone.local_to_utc(wall));
            wall(*packed).is_some_and(|stored| Some(shown(stored)) == wall(*given))
        }
        (t::TINY, Datum::Int(stored), Datum::Int(given)) => is_boolean(ty, types) && (*stored != 0) == (*given != 0),
        (t::TINY, Datum::Uint(stored), Datum::Uint(given)) => is_boolean(ty, types) && (*stored != 0) == (*given != 0),
        (t::JSON, Datum::Json(stored), Datum::Json(given)) => match (json::text(stored), json::text(given)) {
            (Ok(stored), Ok(given)) => stored == given,
            _ => false,
        },
        _ => false,
    }
}

fn is_boolean(ty: &FieldType, types: &TypeOptions) -> bool {
    ty.flen == 1 && types.tinyint1 == TinyInt1::Boolean
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
