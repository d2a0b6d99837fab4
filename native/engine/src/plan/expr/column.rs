//! Columns in expressions: which ones TiKV evaluates as Spark does, and how.

use std::collections::BTreeSet;

use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::{SparkType, ZeroDate};
use ti_proto::plan;

use super::pb::{self, Class};
use super::{calendar, sig, Binder, Node, Null, Pushed, Reason, NO_BOUNDS};

impl Binder<'_> {
    /// A column that the scan declares to have the binary collation?
    pub fn is_scanned_binary(&self, node: &Node) -> bool {
        let offset = node.strict.first().and_then(|offset| self.columns.get(*offset));
        node.pb.tp() == pb::kind::COLUMN_REF && offset.is_some_and(|column| column.collate == "binary")
    }

    pub(super) fn column(&self, name: &str) -> Pushed<Node> {
        let offset = self.offset(name)?;
        let (ty, text) = self.column_of(offset)?;
        let spark = ti_codec::column_type(&ty, self.types)
            .map_err(|e| Reason::new(format!("column `{name}`: {e}")))?
            .spark;
        let mut node = Node {
            pb: self.pb.column(offset, &ty),
            spark,
            class: Class::Int,
            bounds: NO_BOUNDS,
            text,
            superset: false,
            raw_dates: BTreeSet::new(),
            strict: BTreeSet::from([offset]),
            rejects: BTreeSet::from([offset]),
        };
        match (ty.tp, spark) {
            (t::TINY, SparkType::Boolean) => {
                // Every number but 0 is true.
                node.pb = self.pb.call(sig::NE, self.pb.boolean(), vec![node.pb, self.pb.int(0)]);
                node.text = format!("ne({}, 0)", node.text);
                node.bounds = (0, 1);
            }
            (t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG, _) => {
                node.bounds = integer_bounds(&ty);
            }
            (t::YEAR, _) => node.bounds = (0, 2155),
            (t::FLOAT | t::DOUBLE, _) => node.class = Class::Real,
            (t::NEW_DECIMAL, SparkType::Decimal { .. }) if ty.precision_and_scale().0 <= 38 => {
                node.class = Class::Decimal;
            }
            (
                t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB,
                SparkType::String | SparkType::Binary,
            ) => node.class = Class::Bytes,
            (t::DATE, SparkType::Date)
            | (t::DATETIME, SparkType::TimestampNtz)
            | (t::TIMESTAMP, SparkType::Timestamp) => {
                node.class = Class::Time;
                node = self.date(node, offset, &ty);
            }
            (t::DURATION, SparkType::DayTimeInterval) => node.class = Class::Duration,
            _ => {
                return Err(Reason::new(format!(
                    "column `{name}` of type {} is shown as {}, which TiKV does not evaluate as Spark does",
                    ty.sql_name(),
                    spark.sql()
                )))
            }
        }
        Ok(node)
    }

    /// A column of dates, some of which may be invalid.
    fn date(&self, mut node: Node, offset: usize, ty: &FieldType) -> Node {
        match self.types.zero_date {
            // Rows with an invalid date are errors where Spark reads them, whatever a condition says of them.
            ZeroDate::Error => node.superset = true,
            ZeroDate::Null if self.guarded => {
                node.pb = calendar::valid_or_null(&self.pb, &node.pb, ty);
                node.text = format!("case({}, {})", calendar::text(&node.text), node.text);
            }
            ZeroDate::Null => {
                node.raw_dates.insert(offset);
            }
        }
        node
    }

    /// Is a column NULL for Spark? Also for columns whose values are not evaluated.
    pub fn null_test(&self, expr: &plan::Expr) -> Pushed<Node> {
        let error = match self.bind(expr).and_then(|bound| self.node(bound)) {
            Ok(node) if node.superset && node.spark == SparkType::Boolean => {
                // A condition that is true for more rows is also NULL for others.
                return Err(Reason::new(
                    "IS NULL of a condition that holds for more rows than Spark's",
                ));
            }
            Ok(node) => {
                let sig = node.class.is_null();
                return Ok(self.function(sig, "isnull", vec![node], Null::Never));
            }
            Err(error) => error,
        };
        let Some(plan::expr::Node::Column(name)) = &expr.node else {
            return Err(error);
        };
        let offset = self.offset(name)?;
        let (ty, text) = self.column_of(offset)?;
        // Not of JSON: TiKV has a function for it, and TiDB never asks it to evaluate that one.
        let sig = match ty.tp {
            t::DURATION => Class::Duration.is_null(),
            _ => return Err(error),
        };
        let column = self.pb.column(offset, &ty);
        Ok(Node {
            pb: self.pb.call(sig, self.pb.boolean(), vec![column]),
            spark: SparkType::Boolean,
            class: Class::Int,
            bounds: (0, 1),
            text: format!("isnull({text})"),
            superset: false,
            raw_dates: BTreeSet::new(),
            strict: BTreeSet::new(),
            rejects: BTreeSet::new(),
        })
    }
}

/// Least and greatest value of an integer column.
fn integer_bounds(ty: &FieldType) -> (i128, i128) {
    let bits = match ty.tp {
        t::TINY => 8,
        t::SHORT => 16,
        t::INT24 => 24,
        t::LONG => 32,
        _ => 64,
    };
    if ty.is_unsigned() {
        (0, (1i128 << bits) - 1)
    } else {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    }
}
