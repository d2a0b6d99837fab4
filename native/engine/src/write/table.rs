//! The table as a writer sees it: where each value of a row goes, what identifies the row, which index entries it has.
//!
//! ```text
//! TableInfo (JSON of the meta key, at start_ts) --refuse--> WriteTable: columns by offset, handle, indexes, partitions, allocators
//! ```
//! Every task makes it for itself from the same bytes.

use ti_codec::datum::Datum;
use ti_codec::field_type::{type_code as t, FieldType};
use ti_codec::handle::CommonHandleEncoder;
use ti_codec::index::{HandleLayout, IndexColumn, IndexEncoder};

use super::partition::PartitionLocator;
use super::refuse;
use crate::catalog::show::field_type;
use crate::catalog::table_info::{flag, IndexInfo, TableInfo};
use crate::error::{Error, ErrorKind, Result};

mod column;

use column::write_column;

/// Bits of `_tidb_rowid`, and of AUTO_RANDOM without a range.
const ROW_ID_BITS: u32 = 64;

/// A column, at its offset.
#[derive(Debug, Clone)]
pub struct WriteColumn {
    /// Column id.
    pub id: i64,
    /// Name as it was created.
    pub name: String,
    /// Type.
    pub field_type: FieldType,
    /// A generated column: never written, NULL in the row's datums.
    pub generated: bool,
    /// Made by TiDB for an expression index; its index is refused.
    pub hidden: bool,
    /// NOT NULL.
    pub not_null: bool,
    /// AUTO_INCREMENT.
    pub auto_increment: bool,
    /// ON UPDATE CURRENT_TIMESTAMP.
    pub on_update_now: bool,
    /// The handle holds the whole value, so that the row does not.
    pub in_handle: bool,
    /// Neither a default nor a value for older rows: NULL is not written.
    pub null_is_absent: bool,
    /// Value of rows that were written before the column was added.
    pub origin_default: Datum<'static>,
    /// What is written when the column is left out.
    pub default: Default,
}

/// What a column that is left out has.
#[derive(Debug, Clone, PartialEq)]
pub enum Default {
    /// This value.
    Value(Datum<'static>),
    /// The time of the write.
    Now,
    /// The date of the write.
    Today,
    /// An expression that TiDB evaluates.
    Expression(String),
    /// Nothing: the column must be given.
    Missing,
}

/// What identifies a row in its key.
#[derive(Debug, Clone)]
pub enum HandleSource {
    /// The integer column of this offset.
    Column(usize),
    /// The columns of another clustered primary key.
    Common {
        /// Makes the handle.
        encoder: CommonHandleEncoder,
        /// The columns' offsets, in key order.
        offsets: Vec<usize>,
    },
    /// `_tidb_rowid`, with SHARD_ROW_ID_BITS.
    RowId(ShardFormat),
}

/// An id with a shard in its highest bits: `sign? | shard | increment`. Source: TiDB `meta/autoid` (`ShardIDFormat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardFormat {
    /// Bits of the shard.
    pub shard_bits: u32,
    /// Bits of the increment.
    pub increment_bits: u32,
    /// The greatest increment that may be given out: no bits that ever were a shard's.
    pub greatest: u64,
}

impl ShardFormat {
    fn new(shard_bits: u32, range_bits: u32, unsigned: bool, most_shard_bits: u32) -> Self {
        let sign = u32::from(!unsigned);
        let bits = |shard: u32| range_bits.saturating_sub(shard).saturating_sub(sign).min(63);
        Self {
            shard_bits,
            increment_bits: bits(shard_bits),
            greatest: (1 << bits(shard_bits.max(most_shard_bits))) - 1,
        }
    }

    /// The id of a shard and an increment.
    pub fn compose(self, shard: u64, increment: u64) -> u64 {
        let mask = (1u64 << self.shard_bits.min(63)) - 1;
        (shard & mask) << self.increment_bits | increment
    }

    /// The increment of an id.
    pub fn increment(self, id: u64) -> u64 {
        id & ((1 << self.increment_bits) - 1)
    }
}

/// A column with generated values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoColumn {
    /// AUTO_INCREMENT.
    Increment(usize),
    /// AUTO_RANDOM.
    Random(usize, ShardFormat),
}

impl AutoColumn {
    /// The column's offset.
    pub fn offset(self) -> usize {
        match self {
            Self::Increment(offset) | Self::Random(offset, _) => offset,
        }
    }
}

