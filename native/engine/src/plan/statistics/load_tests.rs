use super::*;

fn metas(counts: &[(i64, u64)]) -> BTreeMap<i64, Meta> {
    counts
        .iter()
        .map(|(id, count)| {
            let version = u64::try_from(*id).unwrap_or_default();
            (*id, Meta { version, count: *count })
        })
        .collect()
}

#[test]
fn no_rows_are_an_unknown_number_of_rows() {
    let count = |counts: &[(i64, u64)]| of_table(7, &metas(counts)).map(|meta| meta.count);
    assert_eq!(count(&[]), None);
    // What TiDB writes when it makes a table, and what is there still when a billion rows have been written past it.
    assert_eq!(count(&[(7, 0)]), None);
    assert_eq!(count(&[(7, 5)]), Some(5));
    assert_eq!(count(&[(7, 0), (8, 0)]), None);
    assert_eq!(count(&[(7, 0), (8, 3), (9, 4)]), Some(7), "of the partitions");
    assert_eq!(count(&[(8, 3), (9, 4)]), Some(7));
    assert_eq!(count(&[(7, 6), (8, 3), (9, 4)]), Some(6));
}
