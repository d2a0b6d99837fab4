//! Coprocessor reads: one snapshot, many regions at once, answers in key order.
//!
//! ```text
//! CopRequest -> split by region -> queue, by key -> workers (`concurrency`): page after page of one region
//!                   ^                                   |  region error, lost store: locate what is left anew
//!                   +-----------------------------------+  lock: resolve, then the same page again
//!                                                       v
//!          answers, charged to the MemoryBudget -> order: by key -> CopStream::next
//! ```

mod budget;
mod order;
mod queue;
mod request;
mod stream;

pub use budget::{MemoryBudget, MemoryPermit};
pub use request::CopRequest;
pub use stream::{CopAnswer, CopStream};

pub(crate) use stream::open;
