use super::super::test_support::*;
use super::*;
use crate::catalog::descriptor::TableDescriptor;
use crate::catalog::table_info::flag;
use ti_client::PointRanges;
use ti_codec::datum::Datum;
use ti_codec::field_type::type_code as t;
use ti_codec::handle::Handle;
use ti_codec::index::{HandleLayout, IndexColumn, IndexEncoder};
use ti_codec::key::{record_key_int, INDEX_PREFIX_LENGTH, RECORD_PREFIX_LENGTH};
use ti_codec::TypeOptions;
use ti_proto::{coprocessor, plan};

fn columns(table: &TableDescriptor, prefixes: &[Option<u32>]) -> Vec<Option<KeyColumn>> {
    let of = |(c, prefix): (_, &Option<u32>)| KeyColumn::new(c, *prefix, &TypeOptions::default(), true);
    table.columns.iter().zip(prefixes).map(of).collect()
}

fn three() -> TableDescriptor {
    TableDescriptor::of_columns(vec![
        column(1, "a", t::LONG, 0, 11, 0, "binary"),
        column(2, "b", t::VARCHAR, 0, 20, -1, "utf8mb4_bin"),
        column(3, "c", t::LONG, flag::UNSIGNED, 11, 0, "binary"),
    ])
}

fn ranges(table: &TableDescriptor, filters: &[plan::Expr]) -> Option<Ranges> {
    let types = TypeOptions::default();
    of_columns(&columns(table, &[None; 3]), &Conditions::new(table, filters, &types))
}

#[test]
fn composite_prefixes_end_at_the_first_range() {
    let table = three();
    let eq = |c: &str, n| call("=", vec![col(c), long(n)]);
    let less = |c: &str, n| call("<", vec![col(c), long(n)]);
    let shown = |filters: &[plan::Expr]| ranges(&table, filters).map(|r| r.shown);
    assert_eq!(shown(&[eq("c", 1)]), None);
    assert_eq!(shown(&[eq("a", 1), eq("c", 2)]).unwrap(), "[1,1]");
    assert_eq!(shown(&[less("a", 5), eq("c", 2)]).unwrap(), "(-inf,5)");
    let b = call("=", vec![col("b"), text("x")]);
    assert_eq!(
        shown(&[eq("a", 1), b.clone(), less("c", 9)]).unwrap(),
        "(1 \"x\" -inf,1 \"x\" 9)"
    );
    let list = call("IN", vec![col("a"), long(3), long(1), long(3)]);
    let all = ranges(&table, &[list, b, eq("c", 7)]).unwrap();
    assert_eq!(all.shown, "[1 \"x\" 7,1 \"x\" 7], [3 \"x\" 7,3 \"x\" 7]");
    assert_eq!((all.point_columns, all.used_columns, all.not_null), (3, 3, true));
    assert_eq!(shown(&[call("IS_NULL", vec![col("a")])]).unwrap(), "[NULL,NULL]");
    assert!(ranges(&table, &[eq("a", 1), eq("a", 2)]).unwrap().ranges.is_empty());
    assert_eq!(
        shown(&[call(">=", vec![col("a"), long(i64::MAX)])]).unwrap(),
        "[9223372036854775807,+inf]"
    );
    let many: Vec<plan::Expr> = std::iter::once(col("a"))
        .chain((0..10_000).map(|n| long(n * 2)))
        .collect();
    let many = ranges(&table, &[call("IN", many)]).unwrap();
    assert_eq!(
        (many.ranges.len(), many.shown.as_str()),
        (1, "[0,19998]"),
        "too many are one"
    );
}

