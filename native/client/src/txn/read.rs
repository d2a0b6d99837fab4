//! Point reads of many keys, through the locks of the transaction that asks.

use std::sync::Arc;

use bytes::Bytes;
use ti_proto::kvrpcpb::{BatchGetRequest, BatchGetResponse};

use super::batch::{self, Batched, Limits, Origin};
use super::options::BatchOptions;
use crate::backoff::Backoffer;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::lock::{describe, LockResolver, SeenLocks};
use crate::region::send::KnownLocks;

/// Bytes of keys in one request.
const REQUEST_BYTES: usize = 512 << 10;

/// A key and its value.
pub(super) type Pair = (Bytes, Bytes);

struct BatchGet {
    ts: u64,
    own: Vec<u64>,
    resolver: LockResolver,
    seen: SeenLocks,
}

impl Batched for BatchGet {
    type Item = Bytes;
    type Request = BatchGetRequest;
    type Output = Vec<Pair>;
    const OPERATION: &'static str = "reading keys";

    fn request(&self, items: &[Bytes]) -> BatchGetRequest {
        BatchGetRequest {
            context: None,
            keys: items.to_vec(),
            version: self.ts,
        }
    }

    fn known(&self) -> KnownLocks {
        let mut known = self.seen.known();
        known.committed.extend_from_slice(&self.own);
        known
    }

    async fn answer(
        &self,
        bo: &mut Backoffer,
        _items: &[Bytes],
        sent: KnownLocks,
        response: BatchGetResponse,
    ) -> Result<Option<Vec<Pair>>> {
        let mut locks = Vec::new();
        let mut pairs = Vec::with_capacity(response.pairs.len());
        let mut errors: Vec<_> = response.error.into_iter().collect();
        for pair in response.pairs {
            match pair.error {
                Some(error) => errors.push(error),
                // TiDB writes no empty values: one means that there is none.
                None if pair.value.is_empty() => {}
                None => pairs.push((pair.key.into(), pair.value.into())),
            }
        }
        for error in errors {
            match error.locked {
                Some(lock) if self.own.contains(&lock.lock_version) => {
                    return Err(ClientError::new(
                        ClientErrorKind::Protocol,
                        format!(
                            "a store does not read through the locks of transaction {} although it was told to: it is older than TiKV 6.1, or no TiKV",
                            lock.lock_version
                        ),
                    ));
                }
                Some(lock) => locks.push(lock),
                None => {
                    return Err(ClientError::new(
                        ClientErrorKind::Protocol,
                        format!("a store answers a read with: {}", describe(&error)),
                    ))
                }
            }
        }
        if locks.is_empty() {
            return Ok(Some(pairs));
        }
        self.resolver
            .resolve_for_read(bo, self.ts, locks, &sent, &self.seen)
            .await?;
        Ok(None)
    }
}

/// The pairs of `keys` that have a value at `ts`, in any order.
pub(super) async fn run(
    origin: &Origin,
    resolver: LockResolver,
    ts: u64,
    mut keys: Vec<Bytes>,
    committed_locks: &[u64],
    options: &BatchOptions,
) -> Result<Vec<Pair>> {
    if let Some(own) = committed_locks.iter().find(|own| **own >= ts) {
        return Err(ClientError::new(
            ClientErrorKind::InvalidArgument,
            format!("a read at {ts} cannot see what transaction {own} has locked: read at a newer timestamp"),
        ));
    }
    keys.sort_unstable();
    keys.dedup();
    let work = BatchGet {
        ts,
        own: committed_locks.to_vec(),
        resolver,
        seen: SeenLocks::at(ts),
    };
    let limits = Limits {
        bytes: REQUEST_BYTES,
        items: options.request_keys,
        concurrency: options.concurrency,
        deadline: options.deadline,
    };
    let mut out = Vec::new();
    batch::run(origin, Arc::new(work), keys, limits, |pairs| out.extend(pairs)).await?;
    Ok(out)
}
