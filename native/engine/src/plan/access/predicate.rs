//! Filters -> what they say of single columns.
//!
//! ```text
//! a = 1 AND (b < 5 OR b IN (7, 9)) AND c + 1 = 2      a: = 1        b: < 5 or in (7, 9)        (c is not known)
//! ```
//! All of them hold, so that what cannot be used is left out: the result is true for every row for which the filters are.

use std::collections::BTreeMap;

use ti_codec::arrow_type::{self, SparkType};
use ti_codec::TypeOptions;
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::expr::Node;
use ti_proto::plan::literal::Value;

use crate::catalog::descriptor::{ColumnDescriptor, TableDescriptor};

/// Deeper filters are not looked into.
const MAX_DEPTH: usize = 64;

/// A comparison with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// The text begins with the constant.
    StartsWith,
}

impl Operator {
    fn named(function: &str) -> Option<Self> {
        Some(match function {
            "=" | "<=>" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "STARTS_WITH" => Self::StartsWith,
            _ => return None,
        })
    }

    /// With the sides changed.
    fn turned(self) -> Option<Self> {
        Some(match self {
            Self::Equal => Self::Equal,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::StartsWith => return None,
        })
    }
}

/// What holds for one column.
#[derive(Debug, Clone)]
pub enum Predicate<'a> {
    /// Compared with a constant that is not NULL.
    Compare(Operator, &'a plan::Literal),
    /// Equal to one of these, none of which is NULL.
    In(Vec<&'a plan::Literal>),
    /// NULL.
    IsNull,
    /// Not NULL.
    IsNotNull,
    /// All of them.
    And(Vec<Predicate<'a>>),
    /// One of them.
    Or(Vec<Predicate<'a>>),
}

/// What filters say of columns.
#[derive(Debug, Clone, Default)]
pub struct Conditions<'a> {
    /// No row passes the filters.
    pub never: bool,
    /// By column id.
    columns: BTreeMap<i64, Vec<Predicate<'a>>>,
}

impl<'a> Conditions<'a> {
    /// Of filters, all of which hold.
    pub fn new(
        table: &TableDescriptor,
        filters: impl IntoIterator<Item = &'a plan::Expr>,
        types: &TypeOptions,
    ) -> Self {
        let reader = Reader { table, types };
        let mut all = Self::default();
        for filter in filters {
            all.add(reader.read(filter, 0));
        }
        all
    }

    /// What holds for a column; empty: nothing is known.
    pub fn of(&self, column_id: i64) -> &[Predicate<'a>] {
        self.columns.get(&column_id).map_or(&[], Vec::as_slice)
    }

    /// The columns of which something is known.
    pub fn column_ids(&self) -> impl Iterator<Item = i64> + '_ {
        self.columns.keys().copied()
    }

    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        !self.never && self.columns.is_empty()
    }

    fn add(&mut self, other: Self) {
        self.never |= other.never;
        for (id, predicates) in other.columns {
            self.columns.entry(id).or_default().extend(predicates);
        }
    }

    fn never() -> Self {
        Self {
            never: true,
            ..Self::default()
        }
    }

    fn one(column: &ColumnDescriptor, predicate: Predicate<'a>) -> Self {
        Self {
            never: false,
            columns: BTreeMap::from([(column.id, vec![predicate])]),
        }
    }

    /// Of two alternatives: a column of which both know something.
    fn or(branches: Vec<Self>) -> Self {
        let mut branches = branches.into_iter().filter(|b| !b.never);
        let Some(first) = branches.next() else {
            return Self::never();
        };
        let rest: Vec<Self> = branches.collect();
        let mut columns = BTreeMap::new();
        for (id, predicates) in first.columns {
            let mut alternatives = vec![Predicate::And(predicates)];
            for branch in &rest {
                match branch.columns.get(&id) {
                    Some(predicates) => alternatives.push(Predicate::And(predicates.clone())),
                    None => break,
                }
            }
            if alternatives.len() == rest.len() + 1 {
                columns.insert(id, vec![Predicate::Or(alternatives)]);
            }
        }
        Self { never: false, columns }
    }
}

struct Reader<'t> {
    table: &'t TableDescriptor,
    types: &'t TypeOptions,
}

