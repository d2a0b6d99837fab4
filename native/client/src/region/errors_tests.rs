use super::*;
use ti_proto::errorpb::*;

const ID: u64 = 7;
const EPOCH: RegionEpoch = RegionEpoch {
    conf_ver: 3,
    version: 5,
};

fn act(error: errorpb::Error) -> RegionAction {
    action(ID, &EPOCH, error)
}

fn told(id: u64, conf_ver: u64, version: u64) -> metapb::Region {
    metapb::Region {
        id,
        region_epoch: Some(RegionEpoch { conf_ver, version }),
        ..Default::default()
    }
}

fn epoch_error(current_regions: Vec<metapb::Region>) -> errorpb::Error {
    errorpb::Error {
        epoch_not_match: Some(EpochNotMatch { current_regions }),
        ..Default::default()
    }
}

/// Every field of `errorpb.Error` that is a plain retry, one by one, against the table of the module.
#[test]
fn every_error_has_the_action_of_the_table() {
    use BackoffKind as B;
    use CacheAction as C;
    macro_rules! error {
        ($($field:ident: $value:expr),*) => { errorpb::Error { $($field: Some($value),)* ..Default::default() } };
    }
    let table = [
        (error!(not_leader: NotLeader::default()), C::Forget, B::RegionScheduling),
        (
            error!(region_not_found: RegionNotFound::default()),
            C::Forget,
            B::RegionMiss,
        ),
        (
            error!(key_not_in_region: KeyNotInRegion::default()),
            C::Forget,
            B::RegionMiss,
        ),
        (epoch_error(Vec::new()), C::Forget, B::RegionMiss),
        (error!(server_is_busy: ServerIsBusy::default()), C::Keep, B::ServerBusy),
        (error!(stale_command: StaleCommand {}), C::Keep, B::StaleCommand),
        (
            error!(store_not_match: StoreNotMatch::default()),
            C::ForgetWithStore,
            B::StoreRpc,
        ),
        (
            error!(max_timestamp_not_synced: MaxTimestampNotSynced {}),
            C::Keep,
            B::MaxTimestampNotSynced,
        ),
        (
            error!(read_index_not_ready: ReadIndexNotReady {}),
            C::Keep,
            B::RegionScheduling,
        ),
        (
            error!(proposal_in_merging_mode: ProposalInMergingMode {}),
            C::Keep,
            B::RegionScheduling,
        ),
        (
            error!(data_is_not_ready: DataIsNotReady::default()),
            C::Keep,
            B::DataIsNotReady,
        ),
        (
            error!(region_not_initialized: RegionNotInitialized {}),
            C::Keep,
            B::RegionNotInitialized,
        ),
        (error!(disk_full: DiskFull {}), C::Keep, B::DiskFull),
        (
            error!(recovery_in_progress: RecoveryInProgress {}),
            C::Forget,
            B::RegionRecovery,
        ),
        (error!(is_witness: IsWitness {}), C::Forget, B::IsWitness),
        (error!(mismatch_peer_id: MismatchPeerId {}), C::Forget, B::RegionMiss),
        (
            error!(bucket_version_not_match: BucketVersionNotMatch {}),
            C::Forget,
            B::RegionMiss,
        ),
        (
            error!(undetermined_result: UndeterminedResult {}),
            C::Keep,
            B::StaleCommand,
        ),
        (
            errorpb::Error {
                message: "an error of the future".into(),
                ..Default::default()
            },
            C::Forget,
            B::RegionMiss,
        ),
    ];
    for (error, expected_cache, expected_kind) in table {
        let text = format!("{error:?}");
        match act(error) {
            RegionAction::Retry { cache, wait, cause } => {
                assert_eq!((cache, wait), (expected_cache, Wait::Backoff(expected_kind)), "{text}");
                assert!(!cause.is_empty());
            }
            RegionAction::Fail(error) => panic!("{text}: {error}"),
        }
    }
}

#[test]
fn a_write_that_is_too_large_has_a_kind_of_its_own() {
    let error = errorpb::Error {
        raft_entry_too_large: Some(RaftEntryTooLarge {}),
        ..Default::default()
    };
    match act(error) {
        RegionAction::Fail(failure) => assert_eq!(failure.kind, ClientErrorKind::MutationTooLarge),
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_that_no_retry_heals() {
    let errors = [
        errorpb::Error {
            flashback_in_progress: Some(FlashbackInProgress {}),
            ..Default::default()
        },
        errorpb::Error {
            flashback_not_prepared: Some(FlashbackNotPrepared {}),
            ..Default::default()
        },
    ];
    for error in errors {
        match act(error.clone()) {
            RegionAction::Fail(failure) => {
                assert_eq!(failure.kind, ClientErrorKind::Region);
                assert!(failure.message().contains("region 7"), "{failure}");
            }
            other => panic!("{error:?}: {other:?}"),
        }
    }
}

#[test]
fn a_named_leader_is_followed_almost_at_once() {
    let leader = Peer {
        id: 70,
        store_id: 9,
        ..Default::default()
    };
    let error = |leader| errorpb::Error {
        not_leader: Some(NotLeader { region_id: ID, leader }),
        ..Default::default()
    };
    let RegionAction::Retry { cache, wait, .. } = act(error(Some(leader))) else {
        panic!("must retry")
    };
    assert_eq!(
        (cache, wait),
        (CacheAction::SetLeader(leader), Wait::Backoff(BackoffKind::UpdateLeader))
    );
    // A peer without a store is no leader.
    let RegionAction::Retry { cache, .. } = act(error(Some(Peer::default()))) else {
        panic!("must retry")
    };
    assert_eq!(cache, CacheAction::Forget);
}

#[test]
fn told_regions_replace_the_old_one_unless_they_are_older() {
    let news = vec![told(ID, 3, 6), told(8, 3, 6)];
    let RegionAction::Retry { cache, wait, .. } = act(epoch_error(news.clone())) else {
        panic!("must retry")
    };
    assert_eq!((cache, wait), (CacheAction::Replace(news), Wait::No));
    for stale in [told(ID, 3, 4), told(ID, 2, 5), told(ID, 3, 5), told(ID, 2, 9)] {
        let RegionAction::Retry { cache, wait, .. } = act(epoch_error(vec![stale])) else {
            panic!("must retry")
        };
        assert_eq!(
            (cache, wait),
            (CacheAction::Forget, Wait::Backoff(BackoffKind::RegionMiss))
        );
    }
}

#[test]
fn a_busy_store_says_how_long() {
    let busy = |backoff_ms| errorpb::Error {
        server_is_busy: Some(ServerIsBusy {
            backoff_ms,
            ..Default::default()
        }),
        ..Default::default()
    };
    for (ms, expected) in [(250, Duration::from_millis(250)), (u64::MAX, MAX_SERVER_BACKOFF)] {
        let RegionAction::Retry { cache, wait, .. } = act(busy(ms)) else {
            panic!("must retry")
        };
        assert_eq!((cache, wait), (CacheAction::Keep, Wait::AtLeast(expected)));
    }
}
