//! Planning: from what Spark wants to requests and regions.

pub mod dag;
pub mod explain;
pub mod planner;
pub mod task;
pub mod wire;
