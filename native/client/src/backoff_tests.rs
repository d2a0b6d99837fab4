use super::*;

const KINDS: [BackoffKind; BackoffKind::COUNT] = [
    BackoffKind::RegionMiss,
    BackoffKind::UpdateLeader,
    BackoffKind::RegionScheduling,
    BackoffKind::RegionNotInitialized,
    BackoffKind::RegionRecovery,
    BackoffKind::StaleCommand,
    BackoffKind::ServerBusy,
    BackoffKind::DiskFull,
    BackoffKind::MaxTimestampNotSynced,
    BackoffKind::DataIsNotReady,
    BackoffKind::IsWitness,
    BackoffKind::StoreRpc,
    BackoffKind::StoreDown,
    BackoffKind::ServerFailure,
    BackoffKind::PdRpc,
    BackoffKind::TxnLock,
    BackoffKind::TxnNotFound,
];

fn backoffer(budget: Duration) -> Backoffer {
    Backoffer::new("the test", budget, Arc::default())
}

#[test]
fn waits_grow_to_the_cap_with_equal_jitter() {
    for kind in KINDS {
        let mut bo = backoffer(Duration::from_secs(600));
        let (base, cap) = kind.bounds();
        for attempt in 0..40u32 {
            let step = Duration::from_millis(base.saturating_mul(1 << attempt.min(30)).min(cap));
            let wait = bo.next_wait(kind);
            assert!(
                wait >= step / 2 && wait <= step,
                "{kind:?} try {attempt}: {wait:?} of {step:?}"
            );
        }
    }
}

#[test]
fn kinds_grow_apart() {
    let mut bo = backoffer(Duration::from_secs(600));
    for _ in 0..10 {
        bo.next_wait(BackoffKind::StoreRpc);
    }
    assert!(bo.next_wait(BackoffKind::RegionMiss) <= Duration::from_millis(2));
    assert_eq!(bo.attempts(BackoffKind::StoreRpc), 10);
}

#[tokio::test]
async fn the_deadline_tells_the_last_causes() {
    let mut bo = backoffer(Duration::from_millis(60));
    let mut tries = 0;
    let error = loop {
        tries += 1;
        let cause = if tries == 1 {
            "store 1 does not answer"
        } else {
            "region 7 has no leader"
        };
        if let Err(error) = bo.backoff(BackoffKind::RegionMiss, cause).await {
            break error;
        }
    };
    assert_eq!(error.kind, ClientErrorKind::Deadline);
    assert!(error.is_retryable());
    assert!(
        error
            .message()
            .contains("store 1 does not answer; then region 7 has no leader ("),
        "{error}"
    );
    assert!(error.message().contains("the test"), "{error}");
    assert!(tries > 2);
    let counted = bo.stats.backoff_nanos.load(Ordering::Relaxed);
    assert_eq!(counted, nanos(bo.waited));
    assert!(counted > 0);
}

#[tokio::test]
async fn a_wait_past_the_deadline_is_not_started() {
    let mut bo = backoffer(Duration::from_millis(500));
    let before = Instant::now();
    assert!(bo.backoff(BackoffKind::ServerBusy, "busy").await.is_err());
    assert!(before.elapsed() < Duration::from_millis(400));
}

#[tokio::test]
async fn the_server_may_ask_for_a_wait() {
    let mut bo = backoffer(Duration::from_secs(10));
    let before = Instant::now();
    bo.backoff_for(Duration::from_millis(40), "busy").await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(40));
    let before = Instant::now();
    bo.backoff_within(BackoffKind::TxnLock, Duration::from_millis(5), "lock")
        .await
        .unwrap();
    assert!(before.elapsed() < Duration::from_millis(50));
}
