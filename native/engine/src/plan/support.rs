//! What of a scan the stores can do: `ScanSpec` -> `ScanSupport`.

use ti_proto::plan;

use crate::catalog::descriptor::TableDescriptor;
use crate::error::Result;

/// Checks every part of the spec by itself.
pub fn check(spec: &plan::ScanSpec) -> Result<plan::ScanSupport> {
    TableDescriptor::from_bytes(&spec.table)?;
    let not_pushed = || plan::ItemSupport {
        support: plan::Support::NotPushed.into(),
        reason: "no function of it is known to be the same in TiKV".into(),
    };
    Ok(plan::ScanSupport {
        filters: spec.filters.iter().map(|_| not_pushed()).collect(),
        aggregation: spec.aggregation.as_ref().map(|_| not_pushed()),
        output: Vec::new(),
        top_n: Some(not_pushed()),
        limit: Some(not_pushed()),
    })
}
