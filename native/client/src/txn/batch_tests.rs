use super::*;

fn keys(list: &[&'static str]) -> Vec<Bytes> {
    list.iter().map(|key| Bytes::from_static(key.as_bytes())).collect()
}

#[test]
fn requests_end_at_the_region_the_bytes_and_the_number() {
    let items = keys(&["aa", "bb", "cc", "dd"]);
    assert_eq!(cut(&items, b"", usize::MAX, usize::MAX), 4);
    assert_eq!(cut(&items, b"cc", usize::MAX, usize::MAX), 2);
    assert_eq!(cut(&items, b"", 4, usize::MAX), 2);
    assert_eq!(cut(&items, b"", 5, usize::MAX), 2);
    assert_eq!(cut(&items, b"", usize::MAX, 3), 3);
}

#[test]
fn one_item_always_goes() {
    let items = keys(&["aa", "bb"]);
    assert_eq!(cut(&items, b"", 1, usize::MAX), 1);
    assert_eq!(cut(&items, b"", usize::MAX, 0), 1);
    assert_eq!(cut(&items, b"", 0, 0), 1);
    assert_eq!(cut::<Bytes>(&[], b"", 1, 1), 0);
}

/// Cutting random items at random bounds keeps each of them once, in order, within the limits.
#[test]
fn no_item_is_lost_or_doubled() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..300 {
        let mut numbers: Vec<u32> = (0..rng.usize(1..200)).map(|_| rng.u32(0..10_000)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let items: Vec<Bytes> = numbers
            .iter()
            .map(|n| Bytes::from(format!("{n:05}{}", "x".repeat(rng.usize(0..40)))))
            .collect();
        let mut bounds: Vec<Bytes> = (0..rng.usize(0..10))
            .map(|_| Bytes::from(format!("{:05}", rng.u32(1..10_000))))
            .collect();
        bounds.sort();
        let (bytes, most) = (rng.usize(0..500), rng.usize(0..20));
        let mut at = 0;
        while at < items.len() {
            let end = bounds
                .iter()
                .find(|bound| **bound > items[at])
                .cloned()
                .unwrap_or_default();
            let n = cut(&items[at..], &end, bytes, most);
            assert!(n >= 1, "seed {seed}");
            let part = &items[at..at + n];
            assert!(
                n == 1 || n <= most && part.iter().map(|item| item.len()).sum::<usize>() <= bytes,
                "seed {seed}"
            );
            assert!(end.is_empty() || part.iter().all(|item| *item < end), "seed {seed}");
            if let Some(next) = items.get(at + n) {
                let more = part.iter().map(|item| item.len()).sum::<usize>() + next.len();
                let full = n >= most || more > bytes || !end.is_empty() && *next >= end;
                assert!(full, "seed {seed}: cut too early");
            }
            at += n;
        }
        assert_eq!(at, items.len(), "seed {seed}");
    }
}

#[test]
fn nothing_fits_between_a_key_and_its_successor() {
    assert_eq!(successor(b"a").as_ref(), b"a\0");
    assert!(successor(b"") > Bytes::new());
}
