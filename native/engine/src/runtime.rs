//! The tokio runtime of the process and the one way into it.
//!
//! Spark's threads call blocking functions of [`crate::Session`] and [`crate::Scan`]; these wait in [`block_on`] while the work is
//! done by the runtime's threads. Nothing of the runtime ever calls into the JVM.

use std::future::Future;

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, ErrorKind, Result};

static RUNTIME: OnceCell<Runtime> = OnceCell::new();

/// The runtime of the process, with as many worker threads as the process may use cores. Started on the first call; it lives as
/// long as the process, because a library inside a JVM is never unloaded.
///
/// # Errors
/// `Internal` when the operating system gives no threads.
pub fn runtime() -> Result<&'static Runtime> {
    RUNTIME.get_or_try_init(|| {
        Builder::new_multi_thread()
            .thread_name("tidb-spark-native")
            .enable_all()
            .build()
            .map_err(|e| {
                Error::new(
                    ErrorKind::Internal,
                    format!("the native runtime cannot start its threads: {e}"),
                )
            })
    })
}

/// Waits on the calling thread, which must not be one of the runtime's, until `future` is done.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    if Handle::try_current().is_ok() {
        return Err(Error::new(
            ErrorKind::Internal,
            "a blocking call was made from a thread of the native runtime",
        ));
    }
    runtime()?.block_on(future)
}
