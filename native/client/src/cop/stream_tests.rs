use super::*;

fn range(start: &str, end: &str) -> KeyRange {
    KeyRange::new(start.to_string(), end.to_string())
}

#[test]
fn the_rest_of_a_page() {
    let ranges = [range("b", "d"), range("f", "h")];
    assert_eq!(remainder(&ranges, b"c").unwrap(), [range("c", "d"), range("f", "h")]);
    assert_eq!(remainder(&ranges, b"d").unwrap(), [range("f", "h")]);
    assert_eq!(remainder(&ranges, b"e").unwrap(), [range("f", "h")]);
    assert_eq!(remainder(&ranges, b"g").unwrap(), [range("g", "h")]);
    assert!(remainder(&ranges, b"h").unwrap().is_empty());
    assert!(remainder(&ranges, b"").unwrap().is_empty());
    let endless = remainder(&ranges, b"a").unwrap_err();
    assert_eq!(endless.kind, ClientErrorKind::Protocol);
}
