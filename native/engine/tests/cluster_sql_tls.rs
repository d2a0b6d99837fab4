//! DDL over TLS: a TiDB server of the same cluster that takes encrypted connections only, and one user with a certificate only.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::Cluster;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use ti_engine::sql::{execute, Secret};
use ti_engine::{Error, ErrorKind};
use ti_proto::plan;
use ti_proto::plan::ddl_request::Statement;

const PASSWORD: &str = "open sesame";

/// An authority, and a certificate of it for 127.0.0.1, as PEM files in `folder`.
struct Pki {
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
}

impl Pki {
    fn new(folder: &Path, name: &str) -> Self {
        let write = |what: &str, text: String| {
            let path = folder.join(format!("{name}-{what}.pem"));
            std::fs::write(&path, text).unwrap();
            path
        };
        let ca_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec!["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &Issuer::new(params, ca_key))
            .unwrap();
        Self {
            ca: write("ca", ca.pem()),
            cert: write("cert", cert.pem()),
            key: write("key", key.serialize_pem()),
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A second TiDB server of the cluster, with TLS. Ends with the test.
struct Server {
    process: Child,
    folder: PathBuf,
    address: String,
    pki: Pki,
}

impl Server {
    fn start(cluster: &Cluster) -> Self {
        let folder = std::env::temp_dir().join(format!("ti-engine-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let pki = Pki::new(&folder, "server");
        let config = folder.join("tidb.toml");
        let text = format!(
            "socket = \"\"\ntmp-storage-path = {:?}\nskip-register-to-dashboard = true\n[status]\nstatus-host = \"127.0.0.1\"\n[security]\nssl-ca = {:?}\nssl-cert = {:?}\nssl-key = {:?}\n",
            folder.join("tmp"),
            pki.ca,
            pki.cert,
            pki.key
        );
        std::fs::write(&config, text).unwrap();
        let (port, status_port) = (free_port(), free_port());
        let binary = Path::new(cluster.status["bin"].as_str().expect("bin")).join("tidb-server");
        let process = Command::new(&binary)
            // It writes a log of slow queries where it is started.
            .current_dir(&folder)
            .args(["--store=tikv", "--host=127.0.0.1", "--advertise-address=127.0.0.1"])
            .arg(format!(
                "--path={}",
                crate::support::pd_addresses(&cluster.status).join(",")
            ))
            .args([
                format!("-P={port}"),
                format!("--status={status_port}"),
                format!("--config={}", config.display()),
            ])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("tidb.log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self {
            process,
            folder,
            address: format!("127.0.0.1:{port}"),
            pki,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&server.address).is_err() {
            assert!(
                Instant::now() < deadline,
                "TiDB with TLS does not come up: {}",
                server.folder.display()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    fn endpoint(&self, user: &str, tls: Option<plan::Tls>) -> plan::SqlEndpoint {
        plan::SqlEndpoint {
            addresses: vec![self.address.clone()],
            user: user.into(),
            tls,
            connect_timeout_ms: 5_000,
            statement_timeout_ms: 60_000,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not killed: the cluster's DDL would wait for a server that does not say good-bye.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(30);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn tls(ca: &Path, identity: Option<&Pki>) -> Option<plan::Tls> {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    Some(plan::Tls {
        ca_path: text(ca),
        cert_path: identity.map(|pki| text(&pki.cert)).unwrap_or_default(),
        key_path: identity.map(|pki| text(&pki.key)).unwrap_or_default(),
    })
}

/// The cipher of the connection, as TiDB sees it.
fn cipher(endpoint: plan::SqlEndpoint) -> Result<String, Error> {
    let request = plan::DdlRequest {
        endpoint: Some(endpoint),
        statement: Some(Statement::Sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'".into())),
    };
    let answer = execute(request, &Secret::new(PASSWORD.into()))?.answer.unwrap();
    let row = answer.rows.first().unwrap();
    Ok(row.values.get(1).unwrap().text.clone().unwrap_or_default())
}

#[test]
fn encrypted_or_not_at_all() {
    let cluster = Cluster::new("ddl_tls");
    for (user, require) in [("tls_any", "SSL"), ("tls_own", "X509")] {
        cluster.sql(&format!("DROP USER IF EXISTS {user}"));
        cluster.sql(&format!(
            "CREATE USER {user} IDENTIFIED BY '{PASSWORD}' REQUIRE {require}"
        ));
    }
    let server = Server::start(&cluster);
    let own = &server.pki;
    // The CA alone, then mutual TLS; TiDB says which cipher.
    let encrypted = cipher(server.endpoint("tls_any", tls(&own.ca, None))).unwrap();
    assert!(encrypted.starts_with("TLS_"), "{encrypted}");
    let mutual = cipher(server.endpoint("tls_own", tls(&own.ca, Some(own)))).unwrap();
    assert!(mutual.starts_with("TLS_"), "{mutual}");
    // A user who must have a certificate, and plain text where TLS is required.
    let refused = |user: &str, with: Option<plan::Tls>, kind: ErrorKind, word: &str| {
        let error = cipher(server.endpoint(user, with)).unwrap_err();
        assert_eq!(error.kind, kind, "{}", error.message);
        assert!(error.message.contains(word), "{word}: {}", error.message);
        assert!(!error.message.contains(PASSWORD), "{}", error.message);
    };
    refused("tls_own", tls(&own.ca, None), ErrorKind::AccessDenied, "tls_own");
    refused("tls_any", None, ErrorKind::AccessDenied, "tls_any");
    // A certificate of somebody else.
    let other = Pki::new(&server.folder, "other");
    refused("tls_any", tls(&other.ca, None), ErrorKind::Tls, "certificate");
    for user in ["tls_any", "tls_own"] {
        cluster.sql(&format!("DROP USER {user}"));
    }
}
