use super::*;

fn channels(mapping: &[(&str, &str)]) -> Channels {
    let mut config = ClientConfig::new(vec!["pd:2379".into()]);
    config.host_mapping = mapping.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    Channels::new(&config)
}

#[test]
fn mapping_of_hosts_and_addresses() {
    let channels = channels(&[
        ("tikv-0", "10.1.1.1"),
        ("tikv-1:20160", "10.1.1.2:31160"),
        ("tikv-2", "10.1.1.3:9"),
    ]);
    assert_eq!(channels.mapped("tikv-0:20160"), "10.1.1.1:20160");
    assert_eq!(channels.mapped("tikv-1:20160"), "10.1.1.2:31160");
    assert_eq!(channels.mapped("tikv-1:20161"), "tikv-1:20161");
    assert_eq!(channels.mapped("tikv-2:20160"), "10.1.1.3:9");
    assert_eq!(channels.mapped("other:1"), "other:1");
}

#[tokio::test]
async fn unreadable_tls_files_are_named() {
    let mut config = ClientConfig::new(vec!["pd:2379".into()]);
    config.tls = Some(TlsConfig {
        ca: Some("/no/such/ca.pem".into()),
        cert: None,
        key: None,
    });
    let error = Channels::new(&config).get("store:1").unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::Tls);
    assert!(error.message().contains("/no/such/ca.pem"), "{error}");
}

#[tokio::test]
async fn a_pool_does_not_grow_past_its_size() {
    let channels = channels(&[]);
    for _ in 0..20 {
        channels.get("store:1").unwrap();
    }
    assert_eq!(
        channels.pools.lock().unwrap()["store:1"].channels.len(),
        CHANNELS_PER_ADDRESS
    );
    channels.reset("store:1");
    assert!(channels.pools.lock().unwrap().is_empty());
}

#[test]
fn a_file_without_a_certificate_or_key_is_named() {
    let folder = std::env::temp_dir().join(format!("ti-client-pem-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let garbage = file("garbage.pem", "not a certificate");
    let damaged = file(
        "damaged.pem",
        "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
    );
    for (path, reason) in [(&garbage, "there is none"), (&damaged, "damaged")] {
        let error = certificates("tls.ca", path).unwrap_err();
        assert_eq!(error.kind, ClientErrorKind::Tls);
        assert!(
            error.to_string().contains("tls.ca") && error.to_string().contains(reason),
            "{error}"
        );
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    let error = private_key("tls.key", &garbage).unwrap_err();
    assert!(
        error.to_string().contains("garbage.pem") && !error.to_string().contains("not a certificate"),
        "{error}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
