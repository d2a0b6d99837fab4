//! What goes on while something happens to the servers, and how long it takes at the longest.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

/// Longest times of one kind of request.
#[derive(Clone)]
pub struct Clock {
    what: &'static str,
    longest: Arc<Mutex<(Duration, u64)>>,
}

impl Clock {
    fn new(what: &'static str) -> Self {
        Self {
            what,
            longest: Arc::default(),
        }
    }

    fn note(&self, time: Duration) {
        let mut longest = self.longest.lock().unwrap();
        *longest = (longest.0.max(time), longest.1 + 1);
    }

    pub fn take(&self) -> Duration {
        let (longest, times) = std::mem::take(&mut *self.longest.lock().unwrap());
        println!(
            "  {:<22} longest {:>5.1} s of {times}",
            self.what,
            longest.as_secs_f64()
        );
        longest
    }
}

/// What goes on while servers stand still.
pub struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn new() -> Self {
        Self {
            stop: Arc::new(AtomicBool::new(false)),
            tasks: Vec::new(),
        }
    }

    /// Does the same thing again and again.
    pub fn run<F, Fut>(&mut self, what: &'static str, mut once: F) -> Clock
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send,
    {
        let clock = Clock::new(what);
        let (noted, stop) = (clock.clone(), self.stop.clone());
        self.tasks.push(tokio::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let started = Instant::now();
                once().await;
                noted.note(started.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }));
        clock
    }

    pub async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }

    /// Fails as soon as one of them has.
    pub async fn pass(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a load has failed");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
