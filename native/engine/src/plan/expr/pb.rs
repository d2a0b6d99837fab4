//! Pieces of tipb expressions: constants, column references, calls, and the field types that decide how TiKV evaluates them.
//!
//! Forms of constants: TiDB `pkg/expression/expr_to_pb.go`, TiKV `components/tidb_query_expr/src/types/expr_builder.rs`.

use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType, UNSPECIFIED_LENGTH};
use ti_codec::mysql::decimal::Decimal;
use ti_codec::number;
use ti_proto::tipb;

use crate::catalog::collation::wire_id;

/// Numbers of tipb's ExprType.
#[allow(missing_docs)]
pub mod kind {
    pub const NULL: i32 = 0;
    pub const INT64: i32 = 1;
    pub const UINT64: i32 = 2;
    pub const FLOAT64: i32 = 4;
    pub const STRING: i32 = 5;
    pub const BYTES: i32 = 6;
    pub const MYSQL_DECIMAL: i32 = 102;
    pub const MYSQL_DURATION: i32 = 103;
    pub const MYSQL_TIME: i32 = 107;
    pub const COLUMN_REF: i32 = 201;
    pub const COUNT: i32 = 3001;
    pub const SUM: i32 = 3002;
    pub const MIN: i32 = 3004;
    pub const MAX: i32 = 3005;
    pub const SCALAR_FUNC: i32 = 10_000;
}

/// tipb's AggFunctionMode of what is merged later.
const PARTIAL_OF_ROWS: i32 = 2;

/// How TiKV evaluates a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 64-bit integers; BOOLEAN is 0 and 1.
    Int,
    /// f64.
    Real,
    /// DECIMAL.
    Decimal,
    /// Text and byte strings.
    Bytes,
    /// DATE, DATETIME, TIMESTAMP.
    Time,
    /// TIME.
    Duration,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Int,
        Self::Real,
        Self::Decimal,
        Self::Bytes,
        Self::Time,
        Self::Duration,
    ];

    /// Added to the number of a comparison, and of IN.
    pub fn comparison(self) -> i32 {
        match self {
            Self::Int => 0,
            Self::Real => 1,
            Self::Decimal => 2,
            Self::Bytes => 3,
            Self::Time => 4,
            Self::Duration => 5,
        }
    }

    /// Number of IN.
    pub fn in_list(self) -> i32 {
        4001 + self.comparison()
    }

    /// Number of IS NULL.
    pub fn is_null(self) -> i32 {
        match self {
            Self::Decimal => 3111,
            Self::Duration => 3112,
            Self::Real => 3113,
            Self::Bytes => 3114,
            Self::Time => 3115,
            Self::Int => 3116,
        }
    }

    /// Number of CASE WHEN.
    pub fn case_when(self) -> i32 {
        4208 + self.comparison()
    }

    /// Number of COALESCE.
    pub fn coalesce(self) -> i32 {
        4201 + self.comparison()
    }
}

/// Makes expressions for one cluster.
#[derive(Debug, Clone, Copy)]
pub struct Builder {
    /// Id of the collation `binary`, which compares bytes as Spark does.
    binary: i32,
}

impl Builder {
    /// `new_collation`: TiDB's collation framework is on.
    pub fn new(new_collation: bool) -> Self {
        Self {
            binary: wire_id("binary", new_collation),
        }
    }

    /// A type with the binary collation: TiKV takes the collation of string functions from the type of their result
    /// (`map_string_compare_sig` and its neighbours in `tidb_query_expr/src/lib.rs`), TiDB's expressions do so too.
    pub fn field_type(&self, tp: u8, flag: u32, flen: i32, decimal: i32) -> tipb::FieldType {
        tipb::FieldType {
            tp: Some(i32::from(tp)),
            flag: Some(flag),
            flen: Some(flen),
            decimal: Some(decimal),
            collate: Some(self.binary),
            charset: Some("binary".into()),
            elems: Vec::new(),
        }
    }

    /// Result of a condition.
    pub fn boolean(&self) -> tipb::FieldType {
        self.field_type(t::LONG_LONG, 0, 1, 0)
    }

    /// BIGINT.
    pub fn long(&self) -> tipb::FieldType {
        self.field_type(t::LONG_LONG, 0, 20, 0)
    }

    /// DOUBLE.
    pub fn double(&self) -> tipb::FieldType {
        self.field_type(t::DOUBLE, 0, UNSPECIFIED_LENGTH, UNSPECIFIED_LENGTH)
    }

    /// DECIMAL.
    pub fn decimal(&self, precision: u8, scale: u8) -> tipb::FieldType {
        self.field_type(t::NEW_DECIMAL, 0, i32::from(precision), i32::from(scale))
    }

    /// Text, compared by its bytes.
    pub fn text(&self) -> tipb::FieldType {
        tipb::FieldType {
            charset: Some("utf8mb4".into()),
            ..self.field_type(t::VAR_STRING, 0, UNSPECIFIED_LENGTH, 0)
        }
    }

