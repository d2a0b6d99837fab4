//! The stream of answers and the workers that fill it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ti_proto::kvrpcpb::ExecDetailsV2;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, Notify};
use tokio::task::JoinSet;

use super::order::{following, Order};
use super::queue::Queue;
use super::{CopRequest, MemoryPermit};
use crate::backoff::Backoffer;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::lock::{LockResolver, SeenLocks};
use crate::region::route::{after, before, normalize, RegionRanges};
use crate::region::send::RegionClient;
use crate::region::KeyRange;
use crate::stats::{CopStats, ReadStats};

/// Size that an answer is expected to have before the first one is here.
const FIRST_ESTIMATE: usize = 1 << 20;

/// One page of one region.
#[derive(Debug)]
pub struct CopAnswer {
    /// A `tipb.SelectResponse`, not decoded, a slice of the frame that was received.
    pub data: Bytes,
    /// The bytes of `data` in the request's [`super::MemoryBudget`]; given back on drop.
    pub permit: MemoryPermit,
}

/// A page on its way to the reader.
struct Landed {
    /// First key that was asked for.
    from: Bytes,
    /// First key of the page that follows in key order.
    next: Option<Bytes>,
    answer: CopAnswer,
}

/// Answers of a [`CopRequest`], in key order. Dropping it ends all its requests at once.
pub struct CopStream {
    answers: mpsc::UnboundedReceiver<Result<Landed>>,
    order: Order<CopAnswer>,
    workers: JoinSet<()>,
    read: Arc<Read>,
    done: bool,
}

/// What the workers of one stream share.
struct Read {
    request: CopRequest,
    /// The request's ranges, sorted and disjoint.
    ranges: Vec<KeyRange>,
    /// Where the page begins that the reader needs next.
    head: Mutex<Option<Bytes>>,
    regions: Arc<RegionClient>,
    resolver: LockResolver,
    seen: SeenLocks,
    deadline: Duration,
    stats: Arc<ReadStats>,
    tasks: Mutex<Queue>,
    /// Bytes that the next answer may have.
    estimate: AtomicUsize,
    /// The reader waits for an answer.
    hungry: AtomicBool,
    /// One of the other fields has changed.
    changed: Notify,
    /// Tasks that were taken from the queue and are not read to their end.
    unfinished: AtomicUsize,
}

/// Starts to read. `deadline` is for each page, retries included; waiting for the reader or for memory does not count.
pub(crate) fn open(
    runtime: &Handle,
    regions: Arc<RegionClient>,
    resolver: LockResolver,
    request: CopRequest,
    deadline: Duration,
) -> CopStream {
    let (sender, answers) = mpsc::unbounded_channel();
    let concurrency = request.concurrency.max(1);
    let estimate = FIRST_ESTIMATE.min(request.memory.capacity() / concurrency).max(1);
    let seen = SeenLocks::at(request.start_ts);
    let ranges = normalize(request.ranges.clone());
    let order = Order::new(&ranges);
    let read = Arc::new(Read {
        request,
        ranges,
        head: Mutex::new(order.head().cloned()),
        regions,
        resolver,
        seen,
        deadline,
        stats: Arc::default(),
        tasks: Mutex::default(),
        estimate: AtomicUsize::new(estimate),
        hungry: AtomicBool::new(false),
        changed: Notify::new(),
        unfinished: AtomicUsize::new(0),
    });
    let mut workers = JoinSet::new();
    let leader = read.clone();
    workers.spawn_on(async move { leader.start(sender, concurrency).await }, runtime);
    CopStream {
        answers,
        order,
        workers,
        read,
        done: false,
    }
}

