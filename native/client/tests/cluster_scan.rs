//! Coprocessor reads: regions of a few KiB, paging, memory, splits and restarts in the middle, cancellation.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::common::{cluster, decode_into, drain, ALONE};
use serde_json::json;
use ti_client::{ClientErrorKind, KeyRange, MemoryBudget};

#[tokio::test(flavor = "multi_thread")]
async fn all_rows_of_many_regions_come_once() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("many_regions", 10_000).await;
    cluster.split(&table, (0..40).map(|part| part * 250));
    let client = cluster.client().await;
    let ts = client.timestamp().await.unwrap();
    for (paging_size, concurrency) in [(0, 1), (1, 8), (100, 3), (5_000, 16)] {
        let mut request = table.request(ts);
        (request.paging_size, request.concurrency) = (paging_size, concurrency);
        if paging_size == 1 {
            // Stores page by their own batches, of 32 rows at least: many requests, so not all of the table.
            request.ranges = vec![KeyRange::interval(table.key(200), table.key(800))];
        }
        let mut stream = client.coprocessor(request);
        let rows = drain(&mut stream).await.unwrap();
        assert!(stream.next().await.is_none());
        let stats = stream.stats();
        if paging_size == 1 {
            assert_eq!(rows, (200..800).map(|id| (id, id * 7)).collect());
            assert!(stats.requests >= 15, "{stats:?}");
        } else {
            table.compare(&rows, &BTreeMap::new());
            assert!(stats.requests >= 40, "{stats:?}");
        }
        assert!(stats.bytes > 0 && stats.request_nanos > 0, "{stats:?}");
        assert!(stats.store_nanos < stats.request_nanos, "{stats:?}");
        assert_eq!((stats.locks_met, stats.region_errors), (0, 0), "{stats:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_region_are_read_by_requests_of_their_own() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    // Too small to be split by its size: requests are counted.
    let table = cluster.table("parts", 600).await;
    cluster.split(&table, [0, 400, 600]);
    let client = cluster.client().await;
    let ts = client.timestamp().await.unwrap();
    let keys = |ids: &[i64]| ids.iter().map(|id| table.key(*id).into()).collect();
    let request = |paging_size, concurrency, memory| {
        let mut request = table.request(ts);
        request.ranges = [(0, 340), (360, 600)]
            .map(|(from, to)| KeyRange::interval(table.key(from), table.key(to)))
            .into();
        // Two lie between ranges, one where a region begins, two outside.
        request.cuts = keys(&[0, 100, 200, 350, 356, 400, 500, 1_000]);
        (request.paging_size, request.concurrency) = (paging_size, concurrency);
        request.memory = MemoryBudget::new(memory);
        request
    };
    let expected: BTreeMap<i64, i64> = (0..340).chain(360..600).map(|id| (id, id * 7)).collect();
    let mut stream = client.coprocessor(request(0, 4, 4 << 20));
    assert_eq!(drain(&mut stream).await.unwrap(), expected);
    assert_eq!(
        stream.stats().requests,
        6,
        "four parts of the first region, two of the second"
    );
    // Memory for less than a page, and regions that split while parts of them wait.
    for (paging_size, concurrency, split) in [(64, 1, 60), (100, 3, 240), (0, 8, 540), (100, 2, 101)] {
        let mut stream = client.coprocessor(request(paging_size, concurrency, 512));
        cluster.split(&table, [split]);
        assert_eq!(drain(&mut stream).await.unwrap(), expected, "split at {split}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_located_in_key_order() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("located", 1_000).await;
    cluster.split(&table, [0, 100, 500]);
    let client = cluster.client().await;
    let range = |from, to| KeyRange::interval(table.key(from), table.key(to));
    let deadline = Instant::now() + Duration::from_secs(20);
    let located = client
        .locate(vec![range(490, 600), range(20, 30), range(90, 110)], deadline)
        .await
        .unwrap();
    let parts: Vec<_> = located.iter().flat_map(|part| part.ranges.clone()).collect();
    assert_eq!(
        parts,
        [
            range(20, 30),
            range(90, 100),
            range(100, 110),
            range(490, 500),
            range(500, 600)
        ]
    );
    let regions: Vec<_> = located.iter().map(|part| part.region_id).collect();
    assert_eq!(regions.len(), 3);
    assert!(located.iter().all(|part| part.host == "127.0.0.1"), "{located:?}");
    assert!(client.locate(Vec::new(), deadline).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_table_and_no_ranges_end_at_once() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("nothing", 0).await;
    let client = cluster.client().await;
    table.check(&client).await;
    let mut request = table.request(client.timestamp().await.unwrap());
    request.ranges.clear();
    assert!(client.coprocessor(request).next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn splits_during_a_scan_lose_and_double_nothing() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("split_in_scan", 8_000).await;
    let client = cluster.client().await;
    let ts = client.timestamp().await.unwrap();
    table.read(&client, ts).await.unwrap();
    // Every region in the cache is outdated after this.
    cluster.split(&table, (0..60).map(|part| part * 130 + 17));
    let mut request = table.request(ts);
    request.paging_size = 64;
    request.memory = MemoryBudget::new(8 << 10);
    let mut stream = client.coprocessor(request);
    let mut rows = BTreeMap::new();
    let mut answers = 0;
    while let Some(answer) = stream.next().await {
        decode_into(&answer.unwrap().data, &mut rows);
        answers += 1;
        if answers % 20 == 0 {
            cluster.split(&table, (0..10).map(|n| (n * 811 + answers * 37) % 8_000));
        }
    }
    table.compare(&rows, &BTreeMap::new());
    assert!(stream.stats().region_errors > 0, "{:?}", stream.stats());
}

#[tokio::test(flavor = "multi_thread")]
async fn leaders_that_move_during_a_scan_are_followed() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("leaders", 6_000).await;
    cluster.split(&table, (0..12).map(|part| part * 500));
    let client = cluster.client().await;
    table.check(&client).await;
    let mut request = table.request(client.timestamp().await.unwrap());
    request.paging_size = 64;
    request.memory = MemoryBudget::new(8 << 10);
    let mut stream = client.coprocessor(request);
    let mut rows = BTreeMap::new();
    let mut moved = 0;
    while let Some(answer) = stream.next().await {
        decode_into(&answer.unwrap().data, &mut rows);
        if rows.len() > 1_000 && moved == 0 {
            moved = cluster.move_leaders();
        }
    }
    table.compare(&rows, &BTreeMap::new());
    if moved == 0 {
        println!("the cluster has one store: no leader can move");
    } else {
        assert!(stream.stats().region_errors > 0, "{:?}", stream.stats());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_store_during_a_scan_is_survived() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("store_restart", 6_000).await;
    let client = cluster.client().await;
    let mut request = table.request(client.timestamp().await.unwrap());
    request.paging_size = 100;
    request.memory = MemoryBudget::new(4 << 10);
    let mut stream = client.coprocessor(request);
    let mut rows = BTreeMap::new();
    decode_into(&stream.next().await.unwrap().unwrap().data, &mut rows);
    // The reader goes on while the store stops and comes back.
    let reading = async {
        while let Some(answer) = stream.next().await {
            decode_into(&answer.unwrap().data, &mut rows);
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    };
    tokio::join!(cluster.harness(&["restart", "store"]), reading);
    table.compare(&rows, &BTreeMap::new());
    assert!(stream.stats().backoff_nanos > 0, "{:?}", stream.stats());
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_and_given_back() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("bounded", 20_000).await;
    let client = cluster.client().await;
    let mut request = table.request(client.timestamp().await.unwrap());
    (request.paging_size, request.concurrency) = (500, 8);
    let budget = MemoryBudget::new(64 << 10);
    request.memory = budget.clone();
    let mut stream = client.coprocessor(request);
    let mut rows = BTreeMap::new();
    let mut largest = 0;
    while let Some(answer) = stream.next().await {
        let answer = answer.unwrap();
        largest = largest.max(answer.data.len());
        assert_eq!(answer.permit.bytes(), answer.data.len());
        decode_into(&answer.data, &mut rows);
        // A slow reader: requests must not run ahead of it.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    table.compare(&rows, &BTreeMap::new());
    assert!(
        budget.peak() <= budget.capacity() + 8 * largest,
        "peak {} of {}, page {largest}",
        budget.peak(),
        budget.capacity()
    );
    assert_eq!(budget.used(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_holds_all_memory_gets_on() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("holder", 3_000).await;
    let client = cluster.client().await;
    let mut request = table.request(client.timestamp().await.unwrap());
    request.memory = MemoryBudget::new(1);
    let mut stream = client.coprocessor(request);
    let (mut held, mut rows) = (Vec::new(), BTreeMap::new());
    while let Some(answer) = tokio::time::timeout(Duration::from_secs(20), stream.next())
        .await
        .unwrap()
    {
        let answer = answer.unwrap();
        decode_into(&answer.data, &mut rows);
        held.push(answer);
    }
    table.compare(&rows, &BTreeMap::new());
    assert!(held.len() > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_coprocessor_refuses_is_told() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("refused", 10).await;
    let client = cluster.client().await;
    let mut request = table.request(client.timestamp().await.unwrap());
    request.dag = bytes::Bytes::from_static(b"\xff\xff\xff\xff not a DAG");
    let mut stream = client.coprocessor(request);
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::Coprocessor, "{error}");
    assert!(stream.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_store_that_comes_back_is_survived() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("killed", 3_000).await;
    let client = cluster.client().await;
    table.check(&client).await;
    cluster.harness(&["kill", "store"]).await;
    let ts = client.timestamp().await.unwrap();
    let mut stream = client.coprocessor(table.request(ts));
    assert!(
        tokio::time::timeout(Duration::from_secs(1), stream.next())
            .await
            .is_err(),
        "there is no store"
    );
    cluster.harness(&["start", "store"]).await;
    table.compare(&drain(&mut stream).await.unwrap(), &BTreeMap::new());
}

/// Faults by rules of the test store: see `needs_faults/mod.rs`.
mod needs_faults {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn dropping_the_stream_ends_its_requests_within_a_second() {
        let _alone = ALONE.lock().await;
        let cluster = cluster();
        let table = cluster.table("dropped", 4_000).await;
        let client = cluster.client().await;
        table.check(&client).await;
        let faults =
            cluster.faults(json!([{"method": "Coprocessor", "kind": "hang", "count": -1, "table_id": table.id}]));
        let request = table.request(client.timestamp().await.unwrap());
        let budget = request.memory.clone();
        let mut stream = client.coprocessor(request);
        assert!(tokio::time::timeout(Duration::from_millis(300), stream.next())
            .await
            .is_err());
        assert!(cluster.coprocessor_calls_in_flight() > 0);
        drop(stream);
        crate::common::eventually(Duration::from_secs(1), "requests end", || {
            cluster.coprocessor_calls_in_flight() == 0
        })
        .await;
        assert_eq!(budget.used(), 0);
        drop(faults);
        table.check(&client).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_frozen_store_is_an_error_at_the_deadline() {
        let _alone = ALONE.lock().await;
        let cluster = cluster();
        let table = cluster.table("frozen", 100).await;
        let mut config = cluster.config();
        config.request_timeout = Duration::from_millis(500);
        config.read_deadline = Duration::from_secs(3);
        let client = ti_client::Client::connect(config).await.unwrap();
        let request = table.request(client.timestamp().await.unwrap());
        let faults =
            cluster.faults(json!([{"method": "Coprocessor", "kind": "hang", "count": -1, "table_id": table.id}]));
        let started = Instant::now();
        let error = client.coprocessor(request).next().await.unwrap().unwrap_err();
        assert_eq!(error.kind, ClientErrorKind::Deadline);
        assert!(error.is_retryable());
        assert!(error.message().contains("did not answer"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        drop(faults);
    }
}
