use super::*;
use ti_proto::kvrpcpb::{PrimaryMismatch, TxnNotFound, WriteConflict};

const START: u64 = 1_000_000 << 18;
const TTL: u64 = 3_000;

fn at(ms_after_start: u64) -> u64 {
    START + (ms_after_start << 18)
}

fn lock(kind: Op) -> LockInfo {
    LockInfo {
        lock_version: START,
        lock_ttl: TTL,
        lock_type: kind as i32,
        ..Default::default()
    }
}

fn answer() -> CheckTxnStatusResponse {
    CheckTxnStatusResponse::default()
}

fn status(response: CheckTxnStatusResponse, lock: &LockInfo, now: u64) -> (TxnStatus, bool) {
    match interpret(response, lock, now, false).unwrap() {
        PrimaryAnswer::Status { status, final_for_all } => (status, final_for_all),
        other => panic!("{other:?}"),
    }
}

#[test]
fn committed_and_rolled_back_are_final() {
    let committed = CheckTxnStatusResponse {
        commit_version: at(5),
        ..answer()
    };
    assert_eq!(
        status(committed.clone(), &lock(Op::Put), at(9)),
        (TxnStatus::Committed { commit_ts: at(5) }, true)
    );
    assert_eq!(
        status(committed, &lock(Op::PessimisticLock), at(9)),
        (TxnStatus::Committed { commit_ts: at(5) }, true)
    );
    for action in [
        Action::NoAction,
        Action::TtlExpireRollback,
        Action::LockNotExistRollback,
    ] {
        let rolled_back = CheckTxnStatusResponse {
            action: action as i32,
            ..answer()
        };
        assert_eq!(
            status(rolled_back, &lock(Op::Put), at(9)),
            (TxnStatus::RolledBack, true),
            "{action:?}"
        );
    }
}

#[test]
fn what_pessimistic_locks_say_is_not_remembered() {
    for (kind, action) in [
        (Op::PessimisticLock, Action::TtlExpirePessimisticRollback),
        (Op::PessimisticLock, Action::LockNotExistDoNothing),
        (Op::Put, Action::LockNotExistDoNothing),
    ] {
        let response = CheckTxnStatusResponse {
            action: action as i32,
            ..answer()
        };
        assert_eq!(
            status(response, &lock(kind), at(9)),
            (TxnStatus::RolledBack, false),
            "{kind:?} {action:?}"
        );
    }
}

#[test]
fn a_live_transaction_is_passed_when_it_was_pushed() {
    let alive = CheckTxnStatusResponse {
        lock_ttl: TTL,
        ..answer()
    };
    let (waiting, kept) = status(alive.clone(), &lock(Op::Put), at(1_000));
    assert_eq!(
        (waiting.clone(), kept),
        (
            TxnStatus::Alive {
                ttl_left_ms: 2_000,
                pushed: false
            },
            false
        )
    );
    assert_eq!(decide(&waiting, at(10)), ReadDecision::Wait { ttl_left_ms: 2_000 });
    let pushed = CheckTxnStatusResponse {
        action: Action::MinCommitTsPushed as i32,
        ..alive
    };
    let (pushed, _) = status(pushed, &lock(Op::Put), at(1_000));
    assert_eq!(decide(&pushed, at(10)), ReadDecision::Pass);
}

#[test]
fn reads_see_what_was_committed_before_them() {
    let read_ts = at(100);
    for (commit_ts, expected) in [
        (at(99), ReadDecision::Access),
        (at(100), ReadDecision::Access),
        (at(101), ReadDecision::Pass),
    ] {
        assert_eq!(decide(&TxnStatus::Committed { commit_ts }, read_ts), expected);
    }
    assert_eq!(decide(&TxnStatus::RolledBack, read_ts), ReadDecision::Pass);
}

#[test]
fn async_commit_is_for_the_secondaries_once_its_time_is_over() {
    let primary = LockInfo {
        use_async_commit: true,
        min_commit_ts: at(1),
        ..lock(Op::Put)
    };
    let response = CheckTxnStatusResponse {
        lock_ttl: TTL,
        lock_info: Some(primary.clone()),
        ..answer()
    };
    let (alive, _) = status(response.clone(), &lock(Op::Put), at(TTL - 1));
    assert_eq!(
        alive,
        TxnStatus::Alive {
            ttl_left_ms: 1,
            pushed: false
        }
    );
    let (over, kept) = status(response.clone(), &lock(Op::Put), at(TTL));
    assert_eq!(
        (over, kept),
        (
            TxnStatus::AsyncCommit {
                primary: primary.clone()
            },
            false
        )
    );
    // A lock without a time to live is asked for at the end of time.
    let (over, _) = status(response.clone(), &lock(Op::Put), u64::MAX);
    assert_eq!(over, TxnStatus::AsyncCommit { primary });
    // Asked to forget about async commit, the primary's word counts.
    let forced = interpret(
        CheckTxnStatusResponse {
            lock_ttl: 0,
            ..response
        },
        &lock(Op::Put),
        at(TTL),
        true,
    )
    .unwrap();
    assert_eq!(
        forced,
        PrimaryAnswer::Status {
            status: TxnStatus::RolledBack,
            final_for_all: true
        }
    );
}

