use std::sync::Arc;

use super::*;
use crate::region::{KeyRange, Region};
use ti_proto::metapb::{Peer, RegionEpoch};

fn task(start: &str, end: &str) -> RegionRanges {
    let range = KeyRange::interval(start.to_string(), end.to_string());
    let region = Region {
        id: 1,
        start: range.start.clone(),
        end: range.end.clone(),
        epoch: RegionEpoch::default(),
        peers: Vec::new(),
        leader: Peer::default(),
    };
    (Arc::new(region), vec![range])
}

fn starts(queue: &mut Queue) -> Vec<String> {
    std::iter::from_fn(|| queue.take())
        .map(|(_, ranges)| String::from_utf8(ranges[0].start.to_vec()).unwrap())
        .collect()
}

/// Two regions were split, and the later one was found out first. All workers went to its parts, and the reader waited for ever for "c1".
#[test]
fn parts_of_split_regions_come_back_in_key_order() {
    let mut queue = Queue::default();
    queue.extend(["a", "c", "e", "g"].map(|start| task(start, "z")));
    for start in ["a", "c", "e"] {
        assert_eq!(queue.take().unwrap(), task(start, "z"));
    }
    queue.extend([task("e1", "e2"), task("e2", "g")]);
    queue.extend([task("c1", "c2"), task("c2", "e")]);
    assert_eq!(starts(&mut queue), ["c1", "c2", "e1", "e2", "g"]);
    assert!(queue.is_empty());
}

#[test]
fn a_region_without_ranges_is_no_task() {
    let mut queue = Queue::default();
    let (region, _) = task("a", "b");
    queue.extend([(region, Vec::new())]);
    assert!(queue.is_empty());
    assert!(queue.take().is_none());
}
