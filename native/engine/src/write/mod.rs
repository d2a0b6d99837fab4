//! Writing: one TiDB transaction for a whole Spark job.

pub mod partition;
