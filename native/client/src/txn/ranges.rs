//! Requests about ranges: one flight per region, followed through splits and moves.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::batch::{lost_task, Origin};
use crate::backoff::Backoffer;
use crate::error::Result;
use crate::region::route::take;
use crate::region::{KeyRange, Region};

/// A kind of request about ranges of one region.
pub(super) trait Ranged: Send + Sync + 'static {
    /// For the deadline error.
    const OPERATION: &'static str;

    /// One request about `ranges`, which are sorted, lie in `region` and are not empty. `Some(rest)`: what is left of them to do. `None`:
    /// the cache was corrected, or a lock dealt with; all of them again.
    fn step(
        &self,
        origin: &Origin,
        bo: &mut Backoffer,
        region: &Region,
        ranges: &[KeyRange],
    ) -> impl Future<Output = Result<Option<Vec<KeyRange>>>> + Send;
}

/// Does `work` on all ranges, at most `concurrency` regions at once. Stops at the first error.
pub(super) async fn run<W: Ranged>(
    origin: &Origin,
    work: Arc<W>,
    ranges: Vec<KeyRange>,
    concurrency: usize,
    deadline: Duration,
) -> Result<()> {
    let mut bo = Backoffer::new(W::OPERATION, deadline, origin.stats.clone());
    let mut parts = origin.regions.split_ranges(&mut bo, ranges).await?.into_iter();
    let mut flights: JoinSet<Result<()>> = JoinSet::new();
    loop {
        while flights.len() < concurrency.max(1) {
            let Some((_, ranges)) = parts.next() else { break };
            flights.spawn_on(fly(origin.clone(), work.clone(), ranges, deadline), &origin.runtime);
        }
        match flights.join_next().await {
            None => return Ok(()),
            Some(landed) => landed.map_err(|error| lost_task(&error))??,
        }
    }
}

/// Does the ranges of what was one region.
async fn fly<W: Ranged>(origin: Origin, work: Arc<W>, ranges: Vec<KeyRange>, deadline: Duration) -> Result<()> {
    let mut left: VecDeque<KeyRange> = ranges.into();
    let mut bo = Backoffer::new(W::OPERATION, deadline, origin.stats.clone());
    while let Some(first) = left.front() {
        let start = first.start.clone();
        let end = left.back().map(|range| range.end.clone()).unwrap_or_default();
        let region = origin.regions.locate_or_load(&mut bo, &start, &end).await?;
        let here = take(&region, &mut left);
        let rest = match work.step(&origin, &mut bo, &region, &here).await? {
            Some(rest) => {
                bo = Backoffer::new(W::OPERATION, deadline, origin.stats.clone());
                rest
            }
            None => here,
        };
        for range in rest.into_iter().rev() {
            left.push_front(range);
        }
    }
    Ok(())
}
