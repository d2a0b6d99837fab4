//! Messages of the native library, without logic.
//!
//! * [`plan`]: the contract with the JVM (`proto/plan.proto`). Maven compiles the same file.
//! * everything else: our own subset of the protocols of PD, TiKV and tipb, in the field numbers that these servers use.
//!   Unknown fields are skipped on reading, so a subset is compatible with every server version.
#![forbid(unsafe_code)]
#![allow(missing_docs)]
#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used)]

pub mod expr;

/// JVM <-> native library.
pub mod plan {
    tonic::include_proto!("tidbspark.plan");
}

/// Whether a server answers.
pub mod health {
    tonic::include_proto!("grpc.health.v1");
}

/// Regions, peers and stores.
pub mod metapb {
    tonic::include_proto!("metapb");
}

/// Region errors.
pub mod errorpb {
    tonic::include_proto!("errorpb");
}

/// Transactional key-value requests.
pub mod kvrpcpb {
    tonic::include_proto!("kvrpcpb");
}

/// Coprocessor requests.
pub mod coprocessor {
    tonic::include_proto!("coprocessor");
}

/// The TiKV service.
pub mod tikvpb {
    tonic::include_proto!("tikvpb");
}

/// The placement driver.
pub mod pdpb {
    tonic::include_proto!("pdpb");
}

/// Coprocessor DAGs and their answers (proto2: presence matters).
pub mod tipb {
    tonic::include_proto!("tipb");
}
