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
        handle_columns: Vec::new(),
        columns: Vec::new(),
        indexes: Vec::new(),
        partitions: None,
        partitioning: None,
    }
}

fn path(access: Access, ranges: Option<crate::plan::access::range::Ranges>) -> Path {
    Path {
        access,
        ranges,
        rows: 9.5,
        bytes: 0.0,
        cost: 0.0,
    }
}

fn regions(summary: &Summary, sizes_failure: Option<&str>) -> String {
    let table = table();
    let explain = Explain {
        table: &table,
        path: &path(Access::Table, None),
        partitions: None,
        index_operators: &[],
        small: false,
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

#[test]
fn both_sides_of_a_look_up_have_their_operators() {
    let table = table();
    let index = IndexDescriptor {
        id: 3,
        name: "ka".into(),
        unique: false,
        columns: vec![KeyPart { id: 9, prefix: Some(4) }],
    };
    let ranges = crate::plan::access::range::Ranges {
        ranges: vec![crate::plan::access::range::ByteRange {
            start: vec![1],
            end: vec![2],
        }],
        shown: "[1,2)".into(),
        ..Default::default()
    };
    let explain = Explain {
        table: &table,
        path: &path(Access::LookUp(index), Some(ranges)),
        partitions: None,
        index_operators: &["Selection(cop[tikv]) gt(d.t.a, 1)".into()],
        small: true,
        columns: &["a".into(), "b".into()],
        count_only: false,
        operators: &["Selection(cop[tikv]) x".into(), "Limit(cop[tikv]) y".into()],
        summary: &Summary {
            regions: 2,
            ..Summary::default()
        },
        sizes_failure: None,
        tasks: 1,
        start_ts: 1 << 18,
    };
    let expected = "IndexLookUp(root) tasks:1 (2 regions, few rows), start_ts:262144 (1 ms)
├─Selection(cop[tikv]) gt(d.t.a, 1)
│ └─IndexRangeScan(Build)(cop[tikv]) estRows:10 table:`d`.`t`, index:ka(#9(4)), range:[1,2), keep order:false
└─Limit(cop[tikv]) y
  └─Selection(cop[tikv]) x
    └─TableRowIDScan(Probe)(cop[tikv]) table:`d`.`t`, columns:[a, b], keep order:false";
    assert_eq!(explain.render(), expected);
}
