//! The owner's side of a transaction: begins it, keeps it alive, ends it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{watch, Mutex};
use tokio::task::JoinHandle;

use super::batch::Origin;
use super::commit::{self, Primary};
use super::outcome::{self, Outcome};
use super::state::{Event, StateCell, TxnState};
use super::{heartbeat, key_error, prewrite, Assertion, Mutation, MutationOp, PrewriteOptions, TxnInfo, TxnOptions};
use crate::backoff::{BackoffKind, Backoffer};
use crate::client::Client;
use crate::control_plane::LOGICAL_BITS;
use crate::error::{ClientError, ClientErrorKind, Result};
use crate::pd::ServiceSafePoint;

/// A commit timestamp that lies further than this behind `min_commit_ts` (1 h, as TSO) is not chased: a clock of the cluster is wrong.
const EXPIRED_BY_MAX: u64 = 3_600_000 << LOGICAL_BITS;

/// What a commit has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitOutcome {
    /// From this timestamp on the changes are visible.
    pub commit_ts: u64,
}

/// An open transaction whose primary is locked and kept alive. Dropped: the heartbeat stops, the service safe point is taken back, and
/// an open transaction is rolled back by whoever meets its locks after their TTL. Nothing of it stays in this process.
pub struct Transaction {
    client: Arc<Client>,
    info: TxnInfo,
    options: TxnOptions,
    state: StateCell,
    /// Held by commit and rollback, so that one of them ends the transaction.
    ending: Mutex<()>,
    lost: watch::Sender<Option<ClientError>>,
    heartbeat: JoinHandle<()>,
    safe_point: Mutex<Option<ServiceSafePoint>>,
}

impl Transaction {
    pub(super) async fn begin(
        client: Arc<Client>,
        primary: impl FnOnce(u64) -> Bytes,
        options: TxnOptions,
    ) -> Result<Self> {
        let now = client.timestamp().await?;
        let start_ts = options.start_ts.unwrap_or(now);
        if start_ts > now {
            return Err(ClientError::new(
                ClientErrorKind::InvalidArgument,
                format!("a transaction cannot begin at {start_ts}: PD has come to {now} only"),
            ));
        }
        // A timestamp that was given may be old, and TTLs count from it. Both are PD's.
        let age = Duration::from_millis((now >> LOGICAL_BITS) - (start_ts >> LOGICAL_BITS));
        let begun = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
        let lost = watch::Sender::new(None);
        let on_lost = {
            let lost = lost.clone();
            Box::new(move |error| heartbeat::lose(&lost, error))
        };
        let safe_point = ServiceSafePoint::register(
            client.pd.clone(),
            client.runtime.clone(),
            format!("tidb-spark-{start_ts}-{:016x}", fastrand::u64(..)),
            start_ts.saturating_sub(1),
            options.safe_point_ttl,
            options.deadline,
            on_lost,
        )
        .await?;
        let info = TxnInfo {
            start_ts,
            primary: primary(start_ts),
        };
        let origin = client.origin();
        if let Err(error) = lock_primary(&client, &origin, &info, &options).await {
            // Unless a store has refused it the lock may be there, or come yet.
            let refused = [
                ClientErrorKind::KeyExists,
                ClientErrorKind::WriteConflict,
                ClientErrorKind::TxnAborted,
            ];
            if refused.contains(&error.kind) {
                return Err(error);
            }
            let mut bo = Backoffer::new("rolling back", options.lock_ttl, origin.stats.clone());
            if let Err(left) = outcome::roll_back(&origin, &mut bo, &info).await {
                tracing::info!(start_ts, error = left.message(), "primary is left to its TTL");
            }
            return Err(error);
        }
        let beats = heartbeat::run(origin, info.clone(), begun, options.clone(), lost.clone());
        let heartbeat = client.runtime.spawn(beats);
        Ok(Self {
            client,
            info,
            options,
            state: StateCell::new(),
            ending: Mutex::new(()),
            lost,
            heartbeat,
            safe_point: Mutex::new(Some(safe_point)),
        })
    }

    /// What takes part in it needs to know.
    pub fn info(&self) -> &TxnInfo {
        &self.info
    }

    /// How far it has come, as far as is known here.
    pub fn state(&self) -> TxnState {
        self.state.get()
    }

