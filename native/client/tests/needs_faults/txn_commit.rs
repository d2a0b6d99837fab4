//! Commits of ours whose answers are lost, and what may follow.

use std::time::Duration;

use crate::common::txn::{options, Scene, ROWS};
use crate::common::{hex, ALONE};
use serde_json::{json, Value};
use ti_client::{ClientError, ClientErrorKind, CommitOutcome, Outcome, Transaction, TxnOptions, TxnState};

async fn commit(txn: &Transaction) -> Result<CommitOutcome, ClientError> {
    txn.commit(|_| async { Ok::<(), ClientError>(()) }).await
}

fn rule(method: &str, kind: &str, count: i64) -> Value {
    json!({ "method": method, "kind": kind, "count": count, "ms": 10, "request_source": "external_spark" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_reply_is_lost_is_settled() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_lost_reply").await;
    let mut next = ROWS;
    // Executed or not; and with errors after it that say nothing of the lost request.
    for rules in [
        vec![("KvCommit", "drop_reply", 1)],
        vec![("KvCommit", "unavailable", 2)],
        vec![("KvCommit", "undetermined_result", 2)],
        vec![
            ("KvCommit", "drop_reply", 1),
            ("KvCommit", "not_leader", 2),
            ("KvCheckTxnStatus", "not_leader", 2),
        ],
        vec![("KvCommit", "drop_reply", 1), ("KvCheckTxnStatus", "drop_reply", 2)],
        vec![
            ("KvCommit", "unavailable", 1),
            ("KvCommit", "epoch_not_match", 1),
            ("KvCommit", "drop_reply", 1),
        ],
    ] {
        let txn = scene.begin(options()).await;
        scene.prewrite(&txn, scene.inserts(next..next + 50)).await.unwrap();
        let list: Vec<Value> = rules
            .iter()
            .map(|(method, kind, count)| rule(method, kind, *count))
            .collect();
        let faults = scene.cluster.faults(Value::from(list));
        let calls = std::sync::atomic::AtomicU32::new(0);
        let check = |_| {
            calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            async { Ok::<(), ClientError>(()) }
        };
        let done = txn
            .commit(check)
            .await
            .unwrap_or_else(|error| panic!("{rules:?}: {error}"));
        assert_eq!(calls.into_inner(), 1, "{rules:?}: one commit_ts");
        drop(faults);
        assert_eq!(txn.outcome().await.unwrap(), Outcome::Committed(done.commit_ts));
        scene.resolve(txn.info().start_ts, done.commit_ts).await;
        txn.close().await.unwrap();
        next += 50;
        scene.expect(ROWS..next).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_nobody_can_tell_of_is_undetermined_and_never_rolled_back() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_unknown").await;
    let mut next = ROWS;
    for executed in [true, false] {
        let quick = TxnOptions {
            deadline: Duration::from_secs(2),
            ..options()
        };
        let txn = scene.begin(quick).await;
        let start_ts = txn.info().start_ts;
        scene.prewrite(&txn, scene.inserts(next..next + 50)).await.unwrap();
        let kind = if executed { "drop_reply" } else { "unavailable" };
        let faults = scene.cluster.faults(json!([
            rule("KvCommit", kind, -1),
            rule("KvCheckTxnStatus", "unavailable", -1)
        ]));
        let error = commit(&txn).await.unwrap_err();
        assert_eq!(error.kind, ClientErrorKind::Undetermined, "{error}");
        for word in [start_ts.to_string(), hex(&txn.info().primary)] {
            assert!(error.message().contains(&word), "{error}");
        }
        assert!(matches!(txn.state(), TxnState::Unknown { .. }), "{:?}", txn.state());
        let error = txn.rollback().await.unwrap_err();
        assert_eq!(error.kind, ClientErrorKind::Undetermined, "{error}");
        drop(faults);
        if executed {
            assert!(matches!(txn.outcome().await.unwrap(), Outcome::Committed(_)));
            assert_eq!(txn.rollback().await.unwrap_err().kind, ClientErrorKind::TxnCommitted);
        } else {
            assert_eq!(txn.outcome().await.unwrap(), Outcome::Locked);
            assert_eq!(txn.rollback().await.unwrap_err().kind, ClientErrorKind::Undetermined);
        }
        // A second call asks again, and sends the same timestamp if need be.
        let done = commit(&txn).await.unwrap();
        scene.resolve(start_ts, done.commit_ts).await;
        txn.close().await.unwrap();
        next += 50;
        scene.expect(ROWS..next).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_surely_not_executed_may_be_rolled_back() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_not_sent").await;
    let quick = TxnOptions {
        deadline: Duration::from_secs(2),
        ..options()
    };
    let txn = scene.begin(quick).await;
    scene.prewrite(&txn, scene.inserts(ROWS..300)).await.unwrap();
    let faults = scene.cluster.faults(json!([rule("KvCommit", "not_leader", -1)]));
    let error = commit(&txn).await.unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::Deadline, "{error}");
    drop(faults);
    txn.rollback().await.unwrap();
    scene.resolve(txn.info().start_ts, 0).await;
    scene.expect([]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_dropped_in_the_middle_is_not_rolled_back_blindly() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_dropped").await;
    let txn = scene.begin(options()).await;
    scene.prewrite(&txn, scene.inserts(ROWS..300)).await.unwrap();
    let faults = scene.cluster.faults(json!([
        { "method": "KvCommit", "kind": "delay", "ms": 1_500, "request_source": "external_spark" }
    ]));
    let cut = tokio::time::timeout(Duration::from_millis(300), commit(&txn)).await;
    assert!(cut.is_err());
    assert!(matches!(txn.state(), TxnState::Committing { .. }));
    assert_eq!(txn.rollback().await.unwrap_err().kind, ClientErrorKind::Undetermined);
    drop(faults);
    // The store may or may not have executed what its caller has left; the second call ends it either way.
    let done = commit(&txn).await.unwrap();
    scene.resolve(txn.info().start_ts, done.commit_ts).await;
    scene.expect(ROWS..300).await;
}