/// An index whose entries are written.
#[derive(Debug, Clone)]
pub struct WriteIndex {
    /// Index id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// UNIQUE.
    pub unique: bool,
    /// One index over all partitions.
    pub global: bool,
    /// Its columns.
    pub columns: Vec<IndexColumn>,
}

/// A table as a writer sees it.
#[derive(Debug)]
pub struct WriteTable {
    /// Database, as it was created.
    pub database: String,
    /// Table, as it was created.
    pub name: String,
    /// Table id.
    pub id: i64,
    /// All columns by offset.
    pub columns: Vec<WriteColumn>,
    /// What identifies a row.
    pub handle: HandleSource,
    /// Indexes, without the clustered primary key.
    pub indexes: Vec<WriteIndex>,
    /// For each index entry, in the order of `indexes`.
    layout: HandleLayout,
    /// Which partition a row goes to; `None` for a table without partitions.
    pub partitioner: Option<PartitionLocator>,
    /// Physical table ids.
    pub physical_ids: Vec<i64>,
    /// The column with generated values.
    pub auto: Option<AutoColumn>,
    /// AUTO_INCREMENT has an allocator of its own.
    pub separate_auto_increment: bool,
}

impl WriteTable {
    /// From TiDB's description.
    ///
    /// # Errors
    /// `UnsupportedFeature` for a table that cannot be written; `Decode` for a description that contradicts itself.
    pub fn new(database: &str, table: &TableInfo, new_collation: bool) -> Result<Self> {
        refuse::check(database, table)?;
        let place = |e: Error| e.context(format!("table `{database}`.`{}`", table.name.0));
        let primary = table.index_info.iter().find(|i| i.is_primary);
        let clustered = primary.filter(|_| table.is_common_handle);
        if !new_collation {
            refuse_old_collations(database, table)?;
        }
        let columns = table
            .cols
            .iter()
            .map(|column| write_column(table, column, clustered))
            .collect::<Result<Vec<_>>>()
            .map_err(place)?;
        let (handle, layout) = handle(database, table, clustered).map_err(place)?;
        let auto = auto_column(table)?;
        let indexes = table
            .index_info
            .iter()
            .filter(|index| !(table.is_common_handle && index.is_primary))
            .map(|index| {
                Ok(WriteIndex {
                    id: index.id,
                    name: index.idx_name.0.clone(),
                    unique: index.is_unique,
                    global: index.is_global,
                    columns: index_columns(table, index)?,
                })
            })
            .collect::<Result<Vec<_>>>()
            .map_err(place)?;
        let partitions = table.partition.as_ref().filter(|p| p.enable);
        let physical_ids = match partitions {
            Some(info) => info.definitions.iter().map(|d| d.id).collect(),
            None => vec![table.id],
        };
        let this = Self {
            database: database.to_owned(),
            name: table.name.0.clone(),
            id: table.id,
            columns,
            handle,
            indexes,
            layout,
            partitioner: partitions
                .map(|_| PartitionLocator::new(table))
                .transpose()
                .map_err(place)?,
            physical_ids,
            auto,
            separate_auto_increment: table.has_separate_auto_increment(),
        };
        // What the codec cannot encode is found here, before anything is written.
        this.index_encoders()?;
        Ok(this)
    }

    /// `db`.`table`, for messages.
    pub fn full_name(&self) -> String {
        format!("`{}`.`{}`", self.database, self.name)
    }

    /// Makers of the entries, in the order of `indexes`.
    pub fn index_encoders(&self) -> Result<Vec<IndexEncoder>> {
        self.indexes
            .iter()
            .map(|index| {
                IndexEncoder::new(index.id, index.unique, index.columns.clone(), self.layout.clone()).map_err(|e| {
                    Error::from(e).context(format!("index `{}` of table {}", index.name, self.full_name()))
                })
            })
            .collect()
    }

    /// Columns of the clustered primary key; none when rows have `_tidb_rowid`.
    pub fn handle_offsets(&self) -> &[usize] {
        match &self.handle {
            HandleSource::Column(offset) => std::slice::from_ref(offset),
            HandleSource::Common { offsets, .. } => offsets,
            HandleSource::RowId(_) => &[],
        }
    }

    /// Has it a unique index besides the handle?
    pub fn has_unique_index(&self) -> bool {
        self.indexes.iter().any(|index| index.unique)
    }
}

