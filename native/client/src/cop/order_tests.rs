use super::*;

fn range(start: &str, end: &str) -> KeyRange {
    KeyRange::interval(start.to_string(), end.to_string())
}

fn key(text: &str) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn the_piece_that_follows() {
    let all = [range("b", "d"), range("f", "h"), range("k", "")];
    // A page that was cut.
    assert_eq!(following(&all, &all[..1], &[range("c", "d")]), key("c"));
    // The end of a range, and of two.
    assert_eq!(following(&all, &[range("b", "d")], &[]), key("f"));
    assert_eq!(following(&all, &[range("b", "d"), range("f", "h")], &[]), key("k"));
    // The end of a region inside a range.
    assert_eq!(following(&all, &[range("b", "c")], &[]), key("c"));
    assert_eq!(following(&all, &[range("f", "g")], &[]), key("g"));
    assert_eq!(following(&all, &[range("k", "p")], &[]), key("p"));
    // The end of all.
    assert_eq!(following(&all, &[range("p", "")], &[]), None);
    assert_eq!(following(&all[..2], &[range("g", "h")], &[]), None);
}

#[test]
fn pieces_in_any_order_come_in_theirs() {
    let ranges = [range("a", "z")];
    let pieces = ["a", "d", "k", "q"];
    for seed in 0..50 {
        let mut order = Order::new(&ranges);
        let mut arriving: Vec<usize> = (0..pieces.len()).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut arriving);
        let mut taken = Vec::new();
        for at in arriving {
            let next = pieces.get(at + 1).and_then(|next| key(next));
            order.put(key(pieces[at]).unwrap(), next, at);
            while let Some(piece) = order.take() {
                taken.push(piece);
            }
        }
        assert_eq!(taken, [0, 1, 2, 3]);
        assert_eq!(order.head(), None);
    }
    assert_eq!(Order::<()>::new(&[]).head(), None);
}
