//! Keeps a transaction alive, and notices when it is not.

use std::time::{Duration, Instant};

use ti_proto::kvrpcpb::TxnHeartBeatRequest;
use tokio::sync::watch;

use super::batch::Origin;
use super::outcome::{self, Outcome};
use super::prewrite::ttl_ms;
use super::{key_error, TxnInfo, TxnOptions};
use crate::backoff::Backoffer;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::region::send::KnownLocks;

/// Why a transaction cannot be committed any more; `None` while it can.
pub(super) type Lost = watch::Sender<Option<ClientError>>;

/// Notes the first reason.
pub(super) fn lose(lost: &Lost, error: ClientError) {
    lost.send_if_modified(|reason| {
        let first = reason.is_none();
        if first {
            tracing::warn!(error = error.message(), "transaction is lost");
            *reason = Some(error);
        }
        first
    });
}

/// What a heartbeat tells.
#[derive(Debug, PartialEq, Eq)]
enum Beat {
    Alive,
    Committed,
    RolledBack,
}

/// Beats until the transaction has ended. Failures of PD and stores are survived for as long as they last: whether somebody has rolled
/// the transaction back after its TTL is what the next answer tells.
pub(super) async fn run(origin: Origin, info: TxnInfo, begun: Instant, options: TxnOptions, lost: Lost) {
    let interval = options.heartbeat_interval;
    let mut due = Instant::now() + interval;
    loop {
        tokio::time::sleep_until(due.into()).await;
        let elapsed = begun.elapsed();
        if elapsed > options.max_life {
            let text = format!(
                "transaction {} is given up after {:.0} s: it ends with its TTL. Split the write.",
                info.start_ts,
                elapsed.as_secs_f64()
            );
            return lose(&lost, ClientError::new(ClientErrorKind::Deadline, text));
        }
        due = Instant::now() + interval;
        match beat(&origin, &info, elapsed, &options).await {
            Ok(Beat::Alive) => {}
            Ok(Beat::Committed) => return,
            Ok(Beat::RolledBack) => return lose(&lost, key_error::aborted(info.start_ts)),
            Err(error) => {
                tracing::warn!(start_ts = info.start_ts, error = error.message(), "heartbeat failed");
                due = Instant::now() + interval / 10;
            }
        }
    }
}

async fn beat(origin: &Origin, info: &TxnInfo, elapsed: Duration, options: &TxnOptions) -> Result<Beat> {
    let request = TxnHeartBeatRequest {
        context: None,
        primary_lock: info.primary.to_vec(),
        start_version: info.start_ts,
        advise_lock_ttl: ttl_ms(elapsed, options.lock_ttl),
    };
    // As long as the lock lives, less a margin, so that a frozen connection does not eat the whole TTL.
    let mut bo = Backoffer::new("sending a heartbeat", options.lock_ttl / 2, origin.stats.clone());
    let response = origin
        .regions
        .send_to_key(&mut bo, &info.primary, request, &KnownLocks::default())
        .await?;
    if response.error.is_none() {
        return Ok(Beat::Alive);
    }
    // Stores name the missing lock in several ways; the primary says why it is missing.
    match outcome::ask(origin, &mut bo, info).await? {
        Outcome::Locked => Ok(Beat::Alive),
        Outcome::Committed(_) => Ok(Beat::Committed),
        Outcome::RolledBack => Ok(Beat::RolledBack),
    }
}
