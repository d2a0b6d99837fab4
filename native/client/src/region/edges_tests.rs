use super::*;
use ti_proto::kvrpcpb::{KvPair, LockInfo};

fn lock(key: &[u8]) -> KeyError {
    KeyError {
        locked: Some(LockInfo {
            key: key.to_vec(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[test]
fn a_key_counts_whether_it_is_locked_or_not() {
    let pair = |key: &[u8], error| KvPair {
        error,
        key: key.to_vec(),
        value: Vec::new(),
    };
    let answer = |pairs, error| ScanResponse {
        region_error: None,
        pairs,
        error,
    };
    assert_eq!(key_of(answer(vec![pair(b"a", None)], None)), Some(Some("a".into())));
    assert_eq!(
        key_of(answer(vec![pair(b"", Some(lock(b"b")))], None)),
        Some(Some("b".into()))
    );
    assert_eq!(key_of(answer(vec![], Some(lock(b"c")))), Some(Some("c".into())));
    assert_eq!(key_of(answer(vec![], None)), Some(None));
    assert_eq!(
        key_of(answer(vec![], Some(KeyError::default()))),
        None,
        "an error of another kind"
    );
}
