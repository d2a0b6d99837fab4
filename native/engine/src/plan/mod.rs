//! Planning: from what Spark wants to requests and regions.

pub mod access;
pub mod aggregate;
pub mod blacklist;
pub mod cut;
pub mod dag;
pub mod explain;
pub mod expr;
pub mod func;
pub mod operators;
pub mod planner;
pub mod refresh;
pub mod rules;
pub mod share;
pub mod statistics;
pub mod support;
pub mod task;
pub mod wire;
