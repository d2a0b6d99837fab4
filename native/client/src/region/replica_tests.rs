use super::*;

fn peer(id: u64, role: PeerRole) -> Peer {
    Peer {
        id,
        store_id: id + 100,
        role: role as i32,
        is_witness: false,
    }
}

fn region(id: u64, peers: Vec<Peer>) -> Region {
    Region {
        id,
        start: bytes::Bytes::new(),
        end: bytes::Bytes::new(),
        epoch: ti_proto::metapb::RegionEpoch::default(),
        leader: peers.first().copied().unwrap_or_default(),
        peers,
    }
}

#[test]
fn regions_are_spread_and_stay_where_they_are() {
    let peers = vec![
        peer(3, PeerRole::Voter),
        peer(1, PeerRole::Voter),
        peer(2, PeerRole::Voter),
    ];
    let stores: Vec<u64> = (0..6)
        .map(|id| spread(&region(id, peers.clone()), peers.clone()).unwrap().store_id)
        .collect();
    assert_eq!(stores, [101, 102, 103, 101, 102, 103]);
    let mut turned = peers.clone();
    turned.rotate_left(1);
    assert_eq!(spread(&region(4, peers.clone()), turned).unwrap().store_id, 102);
    assert_eq!(spread(&region(4, peers), Vec::new()), None);
}

#[test]
fn roles() {
    let mut witness = peer(4, PeerRole::Voter);
    witness.is_witness = true;
    for (peer, follower, learner) in [
        (peer(1, PeerRole::Voter), true, false),
        (peer(2, PeerRole::Learner), false, true),
        // On their way in or out: neither.
        (peer(3, PeerRole::IncomingVoter), false, false),
        (peer(3, PeerRole::DemotingVoter), false, false),
        (witness, false, false),
    ] {
        assert_eq!(ReplicaRole::Follower.is(&peer), follower, "{peer:?}");
        assert_eq!(ReplicaRole::Learner.is(&peer), learner, "{peer:?}");
    }
}

#[test]
fn age_of_a_snapshot() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000);
    let at = |millis: u64| millis << LOGICAL_BITS;
    assert!(is_old(at(1_700_000_000_000 - 20_000), now));
    assert!(!is_old(at(1_700_000_000_000 - 19_999), now));
    // PD's clock is ahead of ours, and a timestamp that no clock can be at.
    assert!(!is_old(at(1_700_000_100_000), now));
    assert!(!is_old(u64::MAX, now));
    assert!(is_old(0, now));
}

#[test]
fn a_store_that_does_not_answer_rests() {
    let replicas = Replicas::new(vec![ReplicaRole::Follower]);
    assert!(!replicas.rests(7));
    replicas.rest(7);
    assert!(replicas.rests(7) && !replicas.rests(8));
}
