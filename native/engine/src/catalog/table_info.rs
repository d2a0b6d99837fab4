//! TiDB's own description of databases and tables: the JSON values of the meta keys.
//!
//! Shapes are those of TiDB's `pkg/meta/model` (`DBInfo`, `TableInfo`, `ColumnInfo`, `IndexInfo`, `PartitionInfo`) and
//! `pkg/parser/types` (`FieldType`). Only what reading and writing need is taken; unknown members are skipped, missing and null ones have
//! their zero value, as in TiDB, so that older and newer clusters can be read.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::Deserialize;
use serde_json::Value;

pub use super::partition_info::{PartitionDefinition, PartitionInfo};

/// `SchemaState` of an object that everybody may read.
pub const STATE_PUBLIC: u8 = 5;
/// `SchemaState` in which writers, but not readers, see the object.
pub const STATE_WRITE_ONLY: u8 = 2;
/// `ActionType` of ALTER TABLE ... DROP PARTITION.
pub const ACTION_DROP_PARTITION: u8 = 20;

/// MySQL's flags of a column.
pub mod flag {
    /// NOT NULL.
    pub const NOT_NULL: u32 = 1;
    /// Part of the primary key.
    pub const PRI_KEY: u32 = 1 << 1;
    /// Unsigned number.
    pub const UNSIGNED: u32 = 1 << 5;
    /// AUTO_INCREMENT.
    pub const AUTO_INCREMENT: u32 = 1 << 9;
    /// NOT NULL and no DEFAULT.
    pub const NO_DEFAULT: u32 = 1 << 12;
    /// ON UPDATE CURRENT_TIMESTAMP.
    pub const ON_UPDATE_NOW: u32 = 1 << 13;
}

