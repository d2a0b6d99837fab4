//! Numbers of tipb's ScalarFuncSig (`proto/expression.proto`): the functions of TiKV that are asked for, with its names.
//!
//! Comparisons, IN, IS NULL, CASE and COALESCE come in one number for each [`Class`].

use super::pb::Class;

macro_rules! signatures {
    ($($constant:ident = $number:literal $name:literal;)+) => {
        $(#[allow(missing_docs)] pub const $constant: i32 = $number;)+
        const NAMED: &[(i32, &str)] = &[$(($number, $name)),+];
    };
}

signatures! {
    CAST_INT_AS_REAL = 2 "CastIntAsReal";
    CAST_INT_AS_DECIMAL = 4 "CastIntAsDecimal";
    CAST_DECIMAL_AS_REAL = 21 "CastDecimalAsReal";
    CAST_STRING_AS_STRING = 32 "CastStringAsString";
    LT = 100 "LTInt";
    LE = 110 "LEInt";
    GT = 120 "GTInt";
    GE = 130 "GEInt";
    EQ = 140 "EQInt";
    NE = 150 "NEInt";
    NULL_EQ = 160 "NullEQInt";
    PLUS_DECIMAL = 201 "PlusDecimal";
    PLUS_INT = 203 "PlusInt";
    MINUS_DECIMAL = 205 "MinusDecimal";
    MINUS_INT = 207 "MinusInt";
    MULTIPLY_DECIMAL = 209 "MultiplyDecimal";
    MULTIPLY_INT = 210 "MultiplyInt";
    MOD_INT_SIGNED_SIGNED = 226 "ModIntSignedSigned";
    ABS_INT = 2101 "AbsInt";
    ABS_REAL = 2103 "AbsReal";
    ABS_DECIMAL = 2104 "AbsDecimal";
    LOGICAL_AND = 3101 "LogicalAnd";
    LOGICAL_OR = 3102 "LogicalOr";
    UNARY_NOT_INT = 3104 "UnaryNotInt";
    UNARY_MINUS_INT = 3108 "UnaryMinusInt";
    UNARY_MINUS_REAL = 3109 "UnaryMinusReal";
    UNARY_MINUS_DECIMAL = 3110 "UnaryMinusDecimal";
    LIKE = 4310 "LikeSig";
    DATE_DIFF = 6003 "DateDiff";
    DATE = 6012 "Date";
    MONTH = 6017 "Month";
    DAY_OF_MONTH = 6022 "DayOfMonth";
    DAY_OF_WEEK = 6023 "DayOfWeek";
    DAY_OF_YEAR = 6024 "DayOfYear";
    YEAR = 6029 "Year";
    BIT_LENGTH = 7001 "BitLength";
    CHAR_LENGTH_UTF8 = 7005 "CharLengthUTF8";
    LENGTH = 7029 "Length";
    SUBSTRING_3_UTF8 = 7054 "Substring3ArgsUTF8";
}

/// TiKV's name of a number; `None` for one that is never sent.
pub fn name(number: i32) -> Option<String> {
    if let Some((_, name)) = NAMED.iter().find(|(known, _)| *known == number) {
        return Some((*name).to_owned());
    }
    Class::ALL.into_iter().find_map(|class| {
        let suffix = match class {
            Class::Int => "Int",
            Class::Real => "Real",
            Class::Decimal => "Decimal",
            Class::Bytes => "String",
            Class::Time => "Time",
            Class::Duration => "Duration",
        };
        let of_class = [
            (LT + class.comparison(), "LT"),
            (LE + class.comparison(), "LE"),
            (GT + class.comparison(), "GT"),
            (GE + class.comparison(), "GE"),
            (EQ + class.comparison(), "EQ"),
            (NE + class.comparison(), "NE"),
            (NULL_EQ + class.comparison(), "NullEQ"),
            (class.in_list(), "In"),
            (class.case_when(), "CaseWhen"),
            (class.coalesce(), "Coalesce"),
        ];
        match of_class.iter().find(|(known, _)| *known == number) {
            Some((_, prefix)) => Some(format!("{prefix}{suffix}")),
            None => (class.is_null() == number).then(|| format!("{suffix}IsNull")),
        }
    })
}
