use super::*;

#[test]
fn header_errors_are_retried_and_other_clusters_refused() {
    let header = |cluster_id, error: Option<pdpb::Error>| ResponseHeader { cluster_id, error };
    assert!(refusal(None, "pd:1", 7).unwrap().is_none());
    assert!(refusal(Some(&header(7, None)), "pd:1", 7).unwrap().is_none());
    let not_leader = pdpb::Error {
        r#type: pdpb::ErrorType::Unknown as i32,
        message: "not leader".into(),
    };
    assert!(refusal(Some(&header(7, Some(not_leader))), "pd:1", 7)
        .unwrap()
        .unwrap()
        .contains("not leader"));
    let error = refusal(Some(&header(8, None)), "pd:1", 7).unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::ClusterMismatch);
    assert!(error.message().contains("pd:1"), "{error}");
}

#[test]
fn statuses_that_no_retry_heals() {
    assert_eq!(
        fatal_status("a:1", &Status::unimplemented("unknown service"))
            .unwrap()
            .kind,
        ClientErrorKind::Protocol
    );
    assert_eq!(
        fatal_status("a:1", &Status::unauthenticated("CN")).unwrap().kind,
        ClientErrorKind::Tls
    );
    assert_eq!(
        fatal_status("a:1", &Status::unavailable("invalid peer certificate: UnknownIssuer"))
            .unwrap()
            .kind,
        ClientErrorKind::Tls
    );
    assert!(fatal_status("a:1", &Status::unavailable("not leader")).is_none());
}
