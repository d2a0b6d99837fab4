//! The pipeline on a cluster with many regions: paging, memory, batch sizes, cancelling.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{only_faults, open, Cluster};
use prost::Message;
use ti_engine::plan::wire::ScanCommon;
use ti_engine::{ErrorKind, Next};
use ti_proto::plan;

/// A table of `rows` rows of some 220 bytes.
fn table(cluster: &Cluster, rows: usize) {
    cluster.sql("CREATE TABLE t (id BIGINT PRIMARY KEY, n DECIMAL(20,4), pad VARCHAR(300))");
    cluster.sql("INSERT INTO t VALUES (0, 0.5, REPEAT('x', 200))");
    let mut have = 1;
    while have < rows {
        let more = have.min(rows - have);
        cluster.sql(&format!(
            "INSERT INTO t SELECT id + {have}, n + {have}, pad FROM t WHERE id < {more}"
        ));
        have += more;
    }
}

/// Reads one partition; rows, sum of ids, metrics, sizes of the batches.
fn read(cluster: &Cluster, open: plan::ScanOpen) -> (usize, i64, plan::ScanMetrics, Vec<usize>) {
    use arrow_array::cast::AsArray;
    let scan = cluster.session.open_scan(open).unwrap();
    let (mut rows, mut sum, mut sizes, mut last) = (0, 0, Vec::new(), i64::MIN);
    loop {
        match scan.next(Duration::from_secs(30)).unwrap() {
            Next::Batch(batch) => {
                rows += batch.batch.num_rows();
                sizes.push(batch.batch.num_rows());
                let ids = batch.batch.column(0).as_primitive::<arrow_array::types::Int64Type>();
                sum += ids.values().iter().sum::<i64>();
                for id in ids.values() {
                    assert!(last < *id, "row {id} came after row {last}");
                    last = *id;
                }
            }
            Next::Pending => panic!("no batch within 30 s"),
            Next::End => return (rows, sum, scan.metrics(), sizes),
        }
    }
}

#[test]
fn every_row_comes_once_whatever_the_page_the_memory_and_the_partitions() {
    const ROWS: usize = 40_000;
    let cluster = Cluster::new("stream");
    table(&cluster, ROWS);
    let schema = cluster.load("t").unwrap();
    let expected = (ROWS * (ROWS - 1) / 2) as i64;
    for (parallelism, paging, memory, batch_rows, concurrency) in [
        (1, None, 64 << 20, 8192, 2),
        (4, Some(0), 64 << 20, 8192, 1),
        (3, Some(100), 1 << 20, 1, 8),
        (2, Some(1024), 256 << 10, 100_000, 2),
    ] {
        let mut plan = cluster
            .plan_with(&schema, &["id", "n", "pad"], |s| s.parallelism = parallelism)
            .unwrap();
        if let Some(paging) = paging {
            let mut common = ScanCommon::decode(plan.common.as_slice()).unwrap();
            common.paging_size = paging;
            plan.common = common.encode_to_vec();
        }
        let (mut rows, mut sum) = (0, 0);
        for partition in &plan.partitions {
            let open = plan::ScanOpen {
                memory_bytes: memory,
                batch_rows,
                concurrency,
                ..open(&plan, partition)
            };
            let (r, s, metrics, sizes) = read(&cluster, open);
            rows += r;
            sum += s;
            assert_eq!(metrics.rows as usize, r);
            assert_eq!(metrics.batches as usize, sizes.len());
            assert!(metrics.requests >= u64::from(partition.regions), "{metrics:?}");
            if memory >= 64 << 20 {
                assert!(metrics.peak_memory_bytes <= memory, "{metrics:?}");
                let all_but_last = &sizes[..sizes.len().saturating_sub(1)];
                assert!(
                    all_but_last.iter().all(|n| (4096..=8192 + 1024).contains(n)),
                    "{sizes:?}"
                );
            }
        }
        assert_eq!(
            (rows, sum),
            (ROWS, expected),
            "parallelism {parallelism}, paging {paging:?}, memory {memory}"
        );
    }
    assert_eq!(cluster.count("t"), ROWS);
}

