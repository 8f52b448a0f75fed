//! Answers that keep something until they are taken.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// A body that keeps something until its last byte is taken: a connection holds on to the pieces that it
/// writes.
pub(crate) fn hold<T: Send + Sync + 'static>(body: Body, held: T) -> Body {
    Body::new(HeldBody { body, held: Arc::new(held) })
}

struct HeldBody<T> {
    body: Body,
    held: Arc<T>,
}

struct HeldBytes<T> {
    data: Bytes,
    _held: Arc<T>,
}

impl<T> AsRef<[u8]> for HeldBytes<T> {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl<T: Send + Sync + 'static> HttpBody for HeldBody<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let held = self.held.clone();
        let polled = Pin::new(&mut self.body).poll_frame(context);
        polled.map_ok(|frame| {
            frame.map_data(|data| Bytes::from_owner(HeldBytes { data, _held: held }))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_answer_counts_until_its_last_byte_is_taken() {
        let held = Arc::new(());
        let is_held = || Arc::strong_count(&held) > 1;
        let mut body = hold(Body::from("x".repeat(1000)), held.clone());
        assert_eq!(body.size_hint().exact(), Some(1000));
        let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(body.frame().await.is_none());
        drop(body);
        // What a connection has still to write.
        let rest = piece.slice(999..);
        drop(piece);
        assert!(is_held());
        drop(rest);
        assert!(!is_held());
        let unread = hold(Body::from("x"), held.clone());
        assert!(is_held());
        drop(unread);
        assert!(!is_held());
    }
}
