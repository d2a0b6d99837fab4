use super::*;

#[test]
fn bytes_are_taken_and_given_back() {
    let budget = MemoryBudget::new(100);
    let first = budget.try_reserve(60).unwrap();
    assert!(budget.try_reserve(41).is_none());
    let mut second = budget.charge(70);
    assert_eq!((budget.used(), budget.peak()), (130, 130));
    second.resize(10);
    assert_eq!((budget.used(), second.bytes()), (70, 10));
    second.resize(40);
    drop(first);
    assert_eq!(budget.used(), 40);
    drop(second);
    assert_eq!((budget.used(), budget.peak(), budget.capacity()), (0, 130, 100));
}

#[tokio::test]
async fn waiters_hear_of_freed_bytes() {
    let budget = MemoryBudget::new(10);
    let permit = budget.charge(10);
    let freed = budget.freed();
    tokio::pin!(freed);
    freed.as_mut().enable();
    drop(permit);
    tokio::time::timeout(std::time::Duration::from_secs(5), freed)
        .await
        .unwrap();
}
