use super::*;

fn config(addresses: &[&str]) -> ClientConfig {
    ClientConfig::new(addresses.iter().map(|a| a.to_string()).collect())
}

#[test]
fn addresses_are_brought_into_one_form() {
    let ok = config(&["10.0.0.1:2379", " http://pd-1:2379/ ", "[::1]:2379"])
        .validate()
        .unwrap();
    assert_eq!(ok.pd_addresses, ["10.0.0.1:2379", "pd-1:2379", "[::1]:2379"]);
}

#[test]
fn bad_addresses_are_refused_by_name() {
    for bad in [
        "",
        "pd",
        "pd:",
        ":2379",
        "pd:0",
        "pd:99999",
        "::1:2379",
        "a:1,b:2",
        "user@pd:1",
        "https://pd:2379",
    ] {
        let error = config(&[bad]).validate().unwrap_err();
        assert_eq!(error.kind, ClientErrorKind::InvalidConfig, "{bad}");
        assert!(error.message().contains(bad), "{bad}: {error}");
    }
    assert_eq!(config(&[]).validate().unwrap_err().kind, ClientErrorKind::InvalidConfig);
}

#[test]
fn partial_tls_is_an_error() {
    let path = |set: bool| set.then(|| PathBuf::from("/some/file.pem"));
    for bits in 0..8u8 {
        let (ca, cert, key) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
        let mut config = config(&["pd:2379"]);
        config.tls = Some(TlsConfig {
            ca: path(ca),
            cert: path(cert),
            key: path(key),
        });
        assert_eq!(
            config.validate().is_ok(),
            ca && cert == key,
            "ca {ca} cert {cert} key {key}"
        );
    }
    let mut empty = config(&["pd:2379"]);
    empty.tls = Some(TlsConfig {
        ca: Some(PathBuf::new()),
        cert: None,
        key: None,
    });
    assert!(empty.validate().is_err());
}

#[test]
fn plain_text_address_contradicts_tls() {
    let mut config = config(&["http://pd:2379"]);
    config.tls = Some(TlsConfig {
        ca: Some("/ca.pem".into()),
        cert: None,
        key: None,
    });
    assert_eq!(config.validate().unwrap_err().kind, ClientErrorKind::InvalidConfig);
}

#[test]
fn zero_times_are_refused() {
    let mut config = config(&["pd:2379"]);
    config.read_deadline = Duration::ZERO;
    assert!(config.validate().unwrap_err().message().contains("read deadline"));
}

#[test]
fn timestamps_and_schemas_outlive_an_election_unless_reads_need_not() {
    let mut config = ClientConfig::new(vec!["pd:1".into()]);
    assert_eq!(config.control_deadline(), Duration::from_secs(60));
    config.request_timeout = Duration::from_secs(2);
    assert_eq!(config.control_deadline(), Duration::from_secs(60));
    config.request_timeout = Duration::from_secs(90);
    assert_eq!(config.control_deadline(), Duration::from_secs(90));
    config.request_timeout = Duration::from_secs(2);
    config.read_deadline = Duration::from_secs(5);
    assert_eq!(config.control_deadline(), Duration::from_secs(5));
}
