use super::*;
use ti_proto::kvrpcpb::{AlreadyExist, AssertionFailed, CommitTsExpired, TxnNotFound, WriteConflict};
use write_conflict::Reason;
use ClientErrorKind as Kind;

const START: u64 = 100;

fn exists() -> KeyError {
    KeyError {
        already_exist: Some(AlreadyExist { key: b"dup".to_vec() }),
        ..Default::default()
    }
}

fn conflict(conflict_ts: u64, conflict_commit_ts: u64, reason: Reason) -> KeyError {
    KeyError {
        conflict: Some(WriteConflict {
            start_ts: START,
            conflict_ts,
            conflict_commit_ts,
            key: b"k".to_vec(),
            reason: reason as i32,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn assertion() -> KeyError {
    KeyError {
        assertion_failed: Some(AssertionFailed {
            key: b"a".to_vec(),
            assertion: 2,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn locked(txn: u64) -> KeyError {
    KeyError {
        locked: Some(LockInfo {
            lock_version: txn,
            key: b"l".to_vec(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn fails(errors: Vec<KeyError>) -> (Kind, Option<Vec<u8>>) {
    let error = of_prewrite(START, errors).unwrap_err();
    assert!(
        !error.is_retryable(),
        "a transaction is never run again blindly: {error}"
    );
    (error.kind, error.key().map(|key| key.to_vec()))
}

#[test]
fn every_kind_is_told_apart_and_keeps_its_key() {
    assert_eq!(fails(vec![exists()]), (Kind::KeyExists, Some(b"dup".to_vec())));
    let k = Some(b"k".to_vec());
    assert_eq!(
        fails(vec![conflict(50, 120, Reason::Optimistic)]),
        (Kind::WriteConflict, k.clone())
    );
    assert_eq!(
        fails(vec![conflict(START, START, Reason::SelfRolledBack)]),
        (Kind::TxnAborted, k.clone())
    );
    // The rollback may be noted in the record of another transaction that committed at this very timestamp.
    assert_eq!(
        fails(vec![conflict(50, START, Reason::SelfRolledBack)]),
        (Kind::TxnAborted, k.clone())
    );
    assert_eq!(
        fails(vec![conflict(START, START, Reason::Unknown)]),
        (Kind::TxnAborted, k.clone())
    );
    assert_eq!(
        fails(vec![conflict(START, 130, Reason::Optimistic)]),
        (Kind::TxnCommitted, k)
    );
    assert_eq!(fails(vec![assertion()]), (Kind::AssertionFailed, Some(b"a".to_vec())));
    let retryable = |text: &str| KeyError {
        retryable: text.into(),
        ..Default::default()
    };
    assert_eq!(
        fails(vec![retryable("retryable: already rollback")]).0,
        Kind::TxnAborted
    );
    assert_eq!(fails(vec![retryable("something")]).0, Kind::WriteConflict);
    let not_found = KeyError {
        txn_not_found: Some(TxnNotFound::default()),
        ..Default::default()
    };
    assert_eq!(fails(vec![not_found]).0, Kind::TxnAborted);
    let unexpected = KeyError {
        commit_ts_expired: Some(CommitTsExpired::default()),
        ..Default::default()
    };
    assert_eq!(fails(vec![unexpected]).0, Kind::Protocol);
    let abort = KeyError {
        abort: "oops".into(),
        ..Default::default()
    };
    assert_eq!(fails(vec![abort]).0, Kind::Protocol);
}

#[test]
fn the_error_that_says_most_wins_in_any_order() {
    let mut errors = vec![locked(7), assertion(), conflict(50, 120, Reason::Optimistic), exists()];
    assert_eq!(fails(errors.clone()).0, Kind::KeyExists);
    errors.reverse();
    assert_eq!(fails(errors.clone()).0, Kind::KeyExists);
    errors.remove(0);
    assert_eq!(fails(errors.clone()).0, Kind::WriteConflict);
    errors.remove(0);
    assert_eq!(fails(errors.clone()).0, Kind::AssertionFailed);
    errors.remove(0);
    assert_eq!(of_prewrite(START, errors).unwrap().len(), 1);
}

#[test]
fn only_locks_of_others_are_given_to_the_resolver() {
    let locks = of_prewrite(START, vec![locked(7), locked(200)]).unwrap();
    assert_eq!(locks.iter().map(|lock| lock.lock_version).collect::<Vec<_>>(), [7, 200]);
    assert_eq!(fails(vec![locked(START)]).0, Kind::InvalidArgument);
}

#[test]
fn an_undetermined_commit_names_transaction_and_primary() {
    let cause = ClientError::new(Kind::Deadline, "the store is away");
    let error = undetermined(START, &[0x74, 0x80, 0x00], 130, &cause);
    assert_eq!(error.kind, Kind::Undetermined);
    for word in ["transaction 100 ", "748000", "at 130", "the store is away"] {
        assert!(error.message().contains(word), "{word}: {error}");
    }
}

#[test]
fn keys_are_in_no_message() {
    for error in [exists(), conflict(50, 120, Reason::Optimistic), assertion()] {
        let error = of_prewrite(START, vec![error]).unwrap_err();
        assert!(
            !error.message().contains("dup") && !error.message().contains("646"),
            "{error}"
        );
    }
}
