//! Every fault that the test store can produce, met in the middle of a scan.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::common::{cluster, drain, ALONE};
use serde_json::json;
use ti_client::{ClientErrorKind, MemoryBudget};

/// Faults that pass: the scan must give every row once.
const PASSING: [&str; 21] = [
    "not_leader",
    "not_leader_hint",
    "region_not_found",
    "key_not_in_region",
    "epoch_not_match",
    "server_is_busy",
    "stale_command",
    "store_not_match",
    "max_ts_not_synced",
    "read_index_not_ready",
    "proposal_in_merging_mode",
    "data_is_not_ready",
    "region_not_initialized",
    "disk_full",
    "recovery_in_progress",
    "mismatch_peer_id",
    "bucket_version_not_match",
    "undetermined_result",
    "unavailable",
    "drop_reply",
    "delay",
];

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_pass_cost_time_and_no_rows() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("faults", 3_000).await;
    cluster.split(&table, [500, 1_500]);
    let client = cluster.client().await;
    for kind in PASSING {
        let rule =
            json!([{"method": "Coprocessor", "kind": kind, "count": 3, "skip": 2, "ms": 20, "table_id": table.id}]);
        let faults = cluster.faults(rule);
        let mut request = table.request(client.timestamp().await.unwrap());
        request.memory = MemoryBudget::new(64 << 10);
        let mut stream = client.coprocessor(request);
        let started = Instant::now();
        let rows = drain(&mut stream)
            .await
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        let stats = stream.stats();
        println!("{kind}: {:?} {stats:?}", started.elapsed());
        table.compare(&rows, &BTreeMap::new());
        assert_eq!(faults.hits(), 3, "{kind}");
        // More than were made: a region may have been split by its size meanwhile.
        let made = if ["unavailable", "drop_reply", "delay"].contains(&kind) {
            0
        } else {
            3
        };
        assert!(stats.region_errors >= made, "{kind}: {stats:?}");
        if kind != "delay" {
            assert!(stats.backoff_nanos > 0, "{kind}");
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{kind}: {:?}",
            started.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_is_left_alone_for_a_while() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("witness", 100).await;
    let client = cluster.client().await;
    let _faults =
        cluster.faults(json!([{"method": "Coprocessor", "kind": "is_witness", "count": 1, "table_id": table.id}]));
    let started = Instant::now();
    table.check(&client).await;
    assert!(
        started.elapsed() >= Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_store_is_given_the_time_it_asks_for() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("busy", 100).await;
    let client = cluster.client().await;
    let _faults =
        cluster.faults(json!([{"method": "Coprocessor", "kind": "server_is_busy", "ms": 700, "table_id": table.id}]));
    let started = Instant::now();
    table.check(&client).await;
    assert!(started.elapsed() >= Duration::from_millis(700) && started.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_do_not_pass_are_errors() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("failing", 100).await;
    let client = cluster.client().await;
    for (kind, expected) in [
        ("raft_entry_too_large", ClientErrorKind::MutationTooLarge),
        ("flashback_in_progress", ClientErrorKind::Region),
        ("flashback_not_prepared", ClientErrorKind::Region),
    ] {
        let _faults =
            cluster.faults(json!([{"method": "Coprocessor", "kind": kind, "count": -1, "table_id": table.id}]));
        let ts = client.timestamp().await.unwrap();
        let error = table.read(&client, ts).await.unwrap_err();
        assert_eq!(error.kind, expected, "{kind}: {error}");
    }
    table.check(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_never_heals_ends_at_the_deadline_with_its_cause() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("never", 100).await;
    let mut config = cluster.config();
    config.read_deadline = Duration::from_secs(2);
    let client = ti_client::Client::connect(config).await.unwrap();
    let _faults =
        cluster.faults(json!([{"method": "Coprocessor", "kind": "not_leader", "count": -1, "table_id": table.id}]));
    let started = Instant::now();
    let ts = client.timestamp().await.unwrap();
    let error = table.read(&client, ts).await.unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::Deadline);
    assert!(error.message().contains("region has no leader"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(4));
}
