//! Expressions of Spark, bound to a table and translated for TiKV.
//!
//! ```text
//! plan::Expr --Binder--> Bound: a constant (Value), or a Node = tipb::Expr + Spark's type + what is known of its values
//!                          | functions: the support table in `func`
//!                          v
//!            filter: tipb conditions, FULL or PARTIAL;   or a Reason why not
//! ```
//! A node is only made where TiKV's result for the types at hand is Spark's. Two things are tracked on the way up:
//! - `superset`: the condition is true for more rows than Spark's. It may stand under AND and OR only, and makes the filter PARTIAL.
//! - dates that the calendar does not have (0000-00-00), which Spark reads as NULL and TiKV compares as numbers. A condition that cannot
//!   be true when the column is NULL is sent with a second one, that the date is valid; elsewhere the column becomes CASE WHEN it is valid.

pub mod calendar;
pub mod pb;
pub mod value;

use std::collections::BTreeSet;

use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::{SparkType, TypeOptions, ZeroDate};
use ti_proto::{plan, tipb};

use super::func;
use super::rules::Rules;
use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor};
use pb::{sig, Builder, Class};
use value::{Scalar, Value};

/// Why something is not pushed down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(pub String);

impl Reason {
    /// A reason.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Something that is pushed, or why it is not.
pub type Pushed<T> = Result<T, Reason>;

/// A constant or an expression over columns.
#[derive(Debug, Clone)]
pub enum Bound {
    /// A constant, whose form is decided by what it meets.
    Value(Value),
    /// An expression.
    Node(Node),
}

impl Bound {
    /// Its Spark type.
    pub fn spark(&self) -> SparkType {
        match self {
            Self::Value(value) => value.spark,
            Self::Node(node) => node.spark,
        }
    }
}

/// An expression that TiKV evaluates as Spark would.
#[derive(Debug, Clone)]
pub struct Node {
    /// As it is sent.
    pub pb: tipb::Expr,
    /// Spark's type. The values are Spark's, their form is that of `class`: an integer may stand for a DECIMAL, a DATE for a TIMESTAMP_NTZ.
    pub spark: SparkType,
    /// How TiKV evaluates it.
    pub class: Class,
    /// Least and greatest value of an integer.
    pub bounds: (i128, i128),
    /// As EXPLAIN prints it.
    pub text: String,
    /// True for more rows than Spark's condition.
    pub superset: bool,
    /// Offsets of date columns that are taken as they are, invalid dates included.
    pub raw_dates: BTreeSet<usize>,
    /// Offsets of columns whose NULL makes this NULL.
    pub strict: BTreeSet<usize>,
    /// Offsets of columns whose NULL keeps this condition from being true.
    pub rejects: BTreeSet<usize>,
}

impl Node {
    /// The sent type: unsigned?
    pub fn is_unsigned(&self) -> bool {
        let flag = self.pb.field_type.as_ref().map_or(0, tipb::FieldType::flag);
        flag & ti_codec::field_type::flag::UNSIGNED != 0
    }

    /// MySQL's type code of what is sent.
    pub fn type_code(&self) -> u8 {
        let tp = self.pb.field_type.as_ref().map_or(0, tipb::FieldType::tp);
        u8::try_from(tp).unwrap_or(t::NULL)
    }
}

/// Bounds of nodes that are no integers.
pub const NO_BOUNDS: (i128, i128) = (i128::MIN, i128::MAX);

/// Binds expressions to the columns of a source.
pub struct Binder<'a> {
    /// Makes the pieces.
    pub pb: Builder,
    table: &'a TableDescriptor,
    columns: &'a [ColumnDescriptor],
    types: &'a TypeOptions,
    /// What may be pushed, and Spark's rules.
    pub rules: &'a Rules,
    /// Columns of dates are wrapped so that invalid ones are NULL.
    guarded: bool,
}

/// A filter as it is sent.
#[derive(Debug, Clone)]
pub struct Filter {
    /// All of them have to be true.
    pub conditions: Vec<tipb::Expr>,
    /// As EXPLAIN prints them.
    pub texts: Vec<String>,
    /// Spark has to check the rows again.
    pub partial: bool,
}

impl<'a> Binder<'a> {
    /// For expressions over rows of `columns`.
    pub fn new(
        table: &'a TableDescriptor,
        columns: &'a [ColumnDescriptor],
        types: &'a TypeOptions,
        rules: &'a Rules,
        pb: Builder,
    ) -> Self {
        Self {
            pb,
            table,
            columns,
            types,
            rules,
            guarded: false,
        }
    }

