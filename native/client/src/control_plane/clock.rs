//! Who is asked for timestamps.
//!
//! ```text
//! timestamp -> tikv-client, 2 s at most -> answer
//!                  | none: warned of, and left alone for 30 s
//!                  +-> our own request to PD's leader, with retries -> answer
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::library::Library;
use super::{PdTso, TimestampSource};
use crate::config::ClientConfig;
use crate::error::Result;
use crate::pd::PdClient;

/// Time for a timestamp of `tikv-client`, connecting included. PD answers in milliseconds.
const LIBRARY_TRY: Duration = Duration::from_secs(2);
/// It is asked again so long after a failure.
const REST: Duration = Duration::from_secs(30);

/// `tikv-client`, and our own requests where it cannot do what is configured or has no answer in time.
pub(crate) struct PdClock {
    library: Option<Library>,
    /// Until when the library is left alone.
    rests: Mutex<Option<Instant>>,
    own: PdTso,
}

impl PdClock {
    /// Asks for one timestamp, so that a leader of PD which cannot be reached from here is an error at once. `deadline` is for one timestamp with
    /// all retries.
    pub(crate) async fn connect(config: &ClientConfig, pd: Arc<PdClient>, deadline: Duration) -> Result<Self> {
        let own = PdTso::new(pd.clone(), deadline);
        own.check().await?;
        Ok(Self {
            library: Library::new(config, pd)?,
            rests: Mutex::new(None),
            own,
        })
    }

    fn rests(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TimestampSource for PdClock {
    async fn timestamp(&self) -> Result<u64> {
        let rested = self.rests().is_none_or(|until| until <= Instant::now());
        if let Some(library) = self.library.as_ref().filter(|_| rested) {
            match library.ask(LIBRARY_TRY).await? {
                Ok(timestamp) => return Ok(timestamp),
                Err(cause) => {
                    *self.rests() = Some(Instant::now() + REST);
                    tracing::warn!(cause, "tikv-client has no timestamp: asking PD without it for 30 s");
                }
            }
        }
        self.own.timestamp().await
    }
}
