//! What `/metrics` tells of single hosts, in the text format of Prometheus.

use std::{
    cmp::Reverse,
    fmt::{self, Write},
};

use jiff::Timestamp;
use poolwatch_model::{Pool, PoolTag};
use poolwatch_web::words;

use crate::fleet::{
    Fleet,
    view::{FleetView, HostSummary},
};

/// Hosts that are told of at most, those with the lowest numbers.
const HOSTS: usize = 20_000;
/// Tags of a host and pool that are told, those with most bytes.
const TOP_TAGS: usize = 5;

const POOL: &str = "poolwatch_host_pool_bytes";
const POOL_LIMIT: &str = "poolwatch_host_pool_limit_bytes";
const COMMIT: &str = "poolwatch_host_commit_bytes";
const COMMIT_LIMIT: &str = "poolwatch_host_commit_limit_bytes";
const REPORTING: &str = "poolwatch_host_reporting";
const HEARD: &str = "poolwatch_host_last_heard_timestamp_seconds";
const INCIDENT: &str = "poolwatch_host_incident_open";
const TAG: &str = "poolwatch_host_tag_bytes";
const LEFT_OUT: &str = "poolwatch_hosts_without_metrics";

/// The metrics of all hosts, a family after the other.
#[must_use]
pub fn render(fleet: &Fleet, view: &FleetView, now: Timestamp) -> String {
    let hosts = &view.hosts[..view.hosts.len().min(HOSTS)];
    let labels: Vec<String> = hosts.iter().map(|host| labels_of(host)).collect();
    let told = || hosts.iter().zip(&labels);
    let mut text = Exposition(String::with_capacity(hosts.len() * 2_000));
    text.begin(POOL, "Bytes of a pool in use, by pool (nonpaged, paged)");
    for (host, labels) in told() {
        for pool in Pool::ALL {
            let used = host.memory.of(pool).map(|bytes| bytes.0);
            text.sample(POOL, labels, &[("pool", pool.as_str())], used);
        }
    }
    text.begin(POOL_LIMIT, "Bytes that a pool can take, where that is known");
    for (host, labels) in told() {
        for pool in Pool::ALL {
            let limit = host.ceiling(pool).map(|ceiling| ceiling.bytes.0);
            text.sample(POOL_LIMIT, labels, &[("pool", pool.as_str())], limit);
        }
    }
    text.begin(COMMIT, "Commit charge, bytes");
    for (host, labels) in told() {
        text.sample(COMMIT, labels, &[], host.memory.committed.map(|bytes| bytes.0));
    }
    text.begin(COMMIT_LIMIT, "Commit limit, bytes");
    for (host, labels) in told() {
        text.sample(COMMIT_LIMIT, labels, &[], host.memory.commit_limit.map(|bytes| bytes.0));
    }
    text.begin(REPORTING, "Whether a host's agent reports (1 or 0)");
    for (host, labels) in told() {
        let reports = host.presence(now).reports();
        text.sample(REPORTING, labels, &[], Some(u64::from(reports)));
    }
    text.begin(HEARD, "When a host was last heard, seconds since 1970");
    for (host, labels) in told() {
        let heard = host.received.map(|at| at.as_second().unsigned_abs());
        text.sample(HEARD, labels, &[], heard);
    }
    text.begin(INCIDENT, "Whether a host has an open incident (1 or 0)");
    for (host, labels) in told() {
        text.sample(INCIDENT, labels, &[], Some(u64::from(host.incident.is_some())));
    }
    text.begin(TAG, "Bytes of the tags that use most of a pool on a host, five for each pool");
    for (host, labels) in told() {
        for (pool, tag, bytes) in top_tags(fleet, host) {
            let tag = tag.to_string();
            text.sample(TAG, labels, &[("pool", pool.as_str()), ("tag", &tag)], Some(bytes));
        }
    }
    text.begin(LEFT_OUT, "Hosts beyond 20,000, of which no metrics are told");
    text.sample(LEFT_OUT, "", &[], Some((view.hosts.len() - hosts.len()) as u64));
    text.0
}

/// The tags of a host with most bytes, where its tables are in memory.
fn top_tags(fleet: &Fleet, host: &HostSummary) -> Vec<(Pool, PoolTag, u64)> {
    let Some(live) = fleet.known(host.host.id) else { return Vec::new() };
    let state = live.read();
    let Some(tags) = state.tables().and_then(|tables| tables.tags.as_ref()) else {
        return Vec::new();
    };
    let mut top = [const { Vec::<(u64, PoolTag)>::new() }; 2];
    for cell in tags.cells() {
        let (top, bytes) = (&mut top[cell.pool as usize], cell.counters.bytes);
        if top.len() < TOP_TAGS {
            top.push((bytes, cell.tag));
        } else if let Some(least) = top.iter_mut().min_by_key(|one| one.0)
            && bytes > least.0
        {
            *least = (bytes, cell.tag);
        }
    }
    drop(state);
    let of_pool = |pool: Pool| {
        let mut top = std::mem::take(&mut top[pool as usize]);
        top.sort_unstable_by_key(|one| Reverse(*one));
        top.into_iter().map(move |(bytes, tag)| (pool, tag, bytes))
    };
    Pool::ALL.into_iter().flat_map(of_pool).collect()
}

fn labels_of(host: &HostSummary) -> String {
    let group = words::group(&host.host.facts).unwrap_or_default();
    let id = host.host.id;
    format!("host=\"{}\",host_id=\"{id}\",group=\"{}\"", Escaped(&host.host.name), Escaped(&group))
}

/// Metrics as text.
struct Exposition(String);

impl Exposition {
    fn begin(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    /// A value, where it is known.
    fn sample(&mut self, name: &str, labels: &str, further: &[(&str, &str)], value: Option<u64>) {
        let Some(value) = value else { return };
        let text = &mut self.0;
        text.push_str(name);
        if !labels.is_empty() {
            text.push('{');
            text.push_str(labels);
            for (name, value) in further {
                let _ = write!(text, ",{name}=\"{}\"", Escaped(value));
            }
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
    }
}

/// A label's value as the format wants it.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