#[test]
fn a_cancelled_scan_ends_at_once() {
    let cluster = Cluster::new("cancel");
    table(&cluster, 20_000);
    let schema = cluster.load("t").unwrap();
    let plan = cluster
        .plan_with(&schema, &["id", "n", "pad"], |s| s.parallelism = 1)
        .unwrap();
    let scan = Arc::new(cluster.session.open_scan(open(&plan, &plan.partitions[0])).unwrap());
    assert!(matches!(scan.next(Duration::from_secs(30)).unwrap(), Next::Batch(_)));
    scan.cancel();
    let start = Instant::now();
    let error = scan.next(Duration::from_secs(30)).map(drop).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert!(start.elapsed() < Duration::from_secs(1));
    // What was about to be counted is counted, on a busy machine a little later.
    std::thread::sleep(Duration::from_millis(500));
    let requests = scan.metrics().requests;
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(scan.metrics().requests, requests, "no more requests");
}

#[test]
fn bytes_of_another_library_are_refused() {
    let cluster = Cluster::new("opaque");
    cluster.sql("CREATE TABLE t (a INT)");
    let schema = cluster.load("t").unwrap();
    let plan = cluster.plan(&schema, &["a"]).unwrap();
    let good = open(&plan, &plan.partitions[0]);
    for bad in [
        plan::ScanOpen {
            memory_bytes: 0,
            ..good.clone()
        },
        plan::ScanOpen {
            batch_rows: 0,
            ..good.clone()
        },
        plan::ScanOpen {
            concurrency: 0,
            ..good.clone()
        },
        plan::ScanOpen {
            common: vec![0xff; 5],
            ..good.clone()
        },
        plan::ScanOpen {
            tasks: vec![0xff; 5],
            ..good.clone()
        },
    ] {
        assert_eq!(
            cluster.session.open_scan(bad).map(drop).unwrap_err().kind,
            ErrorKind::InvalidArgument
        );
    }
    let error = cluster
        .plan(
            &plan::TableSchema {
                table_descriptor: b"{}".to_vec(),
                ..schema.clone()
            },
            &["a"],
        )
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
    assert_eq!(
        cluster.plan(&schema, &["nope"]).unwrap_err().kind,
        ErrorKind::ColumnNotFound
    );
}

/// Faults by rules of the test store, which a real TiKV has not: `--skip needs_faults` leaves them out.
mod needs_faults {
    use super::*;

    #[test]
    fn a_thread_that_waits_for_a_cancelled_scan_is_woken() {
        let cluster = Cluster::new("cancel_waiting");
        table(&cluster, 20_000);
        let schema = cluster.load("t").unwrap();
        let plan = cluster
            .plan_with(&schema, &["id", "n", "pad"], |s| s.parallelism = 1)
            .unwrap();
        let _faults = only_faults();
        cluster.delay_answers(schema.table_id, Duration::from_secs(5));
        let scan = Arc::new(cluster.session.open_scan(open(&plan, &plan.partitions[0])).unwrap());
        let waiting = scan.clone();
        let waiter = std::thread::spawn(move || loop {
            match waiting.next(Duration::from_secs(30)) {
                Ok(Next::End) => return None,
                Err(error) => return Some(error.kind),
                Ok(_) => {}
            }
        });
        std::thread::sleep(Duration::from_millis(100));
        scan.cancel();
        let start = Instant::now();
        assert_eq!(waiter.join().unwrap(), Some(ErrorKind::Cancelled));
        assert!(start.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn a_scan_waits_no_longer_than_it_is_told() {
        let cluster = Cluster::new("pending");
        table(&cluster, 5_000);
        let schema = cluster.load("t").unwrap();
        let plan = cluster.plan(&schema, &["id"]).unwrap();
        let _faults = only_faults();
        cluster.delay_answers(schema.table_id, Duration::from_secs(1));
        let scan = cluster.session.open_scan(open(&plan, &plan.partitions[0])).unwrap();
        let start = Instant::now();
        assert!(matches!(scan.next(Duration::from_millis(50)).unwrap(), Next::Pending));
        assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
        while !matches!(scan.next(Duration::from_secs(30)).unwrap(), Next::End) {}
        assert!(
            matches!(scan.next(Duration::ZERO).unwrap(), Next::End),
            "the end stays the end"
        );
    }
}