#[test]
fn entries_of_rows_that_pass_are_inside() {
    let table = three();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let rng = &mut fastrand::Rng::with_seed(seed);
    let (mut inside, mut passing) = (0, 0);
    for prefix in [None, Some(1)] {
        let part = |(offset, c): (usize, &crate::catalog::descriptor::ColumnDescriptor)| IndexColumn {
            name: c.name.clone(),
            offset,
            column_id: c.id,
            field_type: c.field_type(),
            prefix: if offset == 1 { prefix } else { None },
        };
        let parts = table.columns.iter().enumerate().map(part).collect();
        let encoder = IndexEncoder::new(1, false, parts, HandleLayout::Int).unwrap();
        let key_columns = columns(&table, &[None, prefix, None]);
        let types = TypeOptions::default();
        for _ in 0..5_000 {
            let words = ["", "a", "a ", "ab", "b"];
            let row = [
                if rng.u8(..5) == 0 {
                    Datum::Null
                } else {
                    Datum::Int(rng.i64(-2..3))
                },
                Datum::Bytes(words[rng.usize(..5)].as_bytes().into()),
                Datum::Uint(rng.u64(..4)),
            ];
            let mut filters = Vec::new();
            let mut passes = true;
            for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
                let constant = |rng: &mut fastrand::Rng| match at {
                    1 => text(words[rng.usize(..5)]),
                    _ => long(rng.i64(-3..4)),
                };
                match rng.u8(..4) {
                    0 => {}
                    1 => {
                        let list: Vec<plan::Expr> = (0..rng.usize(1..4)).map(|_| constant(rng)).collect();
                        passes &= list.iter().any(|c| spark("=", &row[at], c) == Some(true));
                        filters.push(call("IN", [vec![col(name)], list].concat()));
                    }
                    2 => {
                        let (x, y) = (constant(rng), constant(rng));
                        let pass = |f: &str, c| spark(f, &row[at], c) == Some(true);
                        passes &= pass("<", &x) || pass(">=", &y);
                        let one = |f: &str, c: &plan::Expr| call(f, vec![col(name), c.clone()]);
                        filters.push(call("OR", vec![one("<", &x), one(">=", &y)]));
                    }
                    _ => {
                        let x = constant(rng);
                        let function = ["=", "<", "<=", ">", ">="][rng.usize(..5)];
                        passes &= spark(function, &row[at], &x) == Some(true);
                        filters.push(call(function, vec![col(name), x]));
                    }
                }
            }
            let Some(ranges) = of_columns(&key_columns, &Conditions::new(&table, &filters, &types)) else {
                continue;
            };
            assert!(ranges.ranges.is_sorted() && ranges.ranges.iter().all(|r| r.end.is_empty() || r.start < r.end));
            let mut key = Vec::new();
            encoder.key(5, &row, &Handle::Int(77), &mut key).unwrap();
            let is_inside = ranges.contains(&key[INDEX_PREFIX_LENGTH..]);
            assert!(is_inside || !passes, "{row:?} {filters:?} {}", ranges.shown);
            inside += u32::from(is_inside);
            passing += u32::from(passes);
        }
    }
    assert!(passing > 300 && inside < 6_000, "{passing} passed, {inside} inside");
}

#[test]
fn integer_handles_keep_the_order_of_signed_and_unsigned_numbers() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let rng = &mut fastrand::Rng::with_seed(seed);
    for unsigned in [false, true] {
        let flags = if unsigned { flag::UNSIGNED } else { 0 };
        let table = TableDescriptor::of_columns(vec![column(1, "a", t::LONG_LONG, flags, 20, 0, "binary")]);
        let key = columns(&table, &[None]).remove(0).unwrap();
        let special = [0, 1, -1, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1, 7];
        for _ in 0..5_000 {
            let handle = special[rng.usize(..8)];
            let value = if unsigned {
                Datum::Uint(handle as u64)
            } else {
                Datum::Int(handle)
            };
            let number = |rng: &mut fastrand::Rng| {
                let n = special[rng.usize(..8)];
                let n = if unsigned { i128::from(n as u64) } else { i128::from(n) };
                (
                    n,
                    lit(
                        plan::data_type::Kind::Decimal,
                        Some(plan::literal::Value::Decimal(n.to_string())),
                    ),
                )
            };
            let stored = if unsigned {
                i128::from(handle as u64)
            } else {
                i128::from(handle)
            };
            let ((x, low), (y, high)) = (number(rng), number(rng));
            let filters = [call(">=", vec![col("a"), low]), call("<", vec![col("a"), high])];
            let types = TypeOptions::default();
            let ranges = of_int_handle(&key, &Conditions::new(&table, &filters, &types)).unwrap();
            let inside = ranges.contains(&record_key_int(5, handle)[RECORD_PREFIX_LENGTH..]);
            assert_eq!(inside, x <= stored && stored < y, "{value:?} {}", ranges.shown);
        }
        let point = [call("=", vec![col("a"), long(7)])];
        let types = TypeOptions::default();
        let ranges = of_int_handle(&key, &Conditions::new(&table, &point, &types)).unwrap();
        let keys = ranges.at(&ti_codec::key::record_prefix(5));
        assert_eq!(
            (keys[0].start().as_ref(), ranges.shown.as_str()),
            (record_key_int(5, 7).as_slice(), "[7,7]")
        );
        assert_eq!(ranges.point_columns, 1);
    }
}

