use super::*;

#[test]
fn rows_name_functions_and_stores() {
    let row = |name: &str, stores: &str| vec![Some(name.to_owned()), Some(stores.to_owned())];
    let rows = [
        row("LT", "tikv,tiflash"),
        row("like", "tiflash"),
        row("<=>", "tidb, TiKV"),
        vec![None, None],
    ];
    let blacklist = of_rows(&rows);
    assert_eq!(blacklist.into_iter().collect::<Vec<_>>(), ["<=>", "lt"]);
}

#[test]
fn one_reading_serves_many() {
    let cached = Cached::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let read = || async { Ok::<_, ()>(Blacklist::from(["lt".to_owned()])) };
        assert!(cached.get(read).await.unwrap().contains("lt"));
        let again = cached.get(|| async { Err::<Blacklist, ()>(()) }).await;
        assert!(again.unwrap().contains("lt"), "it is not read again at once");
        let other = Cached::default();
        assert!(other.get(|| async { Err::<Blacklist, ()>(()) }).await.is_err());
    });
}
