//! PD: reachable, unreachable, frozen, restarted; timestamps; snapshots of TiDB's schema keys.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::common::{cluster, ALONE};
use ti_client::{Client, ClientConfig, ClientErrorKind};

/// A port that was free a moment ago: nobody listens there.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_pd_is_named_in_seconds() {
    let address = closed_port();
    let started = Instant::now();
    let error = Client::connect(ClientConfig::new(vec![address.clone()]))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind, ClientErrorKind::PdUnreachable);
    assert!(error.message().contains(&address), "{error}");
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_pd_is_named_within_the_connect_time_out() {
    // Accepts connections in the kernel, never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut config = ClientConfig::new(vec![address.clone()]);
    config.connect_timeout = Duration::from_secs(2);
    let started = Instant::now();
    let error = Client::connect(config).await.err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::PdUnreachable);
    assert!(error.message().contains(&address), "{error}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_good_address_among_bad_ones_is_enough() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let frozen = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut addresses = vec![closed_port(), frozen.local_addr().unwrap().to_string()];
    addresses.extend(cluster.pd.clone());
    let started = Instant::now();
    let client = Client::connect(ClientConfig::new(addresses)).await.unwrap();
    assert!(client.cluster_id() != 0);
    assert!(client.timestamp().await.unwrap() > 0);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_pd_is_refused() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let error = Client::connect(ClientConfig::new(vec![cluster.control.clone()]))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind, ClientErrorKind::PdUnreachable);
    assert!(error.message().contains(&cluster.control), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_against_a_plain_server_is_an_error() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let ca = std::env::temp_dir().join(format!("ti-client-ca-{}.pem", std::process::id()));
    std::fs::write(&ca, TEST_CA).unwrap();
    let mut config = cluster.config();
    config.tls = Some(ti_client::TlsConfig {
        ca: Some(ca.clone()),
        cert: None,
        key: None,
    });
    let error = Client::connect(config).await.err().unwrap();
    std::fs::remove_file(ca).unwrap();
    assert_eq!(error.kind, ClientErrorKind::Tls, "{error}");
    assert!(error.message().contains(&cluster.pd[0]), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn timestamps_grow() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    // With a mapping of hosts the timestamps come over our own stream, without one over tikv-client's.
    for mapped in [false, true] {
        let mut config = cluster.config();
        if mapped {
            config.host_mapping.insert("no-such-host".into(), "127.0.0.1".into());
        }
        let client = Client::connect(config).await.unwrap();
        let mut before = 0;
        for _ in 0..50 {
            let now = client.timestamp().await.unwrap();
            assert!(now > before);
            before = now;
        }
        let wall = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis();
        assert!(wall.abs_diff(u128::from(before >> 18)) < 60_000);
        assert!(client.gc_safe_point().await.unwrap() < before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_show_the_schema_as_of_a_timestamp() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    cluster.table("snapshot_probe", 1).await;
    let mut of_both = Vec::new();
    for mapped in [false, true] {
        let mut config = cluster.config();
        if mapped {
            config.host_mapping.insert("no-such-host".into(), "127.0.0.1".into());
        }
        let client = Client::connect(config).await.unwrap();
        let ts = client.timestamp().await.unwrap();
        let mut snapshot = client.snapshot(ts).await.unwrap();
        let pairs = snapshot.scan(b"m".to_vec(), b"n".to_vec()).await.unwrap();
        assert!(pairs.len() > 50);
        assert!(
            pairs.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "in key order, each once"
        );
        let keys = snapshot.scan_keys(b"m".to_vec(), b"n".to_vec()).await.unwrap();
        assert_eq!(keys, pairs.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
        let (key, value) = &pairs[pairs.len() / 2];
        assert_eq!(snapshot.get(key.clone()).await.unwrap().as_ref(), Some(value));
        assert_eq!(snapshot.get(b"m-no-such-key".to_vec()).await.unwrap(), None);
        let holds = |pairs: &[(Vec<u8>, Vec<u8>)]| {
            pairs
                .iter()
                .any(|(_, value)| String::from_utf8_lossy(value).contains("snapshot_probe"))
        };
        assert!(holds(&pairs));
        of_both.push(
            keys.iter()
                .filter(|key| key.starts_with(b"mDB"))
                .cloned()
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(of_both[0], of_both[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_of_many_keys_is_paged() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("paged", 6_000).await;
    cluster.split(&table, [1_000, 4_500]);
    for mapped in [false, true] {
        let mut config = cluster.config();
        if mapped {
            config.host_mapping.insert("no-such-host".into(), "127.0.0.1".into());
        }
        let client = Client::connect(config).await.unwrap();
        let ts = client.timestamp().await.unwrap();
        let range = table.ranges().remove(0);
        let keys = client
            .snapshot(ts)
            .await
            .unwrap()
            .scan_keys(range.start().to_vec(), range.end().to_vec())
            .await
            .unwrap();
        assert_eq!(
            keys,
            (0..6_000).map(|handle| table.key(handle)).collect::<Vec<_>>(),
            "mapped {mapped}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_pd_is_survived() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("pd_restart", 3_000).await;
    let client = cluster.client().await;
    let before = client.timestamp().await.unwrap();
    cluster.harness(&["restart", "pd"]).await;
    assert!(client.timestamp().await.unwrap() > before);
    table.check(&client).await;
}

/// A self-signed CA that has signed nothing.
const TEST_CA: &str = include_str!("common/ca.pem");
