use super::*;
use ti_proto::pdpb::{Member, ResponseHeader};

fn answer(address: &str, cluster_id: u64, leader: Option<&[&str]>, members: &[&str]) -> Answer {
    let member = |urls: &[&str]| Member {
        client_urls: urls.iter().map(|u| u.to_string()).collect(),
        ..Default::default()
    };
    Answer {
        address: address.to_string(),
        response: GetMembersResponse {
            header: Some(ResponseHeader {
                cluster_id,
                error: None,
            }),
            members: members.iter().map(|url| member(&[url])).collect(),
            leader: leader.map(member),
            etcd_leader: None,
        },
    }
}

#[test]
fn the_leader_is_followed_and_members_are_learnt() {
    let configured = ["a:1".to_string()];
    let found = judge(
        &[answer(
            "a:1",
            9,
            Some(&["http://b:2"]),
            &["http://a:1", "http://b:2", "http://c:3"],
        )],
        &configured,
        false,
    )
    .unwrap();
    assert_eq!(found.cluster_id, 9);
    assert_eq!(found.members.leader_first(), ["b:2", "a:1", "c:3"]);
}

#[test]
fn a_configured_address_of_the_leader_is_preferred() {
    let configured = ["10.0.0.1:1".to_string()];
    let found = judge(
        &[answer(
            "10.0.0.1:1",
            9,
            Some(&["http://internal:1", "http://10.0.0.1:1"]),
            &[],
        )],
        &configured,
        false,
    )
    .unwrap();
    assert_eq!(found.members.leader, "10.0.0.1:1");
}

#[test]
fn different_clusters_are_named() {
    let configured = ["a:1".to_string(), "b:2".to_string()];
    let answers = [
        answer("a:1", 9, Some(&["http://a:1"]), &[]),
        answer("b:2", 10, Some(&["http://b:2"]), &[]),
    ];
    let error = judge(&answers, &configured, false).err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::ClusterMismatch);
    for part in ["a:1", "b:2", "9", "10"] {
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn no_leader_is_an_error_that_may_pass() {
    let error = judge(&[answer("a:1", 9, None, &["http://a:1"])], &["a:1".to_string()], false)
        .err()
        .unwrap();
    assert!(error.is_retryable());
    assert!(error.message().contains("no leader"));
}

#[test]
fn absorbing_keeps_old_addresses() {
    let mut members = Members {
        leader: "a:1".into(),
        endpoints: vec!["a:1".into(), "b:2".into()],
    };
    members.absorb(Members {
        leader: "c:3".into(),
        endpoints: vec!["c:3".into(), "a:1".into()],
    });
    assert_eq!(members.leader_first(), ["c:3", "a:1", "b:2"]);
}
