//! A stand-in for a store: **a fake** that accepts every prewrite and keeps nothing. Writers run against it as they are, so that their messages
//! are the real ones; nothing else of a write can be tried on it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use ti_proto::kvrpcpb;

use super::server::{Answer, Server, Service};

struct StandInStore;

/// A running fake.
pub fn start() -> Server {
    Server::start(Duration::ZERO, |_| Arc::new(StandInStore))
}

impl Service for StandInStore {
    fn grpc(self: Arc<Self>, method: String, _message: Bytes) -> Answer {
        let accepted = || kvrpcpb::PrewriteResponse::default().encode_to_vec();
        Box::pin(async move { (method == "KvPrewrite").then(accepted) })
    }

    fn http(&self, _path: &str) -> Option<Vec<u8>> {
        None
    }
}
