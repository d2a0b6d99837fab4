//! How to reach a cluster, and the checks that need no network.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ti_proto::kvrpcpb::{CommandPri, IsolationLevel};

use crate::error::{ClientError, ClientErrorKind, Result};
use crate::region::ReplicaRole;

/// A server stands still, the others have found out and elect a leader, and all of that is late.
const OUTAGE: Duration = Duration::from_secs(60);

/// PEM files of a TLS connection: the CA alone (the client stays anonymous), or all three (mutual TLS).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// Certificates that the servers' certificates must descend from.
    pub ca: Option<PathBuf>,
    /// Certificate chain of this client.
    pub cert: Option<PathBuf>,
    /// Private key of `cert`.
    pub key: Option<PathBuf>,
}

impl TlsConfig {
    /// The CA file. Checked by [`ClientConfig::validate`] to be there.
    pub(crate) fn ca(&self) -> Result<&Path> {
        set(&self.ca).ok_or_else(|| {
            invalid("TLS is asked for without a CA certificate: set the path of the CA (tls.ca), or remove tls.cert and tls.key")
        })
    }

    /// Certificate and key, when TLS is mutual.
    pub(crate) fn identity(&self) -> Result<Option<(&Path, &Path)>> {
        match (set(&self.cert), set(&self.key)) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(invalid(
                "tls.cert is set without tls.key: set both for mutual TLS, or none of them",
            )),
            (None, Some(_)) => Err(invalid(
                "tls.key is set without tls.cert: set both for mutual TLS, or none of them",
            )),
        }
    }
}

fn set(path: &Option<PathBuf>) -> Option<&Path> {
    path.as_deref().filter(|path| !path.as_os_str().is_empty())
}

/// One cluster and how to talk to it.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// PD members, `host:port` (`http://` and `https://` are accepted before it). At least one; more are found by asking them.
    pub pd_addresses: Vec<String>,
    /// `None`: plain text.
    pub tls: Option<TlsConfig>,
    /// One unary request to PD or to a store.
    pub request_timeout: Duration,
    /// The time that one step of a read may take with all its retries: locating ranges, or one page of one region.
    pub read_deadline: Duration,
    /// Time to the first answer of PD, and to a TCP (and TLS) connection with a store.
    pub connect_timeout: Duration,
    /// Priority of reads at the stores.
    pub priority: CommandPri,
    /// Isolation level of reads at the stores.
    pub isolation: IsolationLevel,
    /// Replicas that serve reads of rows in the place of leaders, in the order of preference. Empty: leaders do.
    pub replica_read: Vec<ReplicaRole>,
    /// Address as PD names it (`host`, or `host:port`) -> address to dial (`host`, or `host:port`).
    pub host_mapping: HashMap<String, String>,
}

impl ClientConfig {
    /// A configuration with defaults for everything but the addresses: plain text, 60 s per request, 10 min per read step, 5 s to connect,
    /// low priority, snapshot isolation, reads at leaders.
    pub fn new(pd_addresses: Vec<String>) -> Self {
        Self {
            pd_addresses,
            tls: None,
            request_timeout: Duration::from_secs(60),
            read_deadline: Duration::from_secs(600),
            connect_timeout: Duration::from_secs(5),
            priority: CommandPri::Low,
            isolation: IsolationLevel::Si,
            replica_read: Vec::new(),
            host_mapping: HashMap::new(),
        }
    }

    /// The time for a timestamp, a safe point, or a piece of the schema with all retries: that of a request, but no less than an outage takes in
    /// which a group of Raft elects a leader (some 30 s), as far as reads may take so long.
    pub(crate) fn control_deadline(&self) -> Duration {
        self.request_timeout.max(OUTAGE.min(self.read_deadline))
    }

    /// Refuses what cannot work, and brings the addresses into the form `host:port`.
    pub(crate) fn validate(mut self) -> Result<Self> {
        if self.pd_addresses.is_empty() {
            return Err(invalid(
                "no PD address is given: set pd.addresses to host:port of at least one PD member",
            ));
        }
        let tls = self.tls.is_some();
        self.pd_addresses = self
            .pd_addresses
            .iter()
            .map(|address| normalize(address, tls))
            .collect::<Result<_>>()?;
        for (name, value) in [
            ("request time-out", self.request_timeout),
            ("read deadline", self.read_deadline),
            ("connect time-out", self.connect_timeout),
        ] {
            if value.is_zero() {
                return Err(invalid(format!("the {name} is zero: set it to a positive time")));
            }
        }
        if let Some(tls) = &self.tls {
            tls.ca()?;
            tls.identity()?;
        }
        for (from, to) in &self.host_mapping {
            if from.trim().is_empty() || to.trim().is_empty() {
                return Err(invalid(format!(
                    "the host mapping '{from}' -> '{to}' has an empty side"
                )));
            }
        }
        Ok(self)
    }
}

/// `host:port` of an address that may carry a scheme; refuses schemes that contradict the TLS settings.
pub(crate) fn normalize(address: &str, tls: bool) -> Result<String> {
    let trimmed = address.trim().trim_end_matches('/');
    let rest = if let Some(rest) = trimmed.strip_prefix("https://") {
        if !tls {
            return Err(invalid(format!(
                "PD address '{address}' asks for TLS: set tls.ca to the CA's certificate"
            )));
        }
        rest
    } else if let Some(rest) = trimmed.strip_prefix("http://") {
        if tls {
            return Err(invalid(format!(
                "PD address '{address}' is plain text, but TLS is configured: write https:// or no scheme"
            )));
        }
        rest
    } else {
        trimmed
    };
    let port = rest
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty() && !unbracketed_v6(host));
    match port.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(port)) if port != 0 && !rest.contains(['/', ' ', '@', ',']) => Ok(rest.to_string()),
        _ => Err(invalid(format!(
            "'{address}' is not an address: write host:port, e.g. 10.0.0.1:2379"
        ))),
    }
}

fn unbracketed_v6(host: &str) -> bool {
    host.contains(':') && !(host.starts_with('[') && host.ends_with(']'))
}

fn invalid(message: impl Into<String>) -> ClientError {
    ClientError::new(ClientErrorKind::InvalidConfig, message)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
