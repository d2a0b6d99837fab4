use super::*;

fn span(low: u8, high: u8) -> Span {
    Span {
        low: Cut::before(vec![3, low]),
        high: Cut::before(vec![3, high]),
    }
}

/// A random set of the numbers 0..32.
fn random(rng: &mut fastrand::Rng) -> Vec<Span> {
    let cut = |rng: &mut fastrand::Rng| {
        let key = vec![3, rng.u8(..32)];
        Cut { key, after: rng.bool() }
    };
    let spans = (0..rng.usize(..5)).map(|_| Span {
        low: cut(rng),
        high: cut(rng),
    });
    union(spans.collect())
}

fn members(spans: &[Span]) -> Vec<u8> {
    (0..32).filter(|n| spans.iter().any(|s| s.contains(&[3, *n]))).collect()
}

#[test]
fn sets_are_united_and_intersected() {
    assert_eq!(
        union(vec![span(5, 9), span(1, 5), span(7, 8), span(20, 10)]),
        [span(1, 9)]
    );
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let rng = &mut fastrand::Rng::with_seed(seed);
    for _ in 0..2_000 {
        let (a, b) = (random(rng), random(rng));
        let both: Vec<u8> = members(&a).into_iter().filter(|n| members(&b).contains(n)).collect();
        assert_eq!(members(&intersection(&a, &b)), both, "{a:?} {b:?}");
        let mut either: Vec<u8> = [members(&a), members(&b)].concat();
        either.sort_unstable();
        either.dedup();
        assert_eq!(members(&union([a.clone(), b].concat())), either);
        assert!(members(&a).iter().all(|n| members(&hull(&a)).contains(n)));
    }
}

#[test]
fn cuts_are_keys_after_a_prefix() {
    let point = Span::point(vec![3, 0xff]);
    assert_eq!(point.as_point(), Some([3, 0xff].as_slice()));
    assert_eq!(
        (point.low.bytes(b"p"), point.high.bytes(b"p")),
        (b"p\x03\xff".to_vec(), b"p\x04".to_vec())
    );
    assert_eq!(span(1, 2).as_point(), None);
    assert!(Span::null() < Span::values() && Span::null().high < Cut::values());
    assert_eq!(intersection(&all(), &[Span::values()]), [Span::values()]);
}
