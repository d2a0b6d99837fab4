//! Filters -> the partitions that may hold rows for which they hold.

use ti_codec::bytes::Reader;
use ti_codec::collation::Collation;
use ti_codec::datum::Datum;
use ti_codec::TypeOptions;
use ti_proto::plan::literal::Value;

use super::key_column::{Form, KeyColumn};
use super::predicate::{Conditions, Operator, Predicate};
use super::span::{self, Cut, Span};
use crate::catalog::descriptor::TableDescriptor;
use crate::write::partition::{Bound, ColumnValues, PartitionLocator};

/// Integers of an interval that are looked at one by one.
const ENUMERATED_MAX: i128 = 64;

/// Positions of the partitions to read, in order; `None`: all, or the table has none.
pub fn partitions(
    table: &TableDescriptor,
    conditions: &Conditions<'_>,
    types: &TypeOptions,
    new_collation: bool,
) -> Option<Vec<usize>> {
    let partitions = table.partitions.as_ref()?;
    if conditions.never {
        return Some(Vec::new());
    }
    if conditions.is_empty() {
        return None;
    }
    // What cannot be placed is read from everywhere.
    let locator = PartitionLocator::of_descriptor(table).ok()?;
    let column = |offset: usize| KeyColumn::new(table.columns.get(offset)?, None, types, new_collation);
    let is_known = |offset: &usize| match column(*offset).map(|c| c.form) {
        Some(Form::Text(_)) => new_collation,
        form => form.is_some(),
    };
    if locator.count() != partitions.len() || !locator.column_offsets().iter().all(is_known) {
        return None;
    }
    let known = |offset: usize| {
        let column = column(offset)?;
        Some(values(&column, conditions.of(column.id)))
    };
    let found = locator.may_hold(&known)?;
    (found.len() < partitions.len()).then(|| found.into_iter().collect())
}

/// What predicates, all of which hold, say of a column's values.
fn values(column: &KeyColumn, predicates: &[Predicate<'_>]) -> ColumnValues {
    let spans = column.all_of(predicates);
    let listed = predicates.iter().filter_map(|p| points(column, p)).min_by_key(Vec::len);
    ColumnValues {
        points: listed.or_else(|| enumerated(column, spans.as_deref()?)),
        null: spans
            .as_ref()
            .is_none_or(|spans| spans.first().is_some_and(|s| s.low <= Cut::start())),
        intervals: spans.and_then(|spans| intervals(column, &spans)),
    }
}

/// The values for which a predicate holds, when there are few.
fn points(column: &KeyColumn, predicate: &Predicate<'_>) -> Option<Vec<Datum<'static>>> {
    let equal = |literal: &&ti_proto::plan::Literal| -> Option<Vec<Datum<'static>>> {
        match (column.form, literal.value.as_ref()?) {
            (Form::Text(_), Value::Text(text)) => Some(vec![Datum::Bytes(text.clone().into_bytes().into())]),
            (Form::Text(_), Value::Binary(bytes)) => Some(vec![Datum::Bytes(bytes.clone().into())]),
            (Form::Text(_), _) => None,
            _ => data(&column.spans(&Predicate::Compare(Operator::Equal, literal))?),
        }
    };
    match predicate {
        Predicate::Compare(Operator::Equal, literal) => equal(literal),
        Predicate::In(literals) => {
            let all: Option<Vec<_>> = literals.iter().map(equal).collect();
            Some(all?.concat())
        }
        Predicate::IsNull => data(&column.spans(predicate)?),
        Predicate::And(all) => all.iter().filter_map(|p| points(column, p)).min_by_key(Vec::len),
        Predicate::Or(alternatives) => {
            let all: Option<Vec<_>> = alternatives.iter().map(|p| points(column, p)).collect();
            Some(all?.concat())
        }
        Predicate::Compare(..) | Predicate::IsNotNull => None,
    }
}

/// The values of spans that are points.
fn data(spans: &[Span]) -> Option<Vec<Datum<'static>>> {
    spans.iter().map(|span| datum(span.as_point()?)).collect()
}

fn datum(key: &[u8]) -> Option<Datum<'static>> {
    Datum::decode(&mut Reader::new(key)).ok().map(Datum::into_owned)
}

/// The integers of spans, when they are few.
fn enumerated(column: &KeyColumn, spans: &[Span]) -> Option<Vec<Datum<'static>>> {
    if !matches!(column.form, Form::Int | Form::Uint) {
        return None;
    }
    let mut out = Vec::new();
    for span in spans {
        if span.as_point() == Span::null().as_point() {
            out.push(Datum::Null);
            continue;
        }
        let (low, high) = (number(&span.low)?, number(&span.high)?);
        // Behind a cut that is "after" lies the next number.
        let (low, high) = (low + i128::from(span.low.after), high + i128::from(span.high.after));
        if high - low + i128::try_from(out.len()).ok()? > ENUMERATED_MAX {
            return None;
        }
        for n in low..high {
            out.push(match column.form {
                Form::Uint => Datum::Uint(u64::try_from(n).ok()?),
                _ => Datum::Int(i64::try_from(n).ok()?),
            });
        }
    }
    Some(out)
}

fn number(cut: &Cut) -> Option<i128> {
    match datum(&cut.key)? {
        Datum::Int(n) => Some(i128::from(n)),
        Datum::Uint(n) => Some(i128::from(n)),
        _ => None,
    }
}

/// Spans of values as intervals; `None` where sort keys are no values that partitions know.
fn intervals(column: &KeyColumn, spans: &[Span]) -> Option<Vec<(Option<Bound>, Option<Bound>)>> {
    if matches!(
        column.form,
        Form::Text(Collation::GeneralCi | Collation::UnicodeCi | Collation::Unicode0900AiCi)
    ) {
        return None;
    }
    let bound = |cut: &Cut, inclusive: bool| -> Option<Option<Bound>> {
        if *cut <= Cut::values() || *cut >= Cut::end() {
            return Some(None);
        }
        let value = datum(&cut.key)?;
        Some(Some(Bound { value, inclusive }))
    };
    span::intersection(spans, &[Span::values()])
        .iter()
        .map(|span| Some((bound(&span.low, !span.low.after)?, bound(&span.high, span.high.after)?)))
        .collect()
}
