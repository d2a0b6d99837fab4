use super::*;

#[test]
fn both_ways_and_ordered() {
    let mut keys: Vec<Vec<u8>> = (0..40).map(|n| vec![0xabu8; n]).collect();
    keys.extend([
        b"t\x80".to_vec(),
        vec![0; 8],
        vec![0; 9],
        vec![0xff; 16],
        vec![0xff; 17],
    ]);
    keys.sort();
    let mut before: Option<Vec<u8>> = None;
    for key in keys {
        let encoded = encode(&key);
        assert_eq!(decode(&encoded).unwrap(), key);
        if let Some(before) = before {
            assert!(before <= encoded);
        }
        before = Some(encoded);
    }
}

#[test]
fn known_bytes() {
    assert_eq!(encode(b"a"), [b'a', 0, 0, 0, 0, 0, 0, 0, 0xf8]);
    assert_eq!(
        encode(b"12345678"),
        [b"12345678".as_slice(), &[0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0xf7]].concat()
    );
}

#[test]
fn hostile_bounds_are_refused() {
    for bad in [
        &b"short"[..],
        &[0; 9],
        &[1, 1, 1, 1, 1, 1, 1, 1, 0xf8],
        &[0, 0, 0, 0, 0, 0, 0, 0, 0xff],
        &[0; 100],
    ] {
        assert_eq!(decode(bad).unwrap_err().kind, ClientErrorKind::Protocol, "{bad:?}");
    }
}
