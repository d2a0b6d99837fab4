//! Timestamps over our own channels.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::stream;
use ti_proto::pdpb::TsoRequest;

use super::{TimestampSource, LOGICAL_BITS};
use crate::backoff::{BackoffKind, Backoffer};
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::health::Unanswered;
use crate::pd::{fatal_status, status_text, PdClient};

/// One try. PD answers in milliseconds; a leader change takes a few seconds.
const TRY: Duration = Duration::from_secs(5);
/// Longest wait before the members of PD are asked again who leads.
const LEADER_WAIT: Duration = Duration::from_millis(500);
/// How long a new client waits for another leader of PD: 10 s are usual until the lease of the old one has ended and another is elected, and a busy
/// machine takes its time.
const ELECTION: Duration = Duration::from_secs(30);

/// PD's timestamp oracle. Each timestamp is a stream of one question: we need one per query, not thousands per second.
#[derive(Clone)]
pub(crate) struct PdTso {
    pd: Arc<PdClient>,
    deadline: Duration,
}

impl PdTso {
    /// `deadline` is for one timestamp with all retries.
    pub(crate) fn new(pd: Arc<PdClient>, deadline: Duration) -> Self {
        Self { pd, deadline }
    }

    /// Asks for one timestamp, so that a leader which cannot be reached from here is an error at once and not after the deadline. Where PD has
    /// other members, the election of another leader is waited for.
    pub(crate) async fn check(&self) -> Result<()> {
        let patience = if self.pd.addresses().len() > 1 {
            ELECTION
        } else {
            Duration::ZERO
        };
        let started = Instant::now();
        loop {
            let cause = match self.ask().await? {
                Ok(_) => return Ok(()),
                Err(cause) => cause,
            };
            if started.elapsed() >= patience {
                let text = format!(
                    "no timestamps from {cause}. Check that PD runs, and that its leader can be reached from here."
                );
                return Err(ClientError::retryable(ClientErrorKind::PdUnreachable, text));
            }
            tracing::warn!(cause, "waiting for another leader of PD");
            tokio::time::sleep(LEADER_WAIT).await;
            self.refresh().await?;
        }
    }

    /// Finds the leader anew. Fails only with what no other try heals; what it fails with else is told.
    async fn refresh(&self) -> Result<Option<ClientError>> {
        match self.pd.refresh().await {
            Ok(()) => Ok(None),
            Err(error) if error.is_retryable() => Ok(Some(error)),
            Err(error) => Err(error),
        }
    }

    /// One try. The inner error is the cause for another one.
    async fn ask(&self) -> Result<Result<u64, String>> {
        let (leader, mut service) = self.pd.service()?;
        let request = TsoRequest {
            header: self.pd.header(),
            count: 1,
            ..Default::default()
        };
        // The stream stays open until the answer is here: PD drops the answer of a stream that its client has ended.
        let questions = stream::iter([request]);
        let questions = futures::StreamExt::chain(questions, stream::pending());
        let asked = async {
            let mut answers = service.tso(questions).await?.into_inner();
            answers.message().await
        };
        let answer = match self.pd.health().answer(&leader, TRY, asked).await {
            Err(Unanswered::Late) => {
                return Ok(Err(format!(
                    "PD {leader}: no timestamp within {:.1} s",
                    TRY.as_secs_f64()
                )))
            }
            Err(Unanswered::Down) => return Ok(Err(format!("PD {leader} stands still"))),
            Ok(Err(status)) => {
                if let Some(error) = fatal_status(&leader, &status) {
                    return Err(error);
                }
                self.pd.health().suspect(&leader);
                return Ok(Err(format!("PD {leader}: {}", status_text(&status))));
            }
            Ok(Ok(None)) => return Ok(Err(format!("PD {leader} ended the stream of timestamps"))),
            Ok(Ok(Some(answer))) => answer,
        };
        match answer.timestamp {
            Some(timestamp) => whole(timestamp.physical, timestamp.logical).map(Ok),
            None => Ok(Err(format!("PD {leader} answers without a timestamp"))),
        }
    }
}

#[async_trait]
impl TimestampSource for PdTso {
    async fn timestamp(&self) -> Result<u64> {
        let mut bo = Backoffer::new("getting a timestamp", self.deadline, Arc::default());
        loop {
            match self.ask().await? {
                Ok(timestamp) => return Ok(timestamp),
                Err(cause) => bo.backoff_within(BackoffKind::PdRpc, LEADER_WAIT, cause).await?,
            }
            if let Some(error) = self.refresh().await? {
                bo.remember(error.message().to_string());
            }
        }
    }
}

/// The timestamp of its milliseconds and its logical part.
pub(super) fn whole(physical: i64, logical: i64) -> Result<u64> {
    match (u64::try_from(physical), u64::try_from(logical)) {
        (Ok(physical), Ok(logical)) if physical < 1 << 46 && logical < 1 << LOGICAL_BITS => {
            Ok(physical << LOGICAL_BITS | logical)
        }
        _ => Err(ClientError::new(
            ClientErrorKind::Protocol,
            format!("PD answers with the timestamp {physical}.{logical}, which is out of range"),
        )),
    }
}
