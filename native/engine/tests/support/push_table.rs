//! A table of all types for random push-down, with what the calendar does not have, and expressions over it.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::literal;

use super::push::*;
use super::reference::{cell, eval, Value};
use super::{fill, Cluster};

pub const COLUMNS: &[(&str, &str)] = &[
    ("t1", "TINYINT(1)"),
    ("t", "TINYINT"),
    ("tu", "TINYINT UNSIGNED"),
    ("s", "SMALLINT"),
    ("su", "SMALLINT UNSIGNED"),
    ("m", "MEDIUMINT"),
    ("mu", "MEDIUMINT UNSIGNED"),
    ("i", "INT"),
    ("iu", "INT UNSIGNED NOT NULL"),
    ("b", "BIGINT"),
    ("bu", "BIGINT UNSIGNED"),
    ("f", "FLOAT"),
    ("d", "DOUBLE"),
    ("n5", "DECIMAL(5,2)"),
    ("n38", "DECIMAL(38,10)"),
    ("n20", "DECIMAL(20,0)"),
    ("c", "CHAR(10)"),
    ("v", "VARCHAR(100)"),
    ("vci", "VARCHAR(100) COLLATE utf8mb4_general_ci NOT NULL"),
    ("vu", "VARCHAR(100) COLLATE utf8mb4_unicode_ci"),
    ("v9", "VARCHAR(100) COLLATE utf8mb4_0900_ai_ci"),
    ("tx", "TEXT"),
    ("bi", "BINARY(4)"),
    ("vb", "VARBINARY(20)"),
    ("y", "YEAR"),
    ("dt", "DATE"),
    ("dn", "DATE NOT NULL"),
    ("dm", "DATETIME"),
    ("dm6", "DATETIME(6)"),
    ("ts", "TIMESTAMP NULL"),
    ("ts3", "TIMESTAMP(3) NULL"),
    ("tm", "TIME(6)"),
];

pub struct Table {
    pub cluster: Cluster,
    pub rows: RecordBatch,
    pub types: BTreeMap<String, plan::DataType>,
}

