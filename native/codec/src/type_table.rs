//! The rows of the documentation's type page, computed by `column_type` itself so that the page cannot differ from the code.

use crate::arrow_type::column_type;
use crate::field_type::{flag, type_code as t, FieldType};
use crate::options::{BitAs, DatetimeAs, DecimalOverflow, TimeAs, TinyInt1, TypeOptions};

/// One line of the type page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeRow {
    /// The MySQL type, e.g. "BIGINT UNSIGNED".
    pub mysql: &'static str,
    /// The option and its value that this line needs; empty for the default.
    pub option: &'static str,
    /// The Spark type, or "not read".
    pub spark: String,
    /// The Arrow type at the border; empty when not read.
    pub arrow: String,
    /// What to know.
    pub note: &'static str,
}

const ZERO_DATE: &str = "dates that are not in the calendar (0000-00-00, 2020-00-00, 2020-02-31) are NULL, or an error with types.zeroDate=error";

/// All types and options, in the order of MySQL's manual.
#[must_use]
pub fn type_table() -> Vec<TypeRow> {
    let plain = TypeOptions::default;
    let ft = FieldType::new;
    let sized = |tp, flen, decimal| FieldType {
        flen,
        decimal,
        ..ft(tp)
    };
    let unsigned = |tp| FieldType {
        flag: flag::UNSIGNED,
        ..ft(tp)
    };
    let text = |tp, charset: &str| FieldType {
        charset: charset.to_owned(),
        ..ft(tp)
    };
    vec![
        row(
            "TINYINT(1), BOOL",
            "",
            &sized(t::TINY, 1, -1),
            &plain(),
            "0 is false, every other value is true",
        ),
        row(
            "TINYINT(1), BOOL",
            "types.tinyint1=tinyint",
            &sized(t::TINY, 1, -1),
            &TypeOptions {
                tinyint1: TinyInt1::TinyInt,
                ..plain()
            },
            "",
        ),
        row("TINYINT", "", &ft(t::TINY), &plain(), ""),
        row("TINYINT UNSIGNED", "", &unsigned(t::TINY), &plain(), ""),
        row("SMALLINT", "", &ft(t::SHORT), &plain(), ""),
        row("SMALLINT UNSIGNED", "", &unsigned(t::SHORT), &plain(), ""),
        row("MEDIUMINT", "", &ft(t::INT24), &plain(), ""),
        row("MEDIUMINT UNSIGNED", "", &unsigned(t::INT24), &plain(), ""),
        row("INT", "", &ft(t::LONG), &plain(), ""),
        row("INT UNSIGNED", "", &unsigned(t::LONG), &plain(), ""),
        row("BIGINT", "", &ft(t::LONG_LONG), &plain(), ""),
        row("BIGINT UNSIGNED", "", &unsigned(t::LONG_LONG), &plain(), ""),
        row("BIT(1)", "", &sized(t::BIT, 1, -1), &plain(), ""),
        row(
            "BIT(n)",
            "",
            &sized(t::BIT, 8, -1),
            &plain(),
            "ceil(n / 8) bytes, big-endian",
        ),
        row(
            "BIT(n)",
            "types.bit=bigint",
            &sized(t::BIT, 8, -1),
            &TypeOptions {
                bit: BitAs::BigInt,
                ..plain()
            },
            "a value over 2^63 - 1 is an error",
        ),
        row("FLOAT", "", &ft(t::FLOAT), &plain(), ""),
        row("DOUBLE", "", &ft(t::DOUBLE), &plain(), ""),
        row(
            "DECIMAL(p,s), p <= 38",
            "",
            &sized(t::NEW_DECIMAL, 38, 10),
            &plain(),
            "precision and scale are kept",
        ),
        row(
            "DECIMAL(p,s), p > 38",
            "",
            &sized(t::NEW_DECIMAL, 65, 30),
            &plain(),
            "an error that names the option",
        ),
        row(
            "DECIMAL(p,s), p > 38",
            "types.decimalOverflow=string",
            &sized(t::NEW_DECIMAL, 65, 30),
            &TypeOptions {
                decimal_overflow: DecimalOverflow::String,
                ..plain()
            },
            "as TiDB prints it",
        ),
        row(
            "DECIMAL(p,s), p > 38",
            "types.decimalOverflow=narrow",
            &sized(t::NEW_DECIMAL, 65, 30),
            &TypeOptions {
                decimal_overflow: DecimalOverflow::Narrow,
                ..plain()
            },
            "the scale is kept; a value that does not fit is an error",
        ),
        row(
            "CHAR, VARCHAR, TEXT",
            "",
            &text(t::VARCHAR, "utf8mb4"),
            &plain(),
            "every character set of TiDB; kept as UTF-8",
        ),
        row(
            "BINARY, VARBINARY, BLOB",
            "",
            &text(t::VARCHAR, "binary"),
            &plain(),
            "BINARY(n) with its zero bytes, as TiDB returns it",
        ),
        row("ENUM", "", &ft(t::ENUM), &plain(), "the element's name"),
        row(
            "SET",
            "",
            &ft(t::SET),
            &plain(),
            "the elements' names with commas between them",
        ),
        row("JSON", "", &ft(t::JSON), &plain(), "as TiDB prints it"),
        row("DATE", "", &ft(t::DATE), &plain(), ZERO_DATE),
        row("DATETIME(f)", "", &ft(t::DATETIME), &plain(), ZERO_DATE),
        row(
            "DATETIME(f)",
            "types.timestampNtz=false",
            &ft(t::DATETIME),
            &TypeOptions {
                datetime: DatetimeAs::Timestamp,
                ..plain()
            },
            "the wall clock is read in spark.sql.session.timeZone",
        ),
        row("TIMESTAMP(f)", "", &ft(t::TIMESTAMP), &plain(), ZERO_DATE),
        row("TIME(f)", "", &ft(t::DURATION), &plain(), "-838:59:59 to 838:59:59"),
        row(
            "TIME(f)",
            "types.time=bigint",
            &ft(t::DURATION),
            &TypeOptions {
                time: TimeAs::BigInt,
                ..plain()
            },
            "nanoseconds",
        ),
        row("YEAR", "", &ft(t::YEAR), &plain(), ""),
        row("VECTOR(n)", "", &ft(t::VECTOR_FLOAT32), &plain(), ""),
    ]
}

fn row(mysql: &'static str, option: &'static str, ft: &FieldType, opts: &TypeOptions, note: &'static str) -> TypeRow {
    let decimal = mysql.starts_with("DECIMAL(p,s), p <= 38");
    match column_type(ft, opts) {
        Ok(_) if decimal => TypeRow {
            mysql,
            option,
            spark: "DECIMAL(p,s)".into(),
            arrow: "Decimal128(p, s)".into(),
            note,
        },
        Ok(column) => TypeRow {
            mysql,
            option,
            spark: column.spark.sql(),
            arrow: arrow_name(&column.arrow),
            note,
        },
        Err(_) => TypeRow {
            mysql,
            option,
            spark: "not read".into(),
            arrow: String::new(),
            note,
        },
    }
}

fn arrow_name(arrow: &arrow_schema::DataType) -> String {
    match arrow {
        arrow_schema::DataType::List(_) => "List<Float32>".into(),
        other => other.to_string(),
    }
}
