//! `ScanSpec` -> `ScanPlan`: check, build the request, locate the regions, share them out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;
use ti_client::{Client, LocatedRanges};
use ti_codec::field_type::{type_code, FieldType};
use ti_proto::plan;

use super::access::chosen::Chosen;
use super::access::path::Access;
use super::dag::{self, ScanDag};
use super::explain::Explain;
use super::operators::Query;
use super::rules::Rules;
use super::share::{Piece, Share, Summary};
use super::statistics::Estimate;
use super::task;
use super::wire::{ScanCommon, WireColumn};
use crate::catalog::descriptor::{HandleKind, TableDescriptor};
use crate::error::{Error, ErrorKind, Result};
use crate::types::type_options;

/// Bytes of an answer that a page aims at: large enough that a request's fixed cost does not show, small enough that several answers
/// fit a task's memory.
const PAGE_BYTES: u64 = 2 << 20;
/// Bounds of a page, rows. TiDB lets pages grow to 50,000 rows.
const PAGE_ROWS: std::ops::RangeInclusive<u64> = 1024..=50_000;
/// Bytes that a value of variable length is taken for, at most: most are much shorter than their type allows.
const VARIABLE_BYTES: u64 = 64;

/// Requests that read one task's part of a region, at most: more would be too small to be worth their cost.
const REQUESTS_MAX: u32 = 8;

/// The time that stores have to tell where the keys of large regions begin and end.
const EDGES_LIMIT: Duration = Duration::from_secs(1);

/// Checks that need no cluster.
pub fn check(spec: &plan::ScanSpec) -> Result<()> {
    for (name, value) in [
        ("scan.partition.size", spec.partition_bytes),
        ("parallelism", u64::from(spec.parallelism)),
    ] {
        if value == 0 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{name} is 0: it must be at least 1"),
            ));
        }
    }
    Ok(())
}

/// Makes the plan.
pub async fn plan(
    client: &Client,
    spec: &plan::ScanSpec,
    start_ts: u64,
    new_collation: bool,
    deadline: Duration,
    estimate: &dyn Estimate,
) -> Result<plan::ScanPlan> {
    let table = TableDescriptor::from_bytes(&spec.table)?;
    if let Some(why) = &table.refusal {
        return Err(Error::new(
            ErrorKind::UnsupportedFeature,
            format!("`{}`.`{}` {why}", table.database, table.table),
        ));
    }
    let types = type_options(spec.types.as_ref())?;
    // What `check` has allowed stays allowed: an empty blacklist.
    let rules = Rules::new(spec.push_down.as_ref(), Arc::default());
    let mut query = Query::new(&table, spec, &types, rules)?;
    let chosen = Chosen::new(&table, spec, &query, &types, new_collation, estimate)?;
    let source = chosen.source(&table, &mut query, new_collation)?;
    let index_side = chosen.index_side(&table, spec, &query, new_collation)?;
    let scanned: Vec<String> = source.columns.iter().map(|c| c.name.clone()).collect();
    let operators = query.operators(&source, new_collation)?;
    let ScanDag {
        request,
        output,
        count_only,
        aggregate,
        limit,
        blocking,
        texts,
    } = dag::scan(source, &query.wanted, operators)?;
    let table_ids = chosen.physical_ids(&table);
    let ranges = task::path_ranges(&table_ids, &chosen.path);
    let located = if ranges.is_empty() {
        Vec::new()
    } else {
        client.locate(ranges, Instant::now() + deadline).await?
    };
    let int_handle = chosen.path.access == Access::Table && table.handle != HandleKind::Common;
    let small = chosen.is_small();
    let mut shared = share(client, spec, &located, start_ts, int_handle, small).await;
    if spec.by_partition {
        shared.groups = task::of_one_table(shared.groups);
    }
    let prefixes = task::Prefixes::new(&table_ids);
    let mut partitions: Vec<plan::ScanPartition> = shared
        .groups
        .iter()
        .map(|group| task::partition(group, &prefixes))
        .collect::<Result<_>>()?;
    if let Some(all) = table.partitions.as_ref().filter(|_| spec.by_partition) {
        let ids: Vec<i64> = all.iter().map(|partition| partition.id).collect();
        task::name_table_partitions(&mut partitions, &shared.groups, &ids);
    }
    if partitions.is_empty() && aggregate.as_ref().is_some_and(|a| a.global) {
        // Somebody has to say that there are no rows.
        partitions.push(task::partition(&[], &prefixes)?);
    }
    let explain = Explain {
        table: &table,
        path: &chosen.path,
        partitions: chosen.partitions.as_deref(),
        index_operators: index_side.as_ref().map_or(&[], |side| side.texts.as_slice()),
        small,
        columns: &scanned,
        count_only,
        operators: &texts,
        summary: &shared.summary,
        sizes_failure: shared.sizes_failure.as_deref(),
        tasks: partitions.len(),
        start_ts,
    };
    let explain = explain.render();
    let common = ScanCommon {
        start_ts,
        dag: request.encode_to_vec(),
        // Executors that see all rows before they answer see those of a region at once, as in TiDB.
        paging_size: if blocking {
            0
        } else {
            page_rows(&output).min(limit.unwrap_or(u64::MAX).max(*PAGE_ROWS.start()))
        },
        columns: output,
        count_only,
        types: spec.types.clone(),
        aggregate,
        limit: limit.unwrap_or(0),
        table: format!("`{}`.`{}`", table.database, table.table),
        look_up: index_side.map(|side| side.wire),
    };
    let count = |partitions: usize| u32::try_from(partitions).unwrap_or(u32::MAX);
    let partitions_total = table.partitions.as_ref().map_or(0, Vec::len);
    let partitions_read = chosen.partitions.as_ref().map_or(partitions_total, Vec::len);
    Ok(plan::ScanPlan {
        common: common.encode_to_vec(),
        partitions,
        start_ts,
        explain,
        partitions_total: count(partitions_total),
        partitions_read: count(partitions_read),
    })
}

