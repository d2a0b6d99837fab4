//! PD's HTTP API, for what its gRPC API does not tell.
//!
//! Both are served on one port. Without TLS PD tells them apart by the protocol's version, so these requests are HTTP/1.1. The way there is
//! that of gRPC: the same host mapping, TLS files and time to connect. A connection serves one request: there are few.

use std::sync::Arc;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::{is_tls_failure, tls_failure};
use crate::channel::{certificates, private_key, Channels};
use crate::config::TlsConfig;
use crate::error::{with_causes, ClientError, ClientErrorKind, Result};

/// Longest answer that is taken. A page of regions has some hundred bytes for each.
const ANSWER_MAX: usize = 64 << 20;

/// The body of `GET path` at a member, whose address is as PD names it. Sets no time limit on the answer.
///
/// # Errors
/// `Tls` for files that cannot be used and certificates that are refused, else `PdUnreachable`.
pub(super) async fn get(channels: &Channels, address: &str, path: &str) -> Result<Bytes> {
    let (tls, connect_timeout) = channels.transport();
    let dial = channels.mapped(address);
    let connected = tokio::time::timeout(connect_timeout, connect(&dial, tls)).await;
    let stream = connected.map_err(|_| {
        let seconds = connect_timeout.as_secs_f64();
        failed(address, format!("no connection within {seconds:.1} s"))
    })??;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(address, with_causes(&error)))?;
    let request = Request::get(path)
        .header(HOST, &dial)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(address, with_causes(&error)))?;
    let exchange = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| failed(address, with_causes(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX)
            .collect()
            .await
            .map_err(|error| failed(address, with_causes(error.as_ref())))?
            .to_bytes();
        match status {
            StatusCode::OK => Ok(body),
            status => Err(failed(address, format!("status {status}"))),
        }
    };
    tokio::pin!(exchange);
    // The connection has to be driven while the exchange goes on; dropped with it, it leaves nothing behind.
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(failed(address, with_causes(&error))),
        },
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn connect(dial: &str, tls: Option<&TlsConfig>) -> Result<Box<dyn Stream>> {
    let tcp = TcpStream::connect(dial)
        .await
        .map_err(|error| failed(dial, error.to_string()))?;
    let Some(files) = tls else { return Ok(Box::new(tcp)) };
    let host = dial.rsplit_once(':').map_or(dial, |(host, _)| host);
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_string())
        .map_err(|error| tls_failure(dial, &error.to_string()))?;
    let connector = TlsConnector::from(Arc::new(client_config(files)?));
    match connector.connect(name, tcp).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(tls_failure(dial, &with_causes(&error))),
    }
}

/// What tonic makes of the same files for gRPC, without HTTP/2.
fn client_config(files: &TlsConfig) -> Result<ClientConfig> {
    let unusable = |error: &dyn std::error::Error| {
        ClientError::new(
            ClientErrorKind::Tls,
            format!("the TLS files cannot be used: {}; check that tls.ca, tls.cert and tls.key are PEM files that belong together", with_causes(error)),
        )
    };
    let chain = |name, path| -> Result<Vec<CertificateDer<'static>>> {
        CertificateDer::pem_slice_iter(&certificates(name, path)?)
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(&error))
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(chain("tls.ca", files.ca()?)?);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error: rustls::Error| unusable(&error))?
        .with_root_certificates(roots);
    match files.identity()? {
        None => Ok(builder.with_no_client_auth()),
        Some((cert, key)) => {
            let key = PrivateKeyDer::from_pem_slice(&private_key("tls.key", key)?).map_err(|error| unusable(&error))?;
            builder
                .with_client_auth_cert(chain("tls.cert", cert)?, key)
                .map_err(|error| unusable(&error))
        }
    }
}

fn failed(address: &str, text: String) -> ClientError {
    if is_tls_failure(&text) {
        return tls_failure(address, &text);
    }
    ClientError::retryable(
        ClientErrorKind::PdUnreachable,
        format!("the HTTP API of PD {address} does not answer: {text}"),
    )
}
