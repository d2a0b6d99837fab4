//! Index entries, byte for byte as TiDB writes them.
//!
//! ```text
//! row's datums --columns, prefixes, sort keys--> key     t{table}_i{index}{datums}[{handle}]       key.rs
//!              --handle, restored texts--------> value   one of three layouts                      value.rs
//! ```
//! An entry is *distinct* when its index is unique and no value is NULL: its key is without the handle, so that a second row meets it, and
//! its value has the handle. All other keys end with the handle.
//!
//! Sources: TiDB `tablecodec/tablecodec.go`, `table/tables/index.go`, `types/etc.go`.

pub(crate) mod column;
mod key;
mod value;

use crate::datum::Datum;
use crate::error::CodecError;
use crate::handle::{CommonHandleEncoder, Handle, OwnedHandle};

pub use column::{cut_text, IndexColumn};
pub use value::EntryHandle;

use column::KeyColumn;
use value::ValueLayout;

/// The handles of a table.
#[derive(Debug, Clone)]
pub enum HandleLayout {
    /// Integer primary key, or `_tidb_rowid`.
    Int,
    /// Another clustered primary key: its columns in key order. The table's `common_handle_version` must be 1, see
    /// [`HandleLayout::common`].
    Common(Vec<IndexColumn>),
}

impl HandleLayout {
    /// The layout of a clustered table with this `common_handle_version`.
    ///
    /// # Errors
    /// [`CodecError::UnsupportedFeature`] for versions other than 1: index values of those tables are laid out differently. TiDB has
    /// made tables of version 1 since 5.0.
    pub fn common(version: u16, columns: Vec<IndexColumn>) -> Result<Self, CodecError> {
        if version == 1 {
            Ok(Self::Common(columns))
        } else {
            Err(CodecError::UnsupportedFeature(format!(
                "a clustered table of version {version} (common_handle_version) cannot be written; version 1, of TiDB 5.0 and later, can"
            )))
        }
    }
}

/// Makes the entries of one index.
#[derive(Debug)]
pub struct IndexEncoder {
    index_id: i64,
    unique: bool,
    columns: Vec<KeyColumn>,
    layout: ValueLayout,
}

impl IndexEncoder {
    /// For an index with these columns, in key order.
    ///
    /// # Errors
    /// [`CodecError::UnsupportedFeature`], naming the column, when a type or collation cannot be encoded.
    pub fn new(
        index_id: i64,
        unique: bool,
        columns: Vec<IndexColumn>,
        handle: HandleLayout,
    ) -> Result<Self, CodecError> {
        let columns = columns.into_iter().map(KeyColumn::new).collect::<Result<Vec<_>, _>>()?;
        let layout = match handle {
            HandleLayout::Int => ValueLayout::for_int_handle(&columns),
            HandleLayout::Common(primary) => {
                ValueLayout::for_common_handle(&columns, CommonHandleEncoder::new(primary)?.columns())
            }
        };
        Ok(Self {
            index_id,
            unique,
            columns,
            layout,
        })
    }

    /// Index id.
    #[must_use]
    pub fn index_id(&self) -> i64 {
        self.index_id
    }

    /// UNIQUE.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.unique
    }

    /// Number of columns.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// Puts the entry of a row into `key` and `value`, in place of what they held, and says whether it is distinct.
    ///
    /// `row` holds the row's datums by column offset. `physical_table_id` is the partition's, if there are any. For a global index it is
    /// the table's own id, and `partition_of_global` the partition's; `None` for all others.
    ///
    /// # Errors
    /// [`CodecError::Corrupt`] and [`CodecError::Unrepresentable`] for values that are not of the columns' types.
    pub fn entry(
        &mut self,
        physical_table_id: i64,
        partition_of_global: Option<i64>,
        row: &[Datum<'_>],
        handle: &Handle<'_>,
        key: &mut Vec<u8>,
        value: &mut Vec<u8>,
    ) -> Result<bool, CodecError> {
        let distinct = self.key(physical_table_id, row, handle, key)?;
        self.layout
            .encode(&self.columns, distinct, partition_of_global, row, handle, value)?;
        Ok(distinct)
    }

    /// The key of [`Self::entry`] alone, for reading and deleting entries.
    ///
    /// # Errors
    /// As [`Self::entry`].
    pub fn key(
        &self,
        physical_table_id: i64,
        row: &[Datum<'_>],
        handle: &Handle<'_>,
        key: &mut Vec<u8>,
    ) -> Result<bool, CodecError> {
        key::encode(
            physical_table_id,
            self.index_id,
            self.unique,
            &self.columns,
            row,
            handle,
            key,
        )
    }

    /// Which row an entry of this index names. For distinct entries the value says it.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are not an entry of this index, or name no row.
    pub fn decode_entry_handle(&self, key: &[u8], value: &[u8]) -> Result<EntryHandle, CodecError> {
        let common = self.layout.has_common_handles();
        let parts = value::parse(value, common)?;
        let in_key = key::decode_handle(key, self.columns.len(), common)?;
        let in_value = || match (common, parts.int_handle, parts.common_handle) {
            (false, Some(handle), _) => Some(OwnedHandle::Int(handle)),
            (true, _, Some(handle)) => Some(OwnedHandle::Common(handle.to_vec())),
            _ => None,
        };
        let handle = in_key
            .or_else(in_value)
            .ok_or_else(|| CodecError::corrupt("index entry", "it names no row"))?;
        Ok(EntryHandle {
            handle,
            partition_id: parts.partition_id,
        })
    }
}
