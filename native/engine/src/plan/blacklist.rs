//! `mysql.expr_pushdown_blacklist`: functions that the administrator of TiDB keeps from its stores.
//!
//! TiDB reads the table when it starts and on ADMIN RELOAD; a session of ours reads it again when what it knows has grown old.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::rules::Blacklist;

/// Age at which the table is read again.
const FRESH: Duration = Duration::from_secs(60);

/// The last one that was read.
#[derive(Debug, Default)]
pub struct Cached {
    last: Mutex<Option<(Instant, Arc<Blacklist>)>>,
}

impl Cached {
    /// The blacklist, read by `read` when it is not known or old. Callers at the same time wait for one reading.
    ///
    /// # Errors
    /// Those of `read`.
    pub async fn get<E, F: Future<Output = Result<Blacklist, E>>>(
        &self,
        read: impl FnOnce() -> F,
    ) -> Result<Arc<Blacklist>, E> {
        let mut last = self.last.lock().await;
        if let Some((at, blacklist)) = last.as_ref() {
            if at.elapsed() < FRESH {
                return Ok(blacklist.clone());
            }
        }
        let blacklist = Arc::new(read().await?);
        *last = Some((Instant::now(), blacklist.clone()));
        Ok(blacklist)
    }
}

/// The functions of rows of name and store types, e.g. (`lt`, `tikv,tiflash`). Names are TiDB's or its operators, in any case.
pub fn of_rows(rows: &[Vec<Option<String>>]) -> Blacklist {
    let name = |row: &Vec<Option<String>>| match row.as_slice() {
        [Some(name), Some(stores)] => {
            let tikv = stores.split(',').any(|store| store.trim().eq_ignore_ascii_case("tikv"));
            tikv.then(|| name.trim().to_lowercase())
        }
        _ => None,
    };
    rows.iter().filter_map(name).collect()
}

#[cfg(test)]
#[path = "blacklist_tests.rs"]
mod tests;
