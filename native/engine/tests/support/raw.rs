//! What is stored: TiDB's table information, and the pairs of records and indexes.

use std::collections::BTreeMap;

use ti_codec::datum::Datum;
use ti_codec::field_type::FieldType;
use ti_codec::handle::{decode_record_key, CommonHandleEncoder, Handle, OwnedHandle};
use ti_codec::index::{HandleLayout, IndexColumn, IndexEncoder};
use ti_codec::key;
use ti_codec::row::RowView;
use ti_engine::catalog::meta_key;
use ti_engine::catalog::show::field_type;
use ti_engine::catalog::table_info::{IndexInfo, TableInfo};

use super::Cluster;

/// Keys and values in key order.
pub type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// A table as it is stored.
pub struct StoredTable {
    pub info: TableInfo,
    json: serde_json::Value,
    /// Physical table ids.
    pub ids: Vec<i64>,
}

impl Cluster {
    /// Runs on the runtime that the session's client works on.
    fn wait<T>(&self, future: impl std::future::Future<Output = T>) -> T {
        ti_engine::runtime::runtime().unwrap().block_on(future)
    }

    /// All pairs of a range as of now.
    pub fn pairs(&self, (start, end): (Vec<u8>, Vec<u8>)) -> Pairs {
        let client = self.session.client();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let pairs = self.wait(async {
                let ts = client.timestamp().await?;
                client.snapshot(ts).await?.scan(start.clone(), end.clone()).await
            });
            match pairs {
                Ok(pairs) => return pairs.into_iter().collect(),
                // TiDB commits in the background, and this reader resolves one lock at a time.
                Err(error) if error.is_retryable() && attempts < 5 => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// A table's information.
    pub fn stored(&self, table: &str) -> StoredTable {
        let schema = self.load(table).unwrap();
        let client = self.session.client();
        let json = self.wait(async {
            let mut snapshot = client.snapshot(client.timestamp().await?).await?;
            snapshot.get(meta_key::table(schema.database_id, schema.table_id)).await
        });
        let json: serde_json::Value = serde_json::from_slice(&json.unwrap().expect("the table's information")).unwrap();
        let info: TableInfo = serde_json::from_value(json.clone()).unwrap();
        let ids = match &info.partition {
            Some(partition) => partition.definitions.iter().map(|p| p.id).collect(),
            None => vec![info.id],
        };
        StoredTable { info, json, ids }
    }
}

/// One row: its physical table, handle, and datums by column offset.
pub struct StoredRow {
    pub physical_id: i64,
    pub handle: OwnedHandle,
    pub key: Vec<u8>,
    pub datums: Vec<Datum<'static>>,
}

impl StoredTable {
    pub fn field_types(&self) -> Vec<FieldType> {
        self.info.cols.iter().map(|c| field_type(&c.field_type)).collect()
    }

    fn columns(&self, index: &IndexInfo) -> Vec<IndexColumn> {
        let column = |c: &ti_engine::catalog::table_info::IndexColumn| {
            let info = &self.info.cols[c.offset];
            IndexColumn {
                name: info.name.0.clone(),
                offset: c.offset,
                column_id: info.id,
                field_type: field_type(&info.field_type),
                prefix: u32::try_from(c.length).ok(),
            }
        };
        index.idx_cols.iter().map(column).collect()
    }

    fn primary(&self) -> Option<Vec<IndexColumn>> {
        let primary = self.info.index_info.iter().find(|i| i.is_primary);
        primary
            .filter(|_| self.info.is_common_handle)
            .map(|index| self.columns(index))
    }

    fn handle_layout(&self) -> HandleLayout {
        let version = self.json["common_handle_version"].as_u64().unwrap_or_default();
        match self.primary() {
            Some(columns) => HandleLayout::common(u16::try_from(version).unwrap(), columns).unwrap(),
            None => HandleLayout::Int,
        }
    }

    /// Indexes that have entries, each with whether it is global.
    pub fn encoders(&self) -> Vec<(IndexEncoder, bool)> {
        let clustered = |index: &&IndexInfo| !(index.is_primary && self.info.is_common_handle);
        let global = |index: &IndexInfo| {
            let all = self.json["index_info"].as_array().unwrap();
            all.iter()
                .any(|i| i["id"] == index.id && i["is_global"] == serde_json::json!(true))
        };
        let encoder = |index: &IndexInfo| {
            IndexEncoder::new(index.id, index.is_unique, self.columns(index), self.handle_layout()).unwrap()
        };
        let indexes = self.info.index_info.iter().filter(clustered);
        indexes.map(|index| (encoder(index), global(index))).collect()
    }

    pub fn handle_encoder(&self) -> Option<CommonHandleEncoder> {
        self.primary().map(|columns| CommonHandleEncoder::new(columns).unwrap())
    }

    /// All rows as they are stored. What rows leave to their keys is taken from the keys.
    pub fn rows(&self, cluster: &Cluster) -> Vec<StoredRow> {
        let mut rows = Vec::new();
        for id in &self.ids {
            for (key, value) in cluster.pairs(key::record_range(*id)) {
                let (physical_id, handle) = decode_record_key(&key).unwrap();
                assert_eq!(physical_id, *id);
                let datums = self.datums(&value, &handle.as_handle());
                rows.push(StoredRow {
                    physical_id,
                    handle,
                    key,
                    datums,
                });
            }
        }
        rows
    }

    fn datums(&self, value: &[u8], handle: &Handle<'_>) -> Vec<Datum<'static>> {
        let row = RowView::parse(value).unwrap();
        let of_handle = match (handle, self.handle_encoder()) {
            (Handle::Common(bytes), Some(encoder)) => encoder.decode(bytes).unwrap(),
            _ => Vec::new(),
        };
        let primary = self.primary().unwrap_or_default();
        let datum = |column: &ti_engine::catalog::table_info::ColumnInfo| {
            let ty = field_type(&column.field_type);
            if let Some(datum) = row.get(column.id, &ty).unwrap() {
                return super::raw::owned(&datum);
            }
            match handle {
                Handle::Int(v) if self.info.pk_is_handle && column.field_type.flag & 2 != 0 => {
                    if ty.is_unsigned() {
                        Datum::Uint(*v as u64)
                    } else {
                        Datum::Int(*v)
                    }
                }
                _ => match primary.iter().position(|p| p.column_id == column.id) {
                    Some(at) => of_handle[at].clone(),
                    None => Datum::Null,
                },
            }
        };
        self.info.cols.iter().map(datum).collect()
    }
}

/// The datum with bytes of its own.
pub fn owned(datum: &Datum<'_>) -> Datum<'static> {
    let bytes = |b: &[u8]| std::borrow::Cow::Owned(b.to_vec());
    match datum {
        Datum::Null => Datum::Null,
        Datum::Int(v) => Datum::Int(*v),
        Datum::Uint(v) => Datum::Uint(*v),
        Datum::Float(v) => Datum::Float(*v),
        Datum::Bytes(b) => Datum::Bytes(bytes(b)),
        Datum::Decimal {
            value,
            precision,
            scale,
        } => Datum::Decimal {
            value: *value,
            precision: *precision,
            scale: *scale,
        },
        Datum::Duration(v) => Datum::Duration(*v),
        Datum::Json(b) => Datum::Json(bytes(b)),
        Datum::Vector(b) => Datum::Vector(bytes(b)),
        Datum::Max => Datum::Max,
    }
}
