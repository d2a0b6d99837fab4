//! Wall time of reading a table: the raw coprocessor drain (the same requests, answers dropped) against the full scan with decoding.
//!
//! ```text
//! drain --pd HOST:PORT[,HOST:PORT] --database D --table T [--columns a,b | --count] [--only drain|scan] [--rounds 5] [--copies 1]
//!       [--parallelism 2] [--concurrency 2] [--memory-mib 64] [--batch-rows 8192] [--paging N] [--wait]
//! ```
//! Rounds alternate (drain, scan, drain, scan ...); medians and the ratio of the medians are printed last. Both read the plan's
//! partitions, `--copies` times, with `--parallelism` of them at once, as Spark would. With `--wait` the program prints `ready` and
//! waits for a line before it begins, and for the end of standard input before it ends: whoever started it can look at its costs.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prost::Message;
use ti_client::{Client, CopRequest, MemoryBudget};
use ti_engine::plan::dag;
use ti_engine::plan::wire::{ScanCommon, ScanTasks};
use ti_engine::{Next, Session};
use ti_proto::{plan, tipb};

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Arguments {
    pd: Vec<String>,
    database: String,
    table: String,
    columns: Option<Vec<String>>,
    rounds: usize,
    parallelism: usize,
    concurrency: u32,
    memory: u64,
    batch_rows: u32,
    paging: Option<u64>,
    copies: usize,
    drain: bool,
    scan: bool,
    wait: bool,
}

fn arguments() -> Result<Arguments, Failure> {
    let mut a = Arguments {
        pd: Vec::new(),
        database: String::new(),
        table: String::new(),
        columns: None,
        rounds: 5,
        parallelism: 2,
        concurrency: 2,
        memory: 64 << 20,
        batch_rows: 8192,
        paging: None,
        copies: 1,
        drain: true,
        scan: true,
        wait: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--count" {
            a.columns = Some(Vec::new());
            continue;
        }
        if word == "--wait" {
            a.wait = true;
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let list = || value.split(',').map(str::to_owned).collect::<Vec<_>>();
        match word.as_str() {
            "--pd" => a.pd = list(),
            "--database" => a.database = value,
            "--table" => a.table = value,
            "--columns" => a.columns = Some(list()),
            "--rounds" => a.rounds = value.parse()?,
            "--parallelism" => a.parallelism = value.parse()?,
            "--concurrency" => a.concurrency = value.parse()?,
            "--memory-mib" => a.memory = value.parse::<u64>()? << 20,
            "--batch-rows" => a.batch_rows = value.parse()?,
            "--copies" => a.copies = value.parse()?,
            "--only" => match value.as_str() {
                "drain" => a.scan = false,
                "scan" => a.drain = false,
                _ => return Err("--only is drain or scan".into()),
            },
            "--paging" => a.paging = Some(value.parse()?),
            _ => return Err(format!("unknown argument {word}").into()),
        }
    }
    if a.pd.is_empty() || a.table.is_empty() {
        return Err("--pd, --database and --table are needed".into());
    }
    Ok(a)
}

