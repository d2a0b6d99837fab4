use super::*;
use ti_proto::kvrpcpb::{Action, LockInfo, PrimaryMismatch, TxnNotFound};

fn info() -> TxnInfo {
    TxnInfo {
        start_ts: 100,
        primary: "p".into(),
    }
}

fn answer(response: CheckTxnStatusResponse) -> Answer {
    interpret(&info(), response).unwrap()
}

#[test]
fn answers_of_the_primary() {
    let empty = CheckTxnStatusResponse::default;
    let committed = CheckTxnStatusResponse {
        commit_version: 120,
        ..empty()
    };
    assert_eq!(answer(committed), Answer::Known(Outcome::Committed(120)));
    let locked = CheckTxnStatusResponse {
        lock_ttl: 3_000,
        lock_info: Some(LockInfo::default()),
        ..empty()
    };
    assert_eq!(answer(locked), Answer::Known(Outcome::Locked));
    for action in [
        Action::TtlExpireRollback,
        Action::LockNotExistRollback,
        Action::NoAction,
    ] {
        let rolled_back = CheckTxnStatusResponse {
            action: action as i32,
            ..empty()
        };
        assert_eq!(answer(rolled_back), Answer::Known(Outcome::RolledBack));
    }
}

#[test]
fn no_record_is_not_a_rollback() {
    let missing = CheckTxnStatusResponse {
        error: Some(KeyError {
            txn_not_found: Some(TxnNotFound::default()),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(answer(missing), Answer::Missing);
}

#[test]
fn another_primary_is_an_error() {
    let mismatch = CheckTxnStatusResponse {
        error: Some(KeyError {
            primary_mismatch: Some(PrimaryMismatch::default()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let error = interpret(&info(), mismatch).unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::Protocol);
    assert!(error.message().contains("primary mismatch"), "{error}");
}
