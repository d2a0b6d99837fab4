//! What TiDB's statistics say of one table: estimates for the choice of a path, and what Spark asks.

use ti_codec::arrow_type::{self, SparkType};
use ti_codec::bytes::Reader;
use ti_codec::datum::Datum;
use ti_codec::field_type::type_code as t;
use ti_codec::mysql::time::MysqlTime;
use ti_codec::TypeOptions;
use ti_proto::plan;
use ti_proto::plan::data_type::Kind;
use ti_proto::plan::literal::Value;

use super::load::Histograms;
use super::pseudo::{is_unique, Pseudo};
use super::Estimate;
use crate::catalog::descriptor::{ColumnDescriptor, HandleKind, IndexDescriptor, TableDescriptor};
use crate::plan::access::key_column::KeyColumn;
use crate::plan::access::path::{is_variable, width};
use crate::plan::access::predicate::Conditions;
use crate::plan::access::range::{ByteRange, Ranges};

/// Begin of the key form of an integer, which keys of rows leave out.
const INT_FLAG: u8 = 3;
/// Of the rows, those that pass a condition of which nothing is known.
const PASSING: f64 = 0.8;

/// Statistics of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableStatistics {
    /// Rows now.
    pub rows: f64,
    /// Histograms of columns and indexes, of the time of the last ANALYZE.
    pub histograms: Histograms,
}

impl TableStatistics {
    fn pseudo(&self) -> Pseudo {
        Pseudo::new(self.rows)
    }

    fn share(&self, is_index: bool, id: i64, ranges: &[ByteRange], points: bool) -> Option<f64> {
        let all = if is_index {
            &self.histograms.indexes
        } else {
            &self.histograms.columns
        };
        let histogram = all.get(&id).filter(|h| h.is_known())?;
        Some(histogram.share(ranges, points))
    }

    /// Of the rows, those that pass.
    fn passing(
        &self,
        table: &TableDescriptor,
        conditions: &Conditions<'_>,
        types: &TypeOptions,
        framework: bool,
    ) -> f64 {
        if conditions.never {
            return 0.0;
        }
        let mut shares: Vec<f64> = Vec::new();
        for id in conditions.column_ids() {
            let Some(column) = table.column_of_id(id) else { continue };
            let spans = KeyColumn::new(column, None, types, framework).and_then(|c| c.all_of(conditions.of(id)));
            let Some(spans) = spans else {
                shares.push(PASSING);
                continue;
            };
            let range = |span: &crate::plan::access::span::Span| ByteRange {
                start: span.low.bytes(&[]),
                end: span.high.bytes(&[]),
            };
            let ranges: Vec<ByteRange> = spans.iter().map(range).collect();
            let points = spans.iter().all(|span| span.as_point().is_some());
            let pseudo = || {
                let ranges = Ranges {
                    point_columns: usize::from(points),
                    used_columns: 1,
                    ranges: ranges.clone(),
                    ..Ranges::default()
                };
                self.pseudo().rows_of(&ranges, false) / self.rows.max(1.0)
            };
            shares.push(self.share(false, id, &ranges, points).unwrap_or_else(pseudo).min(1.0));
        }
        // Columns are seldom independent: each further one counts less, as in TiDB (`pkg/planner/cardinality`, exponential back-off).
        shares.sort_by(f64::total_cmp);
        let powers = [1.0, 0.5, 0.25, 0.125];
        shares
            .iter()
            .zip(powers)
            .map(|(share, power)| share.powf(power))
            .product()
    }

    /// Bytes of a value of a column, where ANALYZE has counted them. Of numbers and times TiDB counts the bytes as they are stored, which are fewer than
    /// a value has here.
    fn average(&self, column: &ColumnDescriptor) -> Option<f64> {
        if !is_variable(column) {
            return None;
        }
        let histogram = self.histograms.columns.get(&column.id)?;
        let total = histogram.total();
        (total > 0.0 && histogram.bytes > 0.0).then(|| histogram.bytes / total)
    }

    /// Bytes of a row of these columns.
    fn row_width(&self, columns: &[ColumnDescriptor]) -> f64 {
        let of = |column| {
            self.average(column)
                .unwrap_or_else(|| width(std::slice::from_ref(column)))
        };
        columns.iter().map(of).sum()
    }

