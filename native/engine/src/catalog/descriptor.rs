//! What planning needs of a table, in the opaque bytes `TableSchema.table_descriptor`.

use serde::{Deserialize, Serialize};
use ti_codec::field_type::FieldType;

use crate::error::{Error, ErrorKind, Result};

/// Column id of the handle of a table without a clustered primary key, in TiDB and in requests.
pub const ROWID_COLUMN_ID: i64 = -1;
/// Its name.
pub const ROWID_NAME: &str = "_tidb_rowid";

/// What identifies a row in its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandleKind {
    /// The integer primary key.
    Int,
    /// The primary key of another type, encoded.
    Common,
    /// A hidden number, `_tidb_rowid`.
    RowId,
}

impl HandleKind {
    /// As `TableSchema.handle_kind` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Common => "common",
            Self::RowId => "rowid",
        }
    }
}

/// A public column.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ColumnDescriptor {
    /// Column id.
    pub id: i64,
    /// Name as it was created.
    pub name: String,
    /// MySQL's type code.
    pub tp: u8,
    /// MySQL's flags.
    pub flag: u32,
    /// Length or precision.
    pub flen: i32,
    /// Digits after the point.
    pub decimal: i32,
    /// Character set.
    pub charset: String,
    /// Collation.
    pub collate: String,
    /// Members of ENUM and SET.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elems: Vec<String>,
    /// Datum of rows older than the column; none: NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_default: Option<Vec<u8>>,
    /// Why the column cannot be read whatever the type options are: kind and text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<(Refusal, String)>,
}

/// Kind of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// A feature of TiDB.
    Feature,
    /// Bytes that are not understood.
    Decode,
}

impl ColumnDescriptor {
    /// A column that can be read and was there from the table's beginning.
    pub fn new(id: i64, name: &str, ty: FieldType) -> Self {
        Self {
            id,
            name: name.into(),
            tp: ty.tp,
            flag: ty.flag,
            flen: ty.flen,
            decimal: ty.decimal,
            charset: ty.charset,
            collate: ty.collate,
            elems: ty.elems,
            origin_default: None,
            refusal: None,
        }
    }

    /// The hidden handle column.
    pub fn rowid() -> Self {
        Self::new(ROWID_COLUMN_ID, ROWID_NAME, rowid_type())
    }

    /// The codec's form of the type.
    pub fn field_type(&self) -> FieldType {
        FieldType {
            tp: self.tp,
            flag: self.flag,
            flen: self.flen,
            decimal: self.decimal,
            charset: self.charset.clone(),
            collate: self.collate.clone(),
            elems: self.elems.clone(),
        }
    }
}

/// BIGINT NOT NULL, part of the primary key: `_tidb_rowid`.
pub fn rowid_type() -> FieldType {
    use super::table_info::flag;
    FieldType {
        tp: ti_codec::field_type::type_code::LONG_LONG,
        flag: flag::NOT_NULL | flag::PRI_KEY,
        flen: 20,
        decimal: 0,
        charset: "binary".into(),
        collate: "binary".into(),
        elems: Vec::new(),
    }
}

/// A partition.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PartitionDescriptor {
    /// Physical table id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Upper bound of a RANGE partition, as TiDB's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub less_than: Vec<String>,
    /// Values of a LIST partition, as TiDB's texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_values: Vec<Vec<String>>,
}

/// How rows find their partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitioningDescriptor {
    /// 1 RANGE, 2 HASH, 3 LIST, 4 KEY.
    pub method: u8,
    /// Expression; empty when columns are given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expr: String,
    /// Columns of RANGE COLUMNS, LIST COLUMNS and KEY.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

/// A column of an index, or of a clustered primary key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    /// Column id.
    pub id: i64,
    /// Only so many characters (bytes, of byte strings) are in the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u32>,
}

/// An index that reads may use: public, visible, one entry for every row, of columns that the table stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDescriptor {
    /// Index id: part of the keys of its entries.
    pub id: i64,
    /// Name.
    pub name: String,
    /// UNIQUE.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// Columns in key order.
    pub columns: Vec<KeyPart>,
}

/// A table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableDescriptor {
    /// Database name.
    pub database: String,
    /// Table name.
    pub table: String,
    /// Table id.
    pub table_id: i64,
    /// Why the table cannot be scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What identifies a row.
    pub handle: HandleKind,
    /// Columns of a clustered primary key that is not an integer, in key order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_column_ids: Vec<i64>,
    /// Those of them that the key holds only a prefix of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_prefix_column_ids: Vec<i64>,
    /// The columns of the handle in key order; none for `_tidb_rowid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handle_columns: Vec<KeyPart>,
    /// Public columns.
    pub columns: Vec<ColumnDescriptor>,
    /// Indexes that reads may use, without the clustered primary key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexDescriptor>,
    /// Partitions; `None` for a table that is not partitioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<Vec<PartitionDescriptor>>,
    /// How rows find their partition; `None` also while a statement changes the partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitioning: Option<PartitioningDescriptor>,
}

impl TableDescriptor {
    /// A table of no database that has a hidden handle and nothing but these columns.
    pub fn of_columns(columns: Vec<ColumnDescriptor>) -> Self {
        Self {
            database: "d".into(),
            table: "t".into(),
            table_id: 7,
            refusal: None,
            handle: HandleKind::RowId,
            primary_column_ids: Vec::new(),
            primary_prefix_column_ids: Vec::new(),
            handle_columns: Vec::new(),
            columns,
            indexes: Vec::new(),
            partitions: None,
            partitioning: None,
        }
    }

    /// Serialised.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| {
            Error::new(
                ErrorKind::Internal,
                format!("a table descriptor cannot be written: {e}"),
            )
        })
    }

    /// Back again.
    ///
    /// # Errors
    /// `InvalidArgument` for bytes that another build or something else wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|e| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("the table descriptor is not of this library: {e}"),
            )
        })
    }

    /// Ids of the physical tables: of the partitions, or of the table itself.
    pub fn physical_ids(&self) -> Vec<i64> {
        match &self.partitions {
            None => vec![self.table_id],
            Some(all) => all.iter().map(|partition| partition.id).collect(),
        }
    }

    /// A public column by its id.
    pub fn column_of_id(&self, id: i64) -> Option<&ColumnDescriptor> {
        self.columns.iter().find(|column| column.id == id)
    }

    /// A column by its name: exact, else without case.
    pub fn column(&self, name: &str) -> Result<ColumnDescriptor> {
        if let Some(column) = super::find(&self.columns, name, false, |c| &c.name) {
            return Ok(column.clone());
        }
        if name.eq_ignore_ascii_case(ROWID_NAME) && self.handle == HandleKind::RowId {
            return Ok(ColumnDescriptor::rowid());
        }
        Err(Error::new(
            ErrorKind::ColumnNotFound,
            format!(
                "column `{name}` does not exist in table `{}`.`{}`",
                self.database, self.table
            ),
        ))
    }
}
