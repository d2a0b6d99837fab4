//! Timestamps over our own channels: honours TLS with a CA alone and host mapping.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream;
use ti_proto::pdpb::TsoRequest;

use super::{whole, TimestampSource, LEADER_WAIT, TIMESTAMP_TRY};
use crate::backoff::{BackoffKind, Backoffer};
use crate::error::Result;
use crate::health::Unanswered;
use crate::pd::{status_text, PdClient};

/// PD's timestamp oracle. Each timestamp is a stream of one question: we need one per query, not thousands per second.
#[derive(Clone)]
pub(crate) struct PdTso {
    pd: Arc<PdClient>,
    deadline: Duration,
}

impl PdTso {
    pub(crate) fn new(pd: Arc<PdClient>, deadline: Duration) -> Self {
        Self { pd, deadline }
    }

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
        let answer = match self.pd.health().answer(&leader, TIMESTAMP_TRY, asked).await {
            Err(Unanswered::Late) => {
                return Ok(Err(format!(
                    "PD {leader}: no timestamp within {:.1} s",
                    TIMESTAMP_TRY.as_secs_f64()
                )))
            }
            Err(Unanswered::Down) => return Ok(Err(format!("PD {leader} stands still"))),
            Ok(Err(status)) => {
                self.pd.health().suspect(&leader);
                return Ok(Err(format!("PD {leader}: {}", status_text(&status))));
            }
            Ok(Ok(None)) => return Ok(Err(format!("PD {leader} ended the stream of timestamps"))),
            Ok(Ok(Some(answer))) => answer,
        };
        match answer.timestamp {
            Some(timestamp) => whole((timestamp.physical, timestamp.logical)).map(Ok),
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
            if let Err(error) = self.pd.refresh().await {
                if !error.is_retryable() {
                    return Err(error);
                }
                bo.remember(error.message().to_string());
            }
        }
    }
}
