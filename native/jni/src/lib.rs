//! The JNI library: what the classes of `io.tidbspark.jni` call.
//!
//! ```text
//! Java native method ──> guard (panic and error -> NativeException) ──> convert (byte[] <-> messages)
//!                                                                   ──> handle (long -> Arc<Session>, Arc<Scan>, ...) ──> ti_engine
//!                                                                   ──> arrow (C Data Interface)
//! ```
//! One file per Java class: [`library`], [`session`], [`catalog`], [`planner`], [`safe_point`], [`scan`], [`sql`], [`transaction`], [`writer`]. The only
//! crate with unsafe code; every unsafe
//! block says why it is sound. No function is called from threads of the runtime: only Java threads come here, and they wait here.

mod admin;
mod arrow;
mod catalog;
mod convert;
mod error;
mod guard;
mod handle;
mod library;
mod planner;
mod safe_point;
mod scan;
mod session;
mod sql;
mod transaction;
mod writer;
