//! Dates that the calendar does not have, as conditions for TiKV.
//!
//! MySQL stores 0000-00-00, dates with a zero month or day, and, with ALLOW_INVALID_DATES, 2020-02-31. YEAR, MONTH and DAYOFMONTH answer
//! the parts as they are stored (TiKV `tidb_query_expr/src/impl_time.rs`; without NO_ZERO_DATE in the request's sql_mode).
//! TIMESTAMP has the zero date only.

use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::mysql::time::MysqlTime;
use ti_proto::tipb;

use super::pb::{Builder, Class};
use super::sig;

/// Conditions that hold together for exactly the dates of the calendar; cheap ones first. NULL: not true.
pub fn valid(pb: &Builder, column: &tipb::Expr, tp: u8) -> Vec<tipb::Expr> {
    if tp == t::TIMESTAMP {
        let first = MysqlTime {
            year: 1970,
            month: 1,
            day: 1,
            ..MysqlTime::default()
        };
        let first = pb.time(first.to_packed(), t::DATETIME);
        return vec![pb.call(
            sig::GE + Class::Time.comparison(),
            pb.boolean(),
            vec![column.clone(), first],
        )];
    }
    let part = |sig| pb.call(sig, pb.long(), vec![column.clone()]);
    let compare = |sig, left, right| pb.call(sig, pb.boolean(), vec![left, pb.int(right)]);
    let both = |left, right| pb.call(sig::LOGICAL_AND, pb.boolean(), vec![left, right]);
    let either = |left, right| pb.call(sig::LOGICAL_OR, pb.boolean(), vec![left, right]);
    let rest = |divisor, sig, value| {
        let rest = pb.call(
            sig::MOD_INT_SIGNED_SIGNED,
            pb.long(),
            vec![part(sig::YEAR), pb.int(divisor)],
        );
        compare(sig, rest, value)
    };
    let leap_year = both(
        rest(4, sig::EQ, 0),
        either(rest(100, sig::NE, 0), rest(400, sig::EQ, 0)),
    );
    let leap_day = both(compare(sig::EQ, part(sig::DAY_OF_MONTH), 29), leap_year);
    let mut long_months = vec![part(sig::MONTH)];
    long_months.extend([1, 3, 5, 7, 8, 10, 12].map(|month| pb.int(month)));
    let in_long_month = pb.call(Class::Int.in_list(), pb.boolean(), long_months);
    let up_to_30 = both(
        compare(sig::LE, part(sig::DAY_OF_MONTH), 30),
        compare(sig::NE, part(sig::MONTH), 2),
    );
    let last_days = either(up_to_30, either(in_long_month, leap_day));
    vec![
        compare(sig::GT, part(sig::MONTH), 0),
        compare(sig::GT, part(sig::DAY_OF_MONTH), 0),
        either(compare(sig::LE, part(sig::DAY_OF_MONTH), 28), last_days),
    ]
}

/// The column where its date is valid, else NULL.
pub fn valid_or_null(pb: &Builder, column: &tipb::Expr, ty: &FieldType) -> tipb::Expr {
    let condition = valid(pb, column, ty.tp)
        .into_iter()
        .reduce(|left, right| pb.call(sig::LOGICAL_AND, pb.boolean(), vec![left, right]));
    let children = condition.into_iter().chain([column.clone()]).collect();
    let nullable = FieldType {
        flag: ty.flag & !ti_codec::field_type::flag::NOT_NULL,
        ..ty.clone()
    };
    pb.call(Class::Time.case_when(), pb.column_type(&nullable), children)
}

/// The condition as EXPLAIN prints it: it is not a function of TiDB.
pub fn text(column: &str) -> String {
    format!("valid_date({column})")
}
