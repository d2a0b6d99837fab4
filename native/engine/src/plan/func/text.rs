//! Functions of text. UPPER, LOWER and TRIM are left to Spark: Java maps some letters to several and knows other blanks.

use ti_codec::SparkType;
use ti_proto::plan;

use super::{arguments, not_for};
use crate::plan::expr::pb::Class;
use crate::plan::expr::sig;
use crate::plan::expr::value::{Scalar, Value};
use crate::plan::expr::{Binder, Bound, Node, Null, Pushed};

const ESCAPE: char = '\\';

/// The part of a pattern that stands for itself.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern
}

pub fn starts_with(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    like(binder, call, |text| format!("{}%", literally(text)))
}

pub fn ends_with(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    like(binder, call, |text| format!("%{}", literally(text)))
}

pub fn contains(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    like(binder, call, |text| format!("%{}%", literally(text)))
}

fn like(binder: &Binder<'_>, call: &plan::Call, pattern: impl Fn(&str) -> String) -> Pushed<Bound> {
    let [target, part] = arguments(call)?;
    let (target, part) = (binder.bind(target)?, binder.bind(part)?);
    let no = not_for(call, &[&target, &part]);
    let (
        Bound::Node(target),
        Bound::Value(Value {
            scalar: Scalar::Text(part),
            ..
        }),
    ) = (target, part)
    else {
        return Err(no);
    };
    if target.class != Class::Bytes || target.spark != SparkType::String {
        return Err(no);
    }
    let pattern = binder.constant(&Value {
        spark: SparkType::String,
        scalar: Scalar::Text(pattern(&part)),
    })?;
    let escape = binder.constant(&Value {
        spark: SparkType::Int,
        scalar: Scalar::Int(i64::from(u32::from(ESCAPE))),
    })?;
    Ok(Bound::Node(binder.function(
        sig::LIKE,
        "like",
        vec![target, pattern, escape],
        Null::Strict,
    )))
}

fn length(binder: &Binder<'_>, call: &plan::Call, name: &str, sig_of: fn(SparkType) -> i32) -> Pushed<Bound> {
    let [argument] = arguments(call)?;
    let bound = binder.bind(argument)?;
    let no = not_for(call, &[&bound]);
    let node = binder.node(bound)?;
    if node.class != Class::Bytes {
        return Err(no);
    }
    let sig = sig_of(node.spark);
    let ty = binder.pb.long();
    let node = binder.typed(sig, name, vec![node], Null::Strict, SparkType::Int, Class::Int, ty);
    Ok(Bound::Node(Node {
        bounds: (0, i128::from(i32::MAX)),
        ..node
    }))
}

pub fn char_length(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    length(binder, call, "char_length", |ty| match ty {
        SparkType::String => sig::CHAR_LENGTH_UTF8,
        _ => sig::LENGTH,
    })
}

pub fn octet_length(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    length(binder, call, "length", |_| sig::LENGTH)
}

pub fn bit_length(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    length(binder, call, "bit_length", |_| sig::BIT_LENGTH)
}

pub fn substring(binder: &Binder<'_>, call: &plan::Call) -> Pushed<Bound> {
    let [text, position, length] = arguments(call)?;
    let (text, position, length) = (binder.bind(text)?, binder.bind(position)?, binder.bind(length)?);
    let no = not_for(call, &[&text, &position, &length]);
    let (Bound::Node(text), Bound::Value(position), Bound::Value(length)) = (text, position, length) else {
        return Err(no);
    };
    let from = position.whole().filter(|v| (1..=i128::from(i32::MAX)).contains(v));
    let count = length.whole().filter(|v| (0..=i128::from(i32::MAX)).contains(v));
    if text.class != Class::Bytes || text.spark != SparkType::String || from.is_none() || count.is_none() {
        return Err(no);
    }
    let arguments = vec![text, binder.constant(&position)?, binder.constant(&length)?];
    let ty = binder.pb.text();
    Ok(Bound::Node(binder.typed(
        sig::SUBSTRING_3_UTF8,
        "substring",
        arguments,
        Null::Strict,
        SparkType::String,
        Class::Bytes,
        ty,
    )))
}
