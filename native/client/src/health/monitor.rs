//! The checks of one server, by one task at a time.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ti_proto::health::health_client::HealthClient;
use ti_proto::health::HealthCheckRequest;
use tonic::transport::Channel;

use super::{Pace, Server, Shared};
use crate::channel::Channels;

/// What the checks have shown so far.
#[derive(Debug, Default)]
struct Findings {
    failures: u32,
    unasked: u32,
}

/// What follows from a check.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Another check after this time.
    Wait(Duration),
    /// Nothing more to do.
    End,
}

/// Checks the server until it answers and no request waits for it, or until the client is gone.
pub(super) async fn run(client: Weak<Shared>, server: Arc<Server>) {
    let mut findings = Findings::default();
    let mut channel = None;
    loop {
        let Some(shared) = client.upgrade() else { return };
        let alive = is_alive(&shared.channels, &server.address, shared.pace.check, &mut channel).await;
        let was_down = *server.down.borrow();
        let step = findings.note(&shared.pace, &server, alive);
        let is_down = *server.down.borrow();
        if is_down && !was_down {
            tracing::warn!(
                address = server.address,
                "server is down: it does not answer health checks"
            );
            shared.channels.reset(&server.address);
        } else if was_down && !is_down {
            tracing::info!(address = server.address, "server is not down any more");
        }
        drop(shared);
        match step {
            Step::Wait(pause) => tokio::time::sleep(pause).await,
            Step::End => return,
        }
    }
}

impl Findings {
    fn note(&mut self, pace: &Pace, server: &Server, alive: bool) -> Step {
        // Held until the step is chosen: a request that begins to wait meanwhile either sees the monitor at work or starts another.
        let mut watch = server.watch();
        if alive {
            self.failures = 0;
            server.down.send_if_modified(std::mem::take);
            if watch.waiting > 0 {
                return Step::Wait(pace.pause);
            }
            watch.running = false;
            return Step::End;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures < pace.failures {
            return Step::Wait(pace.doubt);
        }
        if !*server.down.borrow() {
            // The news first: who is told that the server is down must find them.
            server.news.store(true, Ordering::Relaxed);
            server.down.send_replace(true);
        }
        if server.asked.swap(false, Ordering::Relaxed) {
            self.unasked = 0;
        } else {
            self.unasked = self.unasked.saturating_add(1);
        }
        if self.unasked >= pace.unasked {
            server.down.send_replace(false);
            watch.running = false;
            return Step::End;
        }
        Step::Wait(pace.pause)
    }
}

/// Whether the server answers a health check in time, whatever it says: a refusal comes from something that lives.
async fn is_alive(channels: &Channels, address: &str, limit: Duration, known: &mut Option<Channel>) -> bool {
    let channel = match known.take() {
        Some(channel) => channel,
        None => match channels.single(address) {
            Ok(channel) => channel,
            // TLS files that cannot be read say nothing of the server.
            Err(_) => return true,
        },
    };
    let mut service = HealthClient::new(channel.clone());
    match tokio::time::timeout(limit, service.check(HealthCheckRequest::default())).await {
        Err(_) => false,
        // What has a source has failed on the way.
        Ok(Err(status)) if std::error::Error::source(&status).is_some() => false,
        Ok(_) => {
            *known = Some(channel);
            true
        }
    }
}
