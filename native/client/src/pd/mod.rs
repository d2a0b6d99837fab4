//! The placement driver: who leads it, where regions and stores are, and the GC safe point.
//!
//! ```text
//! PdClient::call -> leader channel -> answer | refusal -> members::refresh (any member) -> back off -> again
//! PdClient::region_sizes -> cache of a minute, else http (HTTP/1.1 on the same port) -> leader
//! ```

mod http;
pub(crate) mod key;
mod members;
mod regions;
mod safepoint;
mod sizes;

pub(crate) use self::regions::decode as regions_decode;
pub(crate) use self::safepoint::ServiceSafePoint;

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use ti_proto::pdpb::pd_client::PdClient as PdService;
use ti_proto::pdpb::{self, RequestHeader, ResponseHeader};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::backoff::{BackoffKind, Backoffer};
use crate::channel::Channels;
use crate::config::ClientConfig;
use crate::error::{with_causes, ClientError, ClientErrorKind, Result};
use crate::health::{Health, Unanswered};

/// Longest wait before another try when the leader stands still: an election of PD takes some seconds.
const LEADER_WAIT: Duration = Duration::from_millis(500);

/// A connection to the PD of one cluster, over whichever member leads.
pub(crate) struct PdClient {
    channels: Arc<Channels>,
    health: Arc<Health>,
    cluster_id: u64,
    /// Addresses that were configured, then those that PD has told.
    members: RwLock<members::Members>,
    /// When the members were asked last, and what came of it. Held while they are asked.
    refreshed: Mutex<Option<(Instant, Result<()>)>>,
    tls: bool,
    request_timeout: Duration,
    connect_timeout: Duration,
    sizes: sizes::SizeCache,
}

impl PdClient {
    /// Asks all addresses who they are. Fails within the connect time-out, naming each address, when none answers; fails when two
    /// answers are of different clusters.
    pub(crate) async fn connect(config: &ClientConfig, channels: Arc<Channels>) -> Result<Self> {
        let found = members::discover(
            &channels,
            &config.pd_addresses,
            config.connect_timeout,
            config.tls.is_some(),
        )
        .await?;
        Ok(Self {
            health: Arc::new(Health::new(channels.clone(), Handle::current())),
            refreshed: Mutex::new(None),
            channels,
            cluster_id: found.cluster_id,
            members: RwLock::new(found.members),
            tls: config.tls.is_some(),
            request_timeout: config.request_timeout,
            connect_timeout: config.connect_timeout,
            sizes: sizes::SizeCache::default(),
        })
    }

    /// The watch over PD's members and the stores.
    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Identity of the cluster, from the first answer.
    pub(crate) fn cluster_id(&self) -> u64 {
        self.cluster_id
    }

    /// Addresses of members that are known to answer, the leader first.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.members
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .leader_first()
    }

    pub(crate) fn leader(&self) -> String {
        self.members
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .leader
            .clone()
    }

    pub(crate) fn header(&self) -> Option<RequestHeader> {
        Some(RequestHeader {
            cluster_id: self.cluster_id,
            ..Default::default()
        })
    }

    /// Finds the leader anew over any member that answers. Those who ask for it meanwhile wait for the same answers.
    pub(crate) async fn refresh(&self) -> Result<()> {
        let asked = Instant::now();
        let mut refreshed = self.refreshed.lock().await;
        if let Some((_, outcome)) = refreshed.as_ref().filter(|(at, _)| *at >= asked) {
            return outcome.clone();
        }
        let outcome = self.ask_members().await;
        *refreshed = Some((Instant::now(), outcome.clone()));
        outcome
    }

    async fn ask_members(&self) -> Result<()> {
        let known = self.addresses();
        for address in &known {
            self.channels.reset(address);
        }
        let found = members::discover(&self.channels, &known, self.connect_timeout, self.tls).await?;
        if found.cluster_id != self.cluster_id {
            return Err(members::mismatch(&format!(
                "PD at {} is of cluster {}, the session is of cluster {}",
                found.members.leader, found.cluster_id, self.cluster_id
            )));
        }
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        members.absorb(found.members);
        Ok(())
    }

    /// The service on the leader.
    pub(crate) fn service(&self) -> Result<(String, PdService<Channel>)> {
        let leader = self.leader();
        let channel = self.channels.get(&leader)?;
        Ok((leader, PdService::new(channel).max_decoding_message_size(usize::MAX)))
    }

    /// Sends a request to the leader until it is answered, or until the deadline of `bo`.
    async fn call<Req, Resp, F, Fut>(&self, bo: &mut Backoffer, request: Req, send: F) -> Result<Resp>
    where
        Req: Clone,
        Resp: Headed,
        F: Fn(PdService<Channel>, Req) -> Fut,
        Fut: Future<Output = Result<tonic::Response<Resp>, Status>>,
    {
        loop {
            let (leader, service) = self.service()?;
            let limit = self.request_timeout.min(bo.remaining());
            let mut longest = Duration::MAX;
            let cause = match self.health.answer(&leader, limit, send(service, request.clone())).await {
                Err(Unanswered::Late) => format!("PD {leader} did not answer within {:.1} s", limit.as_secs_f64()),
                Err(Unanswered::Down) => {
                    longest = LEADER_WAIT;
                    format!("PD {leader} stands still")
                }
                Ok(Err(status)) => {
                    self.health.suspect(&leader);
                    if let Some(fatal) = fatal_status(&leader, &status) {
                        return Err(fatal);
                    }
                    format!("PD {leader}: {}", status_text(&status))
                }
                Ok(Ok(response)) => {
                    let response = response.into_inner();
                    match refusal(response.header(), &leader, self.cluster_id)? {
                        None => return Ok(response),
                        Some(cause) => cause,
                    }
                }
            };
            bo.backoff_within(BackoffKind::PdRpc, longest, cause).await?;
            // The next round tries what is known so far; that PD as a whole is away is no reason to give up before the deadline.
            if let Err(error) = self.refresh().await {
                if matches!(error.kind, ClientErrorKind::ClusterMismatch | ClientErrorKind::Tls) {
                    return Err(error);
                }
                bo.remember(error.message().to_string());
            }
        }
    }
}

