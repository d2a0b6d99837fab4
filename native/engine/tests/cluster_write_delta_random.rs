//! Random histories of changes on twin tables: one gets them from the engine, the other one from TiDB, and after every statement both are equal.
//!
//! | variable | |
//! | --- | --- |
//! | `TI_ENGINE_TABLES` | how many tables (60) |
//! | `TI_ENGINE_SEED` | repeats a run, whose seed was printed: table `n` has the seed `TI_ENGINE_SEED + n` |

use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::delta::Target;
use crate::support::fill::{fill, literal, seed};
use crate::support::raw::Pairs;
use crate::support::shape::{shape, tables};
use crate::support::Cluster;
use fastrand::Rng;
use ti_engine::ErrorKind;

/// Tables, unless TI_ENGINE_TABLES says otherwise.
const TABLES: u64 = 60;
/// Statements of a history, at most.
const STATEMENTS: usize = 8;
/// Most rows of a table at its beginning.
const ROWS: usize = 40;
const THREADS: u64 = 4;
/// TiDB's error for a taken key.
const ER_DUP_ENTRY: u16 = 1062;

/// A statement: the changes for the engine, and what TiDB does for them in one transaction.
struct Statement {
    changes: Vec<String>,
    of_tidb: Vec<String>,
    only_deletes: bool,
}

/// A part of the rows that is the same in both tables, whatever their row ids are.
fn part(columns: &[String], divisor: u8, remainder: u8) -> String {
    let values: Vec<String> = columns.iter().map(|c| format!("IFNULL(HEX({c}), '-')")).collect();
    format!("CRC32(CONCAT_WS(',', {})) % {divisor} = {remainder}", values.join(", "))
}

fn statement(rng: &mut Rng, target: &Target<'_>, twin: &str, types: &[String]) -> Statement {
    let mut statement = Statement {
        changes: Vec::new(),
        of_tidb: Vec::new(),
        only_deletes: false,
    };
    let divisor = rng.u8(3..8);
    let kind = rng.u8(..10);
    let deleted = part(&target.columns, divisor, 0);
    if !(2..7).contains(&kind) {
        let condition = &deleted;
        statement.changes.push(target.deletes(condition));
        statement.of_tidb.push(format!("DELETE FROM {twin} WHERE {condition}"));
    }
    statement.only_deletes = kind < 2;
    if kind >= 2 && kind != 6 {
        // Few rows where a whole key may be set to one value.
        let divisor = if rng.bool() { 40 } else { divisor };
        let condition = format!("{} AND NOT {deleted}", part(&target.columns, divisor, 1));
        let mut set: Vec<(&str, String)> = Vec::new();
        for (column, ty) in target.columns.iter().zip(types) {
            if rng.u8(..3) == 0 {
                set.push((column, literal(rng, ty)));
            }
        }
        if !set.is_empty() {
            let assignments: Vec<(&str, &str)> = set.iter().map(|(name, value)| (*name, value.as_str())).collect();
            statement.changes.push(target.updates(&assignments, &condition));
            let list: Vec<String> = set.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            statement
                .of_tidb
                .push(format!("UPDATE {twin} SET {} WHERE {condition}", list.join(", ")));
        }
    }
    if kind >= 6 {
        let row = |rng: &mut Rng| {
            let values: Vec<String> = types.iter().map(|ty| literal(rng, ty)).collect();
            values.join(", ")
        };
        let rows: Vec<String> = (0..rng.usize(1..5)).map(|_| row(rng)).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        statement.changes.push(target.inserts(&rows));
        statement
            .of_tidb
            .push(format!("INSERT INTO {twin} VALUES ({})", rows.join("), (")));
    }
    statement
}

/// All of them, or none: the number of TiDB's error.
fn run(cluster: &Cluster, statements: &[String]) -> Result<(), u16> {
    cluster.sql("BEGIN OPTIMISTIC");
    let done = statements.iter().try_for_each(|statement| cluster.try_sql(statement));
    match done {
        Ok(()) => cluster.try_sql("COMMIT"),
        Err(code) => {
            cluster.sql("ROLLBACK");
            Err(code)
        }
    }
}

/// What TiDB has stored, without the mark that a transaction of several statements leaves on entries that an UPDATE did not touch. It is taken off
/// before the commit, but for short values of tables with common handles.
fn unmarked(pairs: Pairs) -> Pairs {
    let unmark = |value: Vec<u8>| match value.as_slice() {
        [1, 125, 1, b'1'] => vec![0, 125, 1],
        _ => value,
    };
    pairs.into_iter().map(|(key, value)| (key, unmark(value))).collect()
}

/// Table `number` and its history.
fn one_history(cluster: &Cluster, number: u64, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (types, rest) = shape(&mut rng);
    println!("table {number} (TI_ENGINE_SEED={seed} TI_ENGINE_TABLES=1): {types:?} {rest}");
    let (ours, theirs) = (format!("a{number}"), format!("b{number}"));
    let rows = rng.usize(1..=ROWS);
    let type_names: Vec<&str> = types.iter().map(String::as_str).collect();
    fill(cluster, &mut rng, &ours, &type_names, &rest, rows);
    cluster.sql(&format!("CREATE TABLE {theirs} LIKE {ours}"));
    cluster.sql(&format!("INSERT INTO {theirs} SELECT * FROM {ours}"));
    let has_row_ids = rest.contains("NONCLUSTERED");
    let target = Target::new(cluster, &ours);
    for step in 0..rng.usize(1..=STATEMENTS) {
        let statement = statement(&mut rng, &target, &theirs, &types);
        let tasks = rng.usize(1..4);
        let what = format!("table {number}, seed {seed}, statement {step}: {:?}", statement.of_tidb);
        let parts = crate::support::delta::split(&target.batches(&statement.changes), tasks);
        let expected = run(cluster, &statement.of_tidb);
        let done = if statement.only_deletes {
            let parts: Vec<_> = parts.iter().map(|part| target.only_ids(part)).collect();
            cluster.write(target.spec(true), &parts)
        } else {
            cluster.write(target.spec(false), &parts)
        };
        match (done, expected) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(ER_DUP_ENTRY)) => assert_eq!(error.kind, ErrorKind::DuplicateKey, "{what}: {error}"),
            (Err(error), expected) => panic!("{what}: {expected:?}, and the engine says {error}"),
            (Ok(_), Err(code)) => panic!("{what}: TiDB's error {code}"),
        }
        cluster.admin_check(&ours);
        let select = |table: &str| {
            let mut rows = cluster.rows(&format!("SELECT * FROM {table}"));
            rows.sort();
            rows
        };
        assert_eq!(select(&ours), select(&theirs), "{what}");
        if !has_row_ids {
            let (stored, expected) = (cluster.contents(&ours), unmarked(cluster.contents(&theirs)));
            assert!(stored.keys().eq(expected.keys()), "{what}: keys");
            for (key, value) in &expected {
                assert_eq!(stored.get(key), Some(value), "{what}: the value of {key:02x?}");
            }
        }
    }
}

#[test]
fn random_histories() {
    let first = seed("random_histories");
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let next = &next;
            scope.spawn(move || {
                let cluster = Cluster::new(&format!("d_random{thread}"));
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= tables(TABLES) {
                        break;
                    }
                    one_history(&cluster, number, first.wrapping_add(number));
                }
            });
        }
    });
}
