//! The support table: functions of Spark that TiKV evaluates with the same result, and for which arguments.
//!
//! The page docs/pushdown.md is computed from this table by binding every function to columns of all types ([`page`]).

mod arithmetic;
mod cast;
mod compare;
mod control;
mod logic;
pub mod page;
pub mod samples;
mod text;
mod time;

use ti_proto::plan;

use super::expr::{Binder, Bound, Pushed, Reason};

/// Arguments of a call, bound one by one: a function may do without some of them.
type Translate = fn(&Binder<'_>, &plan::Call) -> Pushed<Bound>;

/// A line of the table.
pub struct Function {
    /// Names of Spark's V2 expressions.
    pub names: &'static [&'static str],
    /// Names of TiDB's functions, for its blacklist: those of the blacklist's own aliases too.
    pub tidb: &'static [&'static str],
    /// When it is pushed, for the documentation.
    pub note: &'static str,
    translate: Translate,
}

macro_rules! functions {
    ($([$($name:literal),+] [$($tidb:literal),*] $translate:path, $note:literal;)+) => {
        /// All functions that may be pushed down.
        pub const FUNCTIONS: &[Function] = &[$(Function {
            names: &[$($name),+],
            tidb: &[$($tidb),*],
            note: $note,
            translate: $translate,
        },)+];
    };
}

functions! {
    ["="] ["eq", "="] compare::equal, "Text by its bytes, whatever the column's collation";
    ["<>", "!="] ["ne", "!=", "<>"] compare::not_equal, "";
    ["<"] ["lt", "<"] compare::less, "";
    ["<="] ["le", "<="] compare::less_or_equal, "";
    [">"] ["gt", ">"] compare::greater, "";
    [">="] ["ge", ">="] compare::greater_or_equal, "";
    ["<=>"] ["nulleq", "<=>"] compare::null_safe_equal, "";
    ["IN"] ["in"] compare::in_list, "A list of constants";
    ["IS_NULL"] ["isnull", "is null"] logic::is_null, "";
    ["IS_NOT_NULL"] ["isnull", "is null", "not", "!"] logic::is_not_null, "";
    ["AND"] ["and"] logic::and, "One side that cannot be pushed makes the filter PARTIAL";
    ["OR"] ["or"] logic::or, "";
    ["NOT"] ["not", "!"] logic::not, "Not of a PARTIAL condition";
    ["ALWAYS_TRUE"] [] logic::always_true, "";
    ["ALWAYS_FALSE"] [] logic::always_false, "";
    ["BOOLEAN_EXPRESSION"] [] logic::boolean_expression, "";
    ["STARTS_WITH"] ["like"] text::starts_with, "A constant prefix";
    ["ENDS_WITH"] ["like"] text::ends_with, "A constant suffix";
    ["CONTAINS"] ["like"] text::contains, "A constant part";
    ["CHAR_LENGTH"] ["char_length", "length"] text::char_length, "";
    ["OCTET_LENGTH"] ["length"] text::octet_length, "";
    ["BIT_LENGTH"] ["bit_length"] text::bit_length, "";
    ["SUBSTRING"] ["substring", "substr"] text::substring, "Text; a constant position of at least 1 and a constant length";
    ["+"] ["plus", "+"] arithmetic::plus, "Where the types rule an overflow out, and DECIMAL stays within 38 digits";
    ["-"] ["minus", "-", "unaryminus", "-_unary"] arithmetic::minus, "As +";
    ["*"] ["mul", "*"] arithmetic::multiply, "As +";
    ["%"] ["mod", "%"] arithmetic::modulo, "Integers, by a constant greater than 0";
    ["ABS"] ["abs"] arithmetic::abs, "As +";
    ["CASE_WHEN"] ["case"] control::case_when, "";
    ["COALESCE"] ["coalesce"] control::coalesce, "";
    ["CAST"] ["cast"] cast::cast, "To a type that holds every value: wider integers, DECIMAL, DOUBLE; BOOLEAN; DATE and TIMESTAMP_NTZ";
    ["EXTRACT_YEAR"] ["year"] time::year, "Not of TIMESTAMP, whose parts depend on the session's time zone";
    ["EXTRACT_MONTH"] ["month"] time::month, "As EXTRACT_YEAR";
    ["EXTRACT_DAY"] ["dayofmonth", "day"] time::day, "As EXTRACT_YEAR";
    ["EXTRACT_DAY_OF_YEAR"] ["dayofyear"] time::day_of_year, "As EXTRACT_YEAR";
    ["EXTRACT_DAY_OF_WEEK"] ["dayofweek"] time::day_of_week, "As EXTRACT_YEAR";
    ["DATE_DIFF"] ["datediff"] time::date_diff, "";
}

/// A function by its Spark name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|f| f.names.contains(&name))
}

/// Translates a call.
pub fn call(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let function = find(&call.function)
        .ok_or_else(|| Reason::new(format!("{} is not known to be the same in TiKV", call.function)))?;
    binder.rules.allow(&[call.function.as_str()])?;
    binder.rules.allow(function.tidb)?;
    (function.translate)(binder, call)
}

/// Exactly so many arguments.
fn arguments<const N: usize>(call: &plan::Call) -> Pushed<[&plan::Expr; N]> {
    let arguments: Vec<&plan::Expr> = call.arguments.iter().collect();
    arguments
        .try_into()
        .map_err(|_| Reason::new(format!("{} has {} arguments", call.function, call.arguments.len())))
}

/// A function of types that it is not pushed for.
fn not_for(call: &plan::Call, arguments: &[&Bound]) -> Reason {
    let types: Vec<String> = arguments.iter().map(|a| a.spark().sql()).collect();
    Reason::new(format!("{} is not pushed for {}", call.function, types.join(", ")))
}