    /// Why it cannot be committed any more: it was rolled back by somebody ([`ClientErrorKind::TxnAborted`]), GC has passed it, or it
    /// is too old. `None`: it can, as far as is known.
    pub fn lost(&self) -> Option<ClientError> {
        self.lost.borrow().clone()
    }

    /// Waits until it is lost; for ever if it never is.
    pub async fn until_lost(&self) -> ClientError {
        let mut watching = self.lost.subscribe();
        let reason = match watching.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }

    /// Commits the primary, and with it the transaction; its other locks stay for [`Client::commit_keys`] and
    /// [`Client::resolve_ranges`], or for readers. `check` runs at every commit timestamp before it is sent; when it fails nothing is
    /// committed. Errors:
    /// * of `check`, and everything that ends with the primary not committed: the transaction is still open, roll it back;
    /// * [`ClientErrorKind::TxnAborted`]: somebody has rolled it back;
    /// * [`ClientErrorKind::Undetermined`]: nobody knows, and it is not rolled back by [`Self::rollback`] any more. A second call asks
    ///   again, and sends the same timestamp if that is possible.
    ///
    /// When the future is dropped in the middle, [`Self::outcome`] and a second call tell more.
    pub async fn commit<E, F, Fut>(&self, mut check: F) -> Result<CommitOutcome, E>
    where
        E: From<ClientError>,
        F: FnMut(u64) -> Fut,
        Fut: Future<Output = Result<(), E>>,
    {
        let _ending = self.ending.lock().await;
        let origin = self.client.origin();
        let mut bo = Backoffer::new("committing the primary", self.options.deadline, origin.stats.clone());
        // A timestamp whose request has no answer yet.
        let mut open = match self.state.get() {
            TxnState::Committed { commit_ts } => return Ok(CommitOutcome { commit_ts }),
            TxnState::RolledBack => return Err(key_error::aborted(self.info.start_ts).into()),
            TxnState::Committing { commit_ts } | TxnState::Unknown { commit_ts } => Some(commit_ts),
            TxnState::Prewriting => None,
        };
        let mut least = self.info.start_ts;
        loop {
            let commit_ts = match open {
                Some(commit_ts) => commit_ts,
                None => {
                    if let Some(lost) = self.lost() {
                        return Err(lost.into());
                    }
                    let commit_ts = self.timestamp_above(&mut bo, least).await?;
                    check(commit_ts).await?;
                    commit_ts
                }
            };
            self.state.note(Event::Send { commit_ts });
            match commit::primary(&origin, &mut bo, &self.info, commit_ts, open.is_some()).await {
                Ok(Primary::Committed { commit_ts }) => {
                    self.state.note(Event::Committed { commit_ts });
                    return Ok(CommitOutcome { commit_ts });
                }
                Ok(Primary::RolledBack) => {
                    self.state.note(Event::RolledBack);
                    let error = key_error::aborted(self.info.start_ts);
                    heartbeat::lose(&self.lost, error.clone());
                    return Err(error.into());
                }
                Ok(Primary::Expired { min_commit_ts }) => {
                    self.state.note(Event::NotCommitted);
                    if min_commit_ts.saturating_sub(commit_ts) > EXPIRED_BY_MAX {
                        return Err(ClientError::new(
                            ClientErrorKind::Protocol,
                            format!(
                                "transaction {} may not commit before {min_commit_ts}, an hour after PD's {commit_ts}: a reader has a wrong timestamp",
                                self.info.start_ts
                            ),
                        )
                        .into());
                    }
                    tracing::info!(
                        start_ts = self.info.start_ts,
                        commit_ts,
                        min_commit_ts,
                        "commit timestamp expired"
                    );
                    (open, least) = (None, min_commit_ts.saturating_sub(1));
                }
                Err(failure) if failure.undetermined => {
                    self.state.note(Event::NoAnswer);
                    let error =
                        key_error::undetermined(self.info.start_ts, &self.info.primary, commit_ts, &failure.error);
                    return Err(error.into());
                }
                Err(failure) => {
                    self.state.note(Event::NotCommitted);
                    return Err(failure.error.into());
                }
            }
        }
    }

    /// A timestamp of PD above `least`.
    async fn timestamp_above(&self, bo: &mut Backoffer, least: u64) -> Result<u64> {
        loop {
            let ts = self.client.timestamp().await?;
            if ts > least {
                return Ok(ts);
            }
            let cause = format!("PD hands out {ts}, and the transaction may not commit at or before {least}");
            bo.backoff(BackoffKind::MaxTimestampNotSynced, cause).await?;
        }
    }

