//! Small transactions of one key: read, change, write. For TiDB's allocators of row ids, which are hash fields of its metadata.

use std::time::Duration;

use bytes::Bytes;

use super::batch::Origin;
use super::commit::{self, Primary};
use super::{key_error, outcome, prewrite, read, BatchOptions, Mutation, MutationOp, PrewriteOptions, TxnInfo};
use crate::backoff::{BackoffKind, Backoffer};
use crate::client::Client;
use crate::error::{ClientError, ClientErrorKind, Result};

/// TTL of the lock: nobody keeps it alive.
const LOCK_TTL: Duration = Duration::from_secs(3);

/// Changes the value of `key` until that succeeds without a conflict. `change` sees the value of each try's snapshot.
pub(super) async fn update<E, F>(client: &Client, key: Bytes, deadline: Duration, mut change: F) -> Result<(), E>
where
    E: From<ClientError>,
    F: FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, E>,
{
    let origin = client.origin();
    let mut bo = Backoffer::new("changing a metadata key", deadline, origin.stats.clone());
    loop {
        let start_ts = client.timestamp().await?;
        let options = BatchOptions {
            deadline: bo.remaining(),
            ..BatchOptions::default()
        };
        let found = read::run(
            &origin,
            client.resolver.clone(),
            start_ts,
            vec![key.clone()],
            &[],
            &options,
        )
        .await?;
        let old = found.first().map(|(_, value)| value.as_ref());
        let Some(new) = change(old)? else { return Ok(()) };
        let info = TxnInfo {
            start_ts,
            primary: key.clone(),
        };
        match write(client, &origin, &mut bo, &info, new).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if matches!(error.kind, ClientErrorKind::WriteConflict | ClientErrorKind::TxnAborted) => {}
            Err(error) => return Err(error.into()),
        }
        bo.backoff(
            BackoffKind::TxnLock,
            "another transaction changes the same metadata key",
        )
        .await?;
    }
}

/// One try. `false`: it was rolled back by somebody.
async fn write(client: &Client, origin: &Origin, bo: &mut Backoffer, info: &TxnInfo, value: Vec<u8>) -> Result<bool> {
    let options = PrewriteOptions {
        deadline: bo.remaining(),
        lock_ttl: LOCK_TTL,
        ..PrewriteOptions::default()
    };
    let mutation = Mutation::new(MutationOp::Put, info.primary.clone(), value);
    let prewritten = prewrite::run(origin, client.resolver.clone(), info, vec![mutation], &options).await;
    let error = match prewritten {
        Ok(_) => match commit(client, origin, bo, info).await {
            Ok(done) => return Ok(done),
            Err(failure) if failure.undetermined => return Err(failure.error),
            Err(failure) => failure.error,
        },
        Err(error) if matches!(error.kind, ClientErrorKind::WriteConflict | ClientErrorKind::TxnAborted) => {
            return Err(error)
        }
        Err(error) => error,
    };
    // Nothing was committed: the next writer shall not wait for the TTL.
    let mut last = Backoffer::new("rolling back", LOCK_TTL, origin.stats.clone());
    if let Err(error) = outcome::roll_back(origin, &mut last, info).await {
        tracing::info!(
            start_ts = info.start_ts,
            error = error.message(),
            "lock is left to its TTL"
        );
    }
    Err(error)
}

async fn commit(client: &Client, origin: &Origin, bo: &mut Backoffer, info: &TxnInfo) -> Result<bool, commit::Failure> {
    loop {
        let commit_ts = client.timestamp().await.map_err(|error| commit::Failure {
            error,
            undetermined: false,
        })?;
        match commit::primary(origin, bo, info, commit_ts, false).await {
            Ok(Primary::Committed { .. }) => return Ok(true),
            Ok(Primary::RolledBack) => return Ok(false),
            Ok(Primary::Expired { .. }) => {
                let wait = bo.backoff(BackoffKind::MaxTimestampNotSynced, "commit timestamp expired");
                wait.await.map_err(|error| commit::Failure {
                    error,
                    undetermined: false,
                })?;
            }
            Err(failure) if failure.undetermined => {
                return Err(commit::Failure {
                    error: key_error::undetermined(info.start_ts, &info.primary, commit_ts, &failure.error),
                    undetermined: true,
                })
            }
            Err(failure) => return Err(failure),
        }
    }
}
