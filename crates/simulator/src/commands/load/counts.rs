//! What is counted while a load runs.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Result;
use hdrhistogram::Histogram;

/// The longest answer that is told apart.
const LONGEST_MS: u64 = 600_000;

/// What one phase of a run counted.
#[derive(Debug)]
pub(super) struct Counts {
    /// Frames that the server says are committed.
    pub(super) acknowledged: AtomicU64,
    /// Frames that the server will never take.
    pub(super) refused: AtomicU64,
    /// Requests that were answered.
    pub(super) requests: AtomicU64,
    /// Bytes of frames that were acknowledged.
    pub(super) frame_bytes: AtomicU64,
    /// Uploads that had to be sent again.
    pub(super) retries: AtomicU64,
    /// Microseconds from when a frame was due until it was acknowledged, waiting for a turn
    /// included.
    latency_us: Mutex<Histogram<u64>>,
}

impl Counts {
    pub(super) fn new() -> Result<Self> {
        let none = || AtomicU64::new(0);
        Ok(Self {
            acknowledged: none(),
            refused: none(),
            requests: none(),
            frame_bytes: none(),
            retries: none(),
            latency_us: Mutex::new(Histogram::new_with_max(LONGEST_MS * 1000, 3)?),
        })
    }

    pub(super) fn latency(&self, latency: Duration) {
        if let Ok(mut histogram) = self.latency_us.lock() {
            histogram.saturating_record(latency.as_micros() as u64);
        }
    }

    /// Milliseconds that so large a share of frames took at most.
    pub(super) fn latency_ms(&self, quantile: f64) -> f64 {
        let of = |histogram: &Histogram<u64>| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        self.latency_us.lock().map_or(0.0, |histogram| of(&histogram))
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Relaxed)
    }
}
