//! Timestamps of TiDB: `physical milliseconds << 18 | logical`, 46 and 18 bits.
//!
//! The oracle of time is PD (the TSO). A read at a timestamp that PD has not handed out yet could change its answer, and one below
//! the GC safe point could silently miss rows; both are refused here.

pub use ti_client::LOGICAL_BITS;

use ti_client::Client;
use ti_proto::plan;

use crate::error::{Error, ErrorKind, Result};

/// Largest physical part, milliseconds.
pub const MAX_PHYSICAL: u64 = (1 << 46) - 1;

/// The moment a schema or rows are read at, as a user gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadTimestamp {
    /// A fresh timestamp of PD.
    Latest,
    /// Milliseconds since 1970 UTC.
    Millis(u64),
    /// A timestamp of PD.
    Tso(u64),
}

impl From<Option<plan::ReadTimestamp>> for ReadTimestamp {
    fn from(message: Option<plan::ReadTimestamp>) -> Self {
        match message.and_then(|m| m.at) {
            None => Self::Latest,
            Some(plan::read_timestamp::At::Millis(millis)) => Self::Millis(millis),
            Some(plan::read_timestamp::At::Tso(tso)) => Self::Tso(tso),
        }
    }
}

impl ReadTimestamp {
    /// The TSO that a timestamp given by the user stands for; `None` for [`ReadTimestamp::Latest`].
    pub fn explicit(self) -> Result<Option<u64>> {
        let invalid = |message: String| Err(Error::new(ErrorKind::InvalidTimestamp, message));
        match self {
            Self::Latest => Ok(None),
            Self::Millis(0) | Self::Tso(0) => invalid("the read timestamp 0 is before any data; leave it unset to read the latest".into()),
            Self::Millis(millis) if millis > MAX_PHYSICAL => invalid(format!(
                "the read timestamp {millis} ms does not fit the 46 bits of a TSO; give milliseconds since 1970 (is it in nanoseconds, or a TSO?)"
            )),
            Self::Millis(millis) => Ok(Some(millis << LOGICAL_BITS)),
            Self::Tso(tso) => Ok(Some(tso)),
        }
    }

    /// The TSO to read at. Asks PD for the time, and for the GC safe point when the user gave the timestamp.
    pub(crate) async fn resolve(self, client: &Client) -> Result<u64> {
        let Some(wanted) = self.explicit()? else {
            return Ok(client.timestamp().await?);
        };
        let (now, safe_point) = tokio::try_join!(client.timestamp(), client.gc_safe_point())?;
        check(wanted, now, safe_point)?;
        Ok(wanted)
    }
}

/// Fails when garbage collection has passed `start_ts`. To be asked after reading: TiKV does not refuse a read below the safe point, it
/// answers with the versions that are left, so rows may be missing.
pub(crate) async fn check_not_collected(client: &Client, start_ts: u64) -> Result<()> {
    older_than_safe_point(start_ts, client.gc_safe_point().await?)
}

/// Refuses timestamps outside of (safe point, now].
fn check(wanted: u64, now: u64, safe_point: u64) -> Result<()> {
    if wanted > now {
        return Err(Error::new(
            ErrorKind::InvalidTimestamp,
            format!(
                "the read timestamp {wanted} ({} ms) is in the future: PD's time is {now} ({} ms)",
                wanted >> LOGICAL_BITS,
                now >> LOGICAL_BITS
            ),
        ));
    }
    older_than_safe_point(wanted, safe_point)
}

fn older_than_safe_point(read_ts: u64, safe_point: u64) -> Result<()> {
    if read_ts >= safe_point {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::GcSafePoint,
        format!(
            "the read timestamp {read_ts} ({} ms) is older than the GC safe point {safe_point} ({} ms): versions of rows it needs \
             may be gone. Read at a later timestamp; to keep history longer, raise the GC life time in TiDB: \
             SET GLOBAL tidb_gc_life_time = '24h' (10m by default)",
            read_ts >> LOGICAL_BITS,
            safe_point >> LOGICAL_BITS
        ),
    ))
}

#[cfg(test)]
#[path = "timestamp_tests.rs"]
mod tests;
