use super::key_text;
use crate::key::{index_prefix, record_key_common, record_key_int, record_prefix, table_prefix};

#[test]
fn keys_are_shown_as_tidb_shows_them() {
    let mut entry = index_prefix(104, 2);
    entry.extend([0x03, 0x80]);
    for (key, text) in [
        (table_prefix(104), "t_104_"),
        (record_prefix(104), "t_104_r"),
        (record_key_int(104, 50), "t_104_r_50"),
        (record_key_int(104, -1), "t_104_r_-1"),
        (
            record_key_common(104, &[1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0xf8]),
            "t_104_r_016100000000000000f8",
        ),
        (index_prefix(104, 2), "t_104_i_2_"),
        (entry, "t_104_i_2_0380"),
        (b"m\x01".to_vec(), "6d01"),
        (b"t\x80".to_vec(), "7480"),
        (Vec::new(), ""),
    ] {
        assert_eq!(key_text(&key), text);
    }
}