    /// Rolls the primary back: from then on nobody can commit the transaction, and its other locks may be removed
    /// ([`Client::resolve_ranges`] with `commit_ts` 0). Does nothing when it is rolled back already.
    /// [`ClientErrorKind::TxnCommitted`]: it is committed. [`ClientErrorKind::Undetermined`]: a commit was sent, and the primary is still
    /// locked or cannot be asked; nothing was done.
    pub async fn rollback(&self) -> Result<()> {
        let _ending = self.ending.lock().await;
        let state = self.state.get();
        let start_ts = self.info.start_ts;
        if !state.may_roll_back() {
            return match self.settle().await {
                Ok(Outcome::Committed(commit_ts)) => Err(key_error::committed(start_ts, commit_ts)),
                Ok(Outcome::RolledBack) => Ok(()),
                Ok(Outcome::Locked) => {
                    let cause = ClientError::new(
                        ClientErrorKind::Undetermined,
                        "the primary is still locked, and a commit may be on its way",
                    );
                    Err(self.not_known(state, &cause))
                }
                Err(error) => Err(self.not_known(state, &error)),
            };
        }
        if state == TxnState::RolledBack {
            return Ok(());
        }
        self.heartbeat.abort();
        let origin = self.client.origin();
        let mut bo = Backoffer::new("rolling back the primary", self.options.deadline, origin.stats.clone());
        match outcome::roll_back(&origin, &mut bo, &self.info).await? {
            Outcome::Committed(commit_ts) => {
                self.state.note(Event::Committed { commit_ts });
                Err(key_error::committed(start_ts, commit_ts))
            }
            Outcome::RolledBack | Outcome::Locked => {
                self.state.note(Event::RolledBack);
                Ok(())
            }
        }
    }

    fn not_known(&self, state: TxnState, cause: &ClientError) -> ClientError {
        let commit_ts = match state {
            TxnState::Committing { commit_ts } | TxnState::Unknown { commit_ts } => commit_ts,
            _ => 0,
        };
        key_error::undetermined(self.info.start_ts, &self.info.primary, commit_ts, cause)
    }

    /// Asks the primary what became of the transaction. Changes nothing that is not decided.
    pub async fn outcome(&self) -> Result<Outcome> {
        match self.state.get() {
            TxnState::Committed { commit_ts } => Ok(Outcome::Committed(commit_ts)),
            TxnState::RolledBack => Ok(Outcome::RolledBack),
            _ => self.settle().await,
        }
    }

    /// Asks the primary, and keeps an answer that is final.
    async fn settle(&self) -> Result<Outcome> {
        let origin = self.client.origin();
        let mut bo = Backoffer::new(
            "asking what became of a transaction",
            self.options.deadline,
            origin.stats.clone(),
        );
        let outcome = outcome::ask(&origin, &mut bo, &self.info).await?;
        match outcome {
            Outcome::Committed(commit_ts) => {
                self.state.note(Event::Committed { commit_ts });
            }
            Outcome::RolledBack => {
                self.state.note(Event::RolledBack);
                heartbeat::lose(&self.lost, key_error::aborted(self.info.start_ts));
            }
            Outcome::Locked => {}
        }
        Ok(outcome)
    }

    /// Ends what belongs to it in this process, the heartbeat, and takes the service safe point back. To be called when its locks are
    /// resolved; a transaction that was neither committed nor rolled back ends with its TTL.
    pub async fn close(&self) -> Result<()> {
        self.heartbeat.abort();
        match self.safe_point.lock().await.take() {
            Some(safe_point) => safe_point.remove().await,
            None => Ok(()),
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

async fn lock_primary(client: &Client, origin: &Origin, info: &TxnInfo, options: &TxnOptions) -> Result<()> {
    let lock = Mutation::new(MutationOp::Lock, info.primary.clone(), Bytes::new()).asserting(Assertion::NotExist);
    let prewriting = PrewriteOptions {
        deadline: options.deadline,
        lock_ttl: options.lock_ttl,
        ..PrewriteOptions::default()
    };
    match prewrite::run(origin, client.resolver.clone(), info, vec![lock], &prewriting).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind == ClientErrorKind::AssertionFailed => {
            Err(key_error::key_exists(info.primary.clone()))
        }
        Err(error) => Err(error),
    }
}
