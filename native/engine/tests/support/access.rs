//! Random conditions, as SQL and as Spark sends them, and reads by every path.

use std::collections::{BTreeMap, BTreeSet};

pub use ti_proto::expr::{call, column, long, text};
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::literal::Value;

use super::{render, Cluster, Row};

/// A condition, as TiDB and as Spark have it.
#[derive(Debug, Clone)]
pub struct Condition {
    pub sql: String,
    pub expr: plan::Expr,
}

pub fn literal(kind: Kind, value: Option<Value>) -> plan::Expr {
    let r#type = plan::DataType {
        kind: kind.into(),
        precision: 38,
        scale: 10,
    };
    ti_proto::expr::literal(r#type, value)
}

/// What a test allows.
pub fn push_down(index_first: bool, index_read: bool) -> plan::PushDown {
    plan::PushDown {
        filters: true,
        index_read,
        index_first,
        partition_pruning: true,
        ..Default::default()
    }
}

/// A constant, as SQL and as Spark has it. `value` is how TiDB prints it.
fn constant(mysql_type: &str, value: &str) -> (String, plan::Expr) {
    let kind = mysql_type.split([' ', '(']).next().unwrap_or_default();
    match kind {
        "tinyint" | "smallint" | "int" | "bigint" if mysql_type.contains("unsigned") => {
            (value.into(), literal(Kind::Decimal, Some(Value::Decimal(value.into()))))
        }
        "tinyint" | "smallint" | "int" | "bigint" | "year" => (value.into(), long(value.parse().unwrap())),
        "decimal" => (value.into(), literal(Kind::Decimal, Some(Value::Decimal(value.into())))),
        "double" => (
            value.into(),
            literal(Kind::Double, Some(Value::Real(value.parse().unwrap()))),
        ),
        "date" => {
            let time = ti_codec::mysql::time::MysqlTime::parse(value).unwrap();
            let days = i64::from(time.days().unwrap());
            (format!("'{value}'"), literal(Kind::Date, Some(Value::Integer(days))))
        }
        "datetime" | "timestamp" => {
            let time = ti_codec::mysql::time::MysqlTime::parse(value).unwrap();
            let kind = if kind == "timestamp" {
                Kind::Timestamp
            } else {
                Kind::TimestampNtz
            };
            (
                format!("'{value}'"),
                literal(kind, time.wall_micros().map(Value::Integer)),
            )
        }
        "varchar" | "char" | "text" | "enum" => {
            (format!("HEX(x'{}')", super::fill::hex(value.as_bytes())), text(value))
        }
        other => panic!("{other}"),
    }
}

/// A table, its columns, and values of them to compare with.
pub struct Subject {
    pub table: String,
    schema: plan::TableSchema,
    values: BTreeMap<String, Vec<String>>,
    rows: BTreeMap<String, Row>,
}

impl Subject {
    /// `id` is a column of unique values.
    pub fn new(cluster: &Cluster, table: &str) -> Self {
        let schema = cluster.load(table).unwrap();
        let mut values = BTreeMap::new();
        for column in &schema.columns {
            let name = &column.name;
            // In an order that is the same in every run, so that a seed repeats one.
            let all = cluster.rows(&format!(
                "SELECT MIN(`{name}`) FROM `{table}` WHERE `{name}` IS NOT NULL GROUP BY HEX(`{name}`) ORDER BY MD5(HEX(`{name}`)) LIMIT 40"
            ));
            values.insert(name.clone(), all.into_iter().filter_map(|row| row[0].clone()).collect());
        }
        let list: Vec<String> = schema.columns.iter().map(|c| format!("`{}`", c.name)).collect();
        let rows = cluster.rows(&format!("SELECT id, {} FROM `{table}`", list.join(", ")));
        let rows = rows.into_iter().map(|mut row| {
            let id = row.remove(0).unwrap();
            (id, row)
        });
        Self {
            table: table.into(),
            values,
            rows: rows.collect(),
            schema,
        }
    }

