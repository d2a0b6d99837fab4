//! What every region error asks for.
//!
//! | error | cache | wait | then |
//! | --- | --- | --- | --- |
//! | not_leader, leader named | the leader moves | 1..10 ms | again |
//! | not_leader, no leader | region forgotten | 2..500 ms (election) | again |
//! | region_not_found, key_not_in_region, mismatch_peer_id | region forgotten | 2..500 ms | again |
//! | epoch_not_match, regions told | regions replaced | none | again, ranges split anew |
//! | epoch_not_match, none or no newer ones told | region forgotten | 2..500 ms | again, ranges split anew |
//! | server_is_busy | kept | what the server asks for, else 2..10 s | again |
//! | stale_command, undetermined_result | kept | 2..1,000 ms | again: what we send is idempotent |
//! | store_not_match | region and the store's address forgotten | 100..2,000 ms | again |
//! | raft_entry_too_large | kept | | fail; a batch of writes is halved |
//! | max_timestamp_not_synced | kept | 2..500 ms | again |
//! | read_index_not_ready, proposal_in_merging_mode | kept | 2..500 ms | again |
//! | data_is_not_ready | kept | 100..2,000 ms | again |
//! | region_not_initialized | kept | 2..1,000 ms | again |
//! | disk_full | kept | 0.5..5 s | again |
//! | recovery_in_progress | region forgotten | 0.1..10 s | again |
//! | flashback_in_progress, flashback_not_prepared | kept | | fail |
//! | is_witness | region forgotten | 1..10 s | again |
//! | bucket_version_not_match | region forgotten | 2..500 ms | again |
//! | message only (a newer server's error) | region forgotten | 2..500 ms | again |
//!
//! "Again" always locates the keys anew, so that a split or merge in between re-splits the ranges. All of it is inside the deadline.

use std::time::Duration;

use ti_proto::errorpb;
use ti_proto::metapb::{self, Peer, RegionEpoch};

use crate::backoff::BackoffKind;
use crate::error::{ClientError, ClientErrorKind};

/// What becomes of the cached region.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CacheAction {
    Keep,
    SetLeader(Peer),
    Forget,
    /// Bounds are memcomparable-encoded.
    Replace(Vec<metapb::Region>),
    ForgetWithStore,
}

/// How long to wait before trying again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wait {
    No,
    Backoff(BackoffKind),
    /// The server says how long.
    AtLeast(Duration),
}

/// The way on after a region error.
#[derive(Debug, Clone)]
pub(crate) enum RegionAction {
    Retry {
        cache: CacheAction,
        wait: Wait,
        cause: &'static str,
    },
    Fail(ClientError),
}

/// A server's request for patience is believed up to this.
const MAX_SERVER_BACKOFF: Duration = Duration::from_secs(60);

