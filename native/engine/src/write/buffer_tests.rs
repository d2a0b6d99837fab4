use super::*;

fn buffer(mutations: &[(Role, &str, &str)]) -> Buffer {
    let mut buffer = Buffer::default();
    for (role, key, value) in mutations {
        buffer
            .push(*role, Expect::Free, key.as_bytes(), value.as_bytes())
            .unwrap();
    }
    buffer
}

#[test]
fn mutations_come_out_in_the_order_of_their_keys() {
    let sorted = buffer(&[
        (Role::Row, "c", "3"),
        (Role::Entry, "a", "1"),
        (Role::Unique, "bb", ""),
        (Role::Old, "b", ""),
    ])
    .sort()
    .unwrap();
    let mutations = sorted.mutations();
    let shown: Vec<_> = mutations
        .iter()
        .map(|m| (m.op, m.key.as_ref(), m.value.as_ref(), m.assertion))
        .collect();
    assert_eq!(
        shown,
        vec![
            (MutationOp::Put, &b"a"[..], &b"1"[..], Assertion::NotExist),
            (MutationOp::Delete, b"b", b"", Assertion::Exist),
            (MutationOp::Insert, b"bb", b"", Assertion::None),
            (MutationOp::Insert, b"c", b"3", Assertion::None),
        ]
    );
    assert_eq!(sorted.find(b"c"), Some(&b"3"[..]));
    assert_eq!(sorted.find(b"bb"), Some(&b""[..]));
    assert_eq!(sorted.find(b"b"), None, "a deleted key has no value");
    assert_eq!(sorted.find(b"zz"), None);
}

#[test]
fn a_key_of_two_rows_is_an_error_that_has_it() {
    let error = buffer(&[(Role::Row, "k", "1"), (Role::Row, "a", "0"), (Role::Row, "k", "2")])
        .sort()
        .unwrap_err();
    assert_eq!(error.key, b"k");
    assert!(error.value == b"1" || error.value == b"2");
}

#[test]
fn a_key_that_is_given_up_and_taken_is_taken() {
    let sorted = buffer(&[(Role::Old, "k", ""), (Role::Row, "k", "new"), (Role::Old, "k", "")])
        .sort()
        .unwrap();
    assert_eq!(sorted.len(), 1);
    assert_eq!(sorted.find(b"k"), Some(&b"new"[..]));
    let sorted = buffer(&[(Role::Old, "k", ""), (Role::Old, "k", "")]).sort().unwrap();
    assert_eq!(sorted.len(), 1);
    assert_eq!(sorted.mutations()[0].op, MutationOp::Delete);
}

#[test]
fn parts_of_a_buffer_are_taken_over() {
    let staged = buffer(&[(Role::Row, "a", "1"), (Role::Entry, "b", "2"), (Role::Row, "c", "3")]);
    let mut kept = Buffer::default();
    kept.append(&staged, 1..3).unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(kept.get(0), Some((&b"b"[..], &b"2"[..], Role::Entry)));
    assert_eq!(kept.bytes(), 4);
}
