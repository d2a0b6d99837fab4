use std::net::SocketAddr;
use std::sync::mpsc::{channel, Sender};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::ClientConfig;

/// The times of the product divided by twenty.
const QUICK: Pace = Pace {
    suspect: Duration::from_millis(100),
    check: Duration::from_millis(100),
    pause: Duration::from_millis(50),
    doubt: Duration::from_millis(25),
    failures: 2,
    unasked: 10,
};
const SOON: Duration = Duration::from_millis(800);
const LIMIT: Duration = Duration::from_secs(30);

/// A gRPC server with nothing but the health check, on a thread of its own that can be stopped as a process can: the kernel goes on to take
/// connections and what is sent over them.
struct Store {
    address: SocketAddr,
    runtime: tokio::runtime::Handle,
    _end: Sender<()>,
}

/// Lets the thread go on when it is dropped.
struct Frozen(#[allow(dead_code)] Sender<()>);

impl Store {
    fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap())
    }

    fn at(address: SocketAddr) -> Self {
        let (told, tell) = channel();
        let (end, ended) = channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
            told.send((listener.local_addr().unwrap(), runtime.handle().clone()))
                .unwrap();
            runtime.spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream));
                }
            });
            // Ends with the sender: the thread polls the server until then.
            runtime.block_on(async move {
                while !matches!(ended.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected)) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
        });
        let (address, runtime) = tell.recv().unwrap();
        Self {
            address,
            runtime,
            _end: end,
        }
    }

    fn name(&self) -> String {
        self.address.to_string()
    }

    fn freeze(&self) -> Frozen {
        let (thaw, thawed) = channel::<()>();
        let (stopping, stopped) = channel::<()>();
        // Blocks the only thread that there is.
        self.runtime.spawn(async move {
            drop(stopping);
            let _ = thawed.recv();
        });
        let _ = stopped.recv();
        Frozen(thaw)
    }
}

async fn serve(stream: TcpStream) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        let head = Response::builder()
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
        let mut out = respond.send_response(head, false).unwrap();
        out.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        out.send_trailers(trailers).unwrap();
    }
}

fn health(pace: Pace) -> Health {
    let config = ClientConfig::new(vec!["pd:1".into()]);
    Health::with_pace(Arc::new(Channels::new(&config)), Handle::current(), pace)
}

async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_of_a_server_that_lives_is_waited_for() {
    let store = Store::start();
    let health = health(QUICK);
    let slow = tokio::time::sleep(SOON * 2);
    assert_eq!(health.answer(&store.name(), LIMIT, slow).await, Ok(()));
    assert!(!health.is_down(&store.name()));
    // Nobody waits any more: nothing is checked any more.
    let server = health.shared.server(&store.name());
    eventually("the monitor ends", || !server.watch().running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_in_time_a_request_is_late() {
    let store = Store::start();
    let health = health(QUICK);
    for limit in [QUICK.suspect / 2, QUICK.suspect * 4] {
        let started = Instant::now();
        let answer = health.answer(&store.name(), limit, std::future::pending::<()>()).await;
        assert_eq!(answer, Err(Unanswered::Late));
        assert!(started.elapsed() >= limit && started.elapsed() < limit + SOON);
    }
    assert!(!health.is_down(&store.name()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_ends_all_its_requests_at_once() {
    let store = Store::start();
    let health = Arc::new(health(QUICK));
    let frozen = store.freeze();
    let started = Instant::now();
    let requests = (0..50u64).map(|n| {
        let (health, name) = (health.clone(), store.name());
        async move {
            // Some begin later, and are not even suspect when the verdict comes.
            tokio::time::sleep(Duration::from_millis(n * 5)).await;
            let answer = health.answer(&name, LIMIT, std::future::pending::<()>()).await;
            (answer, started.elapsed())
        }
    });
    let ends = futures::future::join_all(requests).await;
    assert!(ends.iter().all(|(answer, _)| *answer == Err(Unanswered::Down)));
    let first = ends.iter().map(|(_, at)| *at).min().unwrap();
    let last = ends.iter().map(|(_, at)| *at).max().unwrap();
    assert!(first >= QUICK.suspect + QUICK.check * 2, "{first:?}");
    assert!(
        last < SOON && last - first < Duration::from_millis(200),
        "{first:?} {last:?}"
    );
    // New ones are not even sent, and one caller alone is told the news.
    let sent = Arc::new(AtomicBool::new(false));
    let flag = sent.clone();
    let answer = health
        .answer(&store.name(), LIMIT, async move { flag.store(true, Ordering::SeqCst) })
        .await;
    assert!(answer == Err(Unanswered::Down) && !sent.load(Ordering::SeqCst));
    assert!(health.take_news(&store.name()) && !health.take_news(&store.name()));
    drop(frozen);
    eventually("the server is used again", || !health.is_down(&store.name())).await;
    assert_eq!(health.answer(&store.name(), LIMIT, async { 7 }).await, Ok(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_late_check_is_no_verdict() {
    let store = Store::start();
    let health = health(Pace {
        check: Duration::from_millis(300),
        ..QUICK
    });
    let waits = tokio::time::sleep(SOON * 2);
    let frozen = store.freeze();
    let thaw = async {
        tokio::time::sleep(QUICK.suspect + Duration::from_millis(350)).await;
        drop(frozen);
    };
    let name = store.name();
    let (answer, ()) = tokio::join!(health.answer(&name, LIMIT, waits), thaw);
    assert_eq!(answer, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_down_when_a_request_has_failed_and_comes_back_at_the_same_address() {
    let store = Store::start();
    let (address, name) = (store.address, store.name());
    drop(store);
    let health = health(QUICK);
    eventually("the port is closed", || std::net::TcpStream::connect(address).is_err()).await;
    assert!(!health.is_down(&name));
    health.suspect(&name);
    eventually("the server is down", || health.is_down(&name)).await;
    let store = Store::at(address);
    eventually("the server is used again", || !health.is_down(&name)).await;
    drop(store);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nobody_asks_for_is_forgotten() {
    let store = Store::start();
    let name = store.name();
    let health = health(QUICK);
    let _frozen = store.freeze();
    health.suspect(&name);
    let server = health.shared.server(&name);
    eventually("the server is down", || *server.down.borrow()).await;
    eventually("the monitor ends", || !server.watch().running).await;
    assert!(!health.is_down(&name));
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_end_with_the_client() {
    let store = Store::start();
    let health = health(QUICK);
    let _frozen = store.freeze();
    health.suspect(&store.name());
    let server = health.shared.server(&store.name());
    eventually("the server is down", || *server.down.borrow()).await;
    drop(health);
    eventually("the monitor ends", || Arc::strong_count(&server) == 1).await;
}
