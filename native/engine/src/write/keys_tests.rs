use super::*;

fn keys(n: usize) -> Vec<Bytes> {
    (0..n).map(|i| Bytes::from(i.to_be_bytes().to_vec())).collect()
}

#[test]
fn keys_are_kept_for_open_transactions_until_they_are_taken() {
    assert_eq!(keep(1_001, keys(3)), 0, "nobody wants them");
    let open = KeptKeys::open(1_001);
    assert!(are_wanted(1_001));
    let (a, b) = (keep(1_001, keys(3)), keep(1_001, keys(2)));
    assert!(a != 0 && b != 0 && a != b);
    assert_eq!(open.take(a), keys(3));
    assert_eq!(open.take(a), Vec::<Bytes>::new(), "taken once");
    drop(open);
    assert!(!are_wanted(1_001));
    assert_eq!(
        KeptKeys::open(1_001).take(b),
        Vec::<Bytes>::new(),
        "forgotten with its transaction"
    );
}

#[test]
fn what_does_not_fit_is_not_kept() {
    let open = KeptKeys::open(1_002);
    let large = Bytes::from(vec![0; MAX_BYTES + 1]);
    assert_eq!(keep(1_002, vec![large]), 0);
    assert_ne!(keep(1_002, keys(1)), 0);
    drop(open);
}