/// Answers of PD carry a header.
trait Headed {
    fn header(&self) -> Option<&ResponseHeader>;
}

macro_rules! headed {
    ($($name:ident),*) => {$(
        impl Headed for pdpb::$name {
            fn header(&self) -> Option<&ResponseHeader> {
                self.header.as_ref()
            }
        }
    )*};
}

headed!(
    ScanRegionsResponse,
    GetRegionResponse,
    GetStoreResponse,
    GetGcSafePointResponse,
    UpdateServiceGcSafePointResponse
);

/// `Some(cause)`: PD refused the request in its header, and it may be tried again.
fn refusal(header: Option<&ResponseHeader>, address: &str, cluster_id: u64) -> Result<Option<String>> {
    let Some(header) = header else { return Ok(None) };
    if header.cluster_id != 0 && header.cluster_id != cluster_id {
        return Err(members::mismatch(&format!(
            "PD at {address} is of cluster {}, the session is of cluster {cluster_id}",
            header.cluster_id
        )));
    }
    Ok(header
        .error
        .as_ref()
        .filter(|error| error.r#type != pdpb::ErrorType::Ok as i32)
        .map(|error| format!("PD {address} refuses: {} (type {})", error.message, error.r#type)))
}

/// A status that no retry heals.
pub(crate) fn fatal_status(address: &str, status: &Status) -> Option<ClientError> {
    let text = status_text(status);
    match status.code() {
        Code::Unimplemented => Some(ClientError::new(
            ClientErrorKind::Protocol,
            format!("{address} does not know the request ({text}): check that it is the address of a PD member"),
        )),
        Code::Unauthenticated | Code::PermissionDenied => Some(ClientError::new(
            ClientErrorKind::Tls,
            format!("PD {address} refuses this client ({text}): check tls.cert and tls.key"),
        )),
        _ if is_tls_failure(&text) => Some(tls_failure(address, &text)),
        _ => None,
    }
}

/// Text of a status with the causes below it.
pub(crate) fn status_text(status: &Status) -> String {
    let message = match std::error::Error::source(status) {
        Some(source) => with_causes(source),
        None => status.message().to_string(),
    };
    if message.is_empty() {
        format!("{:?}", status.code())
    } else {
        message
    }
}

/// Whether the text of a transport failure is about certificates. rustls names them so.
pub(crate) fn is_tls_failure(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "certificate",
        "fatal alert",
        "handshake failure",
        "corrupt message",
        "invalidcontenttype",
        "tls handshake",
    ]
    .iter()
    .any(|word| text.contains(word))
}

pub(crate) fn tls_failure(address: &str, text: &str) -> ClientError {
    ClientError::new(
        ClientErrorKind::Tls,
        format!("no TLS connection with {address}: {text}; check that the server speaks TLS, and that tls.ca, tls.cert and tls.key belong to its cluster"),
    )
}

#[cfg(test)]
#[path = "pd_tests.rs"]
mod tests;
