//! The GC safe point: snapshots below it may miss rows, and stores do not say so.

use ti_proto::pdpb::GetGcSafePointRequest;

use super::PdClient;
use crate::backoff::Backoffer;
use crate::error::Result;

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
}
