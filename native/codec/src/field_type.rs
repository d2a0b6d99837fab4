//! MySQL column types as TiDB stores them in its table information and sends them in requests.
//!
//! Type codes and flags: MySQL's client protocol (`enum_field_types`, column flags), which TiDB's `FieldType` keeps.

/// MySQL type codes.
#[allow(missing_docs)]
pub mod type_code {
    pub const TINY: u8 = 1;
    pub const SHORT: u8 = 2;
    pub const LONG: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const NULL: u8 = 6;
    pub const TIMESTAMP: u8 = 7;
    pub const LONG_LONG: u8 = 8;
    pub const INT24: u8 = 9;
    pub const DATE: u8 = 10;
    pub const DURATION: u8 = 11;
    pub const DATETIME: u8 = 12;
    pub const YEAR: u8 = 13;
    pub const NEW_DATE: u8 = 14;
    pub const VARCHAR: u8 = 15;
    pub const BIT: u8 = 16;
    pub const VECTOR_FLOAT32: u8 = 0xe1;
    pub const JSON: u8 = 0xf5;
    pub const NEW_DECIMAL: u8 = 0xf6;
    pub const ENUM: u8 = 0xf7;
    pub const SET: u8 = 0xf8;
    pub const TINY_BLOB: u8 = 0xf9;
    pub const MEDIUM_BLOB: u8 = 0xfa;
    pub const LONG_BLOB: u8 = 0xfb;
    pub const BLOB: u8 = 0xfc;
    pub const VAR_STRING: u8 = 0xfd;
    pub const STRING: u8 = 0xfe;
    pub const GEOMETRY: u8 = 0xff;
}

/// Column flags that matter here.
pub mod flag {
    /// NOT NULL.
    pub const NOT_NULL: u32 = 1;
    /// UNSIGNED.
    pub const UNSIGNED: u32 = 32;
    /// ZEROFILL.
    pub const ZEROFILL: u32 = 64;
}

/// `flen` and `decimal` when they are not given.
pub const UNSPECIFIED_LENGTH: i32 = -1;

/// One column's type. `elems` are the names of an ENUM's or SET's elements in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldType {
    /// MySQL type code, see [`type_code`].
    pub tp: u8,
    /// Column flags, see [`flag`].
    pub flag: u32,
    /// Display width, precision, or length in characters; -1 when not given. TiDB's table information holds 4294967295 for LONGTEXT and JSON, which
    /// its requests cut to 32 bits: -1.
    pub flen: i32,
    /// Scale, or digits of fractional seconds; -1 when not given.
    pub decimal: i32,
    /// Character set, "binary" for byte strings.
    pub charset: String,
    /// Collation.
    pub collate: String,
    /// Elements of ENUM and SET.
    pub elems: Vec<String>,
}

impl FieldType {
    /// A type of this code with nothing else said.
    #[must_use]
    pub fn new(tp: u8) -> Self {
        Self {
            tp,
            flen: UNSPECIFIED_LENGTH,
            decimal: UNSPECIFIED_LENGTH,
            ..Self::default()
        }
    }

