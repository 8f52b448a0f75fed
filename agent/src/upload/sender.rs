//! The thread that sends. It is made at the start, for a host that is out of resources makes none; and
//! whatever holds it up, a name that is looked up or a certificate that is checked for being revoked,
//! does not hold up sampling.

use std::{io, sync::Arc, thread, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time,
};

use super::{
    error::UploadError,
    http::{ClientOptions, Http, Post, TIMEOUT},
    resolver::KeepingResolver,
};

/// How long an answer of the thread is waited for: longer than its own timeout, for it may be held up
/// before that begins to count.
const PATIENCE: Duration = TIMEOUT.saturating_mul(2);

struct Job {
    options: ClientOptions,
    post: Post,
    answer: oneshot::Sender<Result<Vec<u8>, UploadError>>,
}

/// How to have something sent by the thread, which ends when nobody can any more.
#[derive(Debug, Clone)]
pub struct Sender(mpsc::Sender<Job>);

impl Sender {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there are no resources for it.
    pub fn start() -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("upload".into()).spawn(move || {
            #[cfg(windows)]
            crate::windows::begin_background_work();
            runtime.block_on(send_all(queue));
        })?;
        Ok(Self(jobs))
    }

    pub(super) async fn send(
        &self,
        options: ClientOptions,
        post: Post,
    ) -> Result<Vec<u8>, UploadError> {
        let (answer, answered) = oneshot::channel();
        let sent = async {
            self.0.send(Job { options, post, answer }).await.ok()?;
            answered.await.ok()
        };
        match time::timeout(PATIENCE, sent).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(UploadError::Setup("the thread that sends has ended".to_owned())),
            Err(_) => Err(UploadError::Unreachable("sending is held up".to_owned())),
        }
    }
}

async fn send_all(mut queue: mpsc::Receiver<Job>) {
    let resolver = Arc::new(KeepingResolver::default());
    let mut known = None;
    while let Some(Job { options, post, mut answer }) = queue.recv().await {
        let result = match Http::renew(known.take(), options, &resolver) {
            Ok(http) => {
                // Who asked may have given up; what is under way is dropped with the request.
                let result = tokio::select! {
                    result = http.send(post) => Some(result),
                    () = answer.closed() => None,
                };
                known = Some(http);
                result
            }
            Err(error) => Some(Err(error)),
        };
        if let Some(result) = result {
            let _ = answer.send(result);
        }
    }
}