/// TiKV's rule for a range that it takes for the one key `start` (`tidb_query_common/src/util.rs`, `is_point`).
fn is_point(range: &coprocessor::KeyRange) -> bool {
    let carry = range.start.iter().rposition(|byte| *byte != 0xff);
    carry.is_some_and(|at| {
        let mut next = range.start.clone();
        next[at] += 1;
        next[at + 1..].fill(0);
        next == range.end
    })
}

/// Random conditions, and region borders that are keys, ends of ranges and pieces of keys: TiKV, which reads one row of what has the form of a
/// point, reads the rows that the ranges hold.
#[test]
fn no_rows_are_lost_to_the_form_of_a_point() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let rng = &mut fastrand::Rng::with_seed(seed);
    let table = TableDescriptor::of_columns(vec![column(1, "a", t::LONG_LONG, 0, 20, 0, "binary")]);
    let column = columns(&table, &[None]).remove(0).unwrap();
    let types = TypeOptions::default();
    let prefix = ti_codec::key::record_prefix(5);
    let handles = [
        i64::MIN,
        i64::MIN + 1,
        -256,
        -1,
        0,
        1,
        2,
        255,
        256,
        511,
        512,
        i64::MAX - 1,
        i64::MAX,
    ];
    let mut points = 0;
    for _ in 0..4_000 {
        let mut filters = Vec::new();
        for _ in 0..rng.usize(..3) {
            let (name, handle) = (
                ["=", ">=", "<", "<=", ">"][rng.usize(..5)],
                long(handles[rng.usize(..handles.len())]),
            );
            filters.push(call(name, vec![col("a"), handle]));
        }
        let found = of_int_handle(&column, &Conditions::new(&table, &filters, &types));
        let ranges = match &found {
            Some(found) => found.at(&prefix),
            None => vec![KeyRange::below(&prefix)],
        };
        let mut border = record_key_int(5, handles[rng.usize(..handles.len())]);
        match rng.u8(..3) {
            0 => border.truncate(rng.usize(prefix.len()..border.len())),
            1 => border.push(0),
            _ => {}
        }
        let mut wire = Vec::new();
        for range in &ranges {
            let (start, end) = (range.start().to_vec(), range.end().to_vec());
            let parts = if start < border && border < end {
                vec![
                    KeyRange::interval(start, border.clone()),
                    KeyRange::interval(border.clone(), end),
                ]
            } else {
                vec![range.clone()]
            };
            for part in parts {
                part.to_wire(PointRanges::Keys, &mut wire);
            }
        }
        for handle in handles {
            let key = record_key_int(5, handle);
            let reads = |range: &&coprocessor::KeyRange| match is_point(range) {
                true => range.start == key,
                false => range.start <= key && key < range.end,
            };
            let meant = found
                .as_ref()
                .is_none_or(|found| found.contains(&key[RECORD_PREFIX_LENGTH..]));
            assert_eq!(
                wire.iter().filter(reads).count(),
                usize::from(meant),
                "seed {seed}: {handle} of {ranges:?} as {wire:?}"
            );
        }
        points += wire.iter().filter(|range| is_point(range)).count();
    }
    assert!(points > 100, "seed {seed}: {points}");
}
