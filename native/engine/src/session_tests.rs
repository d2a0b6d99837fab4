use super::*;

fn config() -> plan::SessionConfig {
    plan::SessionConfig {
        pd_addresses: vec!["127.0.0.1:2379".into()],
        request_timeout_ms: 1000,
        read_deadline_ms: 1000,
        connect_timeout_ms: 1000,
        command_priority: "low".into(),
        isolation_level: "SI".into(),
        ..Default::default()
    }
}

#[test]
fn a_bad_configuration_is_answered_with_the_name_of_its_key() {
    assert!(client_config(config()).is_ok());
    let tls = |ca: &str, cert: &str, key: &str| plan::Tls {
        ca_path: ca.into(),
        cert_path: cert.into(),
        key_path: key.into(),
    };
    type Change = Box<dyn Fn(&mut plan::SessionConfig)>;
    let cases: Vec<(&str, Change)> = vec![
        ("pd.addresses", Box::new(|c| c.pd_addresses.clear())),
        ("pd.addresses", Box::new(|c| c.pd_addresses = vec![" ".into()])),
        ("request.timeout", Box::new(|c| c.request_timeout_ms = 0)),
        ("deadline.read", Box::new(|c| c.read_deadline_ms = 0)),
        ("connect.timeout", Box::new(|c| c.connect_timeout_ms = 0)),
        (
            "request.command.priority",
            Box::new(|c| c.command_priority = "urgent".into()),
        ),
        (
            "request.isolation.level",
            Box::new(|c| c.isolation_level = "SERIALIZABLE".into()),
        ),
        (
            "replica_read",
            Box::new(|c| c.replica_read = vec!["follower".into(), "leader".into()]),
        ),
        ("tls.ca", Box::new(move |c| c.tls = Some(tls("", "c", "k")))),
        ("tls.key", Box::new(move |c| c.tls = Some(tls("a", "c", "")))),
        ("tls.cert", Box::new(move |c| c.tls = Some(tls("a", "", "k")))),
    ];
    for (key, change) in cases {
        let mut bad = config();
        change(&mut bad);
        let error = client_config(bad).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument);
        assert!(error.message.contains(key), "{key}: {error}");
    }
}

#[test]
fn the_order_of_the_host_mapping_does_not_matter() {
    let with = |pairs: &[(&str, &str)]| {
        let mut c = config();
        c.host_mapping = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        fingerprint(&c)
    };
    assert_eq!(with(&[("a", "1"), ("b", "2")]), with(&[("b", "2"), ("a", "1")]));
    assert_ne!(with(&[("a", "1")]), with(&[("a", "2")]));
}

#[test]
fn every_kind_of_error_says_what_happened_and_what_to_do() {
    for kind in ErrorKind::ALL {
        assert!(kind.what().ends_with('.') && kind.remedy().ends_with('.'), "{kind}");
    }
}

#[test]
fn a_panic_keeps_its_text() {
    let payload = std::panic::catch_unwind(|| std::panic::panic_any("boom")).unwrap_err();
    let error = Error::from_panic("a test", &*payload);
    assert_eq!(error.kind, ErrorKind::Panic);
    assert!(error.message.contains("boom"));
}
