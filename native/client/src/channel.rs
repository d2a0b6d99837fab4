//! Connections to PD and to the stores.
//!
//! An address has a few lazily connected gRPC channels that take turns: one HTTP/2 connection does not fill a fast network, and a large
//! answer on one does not hold up small requests on the others. A channel reconnects by itself; after a failure the caller drops the
//! whole pool ([`Channels::reset`]), so that a frozen connection or a changed DNS entry is not kept, and TLS files are read anew.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::config::{ClientConfig, TlsConfig};
use crate::error::{with_causes, ClientError, ClientErrorKind, Result};

/// Connections per store, as TiKV's Go client has.
const CHANNELS_PER_ADDRESS: usize = 4;
/// A page of a scan fits, so that a store never waits for a window update in the middle of one.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Pings are sent only while a request is under way (servers count pings on idle connections as abuse).
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// All channels of a client, by address as PD names it.
pub(crate) struct Channels {
    tls: Option<TlsConfig>,
    host_mapping: HashMap<String, String>,
    connect_timeout: Duration,
    pools: Mutex<HashMap<String, Pool>>,
}

struct Pool {
    endpoint: Endpoint,
    channels: Vec<Channel>,
    next: usize,
}

impl Channels {
    pub(crate) fn new(config: &ClientConfig) -> Self {
        Self {
            tls: config.tls.clone(),
            host_mapping: config.host_mapping.clone(),
            connect_timeout: config.connect_timeout,
            pools: Mutex::new(HashMap::new()),
        }
    }

    /// The next channel of an address. Connects when it is first used, not here.
    pub(crate) fn get(&self, address: &str) -> Result<Channel> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = match pools.get_mut(address) {
            Some(pool) => pool,
            None => {
                let pool = Pool {
                    endpoint: self.endpoint(address)?,
                    channels: Vec::new(),
                    next: 0,
                };
                pools.entry(address.to_string()).or_insert(pool)
            }
        };
        if pool.channels.len() < CHANNELS_PER_ADDRESS {
            let channel = pool.endpoint.connect_lazy();
            pool.channels.push(channel.clone());
            return Ok(channel);
        }
        pool.next = (pool.next + 1) % pool.channels.len();
        pool.channels.get(pool.next).cloned().ok_or_else(|| {
            ClientError::new(
                ClientErrorKind::StoreUnreachable,
                format!("no connection for {address}"),
            )
        })
    }

    /// A channel of its own, outside the pool: a new connection.
    pub(crate) fn single(&self, address: &str) -> Result<Channel> {
        Ok(self.endpoint(address)?.connect_lazy())
    }

    /// Forgets the connections of an address. Requests under way keep theirs.
    pub(crate) fn reset(&self, address: &str) {
        self.pools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(address);
    }

    /// Files of TLS, and the time to connect, for connections that are not gRPC.
    pub(crate) fn transport(&self) -> (Option<&TlsConfig>, Duration) {
        (self.tls.as_ref(), self.connect_timeout)
    }

    /// The address to dial for an address of PD: the mapping of `host:port`, else that of `host` (the port stays when the target has none).
    pub(crate) fn mapped(&self, address: &str) -> String {
        if let Some(target) = self.host_mapping.get(address) {
            return with_port(target, address);
        }
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        match self.host_mapping.get(host) {
            Some(target) => with_port(target, address),
            None => address.to_string(),
        }
    }

    fn endpoint(&self, address: &str) -> Result<Endpoint> {
        let dial = self.mapped(address);
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{dial}")).map_err(|error| {
            ClientError::new(
                ClientErrorKind::InvalidConfig,
                format!("'{dial}' is not an address: {}", with_causes(&error)),
            )
        })?;
        let endpoint = match &self.tls {
            None => endpoint,
            Some(tls) => endpoint.tls_config(client_tls(tls)?).map_err(|error| {
                ClientError::new(
                    ClientErrorKind::Tls,
                    format!("the TLS files cannot be used: {}; check that tls.ca, tls.cert and tls.key are PEM files that belong together", with_causes(&error)),
                )
            })?,
        };
        Ok(endpoint
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(Duration::from_secs(60)))
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(false)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW))
    }
}

fn with_port(target: &str, address: &str) -> String {
    let has_port = target
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match address.rsplit_once(':') {
        Some((_, port)) if !has_port => format!("{target}:{port}"),
        _ => target.to_string(),
    }
}

/// Reads the PEM files. The certificate of a server must be valid for the host that is dialled.
fn client_tls(tls: &TlsConfig) -> Result<ClientTlsConfig> {
    let config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(certificates("tls.ca", tls.ca()?)?));
    Ok(match tls.identity()? {
        Some((cert, key)) => config.identity(Identity::from_pem(
            certificates("tls.cert", cert)?,
            private_key("tls.key", key)?,
        )),
        None => config,
    })
}

/// A PEM file with at least one certificate. One without is accepted further down, and every handshake would then fail without a reason.
pub(crate) fn certificates(name: &str, path: &Path) -> Result<Vec<u8>> {
    let pem = read(name, path)?;
    match CertificateDer::from_pem_slice(&pem) {
        Ok(_) => Ok(pem),
        Err(error) => Err(not_pem(name, path, "certificate", &error)),
    }
}

/// A PEM file with a private key. What the file holds is never shown.
pub(crate) fn private_key(name: &str, path: &Path) -> Result<Vec<u8>> {
    let pem = read(name, path)?;
    match PrivateKeyDer::from_pem_slice(&pem) {
        Ok(_) => Ok(pem),
        Err(error) => Err(not_pem(name, path, "private key", &error)),
    }
}

fn not_pem(name: &str, path: &Path, what: &str, error: &pem::Error) -> ClientError {
    let reason = match error {
        pem::Error::NoItemsFound => "there is none in it",
        _ => "it is damaged",
    };
    ClientError::new(
        ClientErrorKind::Tls,
        format!("{name}: {} is not a PEM file with a {what}: {reason}", path.display()),
    )
}

fn read(name: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        ClientError::new(
            ClientErrorKind::Tls,
            format!(
                "{name}: cannot read {}: {error}; the file must exist on every node that reads",
                path.display()
            ),
        )
    })
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
