//! Commit or rollback of all that is left in ranges: one request per region, without a list of keys.

use std::sync::Arc;

use ti_proto::kvrpcpb::ResolveLockRequest;

use super::batch::Origin;
use super::options::BatchOptions;
use super::ranges::{self, Ranged};
use crate::backoff::{BackoffKind, Backoffer};
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::lock::describe;
use crate::region::send::KnownLocks;
use crate::region::{KeyRange, Region};

struct Resolve {
    start_ts: u64,
    commit_ts: u64,
}

impl Ranged for Resolve {
    const OPERATION: &'static str = "resolving the locks of a transaction";

    async fn step(
        &self,
        origin: &Origin,
        bo: &mut Backoffer,
        region: &Region,
        _ranges: &[KeyRange],
    ) -> Result<Option<Vec<KeyRange>>> {
        // Without keys the store resolves every lock of the transaction in the region: more than the ranges, and all of it ours.
        let request = ResolveLockRequest {
            context: None,
            start_version: self.start_ts,
            commit_version: self.commit_ts,
            keys: Vec::new(),
        };
        let known = KnownLocks::default();
        let Some(response) = origin.regions.send(bo, region, request, &known).await? else {
            return Ok(None);
        };
        match response.error {
            None => Ok(Some(Vec::new())),
            Some(error) if error.locked.is_some() || !error.retryable.is_empty() => {
                bo.backoff(BackoffKind::TxnLock, format!("resolving meets: {}", describe(&error)))
                    .await?;
                Ok(None)
            }
            Some(error) => Err(ClientError::new(
                ClientErrorKind::Lock,
                format!(
                    "region {} does not resolve the locks of transaction {}: {}",
                    region.id,
                    self.start_ts,
                    describe(&error)
                ),
            )),
        }
    }
}

/// Commits (`commit_ts` > 0) or rolls back (0) every lock of the transaction in the regions of `key_ranges`.
pub(super) async fn run(
    origin: &Origin,
    start_ts: u64,
    commit_ts: u64,
    key_ranges: Vec<KeyRange>,
    options: &BatchOptions,
) -> Result<()> {
    if commit_ts != 0 && commit_ts <= start_ts {
        return Err(ClientError::new(
            ClientErrorKind::InvalidArgument,
            format!("commit_ts {commit_ts} is not above start_ts {start_ts}"),
        ));
    }
    let work = Resolve { start_ts, commit_ts };
    ranges::run(
        origin,
        Arc::new(work),
        key_ranges,
        options.concurrency,
        options.deadline,
    )
    .await
}