#[test]
fn errors_of_the_primary() {
    let with = |error| CheckTxnStatusResponse {
        error: Some(error),
        ..answer()
    };
    let not_found = KeyError {
        txn_not_found: Some(TxnNotFound::default()),
        ..Default::default()
    };
    assert_eq!(
        interpret(with(not_found), &lock(Op::Put), at(1), false).unwrap(),
        PrimaryAnswer::NotFound
    );
    let mismatch = KeyError {
        primary_mismatch: Some(PrimaryMismatch::default()),
        ..Default::default()
    };
    assert_eq!(
        interpret(with(mismatch), &lock(Op::Put), at(1), false).unwrap(),
        PrimaryAnswer::Mismatch
    );
    let conflict = KeyError {
        conflict: Some(WriteConflict {
            key: b"secret-key".to_vec(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let error = interpret(with(conflict), &lock(Op::Put), at(1), false).unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::Lock);
    assert!(
        error.message().contains("write conflict") && !error.message().contains("secret"),
        "{error}"
    );
}

#[test]
fn time_to_live() {
    assert_eq!(ttl_left_ms(START, TTL, START), TTL);
    assert_eq!(ttl_left_ms(START, TTL, at(TTL - 1)), 1);
    assert_eq!(ttl_left_ms(START, TTL, at(TTL)), 0);
    assert_eq!(ttl_left_ms(START, u64::MAX, at(1)), u64::MAX - (at(1) >> 18));
}

fn secondary(min_commit_ts: u64) -> LockInfo {
    LockInfo {
        use_async_commit: true,
        min_commit_ts,
        ..lock(Op::Put)
    }
}

fn secondaries() -> Secondaries {
    Secondaries::new(&secondary(at(10)), START)
}

fn locks(locks: Vec<LockInfo>, commit_ts: u64) -> CheckSecondaryLocksResponse {
    CheckSecondaryLocksResponse {
        locks,
        commit_ts,
        ..Default::default()
    }
}

#[test]
fn all_secondaries_there_commits_at_the_largest_minimum() {
    let mut all = secondaries();
    assert_eq!(
        all.note(2, locks(vec![secondary(at(8)), secondary(at(20))], 0))
            .unwrap(),
        SecondaryAnswer::Noted
    );
    assert_eq!(
        all.note(1, locks(vec![secondary(at(15))], 0)).unwrap(),
        SecondaryAnswer::Noted
    );
    assert_eq!(all.status(), TxnStatus::Committed { commit_ts: at(20) });
    assert_eq!(
        secondaries().status(),
        TxnStatus::Committed { commit_ts: at(10) },
        "no secondaries: the primary alone"
    );
}

#[test]
fn a_missing_secondary_decides() {
    let mut rolled_back = secondaries();
    rolled_back.note(2, locks(vec![secondary(at(8))], 0)).unwrap();
    rolled_back.note(1, locks(vec![secondary(at(90))], 0)).unwrap();
    assert_eq!(rolled_back.status(), TxnStatus::RolledBack);
    let mut committed = secondaries();
    committed.note(1, locks(vec![secondary(at(8))], 0)).unwrap();
    committed.note(2, locks(vec![], at(30))).unwrap();
    assert_eq!(committed.status(), TxnStatus::Committed { commit_ts: at(30) });
}

#[test]
fn secondaries_that_contradict_each_other_are_an_error() {
    let mut first = secondaries();
    first.note(1, locks(vec![], at(30))).unwrap();
    assert!(first.note(1, locks(vec![], at(31))).is_err());
    assert!(
        secondaries().note(1, locks(vec![], at(9))).is_err(),
        "committed before the primary allows"
    );
    let foreign = LockInfo {
        lock_version: START + 1,
        ..secondary(at(8))
    };
    assert!(secondaries().note(1, locks(vec![foreign], 0)).is_err());
    let error = CheckSecondaryLocksResponse {
        error: Some(KeyError::default()),
        ..Default::default()
    };
    assert!(secondaries().note(1, error).is_err());
}

#[test]
fn a_lock_without_async_commit_sends_back_to_the_primary() {
    let plain = LockInfo {
        use_async_commit: false,
        ..secondary(at(8))
    };
    assert_eq!(
        secondaries().note(1, locks(vec![plain], 0)).unwrap(),
        SecondaryAnswer::NotAsync
    );
}
