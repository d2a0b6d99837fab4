//! The GC safe point: snapshots below it may miss rows, and stores do not say so.
//!
//! A service safe point holds it back: as long as it lives, PD hands out no GC safe point above it. It lives `ttl` after each refresh.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ti_proto::pdpb::{GetGcSafePointRequest, UpdateServiceGcSafePointRequest};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::PdClient;
use crate::backoff::Backoffer;
use crate::error::{ClientError, ClientErrorKind, Result};

/// Time for taking a service safe point back. It ends by itself, so nobody waits long for that.
const REMOVE_DEADLINE: Duration = Duration::from_secs(10);

impl PdClient {
    /// The cluster's GC safe point (TSO). Versions that only older snapshots need may be gone.
    pub(crate) async fn gc_safe_point(&self, bo: &mut Backoffer) -> Result<u64> {
        let request = GetGcSafePointRequest { header: self.header() };
        let response = self
            .call(bo, request, |mut pd, request| async move {
                pd.get_gc_safe_point(request).await
            })
            .await?;
        Ok(response.safe_point)
    }

    /// Sets, refreshes or (TTL 0) removes a service safe point. Returns the smallest one of all services; PD refuses one below it by
    /// answering a larger one.
    async fn update_service_safe_point(
        &self,
        bo: &mut Backoffer,
        id: &str,
        ttl_s: i64,
        safe_point: u64,
    ) -> Result<u64> {
        let request = UpdateServiceGcSafePointRequest {
            header: self.header(),
            service_id: id.as_bytes().to_vec(),
            ttl: ttl_s,
            safe_point,
        };
        let response = self
            .call(bo, request, |mut pd, request| async move {
                pd.update_service_gc_safe_point(request).await
            })
            .await?;
        Ok(response.min_safe_point)
    }
}

/// Called when GC has passed a service safe point.
pub(crate) type OnLost = Box<dyn Fn(ClientError) + Send + Sync>;

/// A service safe point that a task keeps alive. Dropped: taken back in the background.
pub(crate) struct ServiceSafePoint {
    pd: Arc<PdClient>,
    runtime: Handle,
    id: String,
    safe_point: u64,
    refresher: Option<JoinHandle<()>>,
    removed: bool,
}

impl ServiceSafePoint {
    /// Holds GC at `safe_point`. Fails when GC has passed it already. `id` must be unique in the cluster. `on_lost` is called at most
    /// once, when a refresh finds that GC has passed it meanwhile.
    pub(crate) async fn register(
        pd: Arc<PdClient>,
        runtime: Handle,
        id: String,
        safe_point: u64,
        ttl: Duration,
        deadline: Duration,
        on_lost: OnLost,
    ) -> Result<Self> {
        let ttl = ttl.max(Duration::from_secs(1));
        let mut bo = Backoffer::new("setting a service safe point", deadline, Arc::default());
        // Made before it is set, so that it is taken back also when the answer is lost or the caller gives up.
        let mut this = Self {
            pd: pd.clone(),
            runtime: runtime.clone(),
            id: id.clone(),
            safe_point,
            refresher: None,
            removed: false,
        };
        set(&pd, &mut bo, &id, ttl, safe_point).await?;
        this.refresher = Some(runtime.spawn(refresh(pd, id, safe_point, ttl, on_lost)));
        Ok(this)
    }

    /// Takes it back, in the time that is given at most. Without success it ends with its TTL.
    pub(crate) async fn remove(mut self) -> Result<()> {
        self.stop();
        self.removed = true;
        remove(&self.pd, &self.id, self.safe_point).await
    }

    fn stop(&mut self) {
        if let Some(refresher) = self.refresher.take() {
            refresher.abort();
        }
    }
}

impl Drop for ServiceSafePoint {
    fn drop(&mut self) {
        self.stop();
        if self.removed {
            return;
        }
        let (pd, id, safe_point) = (self.pd.clone(), std::mem::take(&mut self.id), self.safe_point);
        self.runtime.spawn(async move {
            if let Err(error) = remove(&pd, &id, safe_point).await {
                tracing::info!(id, error = error.message(), "service safe point was left to its TTL");
            }
        });
    }
}

async fn set(pd: &PdClient, bo: &mut Backoffer, id: &str, ttl: Duration, safe_point: u64) -> Result<()> {
    let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
    let least = pd.update_service_safe_point(bo, id, seconds, safe_point).await?;
    if least > safe_point {
        return Err(ClientError::new(
            ClientErrorKind::GcSafePoint,
            format!(
                "garbage collection cannot be held at {safe_point}: it has passed to {least}. Keep history longer (tidb_gc_life_time), and see that PD is reachable \
                 all the time."
            ),
        ));
    }
    Ok(())
}

async fn remove(pd: &PdClient, id: &str, safe_point: u64) -> Result<()> {
    let mut bo = Backoffer::new("removing a service safe point", REMOVE_DEADLINE, Arc::default());
    pd.update_service_safe_point(&mut bo, id, 0, safe_point)
        .await
        .map(|_| ())
}

async fn refresh(pd: Arc<PdClient>, id: String, safe_point: u64, ttl: Duration, on_lost: OnLost) {
    let mut due = Instant::now() + ttl / 3;
    loop {
        tokio::time::sleep_until(due.into()).await;
        // A refresh that fails is tried again until it succeeds: past the TTL GC may not have run yet.
        let mut bo = Backoffer::new("refreshing a service safe point", ttl / 3, Arc::default());
        due = Instant::now() + ttl / 3;
        match set(&pd, &mut bo, &id, ttl, safe_point).await {
            Ok(()) => {}
            Err(error) if error.kind == ClientErrorKind::GcSafePoint => return on_lost(error),
            Err(error) => {
                tracing::warn!(id, error = error.message(), "service safe point was not refreshed");
                due = Instant::now() + ttl / 30;
            }
        }
    }
}
