//! Answers of the coprocessor for the tables of one task.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use ti_client::{Client, CopAnswer, CopRequest, CopStats, CopStream, MemoryBudget};
use ti_proto::tipb;

use super::ahead::flatten_ahead;
use super::metrics::Counters;
use crate::error::Result;
use crate::plan::dag;
use crate::plan::wire::TableTask;

/// What every request of a scan has in common.
pub struct Fetch {
    /// The cluster.
    pub client: Arc<Client>,
    /// Snapshot.
    pub start_ts: u64,
    /// Request without table id.
    pub dag: tipb::DagRequest,
    /// Rows of a page.
    pub paging_size: u64,
    /// Requests in flight.
    pub concurrency: usize,
    /// Bound of answers that are fetched and not decoded.
    pub memory: Arc<MemoryBudget>,
    /// Where requests are counted.
    pub counters: Arc<Counters>,
    /// `db`.`table`, for messages.
    pub table_name: String,
}

/// One table's stream and its counters when they were last taken over.
pub struct Source {
    stream: CopStream,
    counted: CopStats,
    counters: Arc<Counters>,
}

impl Source {
    /// The next answer; `None` at the end.
    pub async fn next(mut self) -> Option<(Result<CopAnswer>, Self)> {
        let answer = self.stream.next().await;
        let now = self.stream.stats();
        self.counters.stream(&self.counted, &now);
        self.counted = now;
        answer.map(|answer| (answer.map_err(Into::into), self))
    }
}

impl Fetch {
    /// The answers, in the order of the tables and of their keys. Dropping the stream stops its requests.
    ///
    /// A task of many small tables (partitions) reads several at once, with one request each; few tables are read one after the
    /// other, with all requests on one.
    pub fn answers(self, tables: Vec<TableTask>) -> BoxStream<'static, Result<CopAnswer>> {
        let (at_once, each) = if tables.len() >= self.concurrency {
            (self.concurrency, 1)
        } else {
            (1, self.concurrency)
        };
        let sources = stream::iter(tables)
            .map(move |table| self.read(&self.dag, table, each, self.paging_size))
            .map(|source| stream::unfold(source, Source::next).boxed());
        flatten_ahead(sources.boxed(), at_once).boxed()
    }

    /// Starts to read the ranges of one table.
    pub fn read(&self, dag: &tipb::DagRequest, table: TableTask, concurrency: usize, paging_size: u64) -> Source {
        let stream = self.client.coprocessor(CopRequest {
            start_ts: self.start_ts,
            dag: dag::for_table(dag.clone(), table.table_id).into(),
            ranges: table.ranges.into_iter().map(Into::into).collect(),
            points: dag::point_ranges(dag),
            cuts: table.cuts.into_iter().map(Into::into).collect(),
            paging_size,
            concurrency,
            memory: self.memory.clone(),
        });
        Source {
            stream,
            counted: CopStats::default(),
            counters: self.counters.clone(),
        }
    }
}
