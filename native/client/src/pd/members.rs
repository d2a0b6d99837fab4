//! Members of PD: all known addresses are asked at once, the first useful answer names the leader.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use ti_proto::pdpb::pd_client::PdClient as PdService;
use ti_proto::pdpb::{GetMembersRequest, GetMembersResponse};
use tonic::Code;

use super::{is_tls_failure, status_text, tls_failure};
use crate::channel::Channels;
use crate::config::normalize;
use crate::error::{ClientError, ClientErrorKind, Result};

/// How long slower members may take after the first answer: long enough to see a wrong cluster among the addresses.
const GRACE: Duration = Duration::from_millis(500);

/// Addresses of PD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Members {
    /// `host:port`.
    pub(crate) leader: String,
    /// All that may be asked, without repetitions.
    pub(crate) endpoints: Vec<String>,
}

impl Members {
    pub(crate) fn leader_first(&self) -> Vec<String> {
        let others = self
            .endpoints
            .iter()
            .filter(|address| **address != self.leader)
            .cloned();
        std::iter::once(self.leader.clone()).chain(others).collect()
    }

    /// Takes the newer leader, keeps addresses that were known before.
    pub(crate) fn absorb(&mut self, newer: Members) {
        self.leader = newer.leader;
        for address in newer.endpoints {
            if !self.endpoints.contains(&address) {
                self.endpoints.push(address);
            }
        }
    }
}

/// What the members say.
pub(crate) struct Discovery {
    pub(crate) cluster_id: u64,
    pub(crate) members: Members,
}

struct Answer {
    address: String,
    response: GetMembersResponse,
}

/// Asks all addresses at once for the members.
pub(crate) async fn discover(
    channels: &Arc<Channels>,
    addresses: &[String],
    limit: Duration,
    tls: bool,
) -> Result<Discovery> {
    let mut asked: FuturesUnordered<_> = addresses.iter().map(|address| ask(channels, address, limit)).collect();
    let mut answers: Vec<Answer> = Vec::new();
    let mut failures: Vec<(String, ClientError)> = Vec::new();
    let mut patience = limit;
    loop {
        match tokio::time::timeout(patience, asked.next()).await {
            Ok(Some(Ok(answer))) => {
                answers.push(answer);
                patience = patience.min(GRACE);
            }
            Ok(Some(Err((address, error)))) => {
                tracing::warn!(address, error = error.message(), "PD member does not answer");
                failures.push((address, error));
            }
            Ok(None) | Err(_) => break,
        }
    }
    drop(asked);
    if answers.is_empty() {
        return Err(unreachable(addresses, &failures, limit));
    }
    judge(&answers, addresses, tls)
}

async fn ask(channels: &Arc<Channels>, address: &str, limit: Duration) -> Result<Answer, (String, ClientError)> {
    let fail = |error| (address.to_string(), error);
    let unreachable =
        |text: String| ClientError::retryable(ClientErrorKind::PdUnreachable, format!("{address}: {text}"));
    let channel = channels.get(address).map_err(fail)?;
    let mut service = PdService::new(channel);
    match tokio::time::timeout(limit, service.get_members(GetMembersRequest::default())).await {
        Ok(Ok(response)) => Ok(Answer {
            address: address.to_string(),
            response: response.into_inner(),
        }),
        Err(_) => {
            channels.reset(address);
            Err(fail(unreachable(format!(
                "no answer within {:.1} s",
                limit.as_secs_f64()
            ))))
        }
        Ok(Err(status)) => {
            channels.reset(address);
            let text = status_text(&status);
            Err(fail(match status.code() {
                Code::Unimplemented => unreachable(format!("this is not a PD member ({text})")),
                _ if is_tls_failure(&text) => tls_failure(address, &text),
                _ => unreachable(text),
            }))
        }
    }
}

fn unreachable(addresses: &[String], failures: &[(String, ClientError)], limit: Duration) -> ClientError {
    if let Some((_, error)) = failures
        .iter()
        .find(|(_, error)| error.kind != ClientErrorKind::PdUnreachable)
    {
        return error.clone();
    }
    let texts: Vec<String> = addresses
        .iter()
        .map(|address| match failures.iter().find(|(failed, _)| failed == address) {
            Some((_, error)) => error.message().to_string(),
            None => format!("{address}: no answer within {:.1} s", limit.as_secs_f64()),
        })
        .collect();
    ClientError::retryable(
        ClientErrorKind::PdUnreachable,
        format!(
            "no PD member answers ({}). Check pd.addresses, that PD runs, that its ports are open from here, and TLS: \
             tls.ca where PD speaks TLS, tls.cert and tls.key where it asks for a client certificate.",
            texts.join("; ")
        ),
    )
}

/// One cluster and one leader out of the answers.
fn judge(answers: &[Answer], configured: &[String], tls: bool) -> Result<Discovery> {
    let id = |answer: &Answer| answer.response.header.as_ref().map_or(0, |header| header.cluster_id);
    let Some(first) = answers.first() else {
        return Err(ClientError::retryable(
            ClientErrorKind::PdUnreachable,
            "no PD member answers",
        ));
    };
    let cluster_id = id(first);
    if answers.iter().any(|answer| id(answer) != cluster_id) {
        let seen: Vec<String> = answers
            .iter()
            .map(|answer| format!("{} is of cluster {}", answer.address, id(answer)))
            .collect();
        return Err(mismatch(&seen.join(", ")));
    }
    if cluster_id == 0 {
        return Err(ClientError::new(
            ClientErrorKind::Protocol,
            format!(
                "{} answers without a cluster id: check that it is the address of a PD member",
                first.address
            ),
        ));
    }
    // A leader is reached by the address that was configured for it, where it is one of those: that one is known to be open from here.
    let mut leader = None;
    let mut endpoints: Vec<String> = configured.to_vec();
    for answer in answers {
        for member in &answer.response.members {
            for url in &member.client_urls {
                if let Ok(address) = address_of(url, tls) {
                    if !endpoints.contains(&address) {
                        endpoints.push(address);
                    }
                }
            }
        }
        if let Some(urls) = answer.response.leader.as_ref().map(|leader| &leader.client_urls) {
            let urls: Vec<String> = urls.iter().filter_map(|url| address_of(url, tls).ok()).collect();
            let known = urls.iter().find(|url| configured.contains(url)).or(urls.first());
            leader = leader.or(known.cloned());
        }
    }
    match leader {
        Some(leader) => Ok(Discovery {
            cluster_id,
            members: Members { leader, endpoints },
        }),
        None => Err(ClientError::retryable(
            ClientErrorKind::PdUnreachable,
            format!(
                "PD ({}) has no leader now: wait for its election, or check that most of its members run",
                first.address
            ),
        )),
    }
}

/// `host:port` of a member's URL. Members tell `http` or `https`; the connection follows our own TLS settings in both cases.
fn address_of(url: &str, tls: bool) -> Result<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    normalize(rest, tls)
}

pub(crate) fn mismatch(what: &str) -> ClientError {
    ClientError::new(
        ClientErrorKind::ClusterMismatch,
        format!("the PD addresses do not lead to one cluster: {what}. Give addresses of members of the same PD only."),
    )
}

#[cfg(test)]
#[path = "members_tests.rs"]
mod tests;
