//! Expressions for tests of push-down: short to write, as the JVM would send them, and as SQL for TiDB.

pub use ti_proto::expr::{call, cast, column as col, data_type as ty, decimal_type, literal as lit, text};
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::{aggregate, literal};

use super::{render, Cluster, Row};

/// Pushes everything, with Spark's defaults.
pub fn everything() -> plan::PushDown {
    plan::PushDown {
        filters: true,
        aggregates: true,
        top_n: true,
        limit: true,
        ansi: true,
        time_zone: "UTC".into(),
        decimal_precision_loss: true,
        ..Default::default()
    }
}

pub fn null(kind: Kind) -> plan::Expr {
    lit(ty(kind), None)
}

pub fn int(value: i64) -> plan::Expr {
    lit(ty(Kind::Int), Some(literal::Value::Integer(value)))
}

pub fn integer(kind: Kind, value: i64) -> plan::Expr {
    lit(ty(kind), Some(literal::Value::Integer(value)))
}

pub fn boolean(value: bool) -> plan::Expr {
    lit(ty(Kind::Boolean), Some(literal::Value::Boolean(value)))
}

pub fn real(kind: Kind, value: f64) -> plan::Expr {
    lit(ty(kind), Some(literal::Value::Real(value)))
}

pub fn binary(value: &[u8]) -> plan::Expr {
    lit(ty(Kind::Binary), Some(literal::Value::Binary(value.to_vec())))
}

/// `-12.50`, of the type that its digits need.
pub fn decimal(value: &str) -> plan::Expr {
    let digits = value.bytes().filter(u8::is_ascii_digit).count() as u32;
    let scale = value.split_once('.').map_or(0, |(_, f)| f.len()) as u32;
    lit(
        decimal_type(digits.max(scale), scale),
        Some(literal::Value::Decimal(value.into())),
    )
}

/// `2024-02-29`
pub fn date(value: &str) -> plan::Expr {
    let time = ti_codec::mysql::time::MysqlTime::parse(value).unwrap();
    integer(Kind::Date, i64::from(time.days().unwrap()))
}

/// `2024-02-29 12:34:56.789`: TIMESTAMP (of UTC) or TIMESTAMP_NTZ
pub fn time(kind: Kind, value: &str) -> plan::Expr {
    let time = ti_codec::mysql::time::MysqlTime::parse(value).unwrap();
    integer(kind, time.wall_micros().unwrap())
}

pub fn count_star() -> plan::Aggregate {
    plan::Aggregate {
        function: aggregate::Function::CountStar.into(),
        ..Default::default()
    }
}

pub fn agg(function: aggregate::Function, argument: plan::Expr) -> plan::Aggregate {
    plan::Aggregate {
        function: function.into(),
        arguments: vec![argument],
        distinct: false,
    }
}

pub fn by(expression: plan::Expr, descending: bool, nulls_last: bool) -> plan::SortOrder {
    plan::SortOrder {
        expression: Some(expression),
        descending,
        nulls_last,
    }
}

impl Cluster {
    /// A spec over a table with everything pushed down.
    pub fn spec(&self, table: &str, change: impl FnOnce(&mut plan::ScanSpec)) -> plan::ScanSpec {
        let schema = self.load(table).unwrap_or_else(|e| panic!("{table}: {e}"));
        let mut spec = plan::ScanSpec {
            table: schema.table_descriptor.clone(),
            read_timestamp: Some(super::tso(schema.schema_ts)),
            partition_bytes: 96 << 20,
            parallelism: 2,
            push_down: Some(everything()),
            ..Default::default()
        };
        change(&mut spec);
        spec
    }

    /// What is pushed of a spec.
    pub fn check(&self, spec: &plan::ScanSpec) -> plan::ScanSupport {
        self.session.check(spec.clone()).unwrap()
    }

    /// The rows of a spec as text, and its EXPLAIN.
    pub fn run(&self, spec: plan::ScanSpec) -> (Vec<Row>, String) {
        let plan = self.session.plan(spec).unwrap_or_else(|e| panic!("{e}"));
        let batches = self.batches(&plan).unwrap_or_else(|e| panic!("{e}\n{}", plan.explain));
        (batches.iter().flat_map(render::rows).collect(), plan.explain)
    }
}
