use super::super::tally::hash_key;
use super::*;

fn hash(number: u64) -> u128 {
    hash_key(&number.to_be_bytes())
}

/// Keys `0..keys` in two tasks, the first `twice` of them in both, the first `thrice` once more.
fn found(keys: u64, twice: u64, thrice: u64) -> Vec<u64> {
    let (mut locked, mut one, mut two) = (Sketch::default(), Sketch::default(), Sketch::default());
    for key in 0..keys {
        locked.add(hash(key));
        if key % 2 == 0 { &mut one } else { &mut two }.add(hash(key));
        if key < twice {
            if key % 2 == 0 { &mut two } else { &mut one }.add(hash(key));
        }
        if key < thrice {
            one.add(hash(key));
        }
    }
    let mut reported = Sketch::default();
    reported.merge_wire(&one.to_wire());
    reported.merge(&two);
    let excess = reported.excess(&locked);
    (0..keys).filter(|key| excess.is(hash(*key))).collect()
}

#[test]
fn nothing_is_named_where_nothing_is_twice() {
    assert_eq!(found(10_000, 0, 0), Vec::<u64>::new());
}

#[test]
fn one_duplicate_is_always_found() {
    for key in 1..200 {
        let (mut locked, mut reported) = (Sketch::default(), Sketch::default());
        for other in 0..200 {
            locked.add(hash(other));
            reported.add(hash(other));
        }
        for _ in 0..key % 5 + 1 {
            reported.add(hash(key));
        }
        let excess = reported.excess(&locked);
        let named: Vec<u64> = (0..200).filter(|other| excess.is(hash(*other))).collect();
        assert_eq!(named, [key]);
    }
}

#[test]
fn some_of_many_duplicates_are_found_and_no_others() {
    // Two may hide each other: one case of twelve.
    for twice in [2, 3, 10, 100, 1_000, 10_000] {
        let named = found(20_000, twice, twice / 3);
        assert!(twice < 10 || !named.is_empty(), "{twice} duplicates");
        assert!(named.iter().all(|key| *key < twice), "{twice}: {named:?}");
    }
}

#[test]
fn cells_that_are_not_of_this_shape_are_left_out() {
    let mut sketch = Sketch::default();
    let cell = |position, length| WireCell {
        position,
        count: 1,
        keys: vec![1; length],
    };
    sketch.merge_wire(&[cell(u32::MAX, 16), cell(0, 15)]);
    assert_eq!(sketch, Sketch::default());
}