    /// UNSIGNED.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        self.flag & flag::UNSIGNED != 0
    }

    /// NOT NULL.
    #[must_use]
    pub fn is_not_null(&self) -> bool {
        self.flag & flag::NOT_NULL != 0
    }

    /// A byte string rather than text.
    #[must_use]
    pub fn is_binary_charset(&self) -> bool {
        self.charset == "binary"
    }

    /// Digits of fractional seconds of DATETIME, TIMESTAMP and TIME, 0..=6.
    #[must_use]
    pub fn fsp(&self) -> u8 {
        u8::try_from(self.decimal.clamp(0, 6)).unwrap_or(0)
    }

    /// Precision and scale of DECIMAL, MySQL's default DECIMAL(10,0) where they are not given.
    #[must_use]
    pub fn precision_and_scale(&self) -> (u8, u8) {
        let scale = u8::try_from(self.decimal).unwrap_or(0).min(30);
        let precision = u8::try_from(self.flen).ok().filter(|p| *p > 0).unwrap_or(10).min(65);
        (precision.max(scale), scale)
    }

    /// Width of BIT in bits, 1..=64.
    #[must_use]
    pub fn bit_width(&self) -> u8 {
        u8::try_from(self.flen.clamp(1, 64)).unwrap_or(1)
    }

    /// The type's name without length and attributes: "bigint", "varchar", "longblob".
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        use type_code as t;
        let binary = self.is_binary_charset();
        match self.tp {
            t::TINY => "tinyint",
            t::SHORT => "smallint",
            t::INT24 => "mediumint",
            t::LONG => "int",
            t::LONG_LONG => "bigint",
            t::FLOAT => "float",
            t::DOUBLE => "double",
            t::NULL => "null",
            t::TIMESTAMP => "timestamp",
            t::DATE => "date",
            t::DURATION => "time",
            t::DATETIME => "datetime",
            t::YEAR => "year",
            t::NEW_DATE => "newdate",
            t::VARCHAR | t::VAR_STRING if binary => "varbinary",
            t::VARCHAR | t::VAR_STRING => "varchar",
            t::STRING if binary => "binary",
            t::STRING => "char",
            t::BIT => "bit",
            t::JSON => "json",
            t::NEW_DECIMAL => "decimal",
            t::ENUM => "enum",
            t::SET => "set",
            t::TINY_BLOB if binary => "tinyblob",
            t::TINY_BLOB => "tinytext",
            t::MEDIUM_BLOB if binary => "mediumblob",
            t::MEDIUM_BLOB => "mediumtext",
            t::LONG_BLOB if binary => "longblob",
            t::LONG_BLOB => "longtext",
            t::BLOB if binary => "blob",
            t::BLOB => "text",
            t::GEOMETRY => "geometry",
            t::VECTOR_FLOAT32 => "vector",
            _ => "unknown",
        }
    }

    /// The type as SHOW CREATE TABLE prints it, e.g. "bigint unsigned", "enum('a','b')".
    #[must_use]
    pub fn sql_name(&self) -> String {
        use type_code as t;
        let mut name = self.type_name().to_owned();
        match self.tp {
            t::ENUM | t::SET => {
                let elems: Vec<String> = self
                    .elems
                    .iter()
                    .map(|e| format!("'{}'", e.replace('\'', "''")))
                    .collect();
                name += &format!("({})", elems.join(","));
            }
            t::TIMESTAMP | t::DATETIME | t::DURATION if self.decimal > 0 => name += &format!("({})", self.decimal),
            t::FLOAT | t::DOUBLE if self.decimal > 0 => {
                let default = if self.tp == t::FLOAT { 12 } else { 22 };
                let length = if self.flen < 0 { default } else { self.flen };
                name += &format!("({length},{})", self.decimal);
            }
            t::NEW_DECIMAL => {
                let (precision, scale) = self.precision_and_scale();
                name += &format!("({precision},{scale})");
            }
            t::TINY
            | t::SHORT
            | t::INT24
            | t::LONG
            | t::LONG_LONG
            | t::BIT
            | t::YEAR
            | t::VARCHAR
            | t::VAR_STRING
            | t::STRING => {
                if let Some(length) = self.shown_length() {
                    name += &format!("({length})");
                }
            }
            t::VECTOR_FLOAT32 if self.flen >= 0 => name += &format!("({})", self.flen),
            code if name == "unknown" => name += &format!("({code})"),
            _ => {}
        }
        if self.is_unsigned() && !matches!(self.tp, t::BIT | t::YEAR) {
            name += " unsigned";
        }
        if self.flag & flag::ZEROFILL != 0 && self.tp != t::YEAR {
            name += " zerofill";
        }
        name
    }

    /// The length that is printed. Integers have none since TiDB hides their display width, but for ZEROFILL and TINYINT(1).
    fn shown_length(&self) -> Option<i32> {
        use type_code as t;
        let given = (self.flen >= 0).then_some(self.flen);
        let zerofill = self.flag & flag::ZEROFILL != 0;
        match self.tp {
            t::TINY if self.flen == 1 => given,
            t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG if zerofill => given,
            t::TINY | t::SHORT | t::INT24 | t::LONG | t::LONG_LONG => None,
            t::BIT | t::STRING => given.or(Some(1)),
            t::YEAR => given.or(Some(4)),
            _ => given,
        }
    }
}