impl<'t> Reader<'t> {
    fn read<'a>(&self, expr: &'a plan::Expr, depth: usize) -> Conditions<'a> {
        if depth > MAX_DEPTH {
            return Conditions::default();
        }
        let call = match &expr.node {
            Some(Node::Call(call)) => call,
            Some(Node::Literal(literal)) if !is_true(literal) => return Conditions::never(),
            _ => return Conditions::default(),
        };
        match (call.function.as_str(), call.arguments.as_slice()) {
            ("AND", arguments) => {
                let mut all = Conditions::default();
                for argument in arguments {
                    all.add(self.read(argument, depth + 1));
                }
                all
            }
            ("OR", arguments) => Conditions::or(arguments.iter().map(|a| self.read(a, depth + 1)).collect()),
            ("NOT", [argument]) => self.negated(argument),
            ("ALWAYS_FALSE", []) => Conditions::never(),
            ("IS_NULL", [argument]) => self.about(argument, false, Predicate::IsNull),
            ("IS_NOT_NULL", [argument]) => self.about(argument, false, Predicate::IsNotNull),
            ("IN", [column, list @ ..]) => self.one_of(column, list),
            (function, [left, right]) => match Operator::named(function) {
                Some(operator) => self.comparison(function, operator, left, right),
                None => Conditions::default(),
            },
            _ => Conditions::default(),
        }
    }

    fn negated<'a>(&self, expr: &'a plan::Expr) -> Conditions<'a> {
        let Some(Node::Call(call)) = &expr.node else {
            return Conditions::default();
        };
        match (call.function.as_str(), call.arguments.as_slice()) {
            ("IS_NULL", [argument]) => self.about(argument, false, Predicate::IsNotNull),
            ("IS_NOT_NULL", [argument]) => self.about(argument, false, Predicate::IsNull),
            _ => Conditions::default(),
        }
    }

    fn about<'a>(&self, expr: &'a plan::Expr, cast: bool, predicate: Predicate<'a>) -> Conditions<'a> {
        match self.column(expr, cast) {
            Some(column) => Conditions::one(&column, predicate),
            None => Conditions::default(),
        }
    }

    fn comparison<'a>(
        &self,
        function: &str,
        operator: Operator,
        left: &'a plan::Expr,
        right: &'a plan::Expr,
    ) -> Conditions<'a> {
        let (column, operator, constant) = match (&left.node, &right.node) {
            (_, Some(Node::Literal(constant))) => (left, Some(operator), constant),
            (Some(Node::Literal(constant)), _) => (right, operator.turned(), constant),
            _ => return Conditions::default(),
        };
        let Some(operator) = operator else {
            return Conditions::default();
        };
        match (constant.value.is_some(), function) {
            (true, _) => self.about(column, true, Predicate::Compare(operator, constant)),
            (false, "<=>") => self.about(column, false, Predicate::IsNull),
            // Nothing compares with NULL.
            (false, _) => Conditions::never(),
        }
    }

    fn one_of<'a>(&self, column: &'a plan::Expr, list: &'a [plan::Expr]) -> Conditions<'a> {
        let mut values = Vec::with_capacity(list.len());
        for item in list {
            match &item.node {
                // A NULL in the list makes no row pass.
                Some(Node::Literal(constant)) if constant.value.is_none() => {}
                Some(Node::Literal(constant)) => values.push(constant),
                _ => return Conditions::default(),
            }
        }
        if values.is_empty() {
            return Conditions::never();
        }
        self.about(column, true, Predicate::In(values))
    }

    /// The column that an expression is, with `cast` also under a CAST that changes no value.
    fn column(&self, expr: &plan::Expr, cast: bool) -> Option<ColumnDescriptor> {
        match &expr.node {
            Some(Node::Column(name)) => self.table.column(name).ok().filter(|c| c.refusal.is_none()),
            Some(Node::Call(call)) if cast && call.function == "CAST" => {
                let [argument] = call.arguments.as_slice() else {
                    return None;
                };
                let column = self.column(argument, false)?;
                let spark = arrow_type::column_type(&column.field_type(), self.types).ok()?.spark;
                widens(spark, call.r#type.as_ref()?).then_some(column)
            }
            _ => None,
        }
    }
}

fn is_true(literal: &plan::Literal) -> bool {
    matches!(literal.value, Some(Value::Boolean(true)))
}

/// Is every value the same number after the cast, and none is lost?
fn widens(from: SparkType, to: &plan::DataType) -> bool {
    let whole = to.precision.saturating_sub(to.scale);
    let digits = match from {
        SparkType::Byte => 3,
        SparkType::Short => 5,
        SparkType::Int => 10,
        SparkType::Long => 19,
        SparkType::Decimal { precision, scale } => {
            let scale = u32::try_from(scale).unwrap_or(u32::MAX);
            return to.kind() == Kind::Decimal
                && to.scale >= scale
                && whole >= u32::from(precision).saturating_sub(scale);
        }
        SparkType::Float => return to.kind() == Kind::Double,
        _ => return false,
    };
    match to.kind() {
        Kind::Short => digits <= 3,
        Kind::Int => digits <= 5,
        Kind::Long => digits <= 10,
        Kind::Double => digits <= 10,
        Kind::Decimal => whole >= digits,
        _ => false,
    }
}

#[cfg(test)]
#[path = "predicate_tests.rs"]
mod tests;
