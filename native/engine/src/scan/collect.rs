//! All batches of a plan at once: for the small system tables that planning reads itself.

use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::StreamExt;
use prost::Message;
use ti_client::{Client, MemoryBudget};
use ti_proto::{plan, tipb};

use super::decode::response;
use super::fetch::Fetch;
use super::look_up::{self, LookUp};
use super::metrics::Counters;
use super::{builder, decode_common};
use crate::error::Result;
use crate::plan::wire::ScanTasks;

/// Memory for answers under way.
const MEMORY_BYTES: usize = 16 << 20;
/// Requests in flight.
const CONCURRENCY: usize = 4;

/// Reads everything that a plan reads.
pub async fn collect(client: &Arc<Client>, plan: &plan::ScanPlan) -> Result<Vec<RecordBatch>> {
    let common = decode_common(&plan.common)?;
    let (mut builder, _) = builder(&common)?;
    let mut batches = Vec::new();
    for partition in &plan.partitions {
        let fetch = Fetch {
            client: client.clone(),
            start_ts: common.start_ts,
            dag: tipb::DagRequest::decode(common.dag.as_slice())?,
            paging_size: common.paging_size,
            concurrency: CONCURRENCY,
            memory: MemoryBudget::new(MEMORY_BYTES),
            counters: Arc::new(Counters::default()),
            table_name: common.table.clone(),
        };
        let tasks = ScanTasks::decode(partition.tasks.as_slice())?;
        let mut answers = match &common.look_up {
            None => fetch.answers(tasks.tables),
            Some(look_up) => look_up::answers(fetch, LookUp::new(look_up)?, tasks.tables),
        };
        while let Some(answer) = answers.next().await {
            let answer = answer?;
            let response = response(&answer, &common.table)?;
            for chunk in &response.chunks {
                match response.encode_type() {
                    tipb::EncodeType::TypeChunk => builder.append_chunk(chunk.rows_data())?,
                    tipb::EncodeType::TypeDefault => builder.append_rows(chunk.rows_data())?,
                };
            }
        }
        if builder.rows() > 0 {
            batches.push(builder.finish()?);
        }
    }
    Ok(batches)
}
