//! Timestamps over the crate `tikv-client` 0.4.
//!
//! Its connection and its timestamp stream can wait for ever, so every call ends when PD's leader is found to stand still, and after a time in any
//! case; after a failure the whole client is made anew from members that answered us just before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tikv_client::{Config, Error, Timestamp, TransactionClient};
use tokio::sync::Mutex;

use super::{whole, TimestampSource, LEADER_WAIT, TIMESTAMP_TRY};
use crate::backoff::{BackoffKind, Backoffer};
use crate::config::ClientConfig;
use crate::error::{with_causes, ClientError, ClientErrorKind, Result};
use crate::health::Unanswered;
use crate::pd::PdClient;

/// How long a new client waits for another leader of PD: 10 s are usual until the lease of the old one has ended and another is elected, and a busy
/// machine takes its time.
const ELECTION: Duration = Duration::from_secs(30);

/// `tikv-client` as a clock.
#[derive(Clone)]
pub(crate) struct LibraryTso {
    shared: Arc<Shared>,
}

struct Shared {
    config: ClientConfig,
    pd: Arc<PdClient>,
    deadline: Duration,
    /// The client, and the leader that it was made for.
    client: Mutex<Option<Connected>>,
}

#[derive(Clone)]
struct Connected {
    leader: String,
    client: TransactionClient,
}

impl LibraryTso {
    /// Asks members that `pd` has found. TLS must be mutual or off. `deadline` is for one timestamp with all retries.
    pub(crate) fn new(config: &ClientConfig, pd: Arc<PdClient>, deadline: Duration) -> Self {
        let shared = Shared {
            config: config.clone(),
            pd,
            deadline,
            client: Mutex::new(None),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Connects, so that a leader which cannot be reached from here is an error now and not at the first timestamp. Where PD has other
    /// members, the election of another leader is waited for.
    pub(crate) async fn connect(&self) -> Result<()> {
        let pd = &self.shared.pd;
        let patience = if pd.addresses().len() > 1 {
            ELECTION
        } else {
            Duration::ZERO
        };
        let started = Instant::now();
        loop {
            let leader = pd.leader();
            let limit = self.shared.config.connect_timeout.saturating_mul(2);
            let error = match pd.health().answer(&leader, limit, self.client(&leader)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) if !error.is_retryable() => return Err(error),
                Ok(Err(error)) => error,
                Err(_) => unreachable(&leader, "it stands still"),
            };
            if started.elapsed() >= patience {
                return Err(error);
            }
            tracing::warn!(error = error.message(), "waiting for another leader of PD");
            pd.health().suspect(&leader);
            tokio::time::sleep(LEADER_WAIT).await;
            if let Err(error) = pd.refresh().await {
                if !error.is_retryable() {
                    return Err(error);
                }
            }
        }
    }

    /// The client for `leader`. Those who need it meanwhile wait until it is connected: one connection is enough.
    async fn client(&self, leader: &str) -> Result<TransactionClient> {
        let mut client = self.shared.client.lock().await;
        if let Some(connected) = client.as_ref().filter(|connected| connected.leader == leader) {
            return Ok(connected.client.clone());
        }
        let made = connect(&self.shared.config, leader).await?;
        *client = Some(Connected {
            leader: leader.to_string(),
            client: made.clone(),
        });
        Ok(made)
    }

    /// Drops the client for `leader`, so that the next one is made anew.
    async fn forget(&self, leader: &str) {
        let mut client = self.shared.client.lock().await;
        client.take_if(|connected| connected.leader == leader);
    }

    /// One try. The inner error is the cause for another one.
    async fn ask(&self, leader: &str, limit: Duration) -> Result<Result<u64, String>> {
        let asked = async {
            let client = self.client(leader).await?;
            Ok::<_, ClientError>(client.current_timestamp().await.map_err(|error| describe(&error)))
        };
        match self.shared.pd.health().answer(leader, limit, asked).await {
            Ok(Ok(Ok(timestamp))) => whole(timestamp_parts(&timestamp)).map(Ok),
            Ok(Ok(Err(cause))) => Ok(Err(cause)),
            Ok(Err(error)) if error.is_retryable() => Ok(Err(error.message().to_string())),
            Ok(Err(error)) => Err(error),
            Err(Unanswered::Late) => Ok(Err(format!("no answer within {:.1} s", limit.as_secs_f64()))),
            Err(Unanswered::Down) => Ok(Err("it stands still".to_string())),
        }
    }
}

async fn connect(config: &ClientConfig, leader: &str) -> Result<TransactionClient> {
    let mut library = Config::default().with_timeout(config.request_timeout);
    if let Some(tls) = &config.tls {
        let ca = tls.ca()?;
        let Some((cert, key)) = tls.identity()? else {
            // It would connect in plain text without a word.
            return Err(ClientError::new(
                ClientErrorKind::Tls,
                "tikv-client cannot speak TLS without a client certificate",
            ));
        };
        library = library.with_security(ca, cert, key);
    }
    // The leader alone: the library asks addresses one after the other and would hang at a frozen one. It learns the others from it.
    let connecting = TransactionClient::new_with_config(vec![leader.to_string()], library);
    match tokio::time::timeout(config.connect_timeout, connecting).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(unreachable(leader, &describe(&error))),
        Err(_) => Err(unreachable(
            leader,
            &format!(
                "no connection within {:.1} s. Check that PD runs and is reachable.",
                config.connect_timeout.as_secs_f64()
            ),
        )),
    }
}

fn unreachable(leader: &str, text: &str) -> ClientError {
    ClientError::retryable(
        ClientErrorKind::PdUnreachable,
        format!("no timestamps from PD {leader}: {text}"),
    )
}

#[async_trait]
impl TimestampSource for LibraryTso {
    async fn timestamp(&self) -> Result<u64> {
        let pd = &self.shared.pd;
        let mut bo = Backoffer::new("getting a timestamp", self.shared.deadline, Arc::default());
        loop {
            let leader = pd.leader();
            let limit = TIMESTAMP_TRY.min(bo.remaining());
            let cause = match self.ask(&leader, limit).await? {
                Ok(timestamp) => return Ok(timestamp),
                Err(cause) => format!("PD {leader}: {cause}"),
            };
            self.forget(&leader).await;
            pd.health().suspect(&leader);
            bo.backoff_within(BackoffKind::PdRpc, LEADER_WAIT, cause).await?;
            if let Err(error) = pd.refresh().await {
                if !error.is_retryable() {
                    return Err(error);
                }
                bo.remember(error.message().to_string());
            }
        }
    }
}

/// `TimestampExt::version` panics on a negative timestamp.
fn timestamp_parts(timestamp: &Timestamp) -> (i64, i64) {
    (timestamp.physical, timestamp.logical)
}

/// Text of an error of the library.
fn describe(error: &Error) -> String {
    match error {
        Error::Grpc(error) => with_causes(error),
        Error::GrpcAPI(status) => format!("{:?}: {}", status.code(), status.message()),
        Error::InternalError { message } => message.clone(),
        Error::Io(error) => error.to_string(),
        _ => "an error of tikv-client".to_string(),
    }
}
