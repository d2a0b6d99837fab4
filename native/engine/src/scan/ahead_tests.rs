use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::*;

#[tokio::test]
async fn in_order_and_not_too_far_ahead() {
    let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (b, e) = (begun.clone(), ended.clone());
    let outer = stream::iter(0..20_usize).then(move |n| {
        let (b, e) = (b.clone(), e.clone());
        async move {
            // Some come late.
            tokio::time::sleep(std::time::Duration::from_millis((n % 3) as u64)).await;
            b.fetch_add(1, Ordering::SeqCst);
            let items = stream::iter(0..n % 4).then(move |item| async move {
                tokio::task::yield_now().await;
                n * 10 + item
            });
            let end = stream::once(async move {
                e.fetch_add(1, Ordering::SeqCst);
                usize::MAX
            });
            items.chain(end).boxed()
        }
    });
    let mut flat = flatten_ahead(outer.boxed(), 3);
    let mut items = Vec::new();
    while let Some(item) = flat.next().await {
        let ahead = begun.load(Ordering::SeqCst) - ended.load(Ordering::SeqCst);
        assert!(ahead <= 3, "{ahead} streams ahead");
        items.extend((item != usize::MAX).then_some(item));
    }
    let expected: Vec<usize> = (0..20)
        .flat_map(|n| (0..n % 4).map(move |item| n * 10 + item))
        .collect();
    assert_eq!(items, expected);
    assert_eq!(ended.load(Ordering::SeqCst), 20);
}

#[tokio::test]
async fn nothing_in_nothing_out() {
    let outer = stream::empty::<BoxStream<'static, u8>>();
    assert_eq!(flatten_ahead(outer.boxed(), 2).next().await, None);
}
