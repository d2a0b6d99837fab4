use super::*;
use crate::catalog::descriptor::HandleKind;

fn table() -> TableDescriptor {
    TableDescriptor {
        database: "d".into(),
        table: "t".into(),
        table_id: 7,
        refusal: None,
        handle: HandleKind::Int,
        primary_column_ids: Vec::new(),
        primary_prefix_column_ids: Vec::new(),
        columns: Vec::new(),
        partitions: None,
    }
}

fn regions(summary: &Summary, sizes_failure: Option<&str>) -> String {
    let table = table();
    let explain = Explain {
        table: &table,
        columns: &[],
        count_only: true,
        operators: &[],
        summary,
        sizes_failure,
        tasks: 8,
        start_ts: 1 << 18,
    };
    let text = explain.render();
    let line = text.lines().next().unwrap();
    line.strip_prefix("TableReader(root) tasks:8 (")
        .and_then(|rest| rest.strip_suffix("), start_ts:262144 (1 ms)"))
        .unwrap_or_else(|| panic!("{line}"))
        .to_owned()
}

#[test]
fn sizes_and_cuts_are_told_and_so_is_what_was_not_known() {
    let all = Summary {
        regions: 3,
        known_bytes: 512 << 20,
        ..Summary::default()
    };
    assert_eq!(regions(&all, None), "3 regions, 512 MiB by PD");
    let cut = Summary {
        cut: 2,
        uncut: 1,
        ..all.clone()
    };
    assert_eq!(
        regions(&cut, None),
        "3 regions, 512 MiB by PD; 2 cut; 1 not cut because their stores did not tell at once where their keys are"
    );
    let new = Summary {
        unknown: 1,
        ..all.clone()
    };
    assert_eq!(
        regions(&new, None),
        "3 regions, 512 MiB by PD, 1 taken for 96 MiB each because PD does not know their size yet"
    );
    let off = Summary {
        regions: 3,
        unknown: 3,
        ..Summary::default()
    };
    assert_eq!(
        regions(&off, Some("the HTTP API\nis off")),
        "3 regions, 3 taken for 96 MiB each because the HTTP API is off"
    );
}
