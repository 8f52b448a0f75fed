//! What `/metrics` tells: every metric is declared here, with its help text.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// The registry.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

const REQUESTS: &str = "poolwatch_http_requests_total";
const REQUEST_SECONDS: &str = "poolwatch_http_request_seconds";
const CONNECTIONS: &str = "poolwatch_connections";
const CONNECTIONS_REFUSED: &str = "poolwatch_connections_refused_total";
const FRAMES: &str = "poolwatch_frames_total";
const FRAME_BYTES: &str = "poolwatch_frame_bytes_total";
const EVENTS: &str = "poolwatch_events_total";
const WRITER_BATCH: &str = "poolwatch_writer_batch_frames";
const WRITER_QUEUE: &str = "poolwatch_writer_queue_uploads";
const HOSTS: &str = "poolwatch_hosts";
const HOSTS_WAITING: &str = "poolwatch_hosts_waiting";
const HOSTS_STALE: &str = "poolwatch_fleet_hosts_stale";
const HOSTS_DAMAGED: &str = "poolwatch_hosts_damaged";
const HOSTS_CAPPED: &str = "poolwatch_fleet_hosts_capped";
const HOSTS_AT_HAND: &str = "poolwatch_fleet_hosts_in_memory";
const TABLE_BYTES: &str = "poolwatch_fleet_table_bytes";
const VIEW_SECONDS: &str = "poolwatch_fleet_view_seconds";
const STUDIES_LAG: &str = "poolwatch_studies_lag_seconds";
const MAILS: &str = "poolwatch_mails_total";
const CHECK: &str = "poolwatch_self_check";
const JOB_LAG: &str = "poolwatch_job_lag_seconds";
const DISK_FREE: &str = "poolwatch_data_disk_free_bytes";
const CERTIFICATE: &str = "poolwatch_certificate_expires_timestamp_seconds";

impl Metrics {
    /// Installs the registry of this process; a second call in tests shares the first.
    ///
    /// # Errors
    /// When another registry is installed.
    pub fn install() -> anyhow::Result<Self> {
        static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
        if let Some(handle) = HANDLE.get() {
            return Ok(Self(handle.clone()));
        }
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_ok() {
            let _ = HANDLE.set(handle.clone());
        }
        describe_counter!(REQUESTS, "HTTP requests answered, by status");
        describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "Time to answer an HTTP request");
        describe_gauge!(CONNECTIONS, "Connections that are open");
        describe_counter!(CONNECTIONS_REFUSED, "Connections refused, by limit (total, address)");
        describe_counter!(FRAMES, "Frames of hosts, by outcome (stored, duplicate, refused)");
        describe_counter!(FRAME_BYTES, Unit::Bytes, "Bytes of frames that were stored");
        describe_counter!(EVENTS, "Events of hosts, by outcome (stored, known, refused)");
        describe_histogram!(WRITER_BATCH, "Frames that were committed at once");
        describe_gauge!(WRITER_QUEUE, "Uploads that wait to be written");
        describe_gauge!(HOSTS, "Hosts, by presence (reporting, silent)");
        describe_gauge!(HOSTS_WAITING, "Hosts that wait for approval");
        describe_gauge!(HOSTS_STALE, "Hosts that were not heard since the server started");
        describe_gauge!(HOSTS_DAMAGED, "Hosts of which what is stored cannot be read");
        describe_gauge!(HOSTS_CAPPED, "Hosts with more tags or names than one host may add");
        describe_gauge!(HOSTS_AT_HAND, "Hosts whose latest tables are in memory");
        describe_gauge!(TABLE_BYTES, Unit::Bytes, "Memory that the tables of all hosts take");
        describe_histogram!(VIEW_SECONDS, Unit::Seconds, "Time to make the fleet's view");
        describe_gauge!(STUDIES_LAG, Unit::Seconds, "How long the host waits that waits longest");
        describe_counter!(MAILS, "Mails, by outcome (sent, failed)");
        describe_gauge!(CHECK, "What the server looks at of itself: 0 good, 1 warning, 2 failed");
        describe_gauge!(JOB_LAG, Unit::Seconds, "How late the job is that is latest");
        describe_gauge!(DISK_FREE, Unit::Bytes, "Free bytes of the data folder's disk");
        describe_gauge!(CERTIFICATE, Unit::Seconds, "When the certificate expires, since 1970");
        begin_at_zero();
        Ok(Self(HANDLE.get().cloned().unwrap_or(handle)))
    }

    /// Puts samples together that would pile up otherwise.
    pub fn run_upkeep(&self) {
        self.0.run_upkeep();
    }

    /// All metrics in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }
}