    /// A condition on one column.
    pub fn condition(&self, rng: &mut fastrand::Rng, name: &str) -> Condition {
        let ty = &self.schema.columns.iter().find(|c| c.name == name).unwrap().mysql_type;
        let values = &self.values[name];
        let is_text = ["varchar", "char", "text", "enum"].iter().any(|t| ty.starts_with(t));
        // Spark compares the bytes of texts. CAST(... AS BINARY) would not do: TiDB cuts its answer of a VARCHAR(30) to 30 bytes, not
        // characters.
        let side = if is_text {
            format!("HEX(`{name}`)")
        } else {
            format!("`{name}`")
        };
        let one = |rng: &mut fastrand::Rng| constant(ty, &values[rng.usize(..values.len())]);
        match rng.u8(..10) {
            0 => Condition {
                sql: format!("`{name}` IS NULL"),
                expr: call("IS_NULL", vec![column(name)]),
            },
            1 => Condition {
                sql: format!("`{name}` IS NOT NULL"),
                expr: call("IS_NOT_NULL", vec![column(name)]),
            },
            2 | 3 => {
                let count = rng.usize(1..6);
                let (sql, list): (Vec<String>, Vec<plan::Expr>) = (0..count).map(|_| one(rng)).unzip();
                Condition {
                    sql: format!("{side} IN ({})", sql.join(", ")),
                    expr: call("IN", [vec![column(name)], list].concat()),
                }
            }
            4 => {
                let ((low, from), (high, to)) = (one(rng), one(rng));
                Condition {
                    sql: format!("({side} < {low} OR {side} >= {high})"),
                    expr: call(
                        "OR",
                        vec![call("<", vec![column(name), from]), call("<=", vec![to, column(name)])],
                    ),
                }
            }
            _ => {
                let function = ["=", "=", "=", "<", "<=", ">", ">=", "<=>"][rng.usize(..8)];
                let (sql, constant) = one(rng);
                Condition {
                    sql: format!("{side} {function} {sql}"),
                    expr: call(function, vec![column(name), constant]),
                }
            }
        }
    }

    /// Names of all columns.
    pub fn columns(&self) -> Vec<String> {
        self.schema.columns.iter().map(|c| c.name.clone()).collect()
    }

    /// Reads columns with these filters: every row that TiDB finds must come, exactly once, and every row that comes must be right.
    /// Answers the plan's text, the rows read, and the rows that pass.
    pub fn check(
        &self,
        cluster: &Cluster,
        conditions: &[Condition],
        columns: &[String],
        push_down: plan::PushDown,
    ) -> (String, usize, usize) {
        let mut names: Vec<&str> = vec!["id"];
        names.extend(columns.iter().map(String::as_str).filter(|c| *c != "id"));
        let plan = cluster
            .plan_with(&self.schema, &names, |spec| {
                // Best effort: what TiKV cannot evaluate still limits the ranges.
                spec.runtime_filters = conditions.iter().map(|c| c.expr.clone()).collect();
                spec.push_down = Some(push_down);
            })
            .unwrap();
        let place = || format!("{} {conditions:?}\n{}", self.table, plan.explain);
        let batches = cluster.batches(&plan).unwrap_or_else(|e| panic!("{e}: {}", place()));
        let read: Vec<Row> = batches.iter().flat_map(render::rows).collect();
        let mut ids = BTreeSet::new();
        for row in &read {
            let id = row[0].clone().unwrap();
            let stored = self.rows.get(&id).unwrap_or_else(|| panic!("no row {id}: {}", place()));
            for (name, value) in names.iter().zip(row) {
                let at = self.schema.columns.iter().position(|c| c.name == *name).unwrap();
                assert!(
                    render::same(value, &stored[at]),
                    "{name}: {value:?} for {:?}: {}",
                    stored[at],
                    place()
                );
            }
            assert!(ids.insert(id.clone()), "row {id} comes twice: {}", place());
        }
        let sql: Vec<&str> = conditions.iter().map(|c| c.sql.as_str()).collect();
        let passing = cluster.rows(&format!("SELECT id FROM `{}` WHERE {}", self.table, sql.join(" AND ")));
        for row in &passing {
            let id = row[0].clone().unwrap();
            assert!(ids.contains(&id), "row {id} is missing: {}", place());
        }
        (plan.explain, read.len(), passing.len())
    }
}
