use super::*;
use ti_proto::metapb::RegionEpoch;

fn peer(id: u64, role: PeerRole, is_witness: bool) -> Peer {
    Peer {
        id,
        store_id: id * 10,
        role: role as i32,
        is_witness,
    }
}

#[test]
fn any_other_voter_with_data_may_lead() {
    let peers = vec![
        peer(1, PeerRole::Voter, false),
        peer(2, PeerRole::Voter, false),
        peer(3, PeerRole::Learner, false),
        peer(4, PeerRole::Voter, true),
        peer(5, PeerRole::Voter, false),
    ];
    let region = Region {
        id: 7,
        start: "a".into(),
        end: "b".into(),
        epoch: RegionEpoch::default(),
        leader: peers[1],
        peers,
    };
    let stores: Vec<u64> = successors(&region).iter().map(|peer| peer.store_id).collect();
    assert_eq!(stores, [10, 50]);
}
