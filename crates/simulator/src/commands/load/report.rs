//! The figures of a run.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use poolwatch_simulator::load::LoadFleet;
use serde::Serialize;

use super::{connection::Traffic, counts::Counts};

/// The figures of a run. Frames count when the server's answer says that they are committed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Connections that were opened before anything was sent: with TLS, handshakes.
    pub(super) connections: Pace,
    /// Bytes on the wire, both ways, to open one.
    handshake_bytes: u64,
    pub(super) enrolment: Pace,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backlog: Option<Pace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) live: Option<Live>,
    pub(super) refused: u64,
    /// Uploads that had to be sent again.
    pub(super) retries: u64,
    connections_opened: u64,
    wire_bytes_sent: u64,
    wire_bytes_received: u64,
    values_per_snapshot: u64,
    /// Processor time of the load itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_s: Option<f64>,
}

/// So many in so long.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Pace {
    pub(super) count: u64,
    seconds: f64,
    pub(super) per_s: u64,
}

impl Pace {
    pub(super) fn new(count: u64, elapsed: Duration) -> Self {
        let seconds = elapsed.as_secs_f64();
        Self { count, seconds, per_s: (count as f64 / seconds.max(0.001)) as u64 }
    }
}

/// The measured part of a fleet's life.
#[derive(Debug, Serialize)]
pub(super) struct Live {
    seconds: f64,
    acknowledged: u64,
    /// In the interval before, in which every host sent its first frame.
    acknowledged_before: u64,
    snapshots_per_s: f64,
    requests: u64,
    frame_bytes: u64,
    /// Frames that were due and were not even sent before the end.
    behind: u64,
    latency_ms: Latency,
}

/// From when a frame was due until it was acknowledged.
#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl Live {
    pub(super) fn new(counts: &Counts, warm_up: &Counts, seconds: f64, behind: u64) -> Self {
        let acknowledged = counts.acknowledged();
        Self {
            seconds,
            acknowledged,
            acknowledged_before: warm_up.acknowledged(),
            snapshots_per_s: acknowledged as f64 / seconds,
            requests: counts.requests.load(Relaxed),
            frame_bytes: counts.frame_bytes.load(Relaxed),
            behind,
            latency_ms: Latency {
                p50: counts.latency_ms(0.5),
                p95: counts.latency_ms(0.95),
                p99: counts.latency_ms(0.99),
                max: counts.latency_ms(1.0),
            },
        }
    }
}

impl Report {
    /// Notes what opening connections cost on the wire.
    pub(super) fn handshake_bytes(&mut self, traffic: &Traffic) {
        let bytes = traffic.sent.load(Relaxed) + traffic.received.load(Relaxed);
        self.handshake_bytes = bytes / traffic.opened.load(Relaxed).max(1);
    }

    /// Notes what all connections cost, and what the load itself did.
    pub(super) fn traffic(&mut self, traffic: &Traffic) {
        self.connections_opened = traffic.opened.load(Relaxed);
        self.wire_bytes_sent = traffic.sent.load(Relaxed);
        self.wire_bytes_received = traffic.received.load(Relaxed);
        self.values_per_snapshot = LoadFleet::values_per_snapshot();
        self.cpu_s = own_cpu_s();
    }
}

/// Processor time of this process's one thread that does the work, where the kernel tells it.
fn own_cpu_s() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}