/// Counters stand at 0 before the first time: who asks for their increase sees that one as well.
fn begin_at_zero() {
    frames(0, 0, 0, 0);
    events(0, 0, 0);
    for outcome in ["sent", "failed"] {
        counter!(MAILS, "outcome" => outcome).absolute(0);
    }
    for limit in ["total", "address"] {
        counter!(CONNECTIONS_REFUSED, "limit" => limit).absolute(0);
    }
    connections(0);
    writer_queue(0);
}

/// Counts an answered request.
pub fn request(status: u16, elapsed: Duration) {
    counter!(REQUESTS, "status" => status.to_string()).increment(1);
    histogram!(REQUEST_SECONDS).record(elapsed);
}

/// Records how many connections there are.
pub fn connections(open: usize) {
    gauge!(CONNECTIONS).set(open as f64);
}

/// Counts a connection that was refused for a limit.
pub fn connection_refused(limit: &'static str) {
    counter!(CONNECTIONS_REFUSED, "limit" => limit).increment(1);
}

/// Counts frames of one upload.
pub fn frames(stored: u64, duplicate: u64, refused: u64, bytes: u64) {
    counter!(FRAMES, "outcome" => "stored").increment(stored);
    counter!(FRAMES, "outcome" => "duplicate").increment(duplicate);
    counter!(FRAMES, "outcome" => "refused").increment(refused);
    counter!(FRAME_BYTES).increment(bytes);
}

/// Counts events of one upload.
pub fn events(stored: usize, known: usize, refused: usize) {
    counter!(EVENTS, "outcome" => "stored").increment(stored as u64);
    counter!(EVENTS, "outcome" => "known").increment(known as u64);
    counter!(EVENTS, "outcome" => "refused").increment(refused as u64);
}

/// Records one commit of the writer.
pub fn writer(frames: usize, queue: usize) {
    histogram!(WRITER_BATCH).record(frames as f64);
    writer_queue(queue);
}

fn writer_queue(uploads: usize) {
    gauge!(WRITER_QUEUE).set(uploads as f64);
}

/// Records how something stands that the server looks at of itself: 0 good, 1 warning, 2 failed.
pub fn self_check(name: &'static str, state: u8) {
    gauge!(CHECK, "check" => name).set(f64::from(state));
}

/// Records how late the job is that is latest.
pub fn job_lag(seconds: u64) {
    gauge!(JOB_LAG).set(seconds as f64);
}

/// Records how many bytes of the data folder's disk are free.
pub fn data_disk(free_bytes: u64) {
    gauge!(DISK_FREE).set(free_bytes as f64);
}

/// Records when the certificate expires, seconds since 1970.
pub fn certificate(expires_s: i64) {
    gauge!(CERTIFICATE).set(expires_s as f64);
}

/// Records how many hosts report.
pub fn hosts(reporting: u64, silent: u64) {
    gauge!(HOSTS, "presence" => "reporting").set(reporting as f64);
    gauge!(HOSTS, "presence" => "silent").set(silent as f64);
}

/// Records how many hosts wait for approval.
pub fn waiting_hosts(count: u64) {
    gauge!(HOSTS_WAITING).set(count as f64);
}

/// Records how many hosts have more than one host may add to what all share, and of how many what is
/// stored cannot be read.
pub fn odd_hosts(capped: usize, damaged: usize) {
    gauge!(HOSTS_DAMAGED).set(damaged as f64);
    gauge!(HOSTS_CAPPED).set(capped as f64);
}

/// Records how the fleet's state stands.
pub fn fleet(stale: usize, at_hand: usize, table_bytes: usize, made_in: Duration) {
    gauge!(HOSTS_STALE).set(stale as f64);
    gauge!(HOSTS_AT_HAND).set(at_hand as f64);
    gauge!(TABLE_BYTES).set(table_bytes as f64);
    histogram!(VIEW_SECONDS).record(made_in);
}

/// Records how long the host has waited for its diagnosis that waits longest.
pub fn studies_lag(lag: Duration) {
    gauge!(STUDIES_LAG).set(lag.as_secs_f64());
}

/// Counts a mail.
pub fn mail(sent: bool) {
    counter!(MAILS, "outcome" => if sent { "sent" } else { "failed" }).increment(1);
}