    /// A byte string.
    pub fn bytes(&self) -> tipb::FieldType {
        self.field_type(t::VAR_STRING, 0, UNSPECIFIED_LENGTH, 0)
    }

    /// The type of a column. Strings are compared by their bytes; where TiKV takes a column's collation from the scan instead, the
    /// scan has to say the same.
    pub fn column_type(&self, ty: &FieldType) -> tipb::FieldType {
        tipb::FieldType {
            charset: Some(ty.charset.clone()),
            elems: ty.elems.clone(),
            ..self.field_type(ty.tp, ty.flag, ty.flen, ty.decimal)
        }
    }

    /// A column of the executor below.
    pub fn column(&self, offset: usize, ty: &FieldType) -> tipb::Expr {
        let mut val = Vec::with_capacity(8);
        number::encode_i64(&mut val, i64::try_from(offset).unwrap_or(i64::MAX));
        constant(kind::COLUMN_REF, val, self.column_type(ty))
    }

    /// A function.
    pub fn call(&self, sig: i32, ty: tipb::FieldType, children: Vec<tipb::Expr>) -> tipb::Expr {
        tipb::Expr {
            tp: Some(kind::SCALAR_FUNC),
            sig: Some(sig),
            children,
            field_type: Some(ty),
            ..Default::default()
        }
    }

    /// NULL of a type.
    pub fn null(&self, ty: tipb::FieldType) -> tipb::Expr {
        constant(kind::NULL, Vec::new(), ty)
    }

    /// A signed integer.
    pub fn int(&self, value: i64) -> tipb::Expr {
        let mut val = Vec::with_capacity(8);
        number::encode_i64(&mut val, value);
        constant(kind::INT64, val, self.long())
    }

    /// An unsigned integer.
    pub fn uint(&self, value: u64) -> tipb::Expr {
        let mut val = Vec::with_capacity(8);
        number::encode_u64(&mut val, value);
        let ty = self.field_type(t::LONG_LONG, ti_codec::field_type::flag::UNSIGNED, 20, 0);
        constant(kind::UINT64, val, ty)
    }

    /// A number that is not NaN.
    pub fn real(&self, value: f64) -> tipb::Expr {
        let mut val = Vec::with_capacity(8);
        number::encode_f64(&mut val, value);
        constant(kind::FLOAT64, val, self.double())
    }

    /// A decimal number; `None` when its digits are too many for the wire.
    pub fn decimal_constant(&self, value: &Decimal) -> Option<tipb::Expr> {
        let (precision, scale) = value.precision_and_scale();
        let mut val = Vec::new();
        let datum = Datum::Decimal {
            value: *value,
            precision,
            scale,
        };
        datum.encode_key(&mut val).ok()?;
        // Precision, scale and digits, without the datum's flag.
        let val = val.get(1..)?.to_vec();
        Some(constant(kind::MYSQL_DECIMAL, val, self.decimal(precision, scale)))
    }

    /// Text.
    pub fn text_constant(&self, value: &str) -> tipb::Expr {
        constant(kind::STRING, value.as_bytes().to_vec(), self.text())
    }

    /// A byte string.
    pub fn bytes_constant(&self, value: &[u8]) -> tipb::Expr {
        constant(kind::BYTES, value.to_vec(), self.bytes())
    }

    /// A date or a time in the packed form (TIMESTAMP: of UTC). `tp`: DATE, DATETIME or TIMESTAMP.
    pub fn time(&self, packed: u64, tp: u8) -> tipb::Expr {
        let mut val = Vec::with_capacity(8);
        number::encode_u64(&mut val, packed);
        constant(kind::MYSQL_TIME, val, self.time_type(tp))
    }

    /// DATE, DATETIME(6) or TIMESTAMP(6).
    pub fn time_type(&self, tp: u8) -> tipb::FieldType {
        match tp {
            t::DATE => self.field_type(tp, 0, 10, 0),
            _ => self.field_type(tp, 0, 26, 6),
        }
    }

    /// TIME in nanoseconds.
    pub fn duration(&self, nanos: i64) -> tipb::Expr {
        let mut val = Vec::with_capacity(8);
        number::encode_i64(&mut val, nanos);
        constant(kind::MYSQL_DURATION, val, self.field_type(t::DURATION, 0, 17, 6))
    }

    /// An aggregate function.
    pub fn aggregate(&self, kind: i32, ty: tipb::FieldType, argument: tipb::Expr) -> tipb::Expr {
        tipb::Expr {
            tp: Some(kind),
            children: vec![argument],
            field_type: Some(ty),
            has_distinct: Some(false),
            agg_func_mode: Some(PARTIAL_OF_ROWS),
            ..Default::default()
        }
    }
}

fn constant(kind: i32, val: Vec<u8>, ty: tipb::FieldType) -> tipb::Expr {
    tipb::Expr {
        tp: Some(kind),
        val: Some(val),
        field_type: Some(ty),
        ..Default::default()
    }
}
