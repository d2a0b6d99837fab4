//! Streams of streams, one after the other, some of them begun ahead.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{BoxStream, Stream};

/// The items of the streams that `outer` gives, in its order. Up to `count` of them are asked for before their turn: those that work by
/// themselves (requests under way) have their first items ready then. Only the first one is polled.
pub fn flatten_ahead<T>(outer: BoxStream<'static, BoxStream<'static, T>>, count: usize) -> FlattenAhead<T> {
    FlattenAhead {
        outer: Some(outer),
        begun: VecDeque::new(),
        count: count.max(1),
    }
}

/// See [`flatten_ahead`].
pub struct FlattenAhead<T> {
    outer: Option<BoxStream<'static, BoxStream<'static, T>>>,
    begun: VecDeque<BoxStream<'static, T>>,
    count: usize,
}

impl<T> Stream for FlattenAhead<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            while self.begun.len() < self.count {
                let Some(outer) = &mut self.outer else { break };
                match outer.as_mut().poll_next(context) {
                    Poll::Ready(Some(stream)) => self.begun.push_back(stream),
                    Poll::Ready(None) => self.outer = None,
                    Poll::Pending => break,
                }
            }
            let Some(first) = self.begun.front_mut() else {
                return match self.outer {
                    None => Poll::Ready(None),
                    Some(_) => Poll::Pending,
                };
            };
            match first.as_mut().poll_next(context) {
                Poll::Ready(None) => {
                    self.begun.pop_front();
                }
                other => return other,
            }
        }
    }
}

#[cfg(test)]
#[path = "ahead_tests.rs"]
mod tests;
