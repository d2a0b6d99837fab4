use super::*;

fn result() -> WriteResult {
    WriteResult {
        commit_ts: 7,
        metrics: None,
    }
}

fn failure(kind: ErrorKind) -> JobState {
    JobState::after_failure(&Error::new(kind, "why"))
}

#[test]
fn a_commit_runs_once() {
    assert_eq!(JobState::Open.commit().unwrap(), CommitStep::Run);
    let committed = JobState::Committed(result());
    assert_eq!(committed.commit().unwrap(), CommitStep::Answer(result()));
    let failed = failure(ErrorKind::SchemaChanged).commit().unwrap_err();
    assert_eq!(
        (failed.kind, failed.message.as_str()),
        (ErrorKind::SchemaChanged, "why")
    );
    assert_eq!(JobState::Aborted.commit().unwrap_err().kind, ErrorKind::TransactionLost);
}

#[test]
fn abort_never_undoes_a_commit() {
    assert_eq!(JobState::Open.abort(), AbortStep::RollBack);
    assert_eq!(JobState::Committed(result()).abort(), AbortStep::Nothing);
    assert_eq!(JobState::Aborted.abort(), AbortStep::Nothing);
    assert_eq!(failure(ErrorKind::DuplicateKey).abort(), AbortStep::RollBack);
}

#[test]
fn what_is_not_known_is_asked_first() {
    let unknown = failure(ErrorKind::CommitUnknown);
    assert_eq!(unknown.commit().unwrap(), CommitStep::Settle);
    assert_eq!(unknown.abort(), AbortStep::Settle);
    assert!(matches!(
        unknown.after_refused_rollback(ClientErrorKind::TxnCommitted),
        JobState::Committed(_)
    ));
    assert_eq!(unknown.after_refused_rollback(ClientErrorKind::Undetermined), unknown);
    assert_eq!(
        JobState::Open.after_refused_rollback(ClientErrorKind::StoreUnreachable),
        JobState::Open
    );
}