impl CopStream {
    /// The next answer; `None` when all ranges are read. After an error there is nothing more. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Result<CopAnswer>> {
        loop {
            if self.done {
                return None;
            }
            if let Some(answer) = self.order.take() {
                *self.read.head() = self.order.head().cloned();
                self.read.changed.notify_waiters();
                return Some(Ok(answer));
            }
            let landed = match self.answers.try_recv() {
                Ok(landed) => Some(landed),
                Err(_) => {
                    let _hungry = Hungry::new(&self.read);
                    self.answers.recv().await
                }
            };
            match landed {
                Some(Ok(Landed { from, next, answer })) => {
                    self.order.put(from, next, answer);
                }
                Some(Err(error)) => {
                    self.done = true;
                    self.workers.abort_all();
                    return Some(Err(error));
                }
                None => {
                    self.done = true;
                    return self.finish().await.err().map(Err);
                }
            }
        }
    }

    /// Counters so far.
    pub fn stats(&self) -> CopStats {
        self.read.stats.snapshot()
    }

    /// The channel is closed: that is the end only if every worker has come to its end, else rows would be missing.
    async fn finish(&mut self) -> Result<()> {
        while let Some(ended) = self.workers.join_next().await {
            if let Err(error) = ended {
                let what = if error.is_panic() { "panicked" } else { "was cancelled" };
                return Err(ClientError::new(
                    ClientErrorKind::Cancelled,
                    format!("a worker of the coprocessor stream {what}"),
                ));
            }
        }
        let left = !self.read.tasks().is_empty();
        if left || self.read.unfinished.load(Ordering::SeqCst) > 0 || self.order.head().is_some() {
            return Err(ClientError::new(
                ClientErrorKind::Protocol,
                "the coprocessor stream ended before all regions were read",
            ));
        }
        Ok(())
    }
}

/// The reader waits for as long as this lives.
struct Hungry<'a> {
    read: &'a Read,
}

impl<'a> Hungry<'a> {
    fn new(read: &'a Read) -> Self {
        read.hungry.store(true, Ordering::SeqCst);
        read.changed.notify_waiters();
        Self { read }
    }
}

impl Drop for Hungry<'_> {
    fn drop(&mut self) {
        self.read.hungry.store(false, Ordering::SeqCst);
    }
}

/// The ranges of one region, begun anew at each key that lies between two of their rows.
fn parts((region, mut ranges): RegionRanges, cuts: &[Bytes]) -> Vec<RegionRanges> {
    let mut out = Vec::new();
    for key in cuts {
        let (first, rest) = (before(&ranges, key), after(&ranges, key));
        if !first.is_empty() && !rest.is_empty() {
            out.push((region.clone(), first));
            ranges = rest;
        }
    }
    out.push((region, ranges));
    out
}

type Answers = mpsc::UnboundedSender<Result<Landed>>;

