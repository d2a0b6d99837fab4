use super::*;

#[test]
fn few_tasks_have_all_they_may_need_and_many_share() {
    let all = MessageLimits {
        few_keys: 16 << 10,
        displaced: 512 << 10,
        ranges: 64 << 10,
    };
    for tasks in [0, 1, 96] {
        assert_eq!(MessageLimits::new(tasks), all, "{tasks} tasks");
    }
    for tasks in [1_000_u32, 10_000, 100_000] {
        let limits = MessageLimits::new(tasks);
        let sum = (limits.few_keys + limits.displaced + limits.ranges) * tasks as usize;
        assert!((60 << 20..=72 << 20).contains(&sum), "{tasks} tasks: {sum} bytes");
    }
}
