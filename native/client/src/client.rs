//! The client of one cluster.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::backoff::Backoffer;
use crate::channel::Channels;
use crate::config::ClientConfig;
use crate::control_plane::{Clock, PdClock, Snapshot, Snapshots};
use crate::cop::{self, CopRequest, CopStream};
use crate::error::Result;
use crate::lock::LockResolver;
use crate::pd::PdClient;
use crate::region::send::RegionClient;
use crate::region::{KeyEdges, KeyRange, LocatedRanges};

/// A cluster: its PD, its stores, and what is known of its regions. Shared by all reads and writes.
pub struct Client {
    pub(crate) config: ClientConfig,
    pub(crate) pd: Arc<PdClient>,
    pub(crate) regions: Arc<RegionClient>,
    pub(crate) resolver: LockResolver,
    clock: Clock,
    snapshots: Snapshots,
    pub(crate) runtime: Handle,
}

impl Client {
    /// Connects to PD and checks that all addresses which answer are of one cluster. Must be called on the tokio runtime that reads shall
    /// run on. Fails within seconds (the connect time-out), naming the addresses, when PD cannot be reached.
    pub async fn connect(config: ClientConfig) -> Result<Arc<Self>> {
        let config = config.validate()?;
        let runtime = Handle::current();
        let channels = Arc::new(Channels::new(&config));
        let pd = Arc::new(PdClient::connect(&config, channels.clone()).await?);
        let regions = Arc::new(RegionClient::new(&config, pd.clone(), channels));
        let deadline = config.control_deadline();
        let clock: Clock = Arc::new(PdClock::connect(&config, pd.clone(), deadline).await?);
        let resolver = LockResolver::new(regions.clone(), clock.clone(), runtime.clone());
        let snapshots = Snapshots {
            regions: regions.clone(),
            resolver: resolver.clone(),
            deadline,
        };
        tracing::info!(cluster_id = pd.cluster_id(), pd = pd.leader(), "connected");
        Ok(Arc::new(Self {
            config,
            pd,
            regions,
            resolver,
            clock,
            snapshots,
            runtime,
        }))
    }

    /// Identity of the cluster.
    pub fn cluster_id(&self) -> u64 {
        self.pd.cluster_id()
    }

    /// A fresh timestamp (TSO).
    pub async fn timestamp(&self) -> Result<u64> {
        self.clock.timestamp().await
    }

    /// The keys as of `ts`. Meant for schema keys; rows are read with [`Self::coprocessor`].
    pub async fn snapshot(&self, ts: u64) -> Result<Box<dyn Snapshot>> {
        Ok(self.snapshots.at(ts))
    }

    /// The cluster's GC safe point (TSO): a snapshot below it may miss rows without any error.
    pub async fn gc_safe_point(&self) -> Result<u64> {
        let mut bo = Backoffer::new(
            "asking for the GC safe point",
            self.config.control_deadline(),
            Arc::default(),
        );
        self.pd.gc_safe_point(&mut bo).await
    }

    /// Splits ranges by region, in key order, until `deadline` at the latest.
    pub async fn locate(&self, ranges: Vec<KeyRange>, deadline: Instant) -> Result<Vec<LocatedRanges>> {
        let time = deadline.saturating_duration_since(Instant::now());
        let mut bo = Backoffer::new("locating ranges", time, Arc::default());
        let parts = self.regions.split_ranges(&mut bo, ranges).await?;
        self.regions
            .load_stores(&bo, parts.iter().map(|(region, _)| region.leader.store_id))
            .await?;
        let mut out = Vec::with_capacity(parts.len());
        for (region, ranges) in parts {
            let peer = self.regions.replica(&mut bo, &region).await?.unwrap_or(region.leader);
            let address = self
                .regions
                .store_address(&mut bo, peer.store_id)
                .await?
                .unwrap_or_default();
            let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
            out.push(LocatedRanges {
                region_id: region.id,
                ranges,
                host: host.to_string(),
            });
        }
        Ok(out)
    }

    /// The same as PD knows it now: a read needs no more than the cache, which finds out by itself what has changed.
    pub async fn locate_now(&self, ranges: Vec<KeyRange>, deadline: Instant) -> Result<Vec<LocatedRanges>> {
        let time = deadline.saturating_duration_since(Instant::now());
        let mut bo = Backoffer::new("asking PD for regions", time, Arc::default());
        self.regions.refresh(&mut bo, ranges.clone()).await?;
        self.locate(ranges, deadline).await
    }

    /// Sizes in bytes of regions that were located, by region id. A hint: PD knows them roughly, from a while ago, and of some regions
    /// not at all. Waits a few seconds at most, and serves what PD said, or that it did not, for a minute.
    ///
    /// # Errors
    /// PD does not serve its HTTP API to us; over gRPC it does not tell sizes.
    pub async fn region_sizes(&self, located: &[LocatedRanges]) -> Result<HashMap<u64, u64>> {
        self.pd.region_sizes(located).await
    }

    /// Bytes that ranges, in key order, hold at least: of the regions that lie in one of them altogether, as far as PD knows their sizes. A
    /// hint of what a table is no smaller than. Serves for a minute.
    ///
    /// # Errors
    /// As [`Self::region_sizes`].
    pub async fn stored_bytes(&self, ranges: &[KeyRange]) -> Result<u64> {
        self.pd.stored_bytes(ranges).await
    }

    /// The first and the last key of each range as of `ts`, where the stores tell them at the first try and within `limit` all together. A
    /// hint: what is locked counts as there, and nothing is waited for. Each range must lie in one region.
    pub async fn key_edges(&self, ts: u64, ranges: &[KeyRange], limit: Duration) -> Vec<KeyEdges> {
        self.regions.key_edges(ts, ranges, limit).await
    }

    /// Starts a coprocessor read on the client's runtime; may be called from any thread.
    pub fn coprocessor(self: &Arc<Self>, request: CopRequest) -> CopStream {
        cop::open(
            &self.runtime,
            self.regions.clone(),
            self.resolver.clone(),
            request,
            self.config.read_deadline,
        )
    }
}
