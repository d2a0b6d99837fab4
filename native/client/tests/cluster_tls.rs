//! TLS, with TLS-speaking proxies in front of the real PD and stores (the servers themselves run in plain text).

use std::path::PathBuf;
use std::sync::Arc;

use crate::common::{cluster, Cluster, ALONE};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use ti_client::{Client, ClientConfig, ClientErrorKind, KeyRange, TlsConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// A certificate authority with one certificate for 127.0.0.1, as PEM files and for a server.
struct Pki {
    files: TlsConfig,
    server: ServerConfig,
}

fn write(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ti-client-{}-{name}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

impl Pki {
    /// `mutual`: the server asks its clients for a certificate of the same authority.
    fn new(name: &str, mutual: bool) -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca_params = CertificateParams::new(Vec::new()).unwrap();
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = ca_params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(ca_params, ca_key);
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec!["127.0.0.1".to_string()])
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let files = TlsConfig {
            ca: Some(write(&format!("{name}-ca.pem"), &ca.pem())),
            cert: Some(write(&format!("{name}-cert.pem"), &cert.pem())),
            key: Some(write(&format!("{name}-key.pem"), &key.serialize_pem())),
        };
        let mut roots = RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if mutual {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut server = builder.with_single_cert(vec![cert.der().clone()], key).unwrap();
        server.alpn_protocols = vec![b"h2".to_vec()];
        Self { files, server }
    }

    fn ca_only(&self) -> TlsConfig {
        TlsConfig {
            cert: None,
            key: None,
            ..self.files.clone()
        }
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        for file in [&self.files.ca, &self.files.cert, &self.files.key]
            .into_iter()
            .flatten()
        {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Speaks TLS on a new port and plain text with `upstream`. Ends with the runtime of the test.
async fn proxy(server: &ServerConfig, upstream: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let acceptor = TlsAcceptor::from(Arc::new(server.clone()));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
            tokio::spawn(async move {
                if let Ok(mut inside) = acceptor.accept(socket).await {
                    let mut outside = TcpStream::connect(upstream).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
                }
            });
        }
    });
    address
}

/// A configuration that reaches the whole cluster through proxies only.
async fn proxied(cluster: &Cluster, pki: &Pki) -> ClientConfig {
    let mut config = cluster.config();
    config.pd_addresses.clear();
    for address in &cluster.pd {
        let proxy = proxy(&pki.server, address.clone()).await;
        config.host_mapping.insert(address.clone(), proxy.clone());
        config.pd_addresses.push(proxy);
    }
    for address in &cluster.stores {
        config
            .host_mapping
            .insert(address.clone(), proxy(&pki.server, address.clone()).await);
    }
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_alone_is_enough_where_servers_do_not_ask_for_more() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("tls_ca", 500).await;
    let pki = Pki::new("ca", false);
    let mut config = proxied(&cluster, &pki).await;
    config.tls = Some(pki.ca_only());
    let client = Client::connect(config).await.unwrap();
    table.check(&client).await;
    let ts = client.timestamp().await.unwrap();
    let pairs = client
        .snapshot(ts)
        .await
        .unwrap()
        .scan(b"m".to_vec(), b"n".to_vec())
        .await
        .unwrap();
    assert!(!pairs.is_empty());
    sizes_come_over_tls(&client).await;
}

/// PD's HTTP API is on the port of its gRPC API, behind the same certificates.
async fn sizes_come_over_tls(client: &Client) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let meta = vec![KeyRange::interval("m", "n")];
    let located = client.locate(meta, deadline).await.unwrap();
    let sizes = client.region_sizes(&located).await.unwrap();
    assert!(sizes.contains_key(&located[0].region_id), "{sizes:?}");
    assert!(sizes.values().all(|bytes| *bytes >= 1 << 20), "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mutual_tls_shows_the_certificate_and_needs_it() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let table = cluster.table("tls_mutual", 500).await;
    let pki = Pki::new("mutual", true);
    let mut config = proxied(&cluster, &pki).await;
    config.tls = Some(pki.files.clone());
    let client = Client::connect(config.clone()).await.unwrap();
    table.check(&client).await;
    sizes_come_over_tls(&client).await;
    config.tls = Some(pki.ca_only());
    // The server closes the connection after the handshake; whether its alert is seen before is a matter of luck.
    let error = Client::connect(config).await.err().unwrap();
    assert!(
        [ClientErrorKind::Tls, ClientErrorKind::PdUnreachable].contains(&error.kind),
        "{error}"
    );
    assert!(error.message().contains("tls.cert"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_authority_is_not_trusted() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let (pki, other) = (Pki::new("trusted", false), Pki::new("other", false));
    let mut config = proxied(&cluster, &other).await;
    config.tls = Some(pki.ca_only());
    let error = Client::connect(config.clone()).await.err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::Tls, "{error}");
    assert!(error.message().contains(&config.pd_addresses[0]), "{error}");
    assert!(!error.message().contains("BEGIN"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_to_a_tls_server_is_an_error_in_seconds() {
    let _alone = ALONE.lock().await;
    let cluster = cluster();
    let pki = Pki::new("plain", false);
    let config = proxied(&cluster, &pki).await;
    let started = std::time::Instant::now();
    let error = Client::connect(config.clone()).await.err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::PdUnreachable, "{error}");
    assert!(error.message().contains(&config.pd_addresses[0]), "{error}");
    assert!(started.elapsed() < std::time::Duration::from_secs(7));
}