    /// The same, with invalid dates as NULL everywhere.
    fn guarded(&self) -> Self {
        Self { guarded: true, ..*self }
    }

    /// Translates a filter.
    pub fn filter(&self, expr: &plan::Expr) -> Pushed<Filter> {
        let mut node = self.condition(expr)?;
        let mut dates = BTreeSet::new();
        if self.types.zero_date == ZeroDate::Null {
            if node.raw_dates.is_subset(&node.rejects) {
                dates.clone_from(&node.raw_dates);
            } else {
                node = self.guarded().condition(expr)?;
            }
        }
        let mut filter = Filter {
            partial: node.superset,
            conditions: vec![node.pb],
            texts: vec![node.text],
        };
        for offset in dates {
            let (ty, name) = self.column_of(offset)?;
            let column = self.pb.column(offset, &ty);
            filter.conditions.extend(calendar::valid(&self.pb, &column, ty.tp));
            filter.texts.push(calendar::text(&name));
        }
        Ok(filter)
    }

    /// Translates an expression whose values are wanted: invalid dates are NULL.
    pub fn operand(&self, expr: &plan::Expr) -> Pushed<Node> {
        let node = self.guarded().bind(expr)?;
        let node = self.node(node)?;
        if node.superset {
            return Err(Reason::new(
                "only a condition may be pushed for more rows than it holds for",
            ));
        }
        Ok(node)
    }

    /// A condition.
    pub fn condition(&self, expr: &plan::Expr) -> Pushed<Node> {
        let bound = self.bind(expr)?;
        if bound.spark() != SparkType::Boolean {
            return Err(Reason::new(format!("a {} is not a condition", bound.spark().sql())));
        }
        self.node(bound)
    }

    /// Binds one expression.
    pub fn bind(&self, expr: &plan::Expr) -> Pushed<Bound> {
        match &expr.node {
            Some(plan::expr::Node::Column(name)) => self.column(name).map(Bound::Node),
            Some(plan::expr::Node::Literal(literal)) => Value::read(literal).map(Bound::Value),
            Some(plan::expr::Node::Call(call)) => func::call(self, call),
            None => Err(Reason::new("an expression is empty")),
        }
    }

    fn offset(&self, name: &str) -> Pushed<usize> {
        let missing = || Reason::new(format!("column `{name}` is not among those that are read"));
        let id = self.table.column(name).map_err(|e| Reason::new(e.message))?.id;
        self.columns.iter().position(|c| c.id == id).ok_or_else(missing)
    }

    fn column_of(&self, offset: usize) -> Pushed<(FieldType, String)> {
        let column = self
            .columns
            .get(offset)
            .ok_or_else(|| Reason::new("a column is not among those that are read"))?;
        Ok((
            column.field_type(),
            format!("{}.{}.{}", self.table.database, self.table.table, column.name),
        ))
    }

    /// A column that the scan declares to have the binary collation?
    pub fn is_scanned_binary(&self, node: &Node) -> bool {
        let offset = node.strict.first().and_then(|offset| self.columns.get(*offset));
        node.pb.tp() == pb::kind::COLUMN_REF && offset.is_some_and(|column| column.collate == "binary")
    }

