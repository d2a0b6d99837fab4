//! Random tables: what the engine writes is what TiDB has written, key by key and byte by byte.
//!
//! | variable | |
//! | --- | --- |
//! | `TI_ENGINE_TABLES` | how many tables (300) |
//! | `TI_ENGINE_SEED` | repeats a run, whose seed was printed: table `n` has the seed `TI_ENGINE_SEED + n` |

use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::fill::{fill, seed};
use crate::support::shape::{shape, tables};
use crate::support::write::spec;
use crate::support::Cluster;
use fastrand::Rng;

/// Tables, unless TI_ENGINE_TABLES says otherwise.
const TABLES: u64 = 300;
/// Most rows of a table. Few are enough for most of what shapes and types can do; every tenth table has many.
const ROWS: usize = 40;
const MANY_ROWS: usize = 400;
/// Tables are made by so many threads, because most of the time goes into TiDB's DDL.
const THREADS: u64 = 4;

/// Table `number`: filled by TiDB, copied by the engine, compared.
fn one_table(cluster: &Cluster, number: u64, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (types, rest) = shape(&mut rng);
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    println!("table {number} (TI_ENGINE_SEED={seed} TI_ENGINE_TABLES=1): {types:?} {rest}");
    let (a, b) = (format!("a{number}"), format!("b{number}"));
    let most = if rng.u8(..10) == 0 { MANY_ROWS } else { ROWS };
    let rows = rng.usize(..=most);
    fill(cluster, &mut rng, &a, &types, &rest, rows);
    cluster.sql(&format!("CREATE TABLE {b} LIKE {a}"));
    let tasks = rng.usize(1..4);
    if rest.contains("NONCLUSTERED") {
        // Row ids differ: the rows are compared by their values.
        let columns = cluster.columns(&a);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let batches = cluster.batches_of(&a, &columns);
        cluster.write(spec(cluster, &b, &columns), &[batches]).unwrap();
        cluster.admin_check(&b);
        let rows = |table: &str| {
            let mut rows = cluster.rows(&format!("SELECT * FROM {table}"));
            rows.sort();
            rows
        };
        assert_eq!(rows(&a), rows(&b));
    } else {
        cluster.assert_copied(&a, &b, tasks);
    }
}

#[test]
fn random_tables() {
    let first = seed("random_tables");
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let next = &next;
            scope.spawn(move || {
                let cluster = Cluster::new(&format!("w_random{thread}"));
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= tables(TABLES) {
                        break;
                    }
                    one_table(&cluster, number, first.wrapping_add(number));
                }
            });
        }
    });
}