    /// What Spark asks: `columns` are those that are read, `stored` the bytes that the table has at least. TiDB counts what it writes itself, and late:
    /// where the regions are larger than its rows, they are believed.
    pub fn answer(
        &self,
        table: &TableDescriptor,
        columns: &[ColumnDescriptor],
        conditions: &Conditions<'_>,
        types: &TypeOptions,
        framework: bool,
        stored: u64,
    ) -> plan::TableStatistics {
        let passing = self.passing(table, conditions, types, framework);
        let whole_row = self.row_width(&table.columns).max(1.0);
        let mut rows = self.rows.max(stored as f64 / whole_row) * passing;
        if !conditions.never && self.rows > 0.0 {
            rows = rows.max(1.0);
        }
        let row = self.row_width(columns);
        let of_column = |column: &ColumnDescriptor| {
            let histogram = self.histograms.columns.get(&column.id);
            let known = histogram.filter(|h| h.is_known());
            let total = known.map_or(0.0, super::histogram::Histogram::total).max(1.0);
            let bounds = known.and_then(super::histogram::Histogram::bounds);
            let ty = arrow_type::column_type(&column.field_type(), types).ok();
            let literal = |key: &[u8]| literal(column, ty.as_ref()?.spark, key);
            plan::ColumnStatistics {
                name: column.name.clone(),
                distinct: known.map(|h| whole(h.distinct.min(rows.max(1.0)))),
                nulls: known.map(|h| whole(h.nulls / total * rows)),
                min: bounds.and_then(|(low, _)| literal(low)),
                max: bounds.and_then(|(_, high)| literal(high)),
                average_bytes: self.average(column).map(|bytes| whole(bytes.ceil())),
            }
        };
        plan::TableStatistics {
            rows: Some(whole(rows)),
            // Nothing is free: a size of 0 would be sent to all tasks whatever there is.
            bytes: Some(whole(rows * row.max(1.0)).max(1)),
            columns: columns.iter().map(of_column).collect(),
        }
    }
}

impl Estimate for TableStatistics {
    fn table_rows(&self) -> f64 {
        self.rows
    }

    fn handle_rows(&self, table: &TableDescriptor, ranges: &Ranges) -> f64 {
        let pseudo = self.pseudo().handle_rows(table, ranges);
        let key = table
            .handle_columns
            .first()
            .and_then(|part| table.column_of_id(part.id));
        let signed = key.filter(|c| table.handle == HandleKind::Int && !c.field_type().is_unsigned());
        let (Some(column), 0) = (signed, ranges.point_columns) else {
            return pseudo;
        };
        let range = |range: &ByteRange| ByteRange {
            start: [&[INT_FLAG], range.start.as_slice()].concat(),
            end: if range.end.is_empty() {
                vec![INT_FLAG + 1]
            } else {
                [&[INT_FLAG], range.end.as_slice()].concat()
            },
        };
        let ranges: Vec<ByteRange> = ranges.ranges.iter().map(range).collect();
        let known = self.share(false, column.id, &ranges, false);
        known.map_or(pseudo, |share| (share * self.rows).max(1.0))
    }

    fn index_rows(&self, table: &TableDescriptor, index: &IndexDescriptor, ranges: &Ranges) -> f64 {
        let pseudo = self.pseudo().index_rows(table, index, ranges);
        if is_unique(index, ranges) {
            return pseudo;
        }
        let whole = ranges.point_columns == index.columns.len();
        let by_index = self.share(true, index.id, &ranges.ranges, whole);
        // Of a single column, its own histogram does as well.
        let by_column = || match index.columns.as_slice() {
            [only] if only.prefix.is_none() => self.share(false, only.id, &ranges.ranges, whole),
            _ => None,
        };
        match by_index.or_else(by_column) {
            Some(share) => (share * self.rows).max(1.0),
            None => pseudo,
        }
    }
}

/// The constant that Spark takes for a bound, where its order and TiDB's are the same.
fn literal(column: &ColumnDescriptor, spark: SparkType, key: &[u8]) -> Option<plan::Literal> {
    let datum = Datum::decode(&mut Reader::new(key)).ok()?;
    let (kind, value) = match (spark, datum) {
        (SparkType::Byte, Datum::Int(v)) => (Kind::Byte, Value::Integer(v)),
        (SparkType::Short, Datum::Int(v)) => (Kind::Short, Value::Integer(v)),
        (SparkType::Int, Datum::Int(v)) => (Kind::Int, Value::Integer(v)),
        (SparkType::Long, Datum::Int(v)) => (Kind::Long, Value::Integer(v)),
        (SparkType::Short, Datum::Uint(v)) => (Kind::Short, Value::Integer(i64::try_from(v).ok()?)),
        (SparkType::Int, Datum::Uint(v)) => (Kind::Int, Value::Integer(i64::try_from(v).ok()?)),
        (SparkType::Long, Datum::Uint(v)) => (Kind::Long, Value::Integer(i64::try_from(v).ok()?)),
        (SparkType::Double, Datum::Float(v)) => (Kind::Double, Value::Real(v)),
        (SparkType::Date, Datum::Uint(v)) if column.tp == t::DATE => (
            Kind::Date,
            Value::Integer(i64::from(MysqlTime::from_packed(v).ok()?.days()?)),
        ),
        (SparkType::TimestampNtz, Datum::Uint(v)) => (
            Kind::TimestampNtz,
            Value::Integer(MysqlTime::from_packed(v).ok()?.wall_micros()?),
        ),
        (SparkType::Decimal { .. }, Datum::Decimal { value, .. }) => (Kind::Decimal, Value::Decimal(value.to_string())),
        (SparkType::Decimal { .. }, Datum::Uint(v)) => (Kind::Decimal, Value::Decimal(v.to_string())),
        _ => return None,
    };
    let (precision, scale) = match spark {
        SparkType::Decimal { precision, scale } => (u32::from(precision), u32::try_from(scale).unwrap_or_default()),
        _ => (0, 0),
    };
    Some(plan::Literal {
        r#type: Some(plan::DataType {
            kind: kind.into(),
            precision,
            scale,
        }),
        value: Some(value),
    })
}

fn whole(number: f64) -> u64 {
    number.max(0.0).round() as u64
}
