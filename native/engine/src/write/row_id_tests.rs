use super::*;

fn ids(kind: IdKind, partition: u32, reserved: Option<&ReservedIds>) -> TaskIds {
    let allocator = Allocator {
        key: Vec::new(),
        greatest: u64::MAX,
        unsigned: false,
        table: "`d`.`t`".into(),
        what: "_tidb_rowid",
        sharded: true,
    };
    TaskIds::new(allocator, kind, 7, partition, reserved)
}

#[test]
fn every_attempt_of_a_partition_gets_the_same_ids_and_no_other_partition_does() {
    let reserved = ReservedIds {
        base: 100,
        stride: 3,
        partitions: 2,
    };
    let all = |partition| {
        let mut task = ids(IdKind::Increment, partition, Some(&reserved));
        let taken: Vec<u64> = std::iter::from_fn(|| task.take_next()).collect();
        assert!(!task.unrepeatable());
        taken
    };
    assert_eq!(all(0), vec![101, 102, 103]);
    assert_eq!(all(1), vec![104, 105, 106]);
    assert_eq!(all(1), all(1));
    assert_eq!(all(2), Vec::<u64>::new(), "a partition that nothing was reserved for");
    assert_eq!(ids(IdKind::Increment, 0, None).take_next(), None);
}

#[test]
fn the_shard_is_the_partitions_and_lies_over_the_increment() {
    let format = ShardFormat {
        shard_bits: 4,
        increment_bits: 59,
        greatest: (1 << 59) - 1,
    };
    let reserved = ReservedIds {
        base: 0,
        stride: 2,
        partitions: 64,
    };
    let mut shards = std::collections::HashSet::new();
    for partition in 0..64 {
        let mut task = ids(IdKind::Sharded(format), partition, Some(&reserved));
        let (a, b) = (task.take_next().unwrap(), task.take_next().unwrap());
        assert_eq!(b, a + 1);
        assert_eq!(format.increment(a), u64::from(partition) * 2 + 1);
        assert_eq!(a >> 63, 0, "never negative");
        shards.insert(a >> 59);
        let again = ids(IdKind::Sharded(format), partition, Some(&reserved)).take_next();
        assert_eq!(again, Some(a));
    }
    assert!(shards.len() > 8, "{} of 16 shards are used", shards.len());
}

#[test]
fn reservations_leave_most_ids_to_others() {
    assert_eq!(stride(u64::MAX >> 1, 200), MAX_STRIDE);
    assert_eq!(stride(1 << 16, 4), 256);
    assert_eq!(stride(100, 4), 0);
    assert_eq!(stride(0, 1), 0);
}

#[test]
fn allocators_hold_decimal_text_and_unsigned_numbers_by_their_bits() {
    let mut allocator = ids(IdKind::Increment, 0, None).allocator;
    assert_eq!(allocator.parse(None).unwrap(), 0);
    assert_eq!(allocator.parse(Some(b"30001")).unwrap(), 30_001);
    assert_eq!(allocator.parse(Some(b"x")).unwrap_err().kind, ErrorKind::Decode);
    allocator.unsigned = true;
    assert_eq!(allocator.parse(Some(b"-2")).unwrap(), u64::MAX - 1);
    assert_eq!(Allocator::text(u64::MAX - 1), b"-2");
    assert_eq!(Allocator::text(7), b"7");
}

#[test]
fn the_greatest_values_of_types() {
    let ty = |tp, unsigned| {
        let mut ty = FieldType::new(tp);
        if unsigned {
            ty.flag |= ti_codec::field_type::flag::UNSIGNED;
        }
        greatest_value(&ty)
    };
    assert_eq!(ty(t::TINY, false), 127);
    assert_eq!(ty(t::TINY, true), 255);
    assert_eq!(ty(t::LONG, true), u64::from(u32::MAX));
    assert_eq!(ty(t::LONG_LONG, false), i64::MAX as u64 - 1);
    assert_eq!(ty(t::LONG_LONG, true), u64::MAX - 1);
}
