//! Constants in the form that TiKV takes.

use std::collections::BTreeSet;

use ti_codec::field_type::type_code as t;
use ti_codec::SparkType;

use super::pb::Class;
use super::value::{Scalar, Value};
use super::{Binder, Node, Pushed, Reason, NO_BOUNDS};

/// 838:59:59.999999, the longest TIME.
const MAX_TIME_MICROS: u64 = (838 * 3600 + 59 * 60 + 59) * 1_000_000 + 999_999;

impl Binder<'_> {
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
                // Times compare without their types, and the request's time zone is UTC: also for TIMESTAMP the constant is a DATETIME,
                // because TiKV refuses TIMESTAMP constants that a TIMESTAMP column cannot hold (`TimeArgs::check_timestamp`).
                let tp = if spark == SparkType::Date { t::DATE } else { t::DATETIME };
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
}
