//! How a write begins: everything that can be refused is refused, then the primary is locked, then the table is read at start_ts.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use ti_client::{Client, ClientErrorKind, Transaction, TxnOptions};
use ti_codec::datum::Datum;
use ti_codec::key::{record_key_common, record_key_int};
use ti_proto::plan;

use super::super::keys::KeptKeys;
use super::super::metrics::Counters;
use super::super::schema::{read_table, SchemaCheck};
use super::super::spec::Spec;
use super::super::state::JobState;
use super::super::table::{HandleSource, WriteTable};
use super::super::wire::WriteCommon;
use super::super::{check, open_table, references};
use super::{Inner, WriteJob};
use crate::catalog::listing::parse;
use crate::catalog::table_info::{DbInfo, TableInfo, STATE_PUBLIC};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::block_on;
use crate::session::Session;

/// Primaries that are tried when somebody happens to have the random key.
const PRIMARY_TRIES: usize = 4;
/// Bytes of the random part of a primary of a table with a common handle.
const RANDOM_HANDLE_BYTES: usize = 16;

/// What a write of some shape asks of Spark's plan. Reads the table's schema, and nothing else.
pub(crate) fn check_write(session: &Session, request: &plan::WriteSpec) -> Result<plan::WriteInfo> {
    block_on(async {
        let (ts, mut snapshot) = session.snapshot(None).await?;
        let (db, info) = session.find_table(snapshot.as_mut(), request).await?;
        check_table_id(request, &db, &info)?;
        let new_collation = session.new_collation(ts).await?;
        let table = WriteTable::new(&db.db_name.0, &info, new_collation)?;
        check::write_info(request, &table)
    })
}

fn check_table_id(request: &plan::WriteSpec, db: &DbInfo, info: &TableInfo) -> Result<()> {
    if request.table_id == 0 || request.table_id == info.id {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::SchemaChanged,
        format!(
            "table `{}`.`{}` was replaced or truncated after the statement had been analysed (its id is {}, not {}); run it again",
            db.db_name.0, info.name.0, info.id, request.table_id
        ),
    ))
}

/// A key of the table that holds no row, most likely: the lock that decides for all is put there.
fn random_key(table: &WriteTable) -> Result<Bytes> {
    let physical_id = table.physical_ids.first().copied().ok_or_else(|| {
        Error::new(
            ErrorKind::UnsupportedFeature,
            format!("table {} has no partitions", table.full_name()),
        )
    })?;
    let number = fastrand::i64(..);
    Ok(match &table.handle {
        // Allocators give no negative numbers.
        HandleSource::RowId(_) | HandleSource::Column(_) => record_key_int(physical_id, number | i64::MIN),
        HandleSource::Common { .. } => {
            let random: Vec<u8> = (0..RANDOM_HANDLE_BYTES).map(|_| fastrand::u8(..)).collect();
            let mut handle = Vec::new();
            Datum::Bytes(random.into()).encode_key(&mut handle)?;
            record_key_common(physical_id, &handle)
        }
    }
    .into())
}

/// Begins a write. Blocks.
pub(crate) fn begin(session: &Session, request: plan::WriteSpec) -> Result<WriteJob> {
    block_on(async {
        let client = session.client().clone();
        // Everything that can be refused is refused before there is a transaction.
        let (ts, mut snapshot) = session.snapshot(None).await?;
        let (db, info) = session.find_table(snapshot.as_mut(), &request).await?;
        check_table_id(&request, &db, &info)?;
        if request.start_ts > ts {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("a write cannot begin at {}: PD has come to {ts} only", request.start_ts),
            ));
        }
        let new_collation = session.new_collation(ts).await?;
        let table = WriteTable::new(&db.db_name.0, &info, new_collation)?;
        let spec = Spec::new(&request, &table, ts)?;
        references::check(snapshot.as_mut(), &db, &table, &spec).await?;
        let start_ts = Some(request.start_ts).filter(|ts| *ts != 0);
        let transaction = begin_transaction(&client, &table, &spec, start_ts).await?;
        let begun = open_job(client, &transaction, request, &db, &info, new_collation).await;
        match begun {
            Ok(parts) => Ok(parts.job(transaction)),
            Err(error) => {
                // Nothing but the primary is locked.
                if let Err(e) = transaction.rollback().await {
                    tracing::info!(
                        error = e.message(),
                        "the primary of a write that did not begin is left to its TTL"
                    );
                }
                let _ = transaction.close().await;
                Err(error)
            }
        }
    })
}

/// At `start_ts`, if the statement has read at its snapshot.
async fn begin_transaction(
    client: &Arc<Client>,
    table: &WriteTable,
    spec: &Spec,
    start_ts: Option<u64>,
) -> Result<Transaction> {
    let mut tries = 0;
    loop {
        tries += 1;
        let primary = random_key(table)?;
        let options = TxnOptions {
            start_ts,
            deadline: spec.commit_deadline,
            ..TxnOptions::default()
        };
        match client.begin(|_| primary, options).await {
            Ok(transaction) => return Ok(transaction),
            Err(e) if e.kind == ClientErrorKind::KeyExists && tries < PRIMARY_TRIES => {}
            Err(e) => return Err(Error::from(e).context(format!("table {}", table.full_name()))),
        }
    }
}

/// A job but for its transaction.
struct Parts {
    client: Arc<Client>,
    table: WriteTable,
    common: WriteCommon,
    spec: Spec,
    schema: SchemaCheck,
}

impl Parts {
    fn job(self, transaction: Transaction) -> WriteJob {
        WriteJob {
            inner: Arc::new(Inner {
                kept: KeptKeys::open(self.common.start_ts),
                client: self.client,
                table: Arc::new(self.table),
                common: self.common,
                spec: self.spec,
                transaction,
                schema: self.schema,
                counters: Counters::default(),
                ending: tokio::sync::Mutex::default(),
                state: Mutex::new(JobState::Open),
                displaced: Mutex::default(),
                plan: tokio::sync::OnceCell::new(),
            }),
        }
    }
}

/// Reads the table again, at start_ts.
async fn open_job(
    client: Arc<Client>,
    transaction: &Transaction,
    request: plan::WriteSpec,
    db: &DbInfo,
    before: &TableInfo,
    new_collation: bool,
) -> Result<Parts> {
    let start_ts = transaction.info().start_ts;
    let full_name = format!("`{}`.`{}`", db.db_name.0, before.name.0);
    let changed = || {
        Error::new(
            ErrorKind::SchemaChanged,
            format!("table {full_name} was dropped or replaced while the write began; run it again"),
        )
    };
    let mut snapshot = client.snapshot(start_ts).await?;
    let bytes = read_table(snapshot.as_mut(), db.id, before.id)
        .await?
        .ok_or_else(changed)?;
    let info: TableInfo = parse(&bytes, || format!("table {full_name}"))?;
    if info.state != STATE_PUBLIC || info.name != before.name {
        return Err(changed());
    }
    let common = WriteCommon {
        start_ts,
        primary: transaction.info().primary.to_vec(),
        database: db.db_name.0.clone(),
        allocator_database: match info.old_schema_id {
            0 => db.id,
            old => old,
        },
        table_info: bytes,
        new_collation,
        reserved: None,
        tasks: 0,
        spec: Some(request),
    };
    let table = open_table(&common)?;
    let request = common.spec.clone().unwrap_or_default();
    Ok(Parts {
        spec: Spec::new(&request, &table, start_ts)?,
        schema: SchemaCheck::new(db.id, info.id, full_name, &common.table_info)?,
        client,
        table,
        common,
    })
}
