//! What may be pushed down: the configuration, Spark's rules for expressions, and TiDB's blacklist.

use std::collections::BTreeSet;
use std::sync::Arc;

use ti_proto::plan;

use super::expr::{Pushed, Reason};

/// Names of functions that TiDB's administrator keeps from TiKV (`mysql.expr_pushdown_blacklist`), lower case.
pub type Blacklist = BTreeSet<String>;

/// The rules of one scan.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// As the spec has them.
    pub push: plan::PushDown,
    refused: BTreeSet<String>,
    blacklist: Arc<Blacklist>,
}

impl Rules {
    /// Of a spec; one without `push_down` pushes nothing. Give an empty blacklist for what `check` has already allowed.
    pub fn new(push: Option<&plan::PushDown>, blacklist: Arc<Blacklist>) -> Self {
        let push = push.cloned().unwrap_or_default();
        let lower = |name: &String| name.trim().to_lowercase();
        Self {
            refused: push.refused_functions.iter().map(lower).collect(),
            push,
            blacklist,
        }
    }

    /// May a function be pushed? `names`: Spark's, then TiDB's.
    pub fn allow(&self, names: &[&str]) -> Pushed<()> {
        for name in names {
            let name = name.to_lowercase();
            if self.refused.contains(&name) {
                return Err(Reason::new(format!("{name} is refused by the configuration")));
            }
            if self.blacklist.contains(&name) {
                return Err(Reason::new(format!("{name} is in mysql.expr_pushdown_blacklist")));
            }
        }
        Ok(())
    }
}
