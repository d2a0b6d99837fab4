//! Sort keys of collations against TiDB: the same bytes for every character and for random texts, and the same order.

use crate::support::fill::{hex, random, text};
use crate::support::Cluster;
use ti_codec::collation;

const COLLATIONS: [&str; 8] = [
    "utf8mb4_bin",
    "utf8mb4_0900_bin",
    "utf8_bin",
    "utf8mb4_general_ci",
    "utf8_general_ci",
    "utf8mb4_unicode_ci",
    "utf8_unicode_ci",
    "utf8mb4_0900_ai_ci",
];
/// TiDB looks for it beyond the end of its table of utf8mb4_0900_ai_ci, and fails.
const BEYOND: char = '\u{2cea1}';

fn sort_key(collation: &str, text: &str) -> Vec<u8> {
    let mut key = Vec::new();
    collation::sort_key(collation, text.as_bytes(), &mut key).unwrap_or_else(|e| panic!("{collation}: {e}"));
    key
}

fn charset(collation: &str) -> &str {
    collation.split('_').next().unwrap()
}

/// Compares the sort keys of texts.
fn check(cluster: &Cluster, collation: &str, texts: &[String]) {
    for texts in texts.chunks(100) {
        let keys: Vec<String> = texts
            .iter()
            .map(|text| {
                let charset = charset(collation);
                format!(
                    "HEX(WEIGHT_STRING(_{charset} x'{}' COLLATE {collation}))",
                    hex(text.as_bytes())
                )
            })
            .collect();
        let row = cluster.rows(&format!("SELECT {}", keys.join(", "))).remove(0);
        for (text, expected) in texts.iter().zip(row) {
            let ours = hex(&sort_key(collation, text)).to_uppercase();
            assert_eq!(Some(ours), expected, "{collation}: {text:?}");
        }
    }
}

#[test]
fn every_character() {
    let cluster = Cluster::new("collation_characters");
    for collation in COLLATIONS {
        // MySQL's utf8 ends at U+FFFF.
        let end = if charset(collation) == "utf8" {
            '\u{ffff}'
        } else {
            char::MAX
        };
        let characters: Vec<char> = ('\0'..=end).filter(|c| *c != BEYOND).collect();
        // A character at the end, so that spaces before it count.
        let texts: Vec<String> = characters
            .chunks(256)
            .map(|c| c.iter().chain(&['.']).collect())
            .collect();
        check(&cluster, collation, &texts);
    }
    let mut key = Vec::new();
    let text = BEYOND.to_string();
    collation::sort_key("utf8mb4_0900_ai_ci", text.as_bytes(), &mut key).unwrap_err();
    collation::sort_key("utf8mb4_general_ci", b"\xff", &mut key).unwrap_err();
    for refused in [
        "gbk_bin",
        "gbk_chinese_ci",
        "latin1_swedish_ci",
        "utf8mb4_zh_pinyin_tidb_as_cs",
    ] {
        assert!(!collation::is_supported(refused));
        let error = collation::sort_key(refused, b"a", &mut key).unwrap_err();
        assert!(error.to_string().contains(refused), "{error}");
    }
    assert!(key.is_empty());
}

/// A random text, also with characters of every kind.
fn any_text(rng: &mut fastrand::Rng) -> String {
    let mut all = text(rng, false);
    for _ in 0..rng.usize(..4) {
        let c = match rng.u8(..4) {
            0 => rng.char('\u{80}'..'\u{3000}'),
            1 => rng.char('\u{3000}'..'\u{ffff}'),
            2 => rng.char('\u{10000}'..'\u{20000}'),
            _ => rng.char(' '..'\u{7f}'),
        };
        all.push(c);
    }
    all
}

#[test]
fn random_texts_and_their_order() {
    let cluster = Cluster::new("collation_order");
    let rng = &mut random("order");
    for collation in COLLATIONS {
        let mut texts: Vec<String> = (0..600).map(|_| any_text(rng)).collect();
        if charset(collation) == "utf8" {
            texts.iter_mut().for_each(|t| t.retain(|c| c <= '\u{ffff}'));
        }
        check(&cluster, collation, &texts);
        let charset = charset(collation);
        cluster.sql(&format!(
            "CREATE TABLE t (id INT, c VARCHAR(400) CHARACTER SET {charset} COLLATE {collation})"
        ));
        let rows: Vec<String> = texts
            .iter()
            .enumerate()
            .map(|(id, text)| format!("({id}, _{charset} x'{}')", hex(text.as_bytes())))
            .collect();
        cluster.sql(&format!("INSERT INTO t VALUES {}", rows.join(", ")));
        let expected: Vec<usize> = cluster
            .rows("SELECT id FROM t ORDER BY c, id")
            .into_iter()
            .map(|row| row[0].as_ref().unwrap().parse().unwrap())
            .collect();
        let mut ours: Vec<usize> = (0..texts.len()).collect();
        ours.sort_by_key(|id| sort_key(collation, &texts[*id]));
        for (ours, expected) in ours.iter().zip(&expected) {
            assert_eq!(
                ours, expected,
                "{collation}: {:?} before {:?}",
                texts[*ours], texts[*expected]
            );
        }
        cluster.sql("DROP TABLE t");
    }
}
