//! gRPC over HTTP/2, and HTTP/1.1 on the same port, as far as the fakes need them. Written on `h2`, which tonic brings: its own server would be
//! one more feature of a crate that is linked into the library, and all would be built twice.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Why a connection ended.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer; `None`: the method is not known.
pub type Answer = Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>>;

/// What a fake server knows.
pub trait Service: Send + Sync + 'static {
    /// Answers a gRPC message. For a stream, each message of it.
    fn grpc(self: Arc<Self>, method: String, message: Bytes) -> Answer;

    /// Answers `GET` with JSON.
    fn http(&self, path: &str) -> Option<Vec<u8>>;
}

/// A server on a port and a thread of its own, until it is dropped.
pub struct Server {
    /// `host:port`.
    pub address: String,
    counts: Arc<Counts>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Counts(Mutex<BTreeMap<String, u64>>);

impl Counts {
    fn add(&self, what: &str) {
        *self.0.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }
}

impl Server {
    /// Starts. Every answer takes `latency` longer than it must: the way there, and the work of a real server.
    pub fn start(latency: Duration, service: impl FnOnce(&str) -> Arc<dyn Service>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let service = service(&address);
        let counts = Arc::new(Counts::default());
        let all = counts.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Connection {
                    service: service.clone(),
                    counts: all.clone(),
                    latency,
                };
                // A client that goes away ends its connection with an error: nothing of ours.
                tokio::spawn(async move { connection.serve(stream).await.ok() });
            }
        });
        Self {
            address,
            counts,
            _runtime: runtime,
        }
    }

    /// Requests since the last call, by method; a stream is one, and each of its messages is one of `<method>.message`.
    pub fn take_counts(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.counts.0.lock().unwrap())
    }
}

#[derive(Clone)]
struct Connection {
    service: Arc<dyn Service>,
    counts: Arc<Counts>,
    latency: Duration,
}

impl Connection {
    async fn serve(self, stream: TcpStream) -> Result<(), Failure> {
        stream.set_nodelay(true)?;
        let mut first = [0; 3];
        while stream.peek(&mut first).await? < first.len() {}
        if &first == b"GET" {
            return self.http(stream).await;
        }
        let mut connection = h2::server::handshake(stream).await?;
        while let Some(accepted) = connection.accept().await {
            let (request, respond) = accepted?;
            let this = self.clone();
            tokio::spawn(async move { this.grpc(request, respond).await.ok() });
        }
        Ok(())
    }

    async fn http(self, mut stream: TcpStream) -> Result<(), Failure> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut request).await? == 0 {
                return Err("half a request".into());
            }
        }
        let text = String::from_utf8(request)?;
        let path = text.split_whitespace().nth(1).ok_or("no path")?;
        self.counts.add(path.split('?').next().unwrap_or_default());
        tokio::time::sleep(self.latency).await;
        let (status, body) = match self.service.http(path) {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", Vec::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        Ok(stream.shutdown().await?)
    }

    async fn grpc(self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> Result<(), Failure> {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        self.counts.add(&method);
        let head = Response::builder()
            .header("content-type", "application/grpc")
            .body(())?;
        let mut messages = Messages::new(request.into_body());
        let mut out = respond.send_response(head, false)?;
        while let Some(message) = messages.next().await? {
            self.counts.add(&format!("{method}.message"));
            tokio::time::sleep(self.latency).await;
            match self.service.clone().grpc(method.clone(), message).await {
                Some(answer) => out.send_data(frame(&answer), false)?,
                None => return end(out, "12"),
            }
        }
        end(out, "0")
    }
}

/// Ends an answer with a status of gRPC.
fn end(mut out: SendStream<Bytes>, status: &'static str) -> Result<(), Failure> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    Ok(out.send_trailers(trailers)?)
}

/// A message with gRPC's head: not compressed, length.
fn frame(message: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(5 + message.len());
    out.push(0);
    out.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    out.extend(message);
    out.into()
}

/// The messages of a body.
struct Messages {
    body: RecvStream,
    received: BytesMut,
}

impl Messages {
    fn new(body: RecvStream) -> Self {
        Self {
            body,
            received: BytesMut::new(),
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some((head, rest)) = self.received.split_first_chunk::<5>() {
                let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
                if rest.len() >= length {
                    self.received.advance(5);
                    return Ok(Some(self.received.split_to(length).freeze()));
                }
            }
            let Some(data) = self.body.data().await else {
                return Ok(None);
            };
            let data = data?;
            self.body.flow_control().release_capacity(data.len())?;
            self.received.extend_from_slice(&data);
        }
    }
}
