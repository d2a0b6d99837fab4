use super::*;

pub(crate) fn peer(store_id: u64) -> Peer {
    Peer {
        id: store_id * 10,
        store_id,
        ..Default::default()
    }
}

pub(crate) fn region(id: u64, start: &str, end: &str, version: u64) -> Region {
    Region {
        id,
        start: Bytes::copy_from_slice(start.as_bytes()),
        end: Bytes::copy_from_slice(end.as_bytes()),
        epoch: RegionEpoch { conf_ver: 1, version },
        peers: vec![peer(1), peer(2)],
        leader: peer(1),
    }
}

fn found(cache: &RegionCache, key: &str) -> Option<u64> {
    cache.locate(key.as_bytes()).map(|region| region.id)
}

#[test]
fn keys_are_located_and_bounds_are_half_open() {
    let cache = RegionCache::default();
    assert!(cache.insert(region(1, "", "b", 1)));
    assert!(cache.insert(region(2, "b", "d", 1)));
    assert!(cache.insert(region(3, "f", "", 1)));
    let expect = [
        ("", Some(1)),
        ("a", Some(1)),
        ("b", Some(2)),
        ("cz", Some(2)),
        ("d", None),
        ("e", None),
        ("f", Some(3)),
        ("zzz", Some(3)),
    ];
    for (key, id) in expect {
        assert_eq!(found(&cache, key), id, "{key}");
    }
}

#[test]
fn a_split_replaces_the_old_region() {
    let cache = RegionCache::default();
    cache.insert(region(1, "a", "z", 1));
    assert!(cache.insert(region(2, "m", "z", 2)));
    // The old region went as a whole: what it says of a..m is outdated too.
    assert_eq!((found(&cache, "b"), found(&cache, "n")), (None, Some(2)));
    assert!(cache.insert(region(1, "a", "m", 2)));
    assert_eq!((found(&cache, "b"), cache.len()), (Some(1), 2));
}

#[test]
fn news_that_are_older_are_refused() {
    let cache = RegionCache::default();
    cache.insert(region(1, "a", "m", 5));
    cache.insert(region(2, "m", "z", 5));
    assert!(!cache.insert(region(1, "a", "z", 4)), "the region before its split");
    assert!(!cache.insert(region(9, "k", "n", 4)), "a region that was merged away");
    let mut moved = region(1, "a", "m", 5);
    moved.epoch.conf_ver = 7;
    assert!(cache.insert(moved));
    assert!(!cache.insert(region(1, "a", "m", 6)), "an older configuration");
    assert_eq!(
        (found(&cache, "b"), found(&cache, "n"), cache.len()),
        (Some(1), Some(2), 2)
    );
}

#[test]
fn a_merge_replaces_both() {
    let cache = RegionCache::default();
    cache.insert(region(1, "a", "m", 5));
    cache.insert(region(2, "m", "z", 5));
    assert!(cache.insert(region(2, "a", "z", 7)));
    assert_eq!(
        (found(&cache, "b"), found(&cache, "n"), cache.len()),
        (Some(2), Some(2), 1)
    );
}

#[test]
fn a_region_that_has_moved_away_from_its_keys_is_in_one_place() {
    let cache = RegionCache::default();
    cache.insert(region(1, "a", "f", 1));
    assert!(cache.insert(region(1, "m", "z", 3)));
    assert_eq!(
        (found(&cache, "b"), found(&cache, "n"), cache.len()),
        (None, Some(1), 1)
    );
    assert!(!cache.insert(region(1, "a", "f", 1)));
}

#[test]
fn the_same_news_twice_is_taken() {
    let cache = RegionCache::default();
    assert!(cache.insert(region(1, "a", "f", 1)));
    assert!(cache.insert(region(1, "a", "f", 1)));
    assert_eq!(cache.len(), 1);
}

#[test]
fn invalidation_is_for_what_was_seen() {
    let cache = RegionCache::default();
    cache.insert(region(1, "a", "f", 1));
    let seen = cache.locate(b"b").unwrap();
    cache.insert(region(1, "a", "f", 2));
    cache.invalidate(&seen);
    assert_eq!(found(&cache, "b"), Some(1), "somebody else has already corrected it");
    let seen = cache.locate(b"b").unwrap();
    cache.invalidate(&seen);
    assert_eq!((found(&cache, "b"), cache.len()), (None, 0));
}

#[test]
fn leaders_move_to_known_peers_only() {
    let cache = RegionCache::default();
    cache.insert(region(1, "a", "f", 1));
    let seen = cache.locate(b"b").unwrap();
    assert!(cache.set_leader(&seen, &peer(2)));
    assert_eq!(cache.locate(b"b").unwrap().leader.store_id, 2);
    assert!(!cache.set_leader(&seen, &peer(3)));
    assert_eq!(found(&cache, "b"), None);
}

#[test]
fn random_news_never_leave_overlaps() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let cache = RegionCache::default();
    for _ in 0..20_000 {
        let (a, b) = (rng.u8(b'a'..b'y'), rng.u8(b'a'..=b'z'));
        let (start, end) = (a.min(b), a.max(b) + 1);
        let (start, end) = ((start as char).to_string(), (end as char).to_string());
        let (start, end) = (
            if rng.u8(0..10) == 0 { "" } else { &start },
            if rng.u8(0..10) == 0 { "" } else { &end },
        );
        let news = region(rng.u64(1..12), start, end, rng.u64(1..50));
        match rng.u8(0..4) {
            0 => cache.invalidate(&news),
            _ => {
                cache.insert(news);
            }
        }
        cache.len();
        let regions = cache.regions.read().unwrap();
        let all: Vec<_> = regions.by_start.values().collect();
        for pair in all.windows(2) {
            assert!(
                !pair[0].end.is_empty() && pair[0].end <= pair[1].start,
                "seed {seed}: {pair:?}"
            );
        }
    }
}

#[test]
fn stores_are_forgotten() {
    let cache = RegionCache::default();
    cache.insert_store(4, "tikv-4:20160".into());
    assert_eq!(cache.store(4).as_deref(), Some("tikv-4:20160"));
    cache.invalidate_store(4);
    assert_eq!(cache.store(4), None);
}

#[test]
fn regions_of_a_leader_are_found_up_to_a_number() {
    let cache = RegionCache::default();
    cache.insert(region(1, "", "b", 1));
    cache.insert(region(2, "b", "d", 1));
    cache.insert(Region {
        leader: peer(2),
        ..region(3, "d", "", 1)
    });
    let led = |store, limit| -> Vec<u64> { cache.led_by(store, limit).iter().map(|region| region.id).collect() };
    assert_eq!(led(1, 9), [1, 2]);
    assert_eq!(led(1, 1), [1]);
    assert_eq!(led(2, 9), [3]);
    assert!(led(3, 9).is_empty());
}
