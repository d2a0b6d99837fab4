use super::*;
use ti_codec::datum::Datum;
use ti_codec::key::prefix_end;

fn key(n: i64) -> Vec<u8> {
    let mut key = Vec::new();
    Datum::Int(n).encode_key(&mut key).unwrap();
    key
}

/// Values 0..1000 once, 5000 200 times as a frequent one, 100 NULLs.
fn histogram() -> Histogram {
    let bucket = |n: i64| Bucket {
        count: 100.0,
        repeats: 1.0,
        lower: key(n * 100),
        upper: key(n * 100 + 99),
    };
    Histogram {
        distinct: 1001.0,
        nulls: 100.0,
        bytes: 8.0 * 1200.0,
        buckets: (0..10).map(bucket).collect(),
        top: BTreeMap::from([(key(5000), 200.0)]),
    }
}

fn rows(low: i64, high: i64) -> f64 {
    let range = ByteRange {
        start: key(low),
        end: key(high),
    };
    (histogram().share(&[range], false) * histogram().total()).round()
}

#[test]
fn ranges_are_counted_by_buckets_and_frequent_values() {
    assert_eq!(histogram().total(), 1300.0);
    assert_eq!(
        (rows(0, 1000), rows(200, 400), rows(4000, 6000)),
        (1000.0, 200.0, 200.0)
    );
    assert!(
        (40.0..60.0).contains(&rows(150, 200)),
        "half of a bucket: {}",
        rows(150, 200)
    );
    let point = |n: i64| {
        let range = ByteRange {
            start: key(n),
            end: prefix_end(&key(n)),
        };
        (histogram().share(&[range], true) * 1300.0).round()
    };
    assert_eq!((point(5000), point(42), point(99), point(-7)), (200.0, 1.0, 1.0, 0.0));
    let null = ByteRange {
        start: vec![0],
        end: vec![1],
    };
    assert_eq!((histogram().share(&[null], true) * 1300.0).round(), 100.0);
    assert_eq!(histogram().bounds(), Some((key(0).as_slice(), key(5000).as_slice())));
    assert_eq!(Histogram::default().share(&[], false), 0.0);
}
