//! Whether the servers that we wait for are alive.
//!
//! A server that stands still (a stopped process, a host without power, a cut network) takes connections and requests, or does not refuse them,
//! and never answers. Its HTTP/2 pings go unanswered too, but they can be sent only seldom. A slow answer, on the other hand, is no
//! fault: a page of a coprocessor may take a minute. So a server is asked beside the request:
//!
//! ```text
//! request under way --- 2 s without an answer ---> health checks, one a second (monitor), shared by all requests to the server
//!                                                    |  answered: the request waits on
//!                                                    +- 2 failures in a row: the server is down
//! down: every request to it ends at once (Unanswered::Down), its connections are dropped, new requests are not sent
//! down --- a health check is answered ---> as before
//! ```
//!
//! What to do without the server is for the caller: another member of PD, another peer of the region ([`crate::region`]).

mod monitor;

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::channel::Channels;

/// Times of the watch over servers. From the first request without an answer to the verdict it takes 6.5 s at most: less than a group of Raft
/// waits before it elects a leader (10 s), so that the time is not added to an outage.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// A request without an answer for so long makes its server suspect.
    suspect: Duration,
    /// Longest time for a health check, connecting included. A machine that is short of processors answers late.
    check: Duration,
    /// Time between two checks.
    pause: Duration,
    /// The same after a failure, as long as the server is not down.
    doubt: Duration,
    /// Failures in a row that make a server down.
    failures: u32,
    /// A server that is down and that nobody has asked for is checked so often, then forgotten.
    unasked: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            suspect: Duration::from_secs(2),
            check: Duration::from_secs(2),
            pause: Duration::from_secs(1),
            doubt: Duration::from_millis(500),
            failures: 2,
            unasked: 300,
        }
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// Its time is over.
    Late,
    /// The server is down. The request may have been sent before that was known.
    Down,
}

/// The watch over all servers of a client, by address as PD names it.
pub(crate) struct Health {
    shared: Arc<Shared>,
}

struct Shared {
    channels: Arc<Channels>,
    runtime: Handle,
    pace: Pace,
    servers: Mutex<HashMap<String, Arc<Server>>>,
}

struct Server {
    address: String,
    down: watch::Sender<bool>,
    watch: Mutex<Watch>,
    /// Somebody has looked since the last check.
    asked: AtomicBool,
    /// It went down, and nobody has taken note.
    news: AtomicBool,
}

#[derive(Default)]
struct Watch {
    /// Requests that wait for longer than they should.
    waiting: usize,
    /// A monitor is at work.
    running: bool,
}

impl Server {
    fn new(address: &str) -> Self {
        Self {
            address: address.to_string(),
            down: watch::Sender::new(false),
            watch: Mutex::default(),
            asked: AtomicBool::new(false),
            news: AtomicBool::new(false),
        }
    }

    fn watch(&self) -> std::sync::MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_down(&self) -> bool {
        self.asked.store(true, Ordering::Relaxed);
        *self.down.borrow()
    }

    /// Waits until it is down, for ever if it never is.
    async fn until_down(&self) {
        let mut changes = self.down.subscribe();
        while !*changes.borrow_and_update() {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// A request that waits for longer than it should.
struct Waiting<'a>(&'a Server);

impl<'a> Waiting<'a> {
    fn new(server: &'a Server) -> Self {
        server.watch().waiting += 1;
        Self(server)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut watch = self.0.watch();
        watch.waiting = watch.waiting.saturating_sub(1);
    }
}

impl Health {
    /// Checks run on `runtime`, as long as this lives.
    pub(crate) fn new(channels: Arc<Channels>, runtime: Handle) -> Self {
        Self::with_pace(channels, runtime, Pace::default())
    }

    fn with_pace(channels: Arc<Channels>, runtime: Handle, pace: Pace) -> Self {
        Self {
            shared: Arc::new(Shared {
                channels,
                runtime,
                pace,
                servers: Mutex::default(),
            }),
        }
    }

    /// The output of `request`, which is sent to `address`, unless the server is down or goes down before, or `limit` is over.
    pub(crate) async fn answer<T>(
        &self,
        address: &str,
        limit: Duration,
        request: impl Future<Output = T>,
    ) -> Result<T, Unanswered> {
        let server = self.shared.server(address);
        if server.is_down() {
            return Err(Unanswered::Down);
        }
        let quick = limit.min(self.shared.pace.suspect);
        let mut request = std::pin::pin!(request);
        let mut down = std::pin::pin!(server.until_down());
        tokio::select! {
            biased;
            answer = &mut request => return Ok(answer),
            () = &mut down => return Err(Unanswered::Down),
            () = tokio::time::sleep(quick) => {}
        }
        let left = limit.saturating_sub(quick);
        if left.is_zero() {
            return Err(Unanswered::Late);
        }
        let _waiting = Waiting::new(&server);
        self.shared.check(&server);
        tokio::select! {
            biased;
            answer = &mut request => Ok(answer),
            () = &mut down => Err(Unanswered::Down),
            () = tokio::time::sleep(left) => Err(Unanswered::Late),
        }
    }

    /// Whether the server was found to be down, and has not answered since.
    pub(crate) fn is_down(&self, address: &str) -> bool {
        let servers = self.shared.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.get(address).is_some_and(|server| server.is_down())
    }

    /// A request to the server has failed on the way: has it checked.
    pub(crate) fn suspect(&self, address: &str) {
        self.shared.check(&self.shared.server(address));
    }

    /// `true` for one caller each time that the server has gone down.
    pub(crate) fn take_news(&self, address: &str) -> bool {
        self.shared.server(address).news.swap(false, Ordering::Relaxed)
    }
}

impl Shared {
    fn server(&self, address: &str) -> Arc<Server> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(address) {
            return server.clone();
        }
        let server = Arc::new(Server::new(address));
        servers.insert(address.to_string(), server.clone());
        server
    }

    /// Starts to check the server, unless that is under way.
    fn check(self: &Arc<Self>, server: &Arc<Server>) {
        {
            let mut watch = server.watch();
            if watch.running {
                return;
            }
            watch.running = true;
        }
        self.runtime.spawn(monitor::run(Arc::downgrade(self), server.clone()));
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
