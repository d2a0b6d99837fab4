//! How many requests each phase of a read and of a write sends to PD and to the stores: the formulas of docs/scale.md against counted requests.
//!
//! Stores count what says `external_spark`, by fault rules. PD counts the requests of all, so the smallest of a few tries is taken.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use prost::Message;
use support::access::{call, column, long, push_down};
use support::write::{attempt, spec};
use support::{open, pd_requests, Cluster};
use ti_codec::datum::Datum;
use ti_codec::key::{index_prefix, prefix_end, record_key_int, record_range, table_prefix};
use ti_engine::plan::wire::ScanCommon;
use ti_engine::{Next, Session, WriteJob};
use ti_proto::plan;

/// Rows of a table.
const ROWS: i64 = 2_400;
/// Rows of a region.
const REGION_ROWS: i64 = 300;
/// Regions of the rows.
const REGIONS: usize = (ROWS / REGION_ROWS) as usize;
/// All requests that the client sends to stores.
const METHODS: [&str; 12] = [
    "Coprocessor",
    "KvGet",
    "KvScan",
    "KvBatchGet",
    "KvPrewrite",
    "KvCommit",
    "KvTxnHeartBeat",
    "KvScanLock",
    "KvCheckTxnStatus",
    "KvCheckSecondaryLocks",
    "KvResolveLock",
    "KVPessimisticRollback",
];

type Counts = BTreeMap<String, usize>;

/// The counters are the store's.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests to stores while `work` runs.
fn count<T>(cluster: &Cluster, work: impl FnOnce() -> T) -> (T, Counts) {
    // Of single keys and scans those of tables: the schema's keys, which begin with `m`, are the catalog's matter.
    let rule = |method: &str| {
        let key_prefix = if ["KvGet", "KvScan"].contains(&method) {
            "74"
        } else {
            ""
        };
        serde_json::json!({"method": method, "kind": "delay", "ms": 0, "count": -1, "request_source": "external_spark", "key_prefix": key_prefix})
    };
    cluster.faults(&METHODS.map(rule).to_vec().into());
    let done = work();
    let seen = |rule: &serde_json::Value| {
        let seen = usize::try_from(rule["seen"].as_u64().unwrap()).unwrap();
        (rule["method"].as_str().unwrap().to_owned(), seen)
    };
    let rules = cluster.control("GET", "/faults", "");
    let counts = rules
        .as_array()
        .unwrap()
        .iter()
        .map(seen)
        .filter(|(_, seen)| *seen > 0)
        .collect();
    cluster.control("DELETE", "/faults", "");
    (done, counts)
}

fn counts(expected: &[(&str, usize)]) -> Counts {
    expected
        .iter()
        .map(|(method, count)| ((*method).to_owned(), *count))
        .collect()
}

/// A table whose regions are known: its unique index in two, its rows in [`REGIONS`] of which the first shares one with the index.
struct Table {
    name: &'static str,
    id: i64,
}

impl Table {
    fn new(cluster: &mut Cluster, name: &'static str) -> Self {
        cluster.sql(&format!(
            "CREATE TABLE {name} (id BIGINT PRIMARY KEY, a BIGINT NOT NULL, s VARCHAR(40), UNIQUE KEY u (a))"
        ));
        let id = cluster.value(&format!(
            "SELECT TIDB_TABLE_ID FROM information_schema.tables WHERE table_schema = '{}' AND table_name = '{name}'",
            cluster.database
        ));
        let table = Self {
            name,
            id: id.parse().unwrap(),
        };
        let mut cuts = vec![
            table_prefix(table.id),
            table.entry(ROWS / 2),
            prefix_end(&table_prefix(table.id)),
        ];
        cuts.extend(
            (1..)
                .map(|n| n * REGION_ROWS)
                .take(REGIONS - 1)
                .map(|row| table.row(row)),
        );
        cuts.sort();
        let hex: Vec<String> = cuts.iter().map(|key| hex(key)).collect();
        cluster.control("POST", "/split", &serde_json::json!({ "keys": hex }).to_string());
        assert_eq!(table.regions(cluster).len(), REGIONS + 1);
        // What a session knows of the regions before they were split would cost it retries.
        cluster.session = new_session(cluster);
        cluster
            .session
            .check_write(spec(cluster, name, &["id", "a", "s"]))
            .unwrap();
        table
    }

