use super::*;

fn put(key: &str, value: &str) -> Mutation {
    Mutation::new(MutationOp::Put, key.as_bytes().to_vec(), value.as_bytes().to_vec())
}

fn refused(mutations: &[Mutation], key: &str, word: &str) {
    let error = check(mutations).unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::InvalidArgument);
    assert_eq!(error.key().unwrap(), key.as_bytes());
    assert!(error.message().contains(word), "{error}");
    assert!(!error.is_retryable());
}

#[test]
fn what_a_store_would_take_silently_is_refused() {
    check(&[]).unwrap();
    check(&[put("a", "1"), put("b", "2")]).unwrap();
    refused(&[put("a", "1"), put("a", "2")], "a", "same key");
    refused(&[put("b", "1"), put("a", "2")], "a", "key order");
    refused(&[put("", "1")], "", "empty key");
    refused(&[put("a", "")], "a", "empty one");
    let delete = |value: &str| Mutation::new(MutationOp::Delete, "k", value.as_bytes().to_vec());
    check(&[delete("")]).unwrap();
    refused(&[delete("x")], "k", "value");
}

#[test]
fn operations_and_assertions_have_the_numbers_of_the_protocol() {
    let ops = [
        (MutationOp::Put, 0),
        (MutationOp::Delete, 1),
        (MutationOp::Lock, 2),
        (MutationOp::Insert, 4),
        (MutationOp::CheckNotExists, 6),
    ];
    for (op, number) in ops {
        let mutation = Mutation::new(op, "k", Bytes::from_static(b"v")).asserting(Assertion::NotExist);
        let proto = mutation.to_proto();
        assert_eq!((proto.op, proto.assertion), (number, 2), "{op:?}");
        assert_eq!((proto.key.as_ref(), proto.value.as_ref()), (&b"k"[..], &b"v"[..]));
        assert_eq!(mutation.size(), 2);
    }
    let mutation = |assertion| put("k", "v").asserting(assertion).to_proto().assertion;
    assert_eq!((mutation(Assertion::None), mutation(Assertion::Exist)), (0, 1));
}