struct Shared<'a> {
    groups: Vec<Vec<Piece<'a>>>,
    summary: Summary,
    /// Why PD did not tell sizes.
    sizes_failure: Option<String>,
}

/// Shares the regions out. Nothing here fails: without sizes or keys the shares are less even, and EXPLAIN says so.
async fn share<'a>(
    client: &Client,
    spec: &plan::ScanSpec,
    located: &'a [LocatedRanges],
    start_ts: u64,
    int_handle: bool,
    small: bool,
) -> Shared<'a> {
    if small {
        // Sizes of regions say nothing of a few rows in them, and asking for them would take longer than reading.
        let sizes = located.iter().map(|region| (region.region_id, 0)).collect();
        let (groups, summary) = Share::new(located, &sizes, spec.partition_bytes, spec.parallelism).groups();
        return Shared {
            groups,
            summary,
            sizes_failure: None,
        };
    }
    let (sizes, sizes_failure) = match client.region_sizes(located).await {
        Ok(sizes) => (sizes, None),
        Err(error) => {
            tracing::warn!(
                error = error.message(),
                "PD does not tell the sizes of regions; tasks may be uneven"
            );
            (HashMap::new(), Some(error.message().to_owned()))
        }
    };
    let mut share = Share::new(located, &sizes, spec.partition_bytes, spec.parallelism);
    let to_cut = share.to_cut(spec.aggregation.is_none());
    if !to_cut.is_empty() {
        let edges = client.key_edges(start_ts, &to_cut, EDGES_LIMIT).await;
        // Of a few rows most would be read in vain.
        let requests = if spec.limit.is_some() {
            1
        } else {
            spec.concurrency.clamp(1, REQUESTS_MAX)
        };
        share.cut(&edges, int_handle, u64::from(requests));
    }
    let (groups, summary) = share.groups();
    Shared {
        groups,
        summary,
        sizes_failure,
    }
}

/// Rows of a page whose answer has about [`PAGE_BYTES`].
pub fn page_rows(columns: &[WireColumn]) -> u64 {
    let row: u64 = columns.iter().map(answer_bytes).sum();
    (PAGE_BYTES / row.max(1)).clamp(*PAGE_ROWS.start(), *PAGE_ROWS.end())
}

/// Bytes of one value in a TypeChunk answer.
fn answer_bytes(column: &WireColumn) -> u64 {
    let ty = FieldType::new(u8::try_from(column.tp).unwrap_or(type_code::GEOMETRY));
    match ty.tp {
        type_code::FLOAT => 4,
        type_code::NEW_DECIMAL => 40,
        type_code::TINY
        | type_code::SHORT
        | type_code::INT24
        | type_code::LONG
        | type_code::LONG_LONG
        | type_code::YEAR
        | type_code::DOUBLE
        | type_code::DATE
        | type_code::DATETIME
        | type_code::TIMESTAMP
        | type_code::DURATION => 8,
        // An offset and the bytes.
        _ => 8 + u64::try_from(column.flen).map_or(VARIABLE_BYTES, |length| length.min(VARIABLE_BYTES)),
    }
}
