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
mod column;
mod constant;
pub mod pb;
pub mod sig;
pub mod value;

use std::collections::BTreeSet;

use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::{SparkType, TypeOptions, ZeroDate};
use ti_proto::{plan, tipb};

use super::func;
use super::rules::Rules;
use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor};
use pb::{Builder, Class};
use value::Value;

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
// Nodes are the rule, and each lives until its parent is made.
#[allow(clippy::large_enum_variant)]
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