/// The action for an error of a region that was asked with `epoch`.
pub(crate) fn action(region_id: u64, epoch: &RegionEpoch, error: errorpb::Error) -> RegionAction {
    // Taken apart completely: a field that is added to the protocol does not compile until it has an action.
    let errorpb::Error {
        message,
        not_leader,
        region_not_found,
        key_not_in_region,
        epoch_not_match,
        server_is_busy,
        stale_command,
        store_not_match,
        raft_entry_too_large,
        max_timestamp_not_synced,
        read_index_not_ready,
        proposal_in_merging_mode,
        data_is_not_ready,
        region_not_initialized,
        disk_full,
        recovery_in_progress,
        flashback_in_progress,
        flashback_not_prepared,
        is_witness,
        mismatch_peer_id,
        bucket_version_not_match,
        undetermined_result,
    } = error;
    if let Some(not_leader) = not_leader {
        return match not_leader.leader.filter(|peer| peer.store_id != 0) {
            Some(peer) => retry(
                CacheAction::SetLeader(peer),
                BackoffKind::UpdateLeader,
                "leader has moved",
            ),
            None => retry(
                CacheAction::Forget,
                BackoffKind::RegionScheduling,
                "region has no leader",
            ),
        };
    }
    if let Some(mismatch) = epoch_not_match {
        return epoch_mismatch(region_id, epoch, mismatch.current_regions);
    }
    if let Some(busy) = server_is_busy {
        let wait = match busy.backoff_ms {
            0 => Wait::Backoff(BackoffKind::ServerBusy),
            ms => Wait::AtLeast(Duration::from_millis(ms).min(MAX_SERVER_BACKOFF)),
        };
        return RegionAction::Retry {
            cache: CacheAction::Keep,
            wait,
            cause: "store is busy",
        };
    }
    if raft_entry_too_large.is_some() {
        // A batch of writes is halved; what fails alone is too large for the cluster.
        let text = format!(
            "region {region_id}: a write is larger than a Raft entry may be (TiKV: raftstore.raft-entry-max-size, 8 MiB by default): make the rows smaller"
        );
        return RegionAction::Fail(ClientError::new(ClientErrorKind::MutationTooLarge, text));
    }
    if flashback_in_progress.is_some() {
        return fail(
            region_id,
            "the region is in a flashback: wait until FLASHBACK CLUSTER has finished",
        );
    }
    if flashback_not_prepared.is_some() {
        return fail(region_id, "the region is not prepared for the flashback that runs");
    }
    let (cache, kind, cause) = if region_not_found.is_some() {
        (
            CacheAction::Forget,
            BackoffKind::RegionMiss,
            "region not found at its store",
        )
    } else if key_not_in_region.is_some() {
        (CacheAction::Forget, BackoffKind::RegionMiss, "key not in region")
    } else if mismatch_peer_id.is_some() {
        (CacheAction::Forget, BackoffKind::RegionMiss, "peer was replaced")
    } else if bucket_version_not_match.is_some() {
        (
            CacheAction::Forget,
            BackoffKind::RegionMiss,
            "bucket version has changed",
        )
    } else if stale_command.is_some() {
        (
            CacheAction::Keep,
            BackoffKind::StaleCommand,
            "command was dropped in a change of leader",
        )
    } else if undetermined_result.is_some() {
        (
            CacheAction::Keep,
            BackoffKind::StaleCommand,
            "result of the command is not known",
        )
    } else if store_not_match.is_some() {
        (
            CacheAction::ForgetWithStore,
            BackoffKind::StoreRpc,
            "another store has this address now",
        )
    } else if max_timestamp_not_synced.is_some() {
        (
            CacheAction::Keep,
            BackoffKind::MaxTimestampNotSynced,
            "max_ts is not synced yet",
        )
    } else if read_index_not_ready.is_some() {
        (
            CacheAction::Keep,
            BackoffKind::RegionScheduling,
            "read index is not ready",
        )
    } else if proposal_in_merging_mode.is_some() {
        (
            CacheAction::Keep,
            BackoffKind::RegionScheduling,
            "region is being merged",
        )
    } else if data_is_not_ready.is_some() {
        (CacheAction::Keep, BackoffKind::DataIsNotReady, "data is not ready")
    } else if region_not_initialized.is_some() {
        (
            CacheAction::Keep,
            BackoffKind::RegionNotInitialized,
            "region is not initialized yet",
        )
    } else if disk_full.is_some() {
        (CacheAction::Keep, BackoffKind::DiskFull, "disk of the store is full")
    } else if recovery_in_progress.is_some() {
        (
            CacheAction::Forget,
            BackoffKind::RegionRecovery,
            "region is being recovered",
        )
    } else if is_witness.is_some() {
        (CacheAction::Forget, BackoffKind::IsWitness, "peer is a witness")
    } else {
        tracing::warn!(region_id, message, "region error of a kind that is not known");
        (
            CacheAction::Forget,
            BackoffKind::RegionMiss,
            "region error of an unknown kind",
        )
    };
    retry(cache, kind, cause)
}

fn epoch_mismatch(region_id: u64, epoch: &RegionEpoch, current: Vec<metapb::Region>) -> RegionAction {
    const CAUSE: &str = "region was split, merged or moved";
    let stale = |region: &metapb::Region| {
        let told = region.region_epoch.unwrap_or_default();
        let older = told.version < epoch.version || told.conf_ver < epoch.conf_ver;
        region.id == region_id && (older || told == *epoch)
    };
    // A replica that is behind tells an epoch that is not newer than ours: PD, or a moment, knows better.
    if current.is_empty() || current.iter().any(stale) {
        return retry(CacheAction::Forget, BackoffKind::RegionMiss, CAUSE);
    }
    RegionAction::Retry {
        cache: CacheAction::Replace(current),
        wait: Wait::No,
        cause: CAUSE,
    }
}

fn retry(cache: CacheAction, kind: BackoffKind, cause: &'static str) -> RegionAction {
    RegionAction::Retry {
        cache,
        wait: Wait::Backoff(kind),
        cause,
    }
}

fn fail(region_id: u64, what: &str) -> RegionAction {
    RegionAction::Fail(ClientError::new(
        ClientErrorKind::Region,
        format!("region {region_id}: {what}"),
    ))
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
