//! A read's hold on garbage collection.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::error::Result;
use crate::pd::ServiceSafePoint;

/// How long the versions stay when the reader is gone without a word. Renewed three times within it.
const TTL: Duration = Duration::from_secs(300);

/// Keeps the versions that one snapshot needs in the cluster until it is dropped: a service safe point of its own just below the snapshot,
/// renewed by a task of the client's runtime. When PD cannot be reached for longer than the time-to-live, garbage collection may pass it;
/// readers find that out themselves, because every scan looks at the GC safe point after its last row.
pub struct SnapshotGuard {
    _safe_point: ServiceSafePoint,
}

impl Client {
    /// Holds garbage collection below the snapshot `start_ts`.
    ///
    /// # Errors
    /// `GcSafePoint` when it has passed the snapshot already, or PD's errors.
    pub async fn protect(self: &Arc<Self>, start_ts: u64) -> Result<SnapshotGuard> {
        let id = format!("tidb-spark-read-{start_ts}-{:016x}", fastrand::u64(..));
        let on_lost = {
            let id = id.clone();
            Box::new(move |error: crate::ClientError| {
                tracing::warn!(
                    id,
                    error = error.message(),
                    "garbage collection passed a snapshot that is read"
                );
            })
        };
        let safe_point = ServiceSafePoint::register(
            self.pd.clone(),
            self.runtime.clone(),
            id,
            start_ts.saturating_sub(1),
            TTL,
            self.config.control_deadline(),
            on_lost,
        )
        .await?;
        Ok(SnapshotGuard {
            _safe_point: safe_point,
        })
    }
}