/// With the old framework keys hold the text itself whatever the collation is; the codec makes the keys of the new one.
fn refuse_old_collations(database: &str, table: &TableInfo) -> Result<()> {
    let indexed = table.index_info.iter().flat_map(|index| &index.idx_cols);
    let texts = indexed.filter_map(|key| table.cols.get(key.offset)).find(|column| {
        let ty = field_type(&column.field_type);
        is_text(&ty) && !ty.is_binary_charset()
    });
    match texts {
        None => Ok(()),
        Some(column) => Err(refuse::refusal(
            database,
            &table.name.0,
            &format!(
                "has an index on the text column `{}`, and the cluster uses TiDB's old collation framework (new_collation_enabled = False), \
                 whose index entries cannot be written yet",
                column.name.0
            ),
        )),
    }
}

fn is_text(ty: &FieldType) -> bool {
    matches!(
        ty.tp,
        t::VARCHAR | t::VAR_STRING | t::STRING | t::TINY_BLOB | t::MEDIUM_BLOB | t::LONG_BLOB | t::BLOB
    )
}

/// Whether a text in a key has to be in the row too, because its sort key does not say all (TiDB's `types.NeedRestoredData`). Of these
/// `_bin` collations only spaces at the end get lost, and only VARCHAR is taken to have some.
fn needs_restored_data(ty: &FieldType) -> bool {
    if !is_text(ty) || ty.is_binary_charset() {
        return false;
    }
    match ty.collate.as_str() {
        "utf8mb4_0900_bin" => false,
        "binary" | "ascii_bin" | "latin1_bin" | "utf8_bin" | "utf8mb4_bin" => {
            matches!(ty.tp, t::VARCHAR | t::VAR_STRING)
        }
        _ => true,
    }
}

fn index_columns(table: &TableInfo, index: &IndexInfo) -> Result<Vec<IndexColumn>> {
    index
        .idx_cols
        .iter()
        .map(|key| {
            let column = table.cols.get(key.offset).ok_or_else(|| {
                Error::new(
                    ErrorKind::Decode,
                    format!("index `{}` has no column {}", index.idx_name.0, key.offset),
                )
            })?;
            Ok(IndexColumn {
                name: column.name.0.clone(),
                offset: key.offset,
                column_id: column.id,
                field_type: field_type(&column.field_type),
                prefix: u32::try_from(key.length).ok(),
            })
        })
        .collect()
}

fn handle(database: &str, table: &TableInfo, clustered: Option<&IndexInfo>) -> Result<(HandleSource, HandleLayout)> {
    if table.pk_is_handle {
        let offset = table.cols.iter().position(|c| c.field_type.flag & flag::PRI_KEY != 0);
        let offset = offset.ok_or_else(|| Error::new(ErrorKind::Decode, "its primary key has no column"))?;
        return Ok((HandleSource::Column(offset), HandleLayout::Int));
    }
    if !table.is_common_handle {
        let format = ShardFormat::new(table.shard_row_id_bits, ROW_ID_BITS, false, table.max_shard_row_id_bits);
        return Ok((HandleSource::RowId(format), HandleLayout::Int));
    }
    let primary = clustered.ok_or_else(|| Error::new(ErrorKind::Decode, "its clustered primary key has no index"))?;
    let columns = index_columns(table, primary)?;
    let offsets = columns.iter().map(|c| c.offset).collect();
    let layout = HandleLayout::common(table.common_handle_version, columns.clone())
        .map_err(|e| refuse::refusal(database, &table.name.0, &format!("cannot be written: {e}")))?;
    let encoder = CommonHandleEncoder::new(columns)?;
    Ok((HandleSource::Common { encoder, offsets }, layout))
}

fn auto_column(table: &TableInfo) -> Result<Option<AutoColumn>> {
    let increment = table
        .cols
        .iter()
        .position(|c| c.field_type.flag & flag::AUTO_INCREMENT != 0);
    if let Some(offset) = increment {
        return Ok(Some(AutoColumn::Increment(offset)));
    }
    if table.auto_random_bits == 0 {
        return Ok(None);
    }
    let offset = table.auto_random_column();
    let column = offset.and_then(|offset| Some((offset, table.cols.get(offset)?)));
    let (offset, column) = column.ok_or_else(|| {
        Error::new(
            ErrorKind::Decode,
            format!("table `{}` has AUTO_RANDOM and no column for it", table.name.0),
        )
    })?;
    let range = match table.auto_random_range_bits {
        0 => ROW_ID_BITS,
        bits => bits,
    };
    let unsigned = column.field_type.flag & flag::UNSIGNED != 0;
    let format = ShardFormat::new(table.auto_random_bits, range, unsigned, 0);
    Ok(Some(AutoColumn::Random(offset, format)))
}