fn main() -> Result<(), Failure> {
    let a = arguments()?;
    let session = Session::open(plan::SessionConfig {
        pd_addresses: a.pd.clone(),
        request_timeout_ms: 60_000,
        read_deadline_ms: 600_000,
        connect_timeout_ms: 5_000,
        command_priority: "Low".into(),
        isolation_level: "SI".into(),
        ..Default::default()
    })?;
    let table = session.load_table(plan::LoadTableRequest {
        database: a.database.clone(),
        table: a.table.clone(),
        ..Default::default()
    })?;
    let all = || {
        table
            .columns
            .iter()
            .filter(|c| c.unsupported.is_empty())
            .map(|c| c.name.clone())
            .collect()
    };
    let mut scan_plan = session.plan(plan::ScanSpec {
        table: table.table_descriptor.clone(),
        columns: a.columns.clone().unwrap_or_else(all),
        partition_bytes: 96 << 20,
        parallelism: u32::try_from(a.parallelism)?,
        concurrency: a.concurrency,
        ..Default::default()
    })?;
    if let Some(paging) = a.paging {
        let mut common = ScanCommon::decode(scan_plan.common.as_slice())?;
        common.paging_size = paging;
        scan_plan.common = common.encode_to_vec();
    }
    println!("{}", scan_plan.explain);
    if a.wait {
        println!("ready");
        std::io::stdout().flush()?;
        std::io::stdin().read_line(&mut String::new())?;
    }
    let (mut drains, mut scans) = (Vec::new(), Vec::new());
    for round in 1..=a.rounds {
        let mut told = Vec::new();
        if a.drain {
            let start = Instant::now();
            let bytes = drain(&session, &scan_plan, &a)?;
            drains.push(start.elapsed());
            told.push(format!("drain {:.3} s ({bytes} bytes)", start.elapsed().as_secs_f64()));
        }
        if a.scan {
            let start = Instant::now();
            let (rows, metrics) = scan(&session, &scan_plan, &a)?;
            scans.push(start.elapsed());
            told.push(format!(
                "scan {:.3} s ({rows} rows; {} batches, {} requests, decode {:.3} s, peak {:.1} MiB a task)",
                start.elapsed().as_secs_f64(),
                metrics.batches,
                metrics.requests,
                metrics.decode_nanos as f64 / 1e9,
                metrics.peak_memory_bytes as f64 / f64::from(1 << 20),
            ));
        }
        println!("round {round}: {}", told.join(", "));
    }
    if a.drain && a.scan {
        let (drain, scan) = (median(&mut drains), median(&mut scans));
        println!(
            "median: drain {drain:.3} s, scan {scan:.3} s, ratio {:.2}",
            scan / drain
        );
    }
    std::io::stdout().flush()?;
    if a.wait {
        std::io::stdin().read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

/// Partitions, so many times as there are copies, taken by as many threads as Spark would have tasks.
fn each_partition<T: Send>(
    scan_plan: &plan::ScanPlan,
    a: &Arguments,
    work: impl Fn(&plan::ScanPartition) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let copies = (0..a.copies).flat_map(|_| scan_plan.partitions.iter());
    let queue: Mutex<VecDeque<&plan::ScanPartition>> = Mutex::new(copies.collect());
    let take = || queue.lock().map_or(None, |mut queue| queue.pop_front());
    std::thread::scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            while let Some(partition) = take() {
                done.push(work(partition)?);
            }
            Ok::<_, Failure>(done)
        };
        let workers: Vec<_> = (0..a.parallelism).map(|_| scope.spawn(worker)).collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.join().map_err(|_| "a thread panicked")??);
        }
        Ok(all)
    })
}

/// The requests of the scan; answers are dropped as they come. Bytes of all answers.
fn drain(session: &Session, scan_plan: &plan::ScanPlan, a: &Arguments) -> Result<u64, Failure> {
    let common = ScanCommon::decode(scan_plan.common.as_slice())?;
    let dag = tipb::DagRequest::decode(common.dag.as_slice())?;
    let bytes = each_partition(scan_plan, a, |partition| {
        let mut bytes = 0;
        for table in ScanTasks::decode(partition.tasks.as_slice())?.tables {
            let client: &Arc<Client> = session.client();
            let mut answers = client.coprocessor(CopRequest {
                start_ts: common.start_ts,
                dag: dag::for_table(dag.clone(), table.table_id).into(),
                ranges: table.ranges.into_iter().map(Into::into).collect(),
                points: dag::point_ranges(&dag),
                cuts: table.cuts.into_iter().map(Into::into).collect(),
                paging_size: common.paging_size,
                concurrency: a.concurrency as usize,
                memory: MemoryBudget::new(usize::try_from(a.memory)?),
            });
            ti_engine::runtime::runtime()?.block_on(async {
                while let Some(answer) = answers.next().await {
                    bytes += answer?.data.len() as u64;
                }
                Ok::<_, Failure>(())
            })?;
        }
        Ok(bytes)
    })?;
    Ok(bytes.iter().sum())
}

/// The scan as Spark runs it. Rows, and the sum of the metrics (the peak is the largest).
fn scan(
    session: &Arc<Session>,
    scan_plan: &plan::ScanPlan,
    a: &Arguments,
) -> Result<(u64, plan::ScanMetrics), Failure> {
    let each = each_partition(scan_plan, a, |partition| {
        let scan = session.open_scan(plan::ScanOpen {
            common: scan_plan.common.clone(),
            tasks: partition.tasks.clone(),
            memory_bytes: a.memory,
            batch_rows: a.batch_rows,
            concurrency: a.concurrency,
        })?;
        loop {
            if let Next::End = scan.next(Duration::from_secs(60))? {
                return Ok(scan.metrics());
            }
        }
    })?;
    let mut sum = plan::ScanMetrics::default();
    for m in each {
        sum.rows += m.rows;
        sum.batches += m.batches;
        sum.requests += m.requests;
        sum.decode_nanos += m.decode_nanos;
        sum.peak_memory_bytes = sum.peak_memory_bytes.max(m.peak_memory_bytes);
    }
    Ok((sum.rows, sum))
}