    fn row(&self, row: i64) -> Vec<u8> {
        record_key_int(self.id, row)
    }

    /// The index entry of a row.
    fn entry(&self, row: i64) -> Vec<u8> {
        let mut key = index_prefix(self.id, 1);
        Datum::Int(row).encode_key(&mut key).unwrap();
        key
    }

    /// Bounds of the table's regions.
    fn regions(&self, cluster: &Cluster) -> Vec<(String, String)> {
        let (start, end) = (hex(&table_prefix(self.id)), hex(&prefix_end(&table_prefix(self.id))));
        let all = cluster.control("GET", "/regions", "");
        let bounds = |region: &serde_json::Value| {
            let key = |name: &str| region[name].as_str().unwrap().to_owned();
            (key("start_key"), key("end_key"))
        };
        all.as_array()
            .unwrap()
            .iter()
            .map(bounds)
            .filter(|(from, to)| from.as_str() < end.as_str() && (to.is_empty() || to.as_str() > start.as_str()))
            .collect()
    }

    /// Regions that hold these keys.
    fn regions_of(&self, cluster: &Cluster, keys: impl Iterator<Item = Vec<u8>>) -> usize {
        let regions = self.regions(cluster);
        let find = |key: Vec<u8>| {
            let key = hex(&key);
            regions
                .iter()
                .position(|(from, to)| *from <= key && (to.is_empty() || key < *to))
        };
        keys.map(|key| find(key).expect("a region of the table"))
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Rows and index entries of a part of the table.
    fn keys(&self, rows: std::ops::Range<i64>) -> impl Iterator<Item = Vec<u8>> + '_ {
        rows.flat_map(|row| [self.row(row), self.entry(row)])
    }
}

/// A session that knows nothing: equal configurations would share one.
fn new_session(cluster: &Cluster) -> Arc<Session> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let mut config = support::config(support::pd_addresses(&cluster.status));
    config.read_deadline_ms += NUMBER.fetch_add(1, Ordering::Relaxed);
    Session::open(config).unwrap()
}

fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn batch(rows: std::ops::Range<i64>) -> RecordBatch {
    let ids = || Int64Array::from_iter_values(rows.clone());
    let texts = StringArray::from_iter_values(rows.clone().map(|row| format!("row {row}")));
    let columns: [(&str, ArrayRef); 3] = [("id", Arc::new(ids())), ("a", Arc::new(ids())), ("s", Arc::new(texts))];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The tasks' rows.
fn parts(tasks: i64) -> Vec<std::ops::Range<i64>> {
    (0..tasks)
        .map(|task| task * ROWS / tasks..(task + 1) * ROWS / tasks)
        .collect()
}

/// A write up to its commit, with the requests of its beginning and of its tasks.
fn write(
    cluster: &Cluster,
    table: &Table,
    tasks: i64,
    change: impl FnOnce(&mut plan::WriteSpec),
) -> (WriteJob, Vec<plan::CommitMessage>, Counts, Counts) {
    let mut spec = spec(cluster, table.name, &["id", "a", "s"]);
    spec.request_bytes = 1 << 20;
    change(&mut spec);
    let (job, begun) = count(cluster, || cluster.session.begin_write(spec).unwrap());
    let plan = job.start_tasks(u32::try_from(tasks).unwrap()).unwrap();
    let (messages, written) = count(cluster, || {
        (0..)
            .zip(parts(tasks))
            .map(|(task, rows)| cluster.task(attempt(&plan, task, 0), &[batch(rows)]).unwrap())
            .collect()
    });
    (job, messages, begun, written)
}

fn read(session: &Arc<Session>, scan_plan: &plan::ScanPlan) -> usize {
    let mut rows = 0;
    for partition in &scan_plan.partitions {
        let scan = session.open_scan(open(scan_plan, partition)).unwrap();
        loop {
            match scan.next(Duration::from_secs(30)).unwrap() {
                Next::Batch(batch) => rows += batch.batch.num_rows(),
                Next::Pending => panic!("no batch within 30 s"),
                Next::End => break,
            }
        }
    }
    rows
}

mod needs_faults {
    use super::*;

    #[test]
    fn requests_of_a_write() {
        let _alone = alone();
        let mut cluster = Cluster::new("rpc_write");
        let all = || 0..ROWS;
        for (name, tasks) in [("one", 1), ("three", 3)] {
            let table = Table::new(&mut cluster, name);
            let (job, messages, begun, written) = write(&cluster, &table, tasks, |_| ());
            let touched: usize = parts(tasks)
                .into_iter()
                .map(|rows| table.regions_of(&cluster, table.keys(rows)))
                .sum();
            let (committed, ended) = count(&cluster, || job.commit(plan::CommitRequest { messages }));
            committed.unwrap();
            println!("{tasks} tasks: begin {begun:?}, tasks {written:?}, commit {ended:?}");
            assert_eq!(begun, counts(&[("KvPrewrite", 1)]), "the primary");
            assert_eq!(
                written,
                counts(&[("KvPrewrite", touched)]),
                "one for each region and buffer"
            );
            // The index and the rows are listed each for itself, also where they share a region.
            let index = table.regions_of(&cluster, all().map(|row| table.entry(row)));
            let rows = table.regions_of(&cluster, all().map(|row| table.row(row)));
            assert_eq!(
                ended,
                counts(&[("KvScanLock", index + rows), ("KvCommit", 1 + touched)]),
                "the audit lists the locks; the primary, then one for each region and task"
            );
            assert_eq!(cluster.count(name), usize::try_from(ROWS).unwrap());
            cluster.admin_check(name);
        }
    }

    #[test]
    fn requests_of_a_write_are_as_large_as_configured() {
        const REQUEST: u64 = 4 << 10;
        let _alone = alone();
        let mut cluster = Cluster::new("rpc_size");
        let table = Table::new(&mut cluster, "t");
        let (job, messages, _, written) = write(&cluster, &table, 1, |spec| spec.request_bytes = REQUEST);
        let tally = ti_engine::write::wire::WireTally::decode(messages[0].tally.as_slice()).unwrap();
        let metrics = tally.metrics.unwrap();
        println!("{} bytes, {} mutations: {written:?}", metrics.bytes, metrics.mutations);
        let requests = written["KvPrewrite"] as u64;
        assert_eq!(requests, metrics.requests);
        let largest = 2 * metrics.bytes / metrics.mutations;
        let regions = table.regions_of(&cluster, table.keys(0..ROWS)) as u64;
        assert!(requests >= metrics.bytes.div_ceil(REQUEST), "{requests}");
        assert!(
            requests <= metrics.bytes.div_ceil(REQUEST - largest) + regions,
            "{requests}"
        );
        let (aborted, ended) = count(&cluster, || job.abort());
        aborted.unwrap();
        println!("abort {ended:?}");
        assert_eq!(
            ended,
            counts(&[
                ("KvCheckTxnStatus", 1),
                ("KvResolveLock", table.regions(&cluster).len())
            ]),
            "the primary is rolled back, then the table's regions"
        );
    }

    #[test]
    fn a_write_whose_keys_are_not_at_hand_is_resolved_region_by_region() {
        let _alone = alone();
        let mut cluster = Cluster::new("rpc_resolve");
        let table = Table::new(&mut cluster, "t");
        let overwrite = |spec: &mut plan::WriteSpec| spec.overwrite = plan::write_spec::Overwrite::All.into();
        let (job, messages, _, _) = write(&cluster, &table, 2, overwrite);
        let (committed, ended) = count(&cluster, || job.commit(plan::CommitRequest { messages }));
        committed.unwrap();
        println!("commit of an overwrite {ended:?}");
        assert_eq!(ended.get("KvResolveLock"), Some(&table.regions(&cluster).len()));
        assert_eq!(cluster.count("t"), usize::try_from(ROWS).unwrap());
    }

    #[test]
    fn requests_of_a_read() {
        let _alone = alone();
        let mut cluster = Cluster::new("rpc_read");
        let table = Table::new(&mut cluster, "t");
        let (job, messages, _, _) = write(&cluster, &table, 2, |_| ());
        job.commit(plan::CommitRequest { messages }).unwrap();
        let schema = cluster.load("t").unwrap();
        // What is known once of a cluster.
        cluster.plan(&schema, &["id"]).unwrap();

        let (scan_plan, planned) = count(&cluster, || cluster.plan(&schema, &["id", "s"]).unwrap());
        assert_eq!(planned, Counts::new(), "planning asks PD alone, unless regions are cut");
        let (rows, scanned) = count(&cluster, || read(&cluster.session, &scan_plan));
        println!("scan of {REGIONS} regions: {scanned:?}");
        assert_eq!(rows, usize::try_from(ROWS).unwrap());
        assert_eq!(
            scanned,
            counts(&[("Coprocessor", REGIONS)]),
            "one for each region of small rows"
        );

        let mut paged = scan_plan.clone();
        let mut common = ScanCommon::decode(paged.common.as_slice()).unwrap();
        common.paging_size = 100;
        paged.common = common.encode_to_vec();
        let (_, scanned) = count(&cluster, || read(&cluster.session, &paged));
        println!("in pages of 100 rows: {scanned:?}");
        // The test store looks at 32 rows at a time.
        let pages = usize::try_from(REGION_ROWS).unwrap().div_ceil(128);
        assert_eq!(
            scanned,
            counts(&[("Coprocessor", REGIONS * pages)]),
            "one for each page"
        );

        let wanted = 2 * REGION_ROWS;
        let look_up = cluster
            .plan_with(&schema, &["id", "s"], |spec| {
                spec.filters = vec![call("<", vec![column("a"), long(wanted)])];
                spec.push_down = Some(push_down(true, true));
            })
            .unwrap();
        assert!(look_up.explain.contains("IndexLookUp"), "{}", look_up.explain);
        let (rows, looked_up) = count(&cluster, || read(&cluster.session, &look_up));
        println!("look-up of {wanted} rows: {looked_up:?}");
        assert_eq!(rows, usize::try_from(wanted).unwrap());
        let index = table.regions_of(&cluster, (0..wanted).map(|row| table.entry(row)));
        let of_rows = table.regions_of(&cluster, (0..wanted).map(|row| table.row(row)));
        assert_eq!(
            looked_up,
            counts(&[("Coprocessor", index + of_rows)]),
            "regions of the index range, then for each batch of handles the regions of its rows"
        );
    }

    #[test]
    fn questions_to_pd() {
        let _alone = alone();
        let mut cluster = Cluster::new("rpc_pd");
        let table = Table::new(&mut cluster, "t");
        let schema = cluster.load("t").unwrap();
        let pd = support::pd_addresses(&cluster.status).remove(0);
        let (start, _) = record_range(table.id);
        assert!(table.regions_of(&cluster, std::iter::once(start)) == 1);
        let mut least: Option<BTreeMap<&str, i64>> = None;
        for _ in 0..5 {
            let session = new_session(&cluster);
            let spec = plan::ScanSpec {
                table: schema.table_descriptor.clone(),
                read_timestamp: Some(support::tso(schema.schema_ts)),
                columns: vec!["id".into()],
                partition_bytes: 1,
                parallelism: 1,
                ..Default::default()
            };
            // What is known once of a cluster.
            let mut none = spec.clone();
            none.filters = vec![call("<", vec![column("id"), long(i64::MIN)])];
            none.push_down = Some(push_down(false, false));
            session.plan(none).unwrap();
            let before = pd_requests(&pd);
            let planned = session.plan(spec.clone()).unwrap();
            let between = pd_requests(&pd);
            assert_eq!(planned.partitions.len(), REGIONS);
            // An executor: it has the plan, and another session.
            let executor = new_session(&cluster);
            let opened = pd_requests(&pd);
            read(&executor, &planned);
            let after = pd_requests(&pd);
            let of = |from: &BTreeMap<String, i64>, to: &BTreeMap<String, i64>, method: &str| {
                to.get(method).unwrap_or(&0) - from.get(method).unwrap_or(&0)
            };
            let found = BTreeMap::from([
                ("plan: ScanRegions", of(&before, &between, "ScanRegions")),
                ("plan: GetRegion", of(&before, &between, "GetRegion")),
                ("read: ScanRegions", of(&opened, &after, "ScanRegions")),
                ("read: GetStore", of(&opened, &after, "GetStore")),
            ]);
            println!("{found:?}");
            least = Some(match least {
                None => found,
                Some(least) => found.into_iter().map(|(what, n)| (what, n.min(least[what]))).collect(),
            });
        }
        let expected = BTreeMap::from([
            ("plan: ScanRegions", 1),
            ("plan: GetRegion", 0),
            ("read: ScanRegions", i64::try_from(REGIONS).unwrap()),
            ("read: GetStore", 1),
        ]);
        assert_eq!(
            least.unwrap(),
            expected,
            "a page for the plan; one question for each task where nothing is known yet"
        );
    }
}
