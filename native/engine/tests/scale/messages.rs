//! What the tasks of a large write tell the driver, and what the driver does with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use prost::Message;
use serde_json::{json, Value};
use ti_engine::write::message::MessageLimits;
use ti_engine::write::sketch::Sketch;
use ti_engine::write::tally::{sums, Sums, Touched};
use ti_engine::write::wire::{WireTally, WriteCommon};
use ti_engine::{Session, Writer};
use ti_proto::plan;

use super::stand_in_pd::{self, Shape};
use super::{alone, megabytes, memory, stand_in_store};

/// Tasks of a large write.
const TASKS: u32 = 10_000;
/// The goal for all their messages.
const GOAL_BYTES: usize = 100_000_000;
/// The driver merges them in this time, on a machine that does other things as well.
const MERGE_TIME: Duration = Duration::from_secs(5);

/// `TableInfo` as TiDB keeps it: `t(id BIGINT PRIMARY KEY, a BIGINT, s VARCHAR(760), KEY k(a), UNIQUE u(s))`, perhaps `PARTITION BY HASH(id)`.
fn table_info(partitions: i64) -> Vec<u8> {
    let column = |id: i64, name: &str, tp: u8, flag: u32, flen: i64, charset: &str| {
        json!({"id": id, "name": {"O": name, "L": name}, "offset": id - 1, "state": 5, "version": 2,
               "type": {"Tp": tp, "Flag": flag, "Flen": flen, "Decimal": 0, "Charset": charset, "Collate": match charset {
                   "binary" => "binary", _ => "utf8mb4_bin" }}})
    };
    let index = |id: i64, name: &str, column: &str, offset: i64, unique: bool| {
        json!({"id": id, "idx_name": {"O": name, "L": name}, "state": 5, "index_type": 1, "is_unique": unique,
               "idx_cols": [{"name": {"O": column, "L": column}, "offset": offset, "length": -1}]})
    };
    let definition = |n: i64| json!({"id": 2_000 + n, "name": {"O": format!("p{n}"), "L": format!("p{n}")}});
    let partition = match partitions {
        0 => Value::Null,
        _ => json!({"type": 2, "expr": "`id`", "enable": true, "num": partitions,
                    "definitions": (0..partitions).map(definition).collect::<Vec<_>>()}),
    };
    // A unique index of a partitioned table has the columns of the partitioning, or is global; here there is none.
    let mut indexes = vec![index(1, "k", "a", 1, false)];
    if partitions == 0 {
        indexes.push(index(2, "u", "s", 2, true));
    }
    let info = json!({
        "id": 104, "name": {"O": "t", "L": "t"}, "charset": "utf8mb4", "collate": "utf8mb4_bin", "state": 5, "version": 5, "pk_is_handle": true,
        "cols": [column(1, "id", 8, 4099, 20, "binary"), column(2, "a", 8, 0, 20, "binary"), column(3, "s", 15, 0, 760, "utf8mb4")],
        "index_info": indexes, "partition": partition,
    });
    serde_json::to_vec(&info).unwrap()
}

