use super::*;

fn ranges(count: u8, point_columns: usize, used_columns: usize) -> Ranges {
    let range = |n: u8| ByteRange {
        start: vec![0x80, 0, 0, 0, 0, 0, 0, n],
        end: vec![0x80, 0, 0, 0, 0, 0, 0, n + 1],
    };
    Ranges {
        ranges: (0..count).map(range).collect(),
        point_columns,
        used_columns,
        not_null: true,
        ..Ranges::default()
    }
}

#[test]
fn estimates_are_tidbs_without_statistics() {
    let pseudo = Pseudo::default();
    let rows = |ranges: &Ranges| pseudo.rows_of(ranges, false).round();
    assert_eq!(rows(&ranges(1, 1, 1)), 10.0);
    assert_eq!(rows(&ranges(3, 1, 1)), 30.0);
    assert_eq!(rows(&ranges(1, 0, 1)), 250.0);
    let open = Ranges {
        one_sided: true,
        ..ranges(1, 0, 1)
    };
    assert_eq!(rows(&open), 3333.0);
    assert_eq!(pseudo.rows_of(&ranges(1, 2, 2), true), 1.0);
    assert_eq!(rows(&Ranges::none()), 0.0);
    assert_eq!(handles(&ranges(1, 1, 1).ranges[0]), 1.0);
}
