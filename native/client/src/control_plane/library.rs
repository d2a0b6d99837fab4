//! Timestamps over the crate `tikv-client` 0.4.
//!
//! Its connection and its timestamp stream can wait for ever: to connect it asks the members of PD one after the other, without a limit of time. So
//! every call stands inside a time of ours, and after a failure the whole client is made anew.

use std::sync::Arc;
use std::time::Duration;

use tikv_client::{Config, Error, TransactionClient};
use tokio::sync::Mutex;

use super::tso::whole;
use crate::config::ClientConfig;
use crate::error::{with_causes, ClientError, ClientErrorKind, Result};
use crate::health::Unanswered;
use crate::pd::PdClient;

/// `tikv-client` as a clock.
pub(super) struct Library {
    config: ClientConfig,
    pd: Arc<PdClient>,
    /// The client, and the leader that it was made for.
    client: Mutex<Option<(String, TransactionClient)>>,
}

impl Library {
    /// `None` where the crate cannot do what is configured: TLS with a CA alone (it would silently speak plain text), and host mapping (it dials
    /// what PD names).
    pub(super) fn new(config: &ClientConfig, pd: Arc<PdClient>) -> Result<Option<Self>> {
        let mutual_or_plain = match &config.tls {
            None => true,
            Some(tls) => tls.identity()?.is_some(),
        };
        let can = mutual_or_plain && config.host_mapping.is_empty();
        Ok(can.then(|| Self {
            config: config.clone(),
            pd,
            client: Mutex::new(None),
        }))
    }

    /// One try, of `limit` at most. The inner error is why there is no timestamp; the next try connects anew then.
    pub(super) async fn ask(&self, limit: Duration) -> Result<Result<u64, String>> {
        let leader = self.pd.leader();
        let asked = async {
            let client = self.client(&leader).await?;
            Ok::<_, ClientError>(client.current_timestamp().await.map_err(|error| describe(&error)))
        };
        let cause = match self.pd.health().answer(&leader, limit, asked).await {
            Ok(Ok(Ok(timestamp))) => return whole(timestamp.physical, timestamp.logical).map(Ok),
            Ok(Ok(Err(cause))) => cause,
            Ok(Err(error)) if error.is_retryable() => error.message().to_string(),
            Ok(Err(error)) => return Err(error),
            Err(Unanswered::Late) => format!("no answer within {:.1} s", limit.as_secs_f64()),
            Err(Unanswered::Down) => "it stands still".to_string(),
        };
        self.client.lock().await.take_if(|(made_for, _)| *made_for == leader);
        Ok(Err(format!("PD {leader}: {cause}")))
    }

    /// The client for `leader`. Those who need it meanwhile wait until it is connected: one connection is enough.
    async fn client(&self, leader: &str) -> Result<TransactionClient> {
        let mut client = self.client.lock().await;
        if let Some((_, made)) = client.as_ref().filter(|(made_for, _)| made_for == leader) {
            return Ok(made.clone());
        }
        let mut library = Config::default().with_timeout(self.config.request_timeout);
        if let Some(tls) = &self.config.tls {
            let ca = tls.ca()?;
            let Some((cert, key)) = tls.identity()? else {
                return Err(ClientError::new(
                    ClientErrorKind::Tls,
                    "tikv-client cannot speak TLS without a client certificate",
                ));
            };
            library = library.with_security(ca, cert, key);
        }
        // The leader alone: the library asks addresses one after the other and would hang at a frozen one. It learns the others from it.
        let made = TransactionClient::new_with_config(vec![leader.to_string()], library)
            .await
            .map_err(|error| ClientError::retryable(ClientErrorKind::PdUnreachable, describe(&error)))?;
        *client = Some((leader.to_string(), made.clone()));
        Ok(made)
    }
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