    fn column(&self, name: &str) -> Pushed<Node> {
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
        let sig = match ty.tp {
            t::JSON => sig::IS_NULL_JSON,
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

    /// A condition made of a function of TiKV.
    pub fn function(&self, sig: i32, name: &str, arguments: Vec<Node>, null: Null) -> Node {
        self.typed(
            sig,
            name,
            arguments,
            null,
            SparkType::Boolean,
            Class::Int,
            self.pb.boolean(),
        )
    }

    /// A function of TiKV with a result of some type.
    #[allow(clippy::too_many_arguments)]
    pub fn typed(
        &self,
        sig: i32,
        name: &str,
        arguments: Vec<Node>,
        null: Null,
        spark: SparkType,
        class: Class,
        ty: tipb::FieldType,
    ) -> Node {
        let texts: Vec<&str> = arguments.iter().map(|a| a.text.as_str()).collect();
        let text = format!("{name}({})", texts.join(", "));
        let superset = arguments.iter().any(|a| a.superset);
        let all = |of: fn(&Node) -> &BTreeSet<usize>| arguments.iter().flat_map(|a| of(a).iter().copied()).collect();
        let raw_dates = all(|a| &a.raw_dates);
        let strict: BTreeSet<usize> = match null {
            Null::Strict => all(|a| &a.strict),
            Null::Never => BTreeSet::new(),
        };
        Node {
            bounds: if spark == SparkType::Boolean { (0, 1) } else { NO_BOUNDS },
            text,
            superset,
            raw_dates,
            rejects: strict.clone(),
            strict,
            spark,
            class,
            pb: self.pb.call(sig, ty, arguments.into_iter().map(|a| a.pb).collect()),
        }
    }

    /// An expression in a form that TiKV takes: a constant by its own type.
    pub fn node(&self, bound: Bound) -> Pushed<Node> {
        match bound {
            Bound::Node(node) => Ok(node),
            Bound::Value(value) => self.constant(&value),
        }
    }

    /// A constant by its own type.
    pub fn constant(&self, value: &Value) -> Pushed<Node> {
        let no = || Reason::new(format!("TiKV does not have the constant {}", value.text()));
        let spark = value.spark;
        let null = value.scalar == Scalar::Null;
        let mut bounds = NO_BOUNDS;
        let (class, pb) = match spark {
            SparkType::Boolean | SparkType::Byte | SparkType::Short | SparkType::Int | SparkType::Long => {
                let v = match value.scalar {
                    Scalar::Int(v) => v,
                    _ => 0,
                };
                bounds = (i128::from(v), i128::from(v));
                let pb = if null {
                    self.pb.null(self.pb.long())
                } else {
                    self.pb.int(v)
                };
                (Class::Int, pb)
            }
            SparkType::Float | SparkType::Double => (
                Class::Real,
                match value.scalar {
                    Scalar::Real(v) if v.is_finite() => self.pb.real(v),
                    Scalar::Null => self.pb.null(self.pb.double()),
                    _ => return Err(no()),
                },
            ),
            SparkType::Decimal { precision, scale } => (
                Class::Decimal,
                if null {
                    self.pb
                        .null(self.pb.decimal(precision, u8::try_from(scale).unwrap_or(0)))
                } else {
                    let decimal = value.decimal().ok_or_else(no)?;
                    self.pb.decimal_constant(&decimal).ok_or_else(no)?
                },
            ),
            SparkType::String | SparkType::Binary => (
                Class::Bytes,
                match &value.scalar {
                    Scalar::Text(v) => self.pb.text_constant(v),
                    Scalar::Bytes(v) => self.pb.bytes_constant(v),
                    _ => self.pb.null(self.pb.text()),
                },
            ),
            SparkType::Date | SparkType::Timestamp | SparkType::TimestampNtz => {
                let tp = match spark {
                    SparkType::Date => t::DATE,
                    SparkType::Timestamp => t::TIMESTAMP,
                    _ => t::DATETIME,
                };
                let pb = if null {
                    self.pb.null(self.pb.time_type(tp))
                } else {
                    self.pb.time(value.time().ok_or_else(no)?.to_packed(), tp)
                };
                (Class::Time, pb)
            }
            SparkType::DayTimeInterval => {
                let pb = match value.scalar {
                    Scalar::Int(micros) if micros.unsigned_abs() <= MAX_TIME_MICROS => {
                        self.pb.duration(micros.saturating_mul(1000))
                    }
                    Scalar::Null => self.pb.null(self.pb.field_type(t::DURATION, 0, 17, 6)),
                    _ => return Err(no()),
                };
                (Class::Duration, pb)
            }
            SparkType::ArrayFloat => return Err(no()),
        };
        Ok(Node {
            pb,
            spark,
            class,
            bounds,
            text: value.text(),
            superset: false,
            raw_dates: BTreeSet::new(),
            strict: BTreeSet::new(),
            rejects: BTreeSet::new(),
        })
    }

    /// An integer as a DECIMAL; a DECIMAL as it is.
    pub fn as_decimal(&self, node: Node) -> Node {
        if node.class != Class::Int {
            return node;
        }
        let (spark, bounds) = (node.spark, node.bounds);
        let ty = self.pb.decimal(20, 0);
        let cast = self.typed(
            sig::CAST_INT_AS_DECIMAL,
            "cast",
            vec![node],
            Null::Strict,
            spark,
            Class::Decimal,
            ty,
        );
        Node { bounds, ..cast }
    }
}

/// What NULL among the arguments does to a function's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Null {
    /// It is NULL.
    Strict,
    /// Not known, or it is not NULL.
    Never,
}

/// 838:59:59.999999, the longest TIME.
const MAX_TIME_MICROS: u64 = (838 * 3600 + 59 * 60 + 59) * 1_000_000 + 999_999;

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
