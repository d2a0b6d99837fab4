use super::*;

fn sums(pairs: &[(&str, &str)]) -> Sums {
    let mut sums = Sums::default();
    for (key, value) in pairs {
        sums.add(key.as_bytes(), Some(value.as_bytes()));
    }
    sums
}

fn kind(found: &[(&str, &str)], reported: &[(&str, &str)], depth: Depth) -> Option<ErrorKind> {
    compare("`d`.`t`", &sums(found), &sums(reported), depth)
        .err()
        .map(|e| e.kind)
}

#[test]
fn nothing_is_audited_without_a_reason() {
    let depth = |retried, keys_may_meet, unconditional| {
        Reasons {
            retried,
            keys_may_meet,
            unconditional,
        }
        .depth()
    };
    assert_eq!(depth(false, false, false), None);
    assert_eq!(depth(false, true, false), Some(Depth::Keys));
    assert_eq!(depth(false, false, true), Some(Depth::Keys));
    assert_eq!(depth(true, false, false), Some(Depth::Values));
    assert_eq!(depth(true, true, true), Some(Depth::Values));
}

#[test]
fn equal_sets_pass() {
    let all = [("a", "1"), ("b", "2")];
    assert_eq!(kind(&all, &all, Depth::Values), None);
    assert_eq!(kind(&[("b", "2"), ("a", "1")], &all, Depth::Values), None);
    assert_eq!(kind(&[], &[], Depth::Values), None);
}

#[test]
fn a_key_of_two_tasks_is_a_duplicate() {
    let reported = [("a", "1"), ("b", "2"), ("a", "3")];
    assert_eq!(
        kind(&[("a", "1"), ("b", "2")], &reported, Depth::Keys),
        Some(ErrorKind::DuplicateKey)
    );
}

#[test]
fn values_count_only_when_they_were_read() {
    let (found, reported) = ([("a", "1")], [("a", "2")]);
    assert_eq!(kind(&found, &reported, Depth::Keys), None);
    assert_eq!(
        kind(&found, &reported, Depth::Values),
        Some(ErrorKind::NotDeterministic)
    );
}

#[test]
fn a_stray_or_lost_key_is_found() {
    let reported = [("a", "1")];
    for depth in [Depth::Keys, Depth::Values] {
        assert_eq!(
            kind(&[("a", "1"), ("stray", "9")], &reported, depth),
            Some(ErrorKind::NotDeterministic)
        );
        assert_eq!(
            kind(&[("other", "1")], &reported, depth),
            Some(ErrorKind::NotDeterministic)
        );
    }
    assert_eq!(kind(&[], &reported, Depth::Values), Some(ErrorKind::NotDeterministic));
}
