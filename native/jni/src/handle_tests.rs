use super::*;

fn table(kind: u64) -> HandleTable<String> {
    HandleTable::new(kind, "string")
}

fn is_closed(result: Result<Arc<String>>) -> bool {
    matches!(result, Err(e) if e.kind == ErrorKind::Closed)
}

#[test]
fn a_handle_gives_its_object_until_it_is_closed() {
    let table = table(1);
    let handle = table.insert(Arc::new("a".into())).unwrap();
    assert!(handle > 0);
    assert_eq!(*table.get(handle).unwrap(), "a");
    assert_eq!(*table.remove(handle).unwrap(), "a");
    assert!(is_closed(table.get(handle)), "use after close");
    assert!(is_closed(table.remove(handle)), "second close");
    assert_eq!(table.len(), 0);
}

#[test]
fn an_old_handle_does_not_reach_the_next_object_of_its_slot() {
    let table = table(1);
    let old = table.insert(Arc::new("old".into())).unwrap();
    table.remove(old).unwrap();
    let new = table.insert(Arc::new("new".into())).unwrap();
    assert_ne!(old, new);
    assert!(is_closed(table.get(old)));
    assert_eq!(*table.get(new).unwrap(), "new");
}

#[test]
fn handles_of_other_kinds_and_made_up_numbers_are_refused() {
    let (sessions, scans) = (table(1), table(2));
    let session = sessions.insert(Arc::new("session".into())).unwrap();
    let scan = scans.insert(Arc::new("scan".into())).unwrap();
    assert!(is_closed(scans.get(session)));
    assert!(is_closed(sessions.get(scan)));
    for made_up in [0, 1, -1, i64::MIN, i64::MAX, session + 1, session | 1 << 40] {
        assert!(is_closed(sessions.get(made_up)), "{made_up}");
        assert!(is_closed(sessions.remove(made_up)), "{made_up}");
    }
    assert_eq!(*sessions.get(session).unwrap(), "session");
}

#[test]
fn an_object_in_use_outlives_its_handle() {
    let table = table(3);
    let handle = table.insert(Arc::new("busy".into())).unwrap();
    let used = table.get(handle).unwrap();
    table.remove(handle).unwrap();
    assert_eq!(*used, "busy");
}

#[test]
fn a_slot_whose_generations_are_used_up_is_not_used_again() {
    let table = table(1);
    let handle = table.insert(Arc::new("first".into())).unwrap();
    table.remove(handle).unwrap();
    table.lock().slots[0].generation = MAX_GENERATION;
    let last = table.insert(Arc::new("last".into())).unwrap();
    assert_eq!(*table.get(last).unwrap(), "last");
    table.remove(last).unwrap();
    let next = table.insert(Arc::new("next".into())).unwrap();
    assert_eq!(next & i64::from(u32::MAX), 2, "a fresh slot");
    assert!(is_closed(table.get(last)));
}

#[test]
fn threads_that_race_to_close_close_once() {
    let table = Arc::new(table(1));
    for _ in 0..200 {
        let handle = table.insert(Arc::new("x".into())).unwrap();
        let closers: Vec<_> = (0..4)
            .map(|_| {
                let table = table.clone();
                std::thread::spawn(move || table.remove(handle).is_ok())
            })
            .collect();
        let closed = closers.into_iter().map(|c| c.join().unwrap()).filter(|ok| *ok).count();
        assert_eq!(closed, 1);
    }
    assert_eq!(table.len(), 0);
}
