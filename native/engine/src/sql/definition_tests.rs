#![allow(clippy::unwrap_used)]

use super::*;

const SHOWN: &str = "CREATE TABLE `t` (\n  `id` bigint(20) NOT NULL /*T![auto_rand] AUTO_RANDOM(5) */,\n  \
    `a,b` varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'it''s, (x' COMMENT 'say \\'no\\', or ``',\n  \
    `d` decimal(10,2) unsigned zerofill DEFAULT NULL,\n  `e` enum('a','b,c)') DEFAULT 'a',\n  \
    `g` int(11) GENERATED ALWAYS AS (`id` + length(_utf8mb4')')) STORED,\n  \
    `ts` timestamp(3) NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),\n  `b` bit(8) DEFAULT b'101',\n  \
    `u` varchar(36) DEFAULT (uuid()),\n  `q``q` int(11) DEFAULT '1',\n  \
    PRIMARY KEY (`id`) /*T![clustered_index] CLUSTERED */,\n  KEY `k` (`d`)\n) ENGINE=InnoDB COMMENT='x, y'";

fn shown(column: &str) -> String {
    Definition::find(SHOWN, column).unwrap().unwrap().1.sql()
}

#[test]
fn what_is_read_is_written_again() {
    for (column, expected) in [
        ("id", "bigint(20) NOT NULL /*T![auto_rand] AUTO_RANDOM(5) */"),
        (
            "A,B",
            "varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'it''s, (x' COMMENT 'say \\'no\\', or ``'",
        ),
        ("d", "decimal(10,2) unsigned zerofill DEFAULT NULL"),
        ("e", "enum('a','b,c)') DEFAULT 'a'"),
        ("g", "int(11) GENERATED ALWAYS AS (`id` + length(_utf8mb4')')) STORED"),
        (
            "ts",
            "timestamp(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)",
        ),
        ("b", "bit(8) DEFAULT b'101'"),
        ("u", "varchar(36) DEFAULT (uuid())"),
        ("q`q", "int(11) DEFAULT '1'"),
    ] {
        assert_eq!(shown(column), expected, "{column}");
    }
    assert!(Definition::find(SHOWN, "nobody").unwrap().is_none());
    assert!(Definition::find("CREATE VIEW v AS SELECT 1", "a").unwrap().is_none());
}

#[test]
fn parts_are_told_apart() {
    let (name, mut column) = Definition::find(SHOWN, "a,B").unwrap().unwrap();
    assert_eq!(name, "a,b");
    assert_eq!(column.ty, "varchar(10)");
    assert!(column.not_null);
    column.not_null = false;
    column.default.clear();
    column.charset.clear();
    column.set_comment("it's \\ new");
    assert_eq!(column.sql(), "varchar(10) COMMENT 'it''s \\\\ new'");
    column.set_comment("");
    assert_eq!(column.sql(), "varchar(10)");
}

#[test]
fn a_definition_that_ends_too_early_is_refused() {
    for broken in ["`a` int DEFAULT", "`a` int NOT", "`a` int COMMENT", "`a`"] {
        let shown = format!("CREATE TABLE `t` (\n  {broken}\n)");
        let error = Definition::find(&shown, "a").unwrap_err();
        assert_eq!(error.kind, ErrorKind::UnsupportedFeature, "{broken}");
    }
    for broken in ["`a", "`a` int COMMENT 'x", "`a` decimal(1"] {
        let shown = format!("CREATE TABLE `t` (\n  {broken}");
        assert!(Definition::find(&shown, "a").unwrap().is_none(), "{broken}");
    }
}