impl Read {
    fn head(&self) -> std::sync::MutexGuard<'_, Option<Bytes>> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn backoffer(&self) -> Backoffer {
        Backoffer::new("reading from the coprocessor", self.deadline, self.stats.clone())
    }

    /// Fills the queue, then lets the workers loose and waits for them, so that ending this task ends them all.
    async fn start(self: Arc<Self>, answers: Answers, concurrency: usize) {
        let ranges = self.ranges.clone();
        match self.regions.split_ranges(&mut self.backoffer(), ranges).await {
            Ok(tasks) => {
                let parts = tasks.into_iter().flat_map(|task| parts(task, &self.request.cuts));
                self.tasks().extend(parts);
            }
            Err(error) => {
                let _ = answers.send(Err(error));
                return;
            }
        }
        let mut workers = JoinSet::new();
        for _ in 0..concurrency {
            let (read, answers) = (self.clone(), answers.clone());
            workers.spawn(async move { read.work(answers).await });
        }
        drop(answers);
        while let Some(ended) = workers.join_next().await {
            if let Err(error) = ended {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }

    async fn work(&self, answers: Answers) {
        while let Some(task) = self.next_task().await {
            match self.read_region(task, &answers).await {
                Ok(()) => {
                    self.unfinished.fetch_sub(1, Ordering::SeqCst);
                    self.changed.notify_waiters();
                }
                Err(error) => {
                    // Nobody listens when the stream is being dropped.
                    let _ = answers.send(Err(error));
                    return;
                }
            }
        }
    }

    /// The next region. `None` only when no other worker can come back with parts of a split one.
    async fn next_task(&self) -> Option<RegionRanges> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut tasks = self.tasks();
                if let Some(task) = tasks.take() {
                    self.unfinished.fetch_add(1, Ordering::SeqCst);
                    return Some(task);
                }
                if self.unfinished.load(Ordering::SeqCst) == 0 {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// Reads the ranges of one region, page after page. What a split moves to other regions goes back to the queue, which keeps key order.
    async fn read_region(&self, task: RegionRanges, answers: &Answers) -> Result<()> {
        let (mut region, mut ranges) = task;
        let mut at_leader = false;
        'page: loop {
            let Some(from) = ranges.first().map(|range| range.start.clone()) else {
                return Ok(());
            };
            let flight = self.take_off(&from).await;
            let mut bo = self.backoffer();
            loop {
                let known = self.seen.known();
                let message = self.request.message(&ranges);
                let sent = self
                    .regions
                    .send_read(&mut bo, &region, self.request.start_ts, message, &known, &mut at_leader)
                    .await?;
                let Some(response) = sent else {
                    let mut located = self.regions.split_ranges(&mut bo, ranges).await?.into_iter();
                    match located.next() {
                        Some(first) => (region, ranges) = first,
                        None => return Ok(()),
                    }
                    self.tasks().extend(located);
                    self.changed.notify_waiters();
                    continue;
                };
                if let Some(details) = &response.exec_details_v2 {
                    ReadStats::add(&self.stats.store_nanos, processing_nanos(details));
                }
                if !response.other_error.is_empty() {
                    return Err(coprocessor_error(&response.other_error));
                }
                if let Some(lock) = response.locked {
                    self.resolver
                        .resolve_for_read(&mut bo, self.request.start_ts, vec![lock], &known, &self.seen)
                        .await?;
                    continue;
                }
                let left = match &response.range {
                    None => Vec::new(),
                    Some(scanned) => remainder(&ranges, &scanned.end)?,
                };
                let next = following(&self.ranges, &ranges, &left);
                flight.land(from, next, response.data, answers);
                if left.is_empty() {
                    return Ok(());
                }
                ranges = left;
                continue 'page;
            }
        }
    }

    /// Waits until the memory allows another request, for the page that begins at `from`. Pages that the reader does not need next leave
    /// some of the memory free for those which it does. When it waits for this very page the request runs in any case: a reader that holds the
    /// whole budget itself, or pages that come later in key order, would wait for ever else.
    async fn take_off(&self, from: &Bytes) -> Flight<'_> {
        let capacity = self.request.memory.capacity();
        loop {
            let changed = self.changed.notified();
            let freed = self.request.memory.freed();
            tokio::pin!(changed, freed);
            changed.as_mut().enable();
            freed.as_mut().enable();
            let estimate = self.estimate.load(Ordering::Relaxed);
            let is_head = self.head().as_ref() == Some(from);
            let limit = if is_head { capacity } else { capacity - capacity / 4 };
            let permit = match self.request.memory.try_reserve_within(estimate, limit) {
                None if is_head && self.hungry.load(Ordering::SeqCst) => Some(self.request.memory.charge(estimate)),
                permit => permit,
            };
            if let Some(permit) = permit {
                return Flight { read: self, permit };
            }
            tokio::select! {
                () = changed => {}
                () = freed => {}
            }
        }
    }
}

fn processing_nanos(details: &ExecDetailsV2) -> u64 {
    match (&details.time_detail_v2, &details.time_detail) {
        (Some(fine), _) => fine.process_wall_time_ns,
        (None, Some(coarse)) => coarse.process_wall_time_ms.saturating_mul(1_000_000),
        (None, None) => 0,
    }
}

/// A request with memory for its answer.
struct Flight<'a> {
    read: &'a Read,
    permit: MemoryPermit,
}

impl Flight<'_> {
    /// Hands the answer to the reader, which from then on counts for it.
    fn land(mut self, from: Bytes, next: Option<Bytes>, data: Bytes, answers: &Answers) {
        ReadStats::add(&self.read.stats.bytes, data.len() as u64);
        self.permit.resize(data.len());
        // Follows growth at once and shrinks slowly: the last page of a region is small and says nothing of the next.
        let before = self.read.estimate.load(Ordering::Relaxed);
        let estimate = data.len().max(before - before / 8).max(1);
        self.read.estimate.store(estimate, Ordering::Relaxed);
        let permit = self.permit;
        let answer = CopAnswer { data, permit };
        let _ = answers.send(Ok(Landed { from, next, answer }));
    }
}

/// Ranges after the end of what a page has scanned.
fn remainder(ranges: &[KeyRange], scanned_end: &[u8]) -> Result<Vec<KeyRange>> {
    if scanned_end.is_empty() {
        return Ok(Vec::new());
    }
    let left = after(ranges, &Bytes::copy_from_slice(scanned_end));
    if left == ranges {
        return Err(ClientError::new(
            ClientErrorKind::Protocol,
            "a store answers a page that ends before the ranges begin: paging would never end",
        ));
    }
    Ok(left)
}

fn coprocessor_error(text: &str) -> ClientError {
    ClientError::new(ClientErrorKind::Coprocessor, format!("the coprocessor failed: {text}"))
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
