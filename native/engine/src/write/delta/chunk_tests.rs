use super::*;

/// A chunk of changes: the mutations of the old row and of the new one, as role, key and value.
type Mutations<'a> = &'a [(Role, &'a str, &'a str)];

fn chunk(changes: &[(Mutations<'_>, Mutations<'_>)]) -> Chunk {
    let mut chunk = Chunk::default();
    for (old, new) in changes {
        let from = (chunk.old.len(), chunk.new.len());
        for (buffer, mutations) in [(&mut chunk.old, old), (&mut chunk.new, new)] {
            for (role, key, value) in *mutations {
                buffer
                    .push(*role, Expect::Anything, key.as_bytes(), value.as_bytes())
                    .unwrap();
            }
        }
        chunk.change_from(from.0, from.1);
    }
    chunk
}

fn fates(chunk: &Chunk, taken: &[&str]) -> Vec<Fate> {
    let given_up: HashSet<&[u8]> = chunk
        .changes
        .iter()
        .flat_map(|c| chunk.given_up(c))
        .map(|k| k.0)
        .collect();
    let taken: HashSet<Bytes> = taken.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect();
    chunk
        .changes
        .iter()
        .flat_map(|change| {
            (0..change.new.len())
                .map(|index| chunk.fate(change, index, &given_up, &taken))
                .collect::<Vec<_>>()
        })
        .collect()
}

const ROW: Role = Role::Row;
const UNIQUE: Role = Role::Unique;
const ENTRY: Role = Role::Entry;

#[test]
fn what_the_row_has_already_stays() {
    let chunk = chunk(&[(
        &[(ROW, "r1", "a"), (UNIQUE, "u1", "1"), (ENTRY, "e1", "1")],
        &[(ROW, "r1", "b"), (UNIQUE, "u1", "1"), (ENTRY, "e2", "1")],
    )]);
    assert_eq!(fates(&chunk, &[]), [Fate::Changes, Fate::Stays, Fate::Appears]);
    let given_up: Vec<_> = chunk.given_up(&chunk.changes[0]).collect();
    assert_eq!(given_up, [(&b"e1"[..], ENTRY)]);
}

#[test]
fn a_row_that_moves_writes_all_of_it() {
    // The entry of a global index has the same key and names another partition.
    let chunk = chunk(&[(
        &[(ROW, "p1r1", "a"), (UNIQUE, "u1", "p1"), (ENTRY, "e1", "1")],
        &[(ROW, "p2r1", "a"), (UNIQUE, "u1", "p2"), (ENTRY, "e1", "1")],
    )]);
    assert_eq!(fates(&chunk, &[]), [Fate::Appears, Fate::Changes, Fate::Changes]);
}

#[test]
fn keys_of_other_rows_are_known() {
    let chunk = chunk(&[
        (
            &[(ROW, "r1", "a"), (UNIQUE, "u1", "1")],
            &[(ROW, "r1", "a"), (UNIQUE, "u2", "1")],
        ),
        (&[(ROW, "r2", "b"), (UNIQUE, "u2", "2")], &[]),
        (&[], &[(ROW, "r3", "c"), (UNIQUE, "u3", "3")]),
        (&[], &[(ROW, "r4", "d"), (UNIQUE, "u4", "4")]),
    ]);
    assert_eq!(
        fates(&chunk, &["u3"]),
        [
            Fate::Stays,
            Fate::Moves,
            Fate::Appears,
            Fate::Moves,
            Fate::Appears,
            Fate::Appears
        ]
    );
}

#[test]
fn the_same_mutations_are_no_change() {
    let chunk = chunk(&[(
        &[(ROW, "r", "a"), (ENTRY, "e", "1")],
        &[(ROW, "r", "a"), (ENTRY, "e", "1")],
    )]);
    assert!(chunk.same_from(0, 0));
    assert!(!chunk.same_from(0, 1));
    assert!(chunk.same_from(1, 1));
    assert!(!chunk.same_from(0, 2), "a deletion is a change");
}

#[test]
fn chunks_of_large_rows_are_small() {
    let mut size = ChunkSize { most: 2_048, rows: 512 };
    size.learn(512, 512 * 100);
    assert_eq!(size.rows(), 2_048);
    size.learn(2_048, 2_048 << 16);
    assert_eq!(size.rows(), 64);
    size.learn(1, 100 << 20);
    assert_eq!(size.rows(), 1);
    size.learn(0, 0);
    assert_eq!(size.rows(), 1, "a chunk of inserts tells nothing");
}
