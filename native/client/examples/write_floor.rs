//! The raw floor of a bulk write: prewrite and commit of pairs that are encoded and sorted beforehand.
//!
//! ```text
//! write_floor --pd HOST:PORT[,HOST:PORT] --from TABLE_ID --to TABLE_ID [--request-bytes 65536] [--concurrency 32] [--commit keys|resolve]
//!             [--wait]
//! ```
//! Reads all pairs of a table (ids as in `information_schema.tables.tidb_table_id`), gives them the id of an empty table of the same
//! definition, and writes them in one transaction: rows as inserts, index entries as puts, as an append does. Prints the seconds.
//! With `--wait` it prints `ready` when the pairs are in memory, waits for a line before it writes, and for the end of standard input before
//! it ends: whoever started it can look at its costs.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ti_client::{
    BatchOptions, Client, ClientConfig, ClientError, KeyRange, Mutation, MutationOp, PrewriteOptions, TxnInfo,
    TxnOptions,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Length of `t` and the table's id.
const PREFIX: usize = 9;

struct Arguments {
    pd: Vec<String>,
    from: i64,
    to: i64,
    request_bytes: usize,
    concurrency: usize,
    by_keys: bool,
    wait: bool,
}

fn arguments() -> Result<Arguments, Failure> {
    let (mut pd, mut from, mut to, mut request_bytes, mut concurrency, mut by_keys, mut wait) =
        (Vec::new(), None, None, 64 << 10, 32, true, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--wait" {
            wait = true;
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--pd" => pd = value.split(',').map(str::to_owned).collect(),
            "--from" => from = Some(value.parse()?),
            "--to" => to = Some(value.parse()?),
            "--request-bytes" => request_bytes = value.parse()?,
            "--concurrency" => concurrency = value.parse()?,
            "--commit" => by_keys = value != "resolve",
            _ => return Err(format!("unknown argument {word}").into()),
        }
    }
    match (pd.is_empty(), from, to) {
        (false, Some(from), Some(to)) => Ok(Arguments {
            pd,
            from,
            to,
            request_bytes,
            concurrency,
            by_keys,
            wait,
        }),
        _ => Err("--pd, --from and --to are needed".into()),
    }
}

/// `t` and the id of a table, as in every key of it.
fn prefix(table_id: i64) -> Vec<u8> {
    let mut key = vec![b't'];
    key.extend_from_slice(&(table_id ^ i64::MIN).to_be_bytes());
    key
}

fn below(table_id: i64, rest: &[u8]) -> Vec<u8> {
    let mut key = prefix(table_id);
    key.extend_from_slice(rest);
    key
}

/// The pairs of `from` as mutations of `to`, in key order.
async fn mutations(client: &Arc<Client>, from: i64, to: i64) -> Result<Vec<Mutation>, Failure> {
    let mut snapshot = client.snapshot(client.timestamp().await?).await?;
    let pairs = snapshot.scan(below(from, b"_"), below(from, b"`")).await?;
    let target = prefix(to);
    Ok(pairs
        .into_iter()
        .map(|(mut key, value)| {
            key.splice(..PREFIX, target.iter().copied());
            let op = if key.get(PREFIX..PREFIX + 2) == Some(b"_r") {
                MutationOp::Insert
            } else {
                MutationOp::Put
            };
            Mutation::new(op, key, value)
        })
        .collect())
}

async fn write(client: &Arc<Client>, a: &Arguments) -> Result<(), Failure> {
    let mutations = mutations(client, a.from, a.to).await?;
    let keys: Vec<Bytes> = mutations.iter().map(|mutation| mutation.key.clone()).collect();
    let bytes: usize = mutations.iter().map(Mutation::size).sum();
    let last = keys.last().cloned().ok_or("the source has no pairs")?;
    if a.wait {
        println!("ready");
        std::io::stdout().flush()?;
        std::io::stdin().read_line(&mut String::new())?;
    }

    let start = Instant::now();
    let primary = Bytes::from(below(a.to, b"_r\xff\xff\xff\xff\xff\xff\xff\xfe"));
    let transaction = client.begin(|_| primary, TxnOptions::default()).await?;
    let info: TxnInfo = transaction.info().clone();
    let options = PrewriteOptions {
        request_bytes: a.request_bytes,
        concurrency: a.concurrency,
        ..PrewriteOptions::default()
    };
    let stats = client.prewrite(&info, mutations, &options).await?;
    let prewritten = start.elapsed();

    let committed = transaction
        .commit(|_| async { Ok::<_, ClientError>(()) })
        .await?
        .commit_ts;
    let batches = BatchOptions {
        concurrency: a.concurrency,
        ..BatchOptions::default()
    };
    let count = keys.len();
    if a.by_keys {
        client.commit_keys(&info, committed, keys, &batches).await?;
    } else {
        let mut end = last.to_vec();
        end.push(0);
        let range = KeyRange::interval(prefix(a.to), end);
        client
            .resolve_ranges(info.start_ts, committed, vec![range], &batches)
            .await?;
    }
    let all = start.elapsed();
    transaction.close().await?;
    println!(
        "floor {:.3} s: prewrite {:.3} s, commit {:.3} s; {count} pairs, {bytes} bytes, {} requests",
        all.as_secs_f64(),
        prewritten.as_secs_f64(),
        (all - prewritten).as_secs_f64(),
        stats.requests,
    );
    std::io::stdout().flush()?;
    if a.wait {
        std::io::stdin().read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let a = arguments()?;
    let mut config = ClientConfig::new(a.pd.clone());
    config.request_timeout = Duration::from_secs(60);
    let client = Client::connect(config).await?;
    write(&client, &a).await
}
