use super::*;
use proptest::prelude::*;

fn int_range(table_id: i64) -> KeyRange {
    let (start, end) = key::record_range(table_id);
    KeyRange::interval(start, end)
}

fn handles(pieces: &[KeyRange]) -> Vec<i64> {
    pieces
        .iter()
        .skip(1)
        .map(|piece| key::decode_record_key_int(piece.start()).unwrap().1)
        .collect()
}

fn cut_ints(first: i64, last: i64, pieces: u64) -> Vec<KeyRange> {
    let (first, last) = (key::record_key_int(7, first), key::record_key_int(7, last));
    cut(&int_range(7), &first, &last, pieces, true)
}

/// Disjoint, ordered, covering, none empty.
fn assert_covers(pieces: &[KeyRange], range: &KeyRange) {
    assert_eq!(pieces.first().unwrap().start(), range.start());
    assert_eq!(pieces.last().unwrap().end(), range.end());
    for pair in pieces.windows(2) {
        assert_eq!(pair[0].end(), pair[1].start());
    }
    for piece in pieces {
        assert!(piece.end().is_empty() || piece.start() < piece.end(), "{piece:?}");
    }
}

#[test]
fn integer_handles_are_cut_in_equal_steps() {
    assert_eq!(handles(&cut_ints(0, 9_999, 4)), [2_500, 5_000, 7_500]);
    assert_eq!(handles(&cut_ints(-4_000, 3_999, 2)), [0], "over zero");
    assert_eq!(
        handles(&cut_ints(i64::MIN, i64::MAX, 4)),
        [i64::MIN / 2, 0, -(i64::MIN / 2)]
    );
}

#[test]
fn few_handles_are_few_rows() {
    assert_eq!(cut_ints(5, 5, 8).len(), 1);
    assert_eq!(cut_ints(1, 999, 8).len(), 1);
    assert_eq!(handles(&cut_ints(0, 1_999, 8)), [1_000]);
}

#[test]
fn a_key_that_begins_with_a_number_is_cut_by_it() {
    // The encoded form of (BIGINT, BIGINT), as a clustered primary key of these has it.
    let handle = |a: u64, b: u64| {
        let mut encoded = Vec::new();
        for number in [a, b] {
            encoded.push(3);
            encoded.extend_from_slice(&(number ^ 1 << 63).to_be_bytes());
        }
        key::record_key_common(7, &encoded)
    };
    let (first, last) = (handle(1, 1), handle(1_000_000, 3));
    let pieces = cut(&int_range(7), &first, &last, 4, false);
    assert_covers(&pieces, &int_range(7));
    let expected: Vec<Vec<u8>> = [250_000, 500_000, 750_000].map(|n| handle(n, 0)).to_vec();
    for (piece, expected) in pieces.iter().skip(1).zip(&expected) {
        let (low, high) = (handle(240_000, 0), handle(760_000, 0));
        assert!(
            *piece.start() >= low && *piece.start() <= high,
            "{piece:?} is far from {expected:?}"
        );
    }
    assert_eq!(pieces.len(), 4);
}

#[test]
fn one_key_is_not_cut() {
    let only = key::record_key_common(7, b"abc");
    assert_eq!(cut(&int_range(7), &only, &only, 5, false).len(), 1);
}

proptest! {
    #[test]
    fn pieces_cover_whatever_the_keys(
        bounds in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 4),
        open in any::<bool>(),
        pieces in 0u64..40,
        int_handle in any::<bool>(),
    ) {
        // The keys of a range in order; hostile answers out of order and out of range do no harm either.
        let mut sorted = bounds.clone();
        sorted.sort();
        let end = if open { Vec::new() } else { sorted[3].clone() };
        prop_assume!(open || sorted[0] < sorted[3]);
        let range = KeyRange::interval(sorted[0].clone(), end);
        assert_covers(&cut(&range, &sorted[1], &sorted[2], pieces, int_handle), &range);
        assert_covers(&cut(&range, &bounds[0], &bounds[1], pieces, int_handle), &range);
    }

    #[test]
    fn integer_pieces_have_equal_widths(first in any::<i64>(), last in any::<i64>(), pieces in 1u64..40) {
        let (first, last) = (first.min(last), first.max(last));
        let cut = cut_ints(first, last, pieces);
        assert_covers(&cut, &int_range(7));
        let span = i128::from(last) - i128::from(first) + 1;
        let wanted = i128::from(pieces).min(span / 1_000).max(1);
        prop_assert_eq!(cut.len() as i128, wanted);
        let mut from = i128::from(first);
        for to in handles(&cut).into_iter().map(i128::from).chain([i128::from(last) + 1]) {
            prop_assert!((to - from - span / wanted).abs() <= 1, "{from}..{to} of {span}");
            from = to;
        }
    }
}