/// Null counts as the zero value, as Go writes an empty slice.
pub(super) fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A name that keeps its case: `{"O": original, "L": lower case}`; very old clusters wrote a plain string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name: {\"O\": ..., \"L\": ...} or a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Name, E> {
                Ok(Name(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Name, A::Error> {
                let mut name = Name::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "O" {
                        name = Name(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(name)
            }
        }
        deserializer.deserialize_any(NameVisitor)
    }
}

/// A database.
#[derive(Debug, Clone, Deserialize)]
pub struct DbInfo {
    /// Id: part of the key of its tables.
    pub id: i64,
    /// Name.
    pub db_name: Name,
    /// Default character set.
    #[serde(default, deserialize_with = "null_as_default")]
    pub charset: String,
    /// Default collation.
    #[serde(default, deserialize_with = "null_as_default")]
    pub collate: String,
    /// `SchemaState`.
    #[serde(default)]
    pub state: u8,
}

/// What a listing needs of a table: the rest of the JSON is skipped, not built.
#[derive(Debug, Clone, Deserialize)]
pub struct TableName {
    /// Id: part of the keys of its rows.
    pub id: i64,
    /// Name.
    pub name: Name,
    /// `SchemaState`.
    #[serde(default)]
    pub state: u8,
    /// Present for a view.
    #[serde(default)]
    pub view: Option<IgnoredAny>,
    /// Present for a sequence.
    #[serde(default)]
    pub sequence: Option<IgnoredAny>,
}

/// A table, view or sequence.
#[derive(Debug, Clone, Deserialize)]
pub struct TableInfo {
    /// Id: part of the keys of its rows, unless it is partitioned.
    pub id: i64,
    /// Name.
    pub name: Name,
    /// Default character set of its columns.
    #[serde(default, deserialize_with = "null_as_default")]
    pub charset: String,
    /// Default collation of its columns.
    #[serde(default, deserialize_with = "null_as_default")]
    pub collate: String,
    /// All columns, also hidden ones and those that a DDL statement is still adding or removing.
    #[serde(default, deserialize_with = "null_as_default")]
    pub cols: Vec<ColumnInfo>,
    /// All indexes, but not the primary key that is the integer handle.
    #[serde(default, deserialize_with = "null_as_default")]
    pub index_info: Vec<IndexInfo>,
    /// `SchemaState`.
    #[serde(default)]
    pub state: u8,
    /// The integer primary key is the handle.
    #[serde(default)]
    pub pk_is_handle: bool,
    /// The primary key, of another type, is the handle.
    #[serde(default)]
    pub is_common_handle: bool,
    /// Layout of the index values of such a table.
    #[serde(default)]
    pub common_handle_version: u16,
    /// Comment.
    #[serde(default, deserialize_with = "null_as_default")]
    pub comment: String,
    /// Partitions.
    #[serde(default)]
    pub partition: Option<PartitionInfo>,
    /// Present for a view.
    #[serde(default)]
    pub view: Option<IgnoredAny>,
    /// Present for a sequence.
    #[serde(default)]
    pub sequence: Option<IgnoredAny>,
    /// 0: an ordinary table; 1: global temporary, 2: local temporary.
    #[serde(default)]
    pub temp_table_type: u8,
    /// Form of this description; from 5 on AUTO_ID_CACHE 1 has an allocator of its own.
    #[serde(default)]
    pub version: u16,
    /// AUTO_ID_CACHE; 0 when it is not given.
    #[serde(default)]
    pub auto_id_cache: i64,
    /// Database under which the allocators of ids are kept, when the table was moved to another one since; 0 otherwise.
    #[serde(default)]
    pub old_schema_id: i64,
    /// SHARD_ROW_ID_BITS.
    #[serde(default, rename = "ShardRowIDBits")]
    pub shard_row_id_bits: u32,
    /// The most that SHARD_ROW_ID_BITS ever was.
    #[serde(default)]
    pub max_shard_row_id_bits: u32,
    /// S of AUTO_RANDOM(S, R); 0 without AUTO_RANDOM.
    #[serde(default)]
    pub auto_random_bits: u32,
    /// R of AUTO_RANDOM(S, R); 0 stands for 64.
    #[serde(default)]
    pub auto_random_range_bits: u32,
    /// CHECK constraints.
    #[serde(default, deserialize_with = "null_as_default")]
    pub constraint_info: Vec<ConstraintInfo>,
    /// Foreign keys of this table; those that refer to it are in the tables that have them.
    #[serde(default, deserialize_with = "null_as_default")]
    pub fk_info: Vec<ForeignKeyInfo>,
    /// LOCK TABLES.
    #[serde(default, rename = "Lock")]
    pub lock: Option<TableLockInfo>,
    /// 0: not cached; 1: ALTER TABLE ... CACHE is in effect, 2: it is becoming or ceasing to be so.
    #[serde(default)]
    pub cache_table_status: u8,
    /// Present while EXCHANGE PARTITION runs.
    #[serde(default)]
    pub exchange_partition_info: Option<IgnoredAny>,
    /// Stored in TiFlash alone.
    #[serde(default)]
    pub is_columnar: bool,
}

impl TableInfo {
    /// Offset of the AUTO_RANDOM column: the first one of the primary key.
    pub fn auto_random_column(&self) -> Option<usize> {
        if self.auto_random_bits == 0 {
            return None;
        }
        match self.pk_is_handle {
            true => self.cols.iter().position(|c| c.field_type.flag & flag::PRI_KEY != 0),
            false => {
                let primary = self.index_info.iter().find(|index| index.is_primary)?;
                primary.idx_cols.first().map(|key| key.offset)
            }
        }
    }

    /// Are `_tidb_rowid` and AUTO_INCREMENT allocated from keys of their own?
    pub fn has_separate_auto_increment(&self) -> bool {
        self.version >= 5 && self.auto_id_cache == 1
    }
}

/// A CHECK constraint.
#[derive(Debug, Clone, Deserialize)]
pub struct ConstraintInfo {
    /// Name.
    pub constraint_name: Name,
    /// False for NOT ENFORCED.
    #[serde(default)]
    pub enforced: bool,
}

/// A foreign key.
#[derive(Debug, Clone, Deserialize)]
pub struct ForeignKeyInfo {
    /// Name.
    pub fk_name: Name,
    /// Database of the table referred to.
    #[serde(default)]
    pub ref_schema: Name,
    /// The table referred to.
    #[serde(default)]
    pub ref_table: Name,
}

/// LOCK TABLES.
#[derive(Debug, Clone, Deserialize)]
pub struct TableLockInfo {
    /// The sessions that hold it; empty when none does.
    #[serde(default, rename = "Sessions", deserialize_with = "null_as_default")]
    pub sessions: Vec<IgnoredAny>,
}

/// A column.
#[derive(Debug, Clone, Deserialize)]
pub struct ColumnInfo {
    /// Id: names the column inside of stored rows.
    pub id: i64,
    /// Name.
    pub name: Name,
    /// Position; indexes refer to columns by it.
    #[serde(default)]
    pub offset: usize,
    /// Value of rows that were written before the column was added.
    #[serde(default)]
    pub origin_default: Value,
    /// The same for BIT, base64.
    #[serde(default)]
    pub origin_default_bit: Option<String>,
    /// Value of rows to be written.
    #[serde(default)]
    pub default: Value,
    /// The same for BIT, base64.
    #[serde(default)]
    pub default_bit: Option<String>,
    /// `default` is the text of an expression.
    #[serde(default)]
    pub default_is_expr: bool,
    /// Expression of a generated column.
    #[serde(default, deserialize_with = "null_as_default")]
    pub generated_expr_string: String,
    /// The generated value is stored in the row.
    #[serde(default)]
    pub generated_stored: bool,
    /// Type.
    #[serde(rename = "type")]
    pub field_type: FieldTypeInfo,
    /// `SchemaState`.
    #[serde(default)]
    pub state: u8,
    /// Comment.
    #[serde(default, deserialize_with = "null_as_default")]
    pub comment: String,
    /// Made by TiDB for an expression index.
    #[serde(default)]
    pub hidden: bool,
    /// Present in the column that a running MODIFY COLUMN fills.
    #[serde(default)]
    pub change_state_info: Option<IgnoredAny>,
    /// Present while a MODIFY COLUMN runs.
    #[serde(default)]
    pub changing_type: Option<IgnoredAny>,
    /// 0: TIMESTAMP defaults are in the time zone that the TiDB server had; from 1 on they are in UTC.
    #[serde(default)]
    pub version: u64,
}

impl ColumnInfo {
    /// Computed on reading, and not in the row.
    pub fn is_virtual(&self) -> bool {
        !self.generated_expr_string.is_empty() && !self.generated_stored
    }
}

/// A MySQL type as TiDB writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FieldTypeInfo {
    /// MySQL's type code.
    pub tp: u8,
    /// MySQL's flags.
    #[serde(default)]
    pub flag: u32,
    /// Length or precision; -1 when it is not given.
    #[serde(default)]
    pub flen: i64,
    /// Digits after the point; -1 when it is not given.
    #[serde(default)]
    pub decimal: i64,
    /// Character set.
    #[serde(default, deserialize_with = "null_as_default")]
    pub charset: String,
    /// Collation.
    #[serde(default, deserialize_with = "null_as_default")]
    pub collate: String,
    /// Members of ENUM and SET.
    #[serde(default, deserialize_with = "null_as_default")]
    pub elems: Vec<String>,
    /// An array: the hidden column of a multi-valued index.
    #[serde(default)]
    pub array: bool,
}

/// An index.
#[derive(Debug, Clone, Deserialize)]
pub struct IndexInfo {
    /// Id: part of the keys of its entries.
    pub id: i64,
    /// Name.
    pub idx_name: Name,
    /// Columns in key order.
    #[serde(default, deserialize_with = "null_as_default")]
    pub idx_cols: Vec<IndexColumn>,
    /// `SchemaState`.
    #[serde(default)]
    pub state: u8,
    /// UNIQUE.
    #[serde(default)]
    pub is_unique: bool,
    /// PRIMARY KEY.
    #[serde(default)]
    pub is_primary: bool,
    /// INVISIBLE.
    #[serde(default)]
    pub is_invisible: bool,
    /// One index over all partitions.
    #[serde(default)]
    pub is_global: bool,
    /// Multi-valued: one entry for each element of an array.
    #[serde(default)]
    pub mv_index: bool,
    /// `IndexType`: 1 B-tree, 2 hash (stored alike), others are stored elsewhere.
    #[serde(default)]
    pub index_type: u8,
    /// Present for a vector index.
    #[serde(default)]
    pub vector_index: Option<IgnoredAny>,
    /// Present for an index of inverted lists.
    #[serde(default)]
    pub inverted_index: Option<IgnoredAny>,
    /// Present for a full-text index.
    #[serde(default, alias = "full_text_index")]
    pub fulltext_index: Option<IgnoredAny>,
    /// Condition of a partial index.
    #[serde(default, deserialize_with = "null_as_default")]
    pub condition_expr_string: String,
    /// Not 0 while ADD INDEX fills the index.
    #[serde(default)]
    pub backfill_state: u8,
}

/// A column of an index.
#[derive(Debug, Clone, Deserialize)]
pub struct IndexColumn {
    /// Name.
    pub name: Name,
    /// Position of the column in the table.
    #[serde(default)]
    pub offset: usize,
    /// Length of the prefix that is indexed, in characters (bytes for binary columns); -1 for the whole value.
    #[serde(default)]
    pub length: i64,
    /// The index belongs to a running MODIFY COLUMN.
    #[serde(default)]
    pub using_changing_type: bool,
}