/// Rows of a task: `s` has so many bytes.
fn batch(task: u32, rows: i64, bytes: usize) -> RecordBatch {
    let first = i64::from(task) * 10_000_000;
    let ids = || first..first + rows;
    // Spread over the index, as values that have nothing to do with the key are.
    let mixed = |id: i64| id.wrapping_mul(0x5851_f42d_4c95_7f2d);
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(Int64Array::from_iter_values(ids()))),
        ("a", Arc::new(Int64Array::from_iter_values(ids().map(mixed)))),
        (
            "s",
            Arc::new(StringArray::from_iter_values(
                ids().map(|id| format!("{:0bytes$x}", mixed(id))),
            )),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Shapes of tasks: what is written decides how long a message is.
struct Case {
    what: &'static str,
    partitions: i64,
    rows: i64,
    bytes: usize,
}

const CASES: [Case; 5] = [
    Case {
        what: "100,000 rows, three keys each",
        partitions: 0,
        rows: 100_000,
        bytes: 20,
    },
    Case {
        what: "5 rows: of few tasks the keys are told",
        partitions: 0,
        rows: 5,
        bytes: 20,
    },
    Case {
        what: "1 row with a key of 700 bytes",
        partitions: 0,
        rows: 1,
        bytes: 700,
    },
    Case {
        what: "1,000 rows with keys of 700 bytes",
        partitions: 0,
        rows: 1_000,
        bytes: 700,
    },
    Case {
        what: "20,000 rows in 8,192 partitions",
        partitions: 8_192,
        rows: 20_000,
        bytes: 20,
    },
];

fn session() -> (Arc<Session>, [super::server::Server; 2]) {
    let store = stand_in_store::start();
    let shape = Shape {
        tables: vec![104],
        regions_per_table: 100,
        stores: 3,
        store_address: store.address.clone(),
    };
    let pd = stand_in_pd::start(shape, Duration::ZERO);
    let config = plan::SessionConfig {
        pd_addresses: vec![pd.address.clone()],
        request_timeout_ms: 20_000,
        read_deadline_ms: 60_000,
        connect_timeout_ms: 5_000,
        command_priority: "Low".into(),
        isolation_level: "SI".into(),
        ..Default::default()
    };
    (Session::open(config).unwrap(), [pd, store])
}

/// A task from its beginning to its message.
fn run(session: &Session, case: &Case, tasks: u32, task: u32) -> plan::CommitMessage {
    let spec = plan::WriteSpec {
        database: "d".into(),
        table: "t".into(),
        columns: ["id", "a", "s"].map(str::to_owned).to_vec(),
        clustered: true,
        batch_bytes: 8 << 20,
        request_bytes: 1 << 20,
        concurrency: 2,
        prewrite_deadline_ms: 60_000,
        commit_deadline_ms: 60_000,
        ..Default::default()
    };
    let common = WriteCommon {
        start_ts: 1 << 50,
        primary: ti_codec::key::record_key_int(104, -7),
        spec: Some(spec),
        database: "d".into(),
        allocator_database: 2,
        table_info: table_info(case.partitions),
        new_collation: true,
        reserved: None,
        tasks,
    };
    let writer: Writer = session
        .open_writer(plan::WriterOpen {
            common: common.encode_to_vec(),
            partition: task,
            task_id: u64::from(task),
            memory_bytes: 64 << 20,
            ..Default::default()
        })
        .unwrap();
    writer.write(&batch(task, case.rows, case.bytes)).unwrap();
    writer.finish().unwrap()
}

/// What the driver does with the messages before it looks at the stores: see `write::job::commit`.
fn merge(request: &[u8]) -> (Sums, Sketch, usize) {
    let request = plan::CommitRequest::decode(request).unwrap();
    let tallies: Vec<WireTally> = request
        .messages
        .iter()
        .map(|m| WireTally::decode(m.tally.as_slice()).unwrap())
        .collect();
    let (mut all, mut sketch, mut touched) = (Sums::default(), Sketch::default(), Touched::default());
    for tally in &tallies {
        all.merge(&sums(tally).unwrap());
        sketch.merge_wire(&tally.cells);
        touched.merge(&tally.ranges);
    }
    (all, sketch, touched.ranges().len())
}

#[test]
fn messages_of_ten_thousand_tasks_fit_in_100_mb() {
    let _alone = alone();
    let (session, _servers) = session();
    // A task of an upsert or of changes may also tell keys of old rows, of some twenty bytes; each has two bytes before it.
    let displaced = MessageLimits::new(TASKS).displaced * 11 / 10;
    for case in &CASES {
        let few = run(&session, case, 8, 0).encoded_len();
        let samples: Vec<plan::CommitMessage> = (0..4).map(|task| run(&session, case, TASKS, task)).collect();
        let messages = (0..TASKS).map(|partition| plan::CommitMessage {
            partition,
            ..samples[partition as usize % samples.len()].clone()
        });
        let request = plan::CommitRequest {
            messages: messages.collect(),
        }
        .encode_to_vec();
        let each = request.len() / TASKS as usize;
        let start = Instant::now();
        let ((all, _, ranges), peak, _) = memory(|| merge(&request));
        let time = start.elapsed();
        println!(
            "{}: {few} bytes for one of 8 tasks, {each} for one of {TASKS}, {:.1} MB for all; merged in {:.2} s, peak {:.0} MB, {ranges} ranges",
            case.what,
            megabytes(request.len()),
            time.as_secs_f64(),
            megabytes(peak)
        );
        let keys: u64 = samples
            .iter()
            .map(|m| WireTally::decode(m.tally.as_slice()).unwrap().mutations)
            .sum();
        assert_eq!(
            all.count,
            keys / samples.len() as u64 * u64::from(TASKS),
            "{}",
            case.what
        );
        assert!(
            request.len() + displaced * TASKS as usize <= GOAL_BYTES,
            "{}: {each} bytes",
            case.what
        );
        assert!(time < MERGE_TIME, "{}: {time:?}", case.what);
    }
}

#[test]
fn a_task_of_many_rows_says_no_more_than_one_of_some() {
    let _alone = alone();
    let (session, _servers) = session();
    let sizes: Vec<usize> = [1_000, 10_000, 100_000]
        .map(|rows| {
            let case = Case { rows, ..CASES[0] };
            run(&session, &case, TASKS, 0).encoded_len()
        })
        .to_vec();
    println!("bytes of a message for 1,000, 10,000 and 100,000 rows: {sizes:?}");
    // Ten times the keys have three or four levels of the sketch more, each of four cells of some 27 bytes.
    for pair in sizes.windows(2) {
        assert!(pair[1] <= pair[0] + 4 * 4 * 30, "{sizes:?}");
    }
}

#[test]
fn the_driver_counts_a_million_locks_of_an_audit_in_a_second() {
    let _alone = alone();
    // A page of KvScanLock, as many times as there are keys.
    const PAGE: i64 = 4_096;
    const PAGES: u32 = 256;
    let lock = |handle: i64| ti_proto::kvrpcpb::LockInfo {
        primary_lock: ti_codec::key::record_key_int(104, -7),
        lock_version: 1 << 50,
        key: ti_codec::key::record_key_int(104, handle),
        lock_ttl: 20_000,
        txn_size: u64::MAX,
        min_commit_ts: (1 << 50) + 1,
        ..Default::default()
    };
    let page = ti_proto::kvrpcpb::ScanLockResponse {
        locks: (0..PAGE).map(lock).collect(),
        ..Default::default()
    };
    let bytes = page.encode_to_vec();
    let start = Instant::now();
    for _ in 0..PAGES {
        let read = ti_proto::kvrpcpb::ScanLockResponse::decode(bytes.as_slice()).unwrap();
        assert_eq!(std::hint::black_box(read).locks.len(), page.locks.len());
    }
    let decoding = start.elapsed();
    let (mut all, mut sketch) = (Sums::default(), Sketch::default());
    let start = Instant::now();
    for _ in 0..PAGES {
        for lock in &page.locks {
            sketch.add(all.add_key(&lock.key));
        }
    }
    let counting = start.elapsed();
    let keys = f64::from(PAGES) * PAGE as f64;
    println!(
        "a lock of an audit: {} bytes, {:.0} ns to decode (any thread), {:.0} ns to count (one thread)",
        bytes.len() / page.locks.len(),
        decoding.as_nanos() as f64 / keys,
        counting.as_nanos() as f64 / keys
    );
    assert_eq!(all.count, PAGES as u64 * PAGE as u64);
    assert!(counting < Duration::from_secs(3), "{counting:?} for {keys} keys");
}