/// Creates and fills it.
pub fn table(test: &str, rng: &mut fastrand::Rng) -> Table {
    let cluster = Cluster::new(test);
    let columns: Vec<String> = COLUMNS.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
    cluster.sql(&format!("CREATE TABLE t (id INT PRIMARY KEY, {})", columns.join(", ")));
    cluster.sql("SET sql_mode = 'ALLOW_INVALID_DATES'");
    for id in 0..160 {
        let values: Vec<String> = COLUMNS
            .iter()
            .map(|(_, ty)| match (rng.u8(..12), ty.split([' ', '(']).next()) {
                (0, Some("DATE")) => format!(
                    "'{}'",
                    rng.choice([
                        "0000-00-00",
                        "2020-00-10",
                        "2020-05-00",
                        "2021-02-31",
                        "2021-02-29",
                        "2000-04-31"
                    ])
                    .unwrap()
                ),
                (1, Some("DATE")) => format!(
                    "'{}'",
                    rng.choice([
                        "2020-02-29",
                        "1900-02-28",
                        "2000-02-29",
                        "2023-12-31",
                        "0001-01-01",
                        "9999-12-31"
                    ])
                    .unwrap()
                ),
                (0, Some("DATETIME")) => format!(
                    "'{}'",
                    rng.choice(["0000-00-00 00:00:00", "2020-00-10 01:02:03", "2021-02-31 12:00:00"])
                        .unwrap()
                ),
                (0, Some("TIMESTAMP")) => "'0000-00-00 00:00:00'".into(),
                (0, Some("FLOAT" | "DOUBLE")) => rng.choice(["0", "-0.0", "1.5", "-1.5"]).unwrap().into(),
                (0 | 1, Some("TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" | "DECIMAL")) => {
                    rng.choice(["0", "1", "2", "100"]).unwrap().into()
                }
                (_, Some("MEDIUMINT")) => (rng.i32(..) >> 8).to_string(),
                _ => fill::literal(rng, ty),
            })
            .collect();
        cluster.sql(&format!("INSERT IGNORE INTO t VALUES ({id}, {})", values.join(", ")));
    }
    let schema = cluster.load("t").unwrap();
    let names: Vec<&str> = schema.columns.iter().map(|c| c.name.as_str()).collect();
    let plan = cluster.plan(&schema, &names).unwrap();
    let batches = cluster.batches(&plan).unwrap();
    let rows = arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap();
    let types = schema
        .columns
        .iter()
        .map(|c| (c.name.clone(), c.r#type.unwrap()))
        .collect();
    Table { cluster, rows, types }
}

impl Table {
    pub fn column(&self, rng: &mut fastrand::Rng) -> String {
        COLUMNS[rng.usize(..COLUMNS.len())].0.to_owned()
    }

    fn kind(&self, column: &str) -> Kind {
        self.types[column].kind()
    }

    /// A value of the column, or one close to it.
    pub fn constant(&self, rng: &mut fastrand::Rng, column: &str) -> plan::Expr {
        let ty = self.types[column];
        let row = rng.usize(..self.rows.num_rows());
        let value = cell(self.rows.column_by_name(column).unwrap().as_ref(), row);
        let near = i128::from(rng.i8(-1..2));
        lit(
            ty,
            match value {
                Value::Null => None,
                Value::Bool(v) => Some(literal::Value::Boolean(v)),
                Value::Exact(v, 0) if ty.kind() != Kind::Decimal => {
                    Some(literal::Value::Integer(i64::try_from(v + near).unwrap_or(v as i64)))
                }
                Value::Exact(v, scale) => Some(literal::Value::Decimal(point(v + near, scale))),
                Value::Real(v) => Some(literal::Value::Real(v)),
                Value::Text(v) => Some(literal::Value::Text(v)),
                Value::Bytes(v) => Some(literal::Value::Binary(v)),
                Value::Time(v) | Value::Date(v) => Some(literal::Value::Integer(v)),
            },
        )
    }

    fn comparison(&self, rng: &mut fastrand::Rng) -> plan::Expr {
        let op = *rng.choice(&["=", "<>", "<", "<=", ">", ">=", "<=>"]).unwrap();
        let column = self.column(rng);
        let constant = self.constant(rng, &column);
        if rng.bool() {
            call(op, vec![col(&column), constant])
        } else {
            call(op, vec![constant, col(&column)])
        }
    }

    fn leaf(&self, rng: &mut fastrand::Rng) -> plan::Expr {
        let column = self.column(rng);
        let op = *rng.choice(&["=", "<>", "<", "<=", ">", ">=", "<=>"]).unwrap();
        match rng.u8(..13) {
            0..=2 => self.comparison(rng),
            3 => call(rng.choice(["IS_NULL", "IS_NOT_NULL"]).unwrap(), vec![col(&column)]),
            4 => {
                let mut arguments = vec![col(&column)];
                arguments.extend((0..rng.usize(1..5)).map(|_| self.constant(rng, &column)));
                call("IN", arguments)
            }
            5 => {
                let column = *rng.choice(&["c", "v", "vci", "vu", "v9", "tx"]).unwrap();
                let part = *rng
                    .choice(&["a", "A", "é", " ", "_", "%", "a_", "", "\\", "😀", "ß"])
                    .unwrap();
                call(
                    rng.choice(["STARTS_WITH", "ENDS_WITH", "CONTAINS"]).unwrap(),
                    vec![col(column), text(part)],
                )
            }
            6 => {
                let pairs = [
                    ("c", "v"),
                    ("v", "vci"),
                    ("vu", "v9"),
                    ("dm", "dm6"),
                    ("ts", "ts3"),
                    ("dt", "dn"),
                    ("i", "m"),
                    ("su", "i"),
                    ("b", "iu"),
                ];
                let (a, b) = *rng.choice(&pairs).unwrap();
                call(op, vec![col(a), col(b)])
            }
            7 => {
                let wide = *rng.choice(&["t", "s", "i", "tu", "su", "mu"]).unwrap();
                let (add, fits) = (rng.i64(-100..100), ty(Kind::Long));
                let sum = call(
                    rng.choice(["+", "-"]).unwrap(),
                    vec![cast(col(wide), fits), integer(Kind::Long, add)],
                );
                let sum = if wide.ends_with('u') {
                    cast(col(wide), fits)
                } else {
                    sum
                };
                call(op, vec![sum, integer(Kind::Long, rng.i64(-200..200))])
            }
            8 => {
                let part = *rng
                    .choice(&["EXTRACT_YEAR", "EXTRACT_MONTH", "EXTRACT_DAY", "EXTRACT_DAY_OF_WEEK"])
                    .unwrap();
                let date = *rng.choice(&["dt", "dn", "dm", "dm6"]).unwrap();
                call(op, vec![call(part, vec![col(date)]), int(rng.i64(0..32))])
            }
            9 => {
                let length = *rng.choice(&["CHAR_LENGTH", "OCTET_LENGTH"]).unwrap();
                let of = *rng.choice(&["c", "v", "vci", "tx", "bi", "vb"]).unwrap();
                call(op, vec![call(length, vec![col(of)]), int(rng.i64(0..8))])
            }
            10 => {
                let default = self.constant(rng, &column);
                let value = call("COALESCE", vec![col(&column), default]);
                if self.kind(&column) == Kind::DayTimeInterval {
                    return self.comparison(rng);
                }
                call(op, vec![value, self.constant(rng, &column)])
            }
            11 => {
                if self.kind(&column) == Kind::DayTimeInterval {
                    return self.comparison(rng);
                }
                let value = call(
                    "CASE_WHEN",
                    vec![self.comparison(rng), col(&column), self.constant(rng, &column)],
                );
                call(op, vec![value, self.constant(rng, &column)])
            }
            _ => {
                let product = call("*", vec![col("n5"), decimal("-1.5")]);
                let difference = call("-", vec![product, col("n20")]);
                call(
                    op,
                    vec![difference, decimal(rng.choice(["0", "-3.250", "99999999999"]).unwrap())],
                )
            }
        }
    }

    pub fn condition(&self, rng: &mut fastrand::Rng, depth: usize) -> plan::Expr {
        if depth == 0 || rng.u8(..4) == 0 {
            return self.leaf(rng);
        }
        match rng.u8(..5) {
            0 | 1 => call(
                "AND",
                vec![self.condition(rng, depth - 1), self.condition(rng, depth - 1)],
            ),
            2 | 3 => call(
                "OR",
                vec![self.condition(rng, depth - 1), self.condition(rng, depth - 1)],
            ),
            _ => call("NOT", vec![self.condition(rng, depth - 1)]),
        }
    }

    pub fn holds(&self, filters: &[plan::Expr], row: usize) -> bool {
        filters.iter().all(|f| eval(f, &self.rows, row) == Value::Bool(true))
    }
}

/// 1234 of scale 2 is 12.34.
pub fn point(unscaled: i128, scale: u32) -> String {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let sign = if unscaled < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// How many expressions a test tries.
pub fn number() -> usize {
    std::env::var("TI_ENGINE_PREDICATES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_400)
}
