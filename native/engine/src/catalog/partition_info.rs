//! How a table is partitioned, as TiDB describes it: a part of [`super::table_info::TableInfo`].

use serde::Deserialize;

use super::table_info::{null_as_default, Name, ACTION_DROP_PARTITION, STATE_WRITE_ONLY};

/// How a table is partitioned.
#[derive(Debug, Clone, Deserialize)]
pub struct PartitionInfo {
    /// 1 RANGE, 2 HASH, 3 LIST, 4 KEY.
    #[serde(rename = "type", default)]
    pub method: u8,
    /// Expression; empty when columns are given.
    #[serde(default, deserialize_with = "null_as_default")]
    pub expr: String,
    /// Columns of RANGE COLUMNS, LIST COLUMNS and KEY.
    #[serde(default, deserialize_with = "null_as_default")]
    pub columns: Vec<Name>,
    /// False: an old cluster ignored the PARTITION BY clause, and the table is an ordinary one.
    #[serde(default)]
    pub enable: bool,
    /// The partitions.
    #[serde(default, deserialize_with = "null_as_default")]
    pub definitions: Vec<PartitionDefinition>,
    /// Those that a DROP PARTITION is removing.
    #[serde(default, deserialize_with = "null_as_default")]
    pub dropping_definitions: Vec<PartitionDefinition>,
    /// `ActionType` of the DDL statement that runs on the partitions.
    #[serde(default)]
    pub ddl_action: u8,
    /// Its `SchemaState`.
    #[serde(default)]
    pub ddl_state: u8,
    /// KEY () without columns: the primary key is meant.
    #[serde(default)]
    pub is_empty_columns: bool,
    /// Number of partitions of HASH and KEY.
    #[serde(default)]
    pub num: u64,
    /// Those that a statement is adding.
    #[serde(default, deserialize_with = "null_as_default")]
    pub adding_definitions: Vec<PartitionDefinition>,
    /// Ids that a TRUNCATE PARTITION is about to give.
    #[serde(default, deserialize_with = "null_as_default")]
    pub new_partition_ids: Vec<i64>,
    /// Table id that a statement is about to give.
    #[serde(default)]
    pub new_table_id: i64,
    /// Method that a PARTITION BY statement is about to give.
    #[serde(default)]
    pub ddl_type: u8,
}

impl PartitionInfo {
    /// Is a statement on the partitions running?
    pub fn is_changing(&self) -> bool {
        self.ddl_action != 0
            || self.ddl_state != 0
            || self.ddl_type != 0
            || self.new_table_id != 0
            || !self.adding_definitions.is_empty()
            || !self.dropping_definitions.is_empty()
            || !self.new_partition_ids.is_empty()
    }

    /// The partitions that a reader sees, in order. While a DROP PARTITION is under way (state "write only"), those being dropped
    /// are already invisible although they are still listed.
    pub fn readable(&self) -> impl Iterator<Item = &PartitionDefinition> {
        let hide_dropping = self.ddl_action == ACTION_DROP_PARTITION && self.ddl_state == STATE_WRITE_ONLY;
        self.definitions
            .iter()
            .filter(move |d| !hide_dropping || !self.dropping_definitions.iter().any(|dropping| dropping.id == d.id))
    }
}

/// A partition.
#[derive(Debug, Clone, Deserialize)]
pub struct PartitionDefinition {
    /// Physical table id: the one in the keys of its rows.
    pub id: i64,
    /// Name.
    pub name: Name,
    /// Upper bound of a RANGE partition, as text.
    #[serde(default, deserialize_with = "null_as_default")]
    pub less_than: Vec<String>,
    /// Values of a LIST partition, as text.
    #[serde(default, deserialize_with = "null_as_default")]
    pub in_values: Vec<Vec<String>>,
}
