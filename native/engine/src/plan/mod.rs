//! Planning: from what Spark wants to requests and regions.

pub mod cut;
pub mod dag;
pub mod explain;
pub mod planner;
pub mod refresh;
pub mod share;
pub mod statistics;
pub mod support;
pub mod task;
pub mod wire;
