//! A transaction that begins at a timestamp that was read at before.

use crate::common::txn::{options, Scene};
use crate::common::ALONE;
use bytes::Bytes;
use mysql_async::prelude::Queryable;
use ti_client::{ClientError, ClientErrorKind, TxnOptions};

#[tokio::test(flavor = "multi_thread")]
async fn a_given_timestamp_is_the_start() {
    let _alone = ALONE.lock().await;
    let scene = Scene::new("txn_given").await;
    let start_ts = scene.client.timestamp().await.unwrap();
    let given = TxnOptions {
        start_ts: Some(start_ts),
        ..options()
    };
    let mut sql = scene.cluster.sql().await;
    sql.query_drop(format!("INSERT INTO {} VALUES (901, 6307, '')", scene.table.name))
        .await
        .unwrap();
    // A primary that is taken refuses nothing but itself.
    let taken: Bytes = scene.table.key(7).into();
    let error = scene.client.begin(|_| taken, given.clone()).await.err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::KeyExists, "{error}");
    let txn = scene.begin(given).await;
    assert_eq!(txn.info().start_ts, start_ts);
    // What was written since is a conflict.
    let error = scene.prewrite(&txn, scene.inserts([901])).await.unwrap_err();
    assert_eq!(error.kind, ClientErrorKind::WriteConflict, "{error}");
    scene.prewrite(&txn, scene.inserts([902])).await.unwrap();
    let done = txn.commit(|_| async { Ok::<(), ClientError>(()) }).await.unwrap();
    scene.resolve(start_ts, done.commit_ts).await;
    scene.expect([901, 902]).await;
    let future = TxnOptions {
        start_ts: Some(start_ts + (60_000 << 18)),
        ..options()
    };
    let error = scene.client.begin(|_| scene.primary(), future).await.err().unwrap();
    assert_eq!(error.kind, ClientErrorKind::InvalidArgument, "{error}");
}
