//! Memory for uploads: counted as their bytes arrive, with a bound for all and a share per host.

use std::sync::Arc;

use axum::http::StatusCode;
use poolwatch_model::HostId;
use poolwatch_protocol::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    app_error::AppError,
    shares::{Share, Shares},
};

/// What one host may have in memory, kB: one upload of the largest kind.
const HOST_KB: usize = limits::BATCH_BYTES / 1024;

/// Memory for uploads that are read or wait to be written.
#[derive(Debug, Clone)]
pub struct UploadMemory {
    free_kb: Arc<Semaphore>,
    kb_by_host: Shares<HostId>,
}

/// Memory that one upload takes, until it is dropped.
#[derive(Debug)]
pub struct UploadPermit {
    of_host: Share<HostId>,
    taken: OwnedSemaphorePermit,
    free_kb: Arc<Semaphore>,
}

impl UploadMemory {
    /// Memory of so many kB.
    #[must_use]
    pub fn new(kb: usize) -> Self {
        Self { free_kb: Arc::new(Semaphore::new(kb)), kb_by_host: Shares::default() }
    }

    /// A permit for an upload of which nothing has arrived.
    ///
    /// # Errors
    /// 429 when the host has its share, 503 when all is taken.
    pub fn permit(&self, host: HostId) -> Result<UploadPermit, AppError> {
        let of_host = self.kb_by_host.take(host, 1, HOST_KB).ok_or_else(too_many_of_host)?;
        let taken = self.free_kb.clone().try_acquire_owned().map_err(|_| full())?;
        Ok(UploadPermit { of_host, taken, free_kb: self.free_kb.clone() })
    }
}

impl UploadPermit {
    /// Covers so many bytes from now on.
    ///
    /// # Errors
    /// 429 when the host has its share, 503 when all is taken.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), AppError> {
        let more = bytes.div_ceil(1024).saturating_sub(self.taken.num_permits());
        if !self.of_host.grow(more, HOST_KB) {
            return Err(too_many_of_host());
        }
        let permits = u32::try_from(more).unwrap_or(u32::MAX);
        let taken = self.free_kb.clone().try_acquire_many_owned(permits);
        self.taken.merge(taken.map_err(|_| full())?);
        Ok(())
    }
}

pub(super) fn full() -> AppError {
    AppError::busy("More uploads wait than can be kept in memory. Keep the data and retry.")
}

fn too_many_of_host() -> AppError {
    AppError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "host-share",
        "This host has too much under way",
        "Its uploads together are over what one host may have in memory. Wait for the answer to \
         one before sending the next.",
    )
    .retry_after(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_takes_its_share_and_leaves_the_rest() {
        let memory = UploadMemory::new(3 * HOST_KB);
        let mut one = memory.permit(HostId(1)).unwrap();
        let mut again = memory.permit(HostId(1)).unwrap();
        one.grow_to(limits::BATCH_BYTES - 1024).unwrap();
        assert_eq!(again.grow_to(1025).unwrap_err().status(), 429);
        let mut others: Vec<_> = (2..4).map(|n| memory.permit(HostId(n)).unwrap()).collect();
        for other in &mut others {
            other.grow_to(limits::BATCH_BYTES).unwrap();
        }
        assert_eq!(memory.permit(HostId(9)).unwrap_err().status(), 503);
        drop((one, again, others));
        assert_eq!(memory.free_kb.available_permits(), 3 * HOST_KB);
        assert!(memory.permit(HostId(1)).unwrap().grow_to(limits::BATCH_BYTES).is_ok());
    }
}
