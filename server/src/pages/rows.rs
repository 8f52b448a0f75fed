//! What tables show of hosts, incidents, events and imported files.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{Bytes, HostId, Pool, event::EventKind, incident::Incident};
use poolwatch_store::{events::HostEvent, evidence::Evidence};
use poolwatch_web::{
    HostLink,
    events::EventRow,
    evidence::{IgnoredLine, ImportedFile, TagFound},
    hosts::{HostRow, HostSource, TopProcess},
    incidents::{IncidentHost, IncidentRow},
    level::PoolLevel,
    mark::IncidentMark,
    sparkline::Sparkline,
    words,
};

use super::presence;
use crate::{
    diagnosing::FoundTag,
    fleet::{
        host::AHEAD,
        view::{FleetView, HostSummary},
    },
    import::FileSummary,
};

/// Events shortly before an incident was seen are its own: growth is judged every ten minutes.
const EVENTS_BEFORE: SignedDuration = SignedDuration::from_hours(1);

/// A host's link, by its short name.
pub(super) fn link(summary: &HostSummary) -> HostLink {
    HostLink { id: summary.host.id, name: short_name(summary) }
}

/// The link of a host that the view may not hold: one that came a moment ago, or was retired.
pub(super) fn link_to(view: &FleetView, id: HostId) -> HostLink {
    view.host(id).map_or_else(|| HostLink { id, name: format!("host {id}") }, |host| link(host))
}

/// The first label of the name that an agent tells; the whole name that an import gave.
pub(super) fn short_name(summary: &HostSummary) -> String {
    match presence::source(summary) {
        HostSource::Agent => first_label(&summary.host.name).to_owned(),
        HostSource::Imported => summary.host.name.clone(),
    }
}

fn first_label(name: &str) -> &str {
    if name.parse::<std::net::IpAddr>().is_ok() {
        return name;
    }
    name.split('.').next().filter(|label| !label.is_empty()).unwrap_or(name)
}

/// How full a pool of a host is.
pub(super) fn level(summary: &HostSummary, pool: Pool) -> PoolLevel {
    PoolLevel {
        pool,
        used: summary.memory.of(pool),
        ceiling: summary.ceiling(pool),
        physical: summary.memory.physical,
    }
}

/// How a pool of a host went in the last 24 h.
pub(super) fn trend(summary: &HostSummary, pool: Pool) -> Sparkline {
    Sparkline::bytes(match pool {
        Pool::Nonpaged => summary.nonpaged_trend.clone(),
        Pool::Paged => summary.paged_trend.clone(),
    })
}

/// When a host's data were taken or came: imported data are as old as they say themselves.
pub(super) fn last_seen(summary: &HostSummary) -> Option<Timestamp> {
    match presence::source(summary) {
        HostSource::Agent => summary.received,
        HostSource::Imported => summary.at,
    }
}

/// When a host started. What was imported does not tell.
pub(super) fn booted(summary: &HostSummary) -> Option<Timestamp> {
    summary.booted_at.filter(|_| presence::source(summary) == HostSource::Agent)
}

/// A host in a table.
pub(super) fn host(view: &FleetView, summary: &HostSummary, now: Timestamp) -> HostRow {
    let incident = summary.incident.and_then(|at| view.incidents.get(at));
    HostRow {
        host: link(summary),
        full_name: summary.host.name.clone(),
        os: summary.host.facts.os.clone(),
        group: words::group(&summary.host.facts),
        presence: summary.presence(now),
        booted: booted(summary),
        nonpaged: level(summary, Pool::Nonpaged),
        paged: level(summary, Pool::Paged),
        committed: summary.memory.committed,
        commit_limit: summary.memory.commit_limit,
        nonpaged_growth: summary.growth(Pool::Nonpaged),
        paged_growth: summary.growth(Pool::Paged),
        top_process: summary.top_process.as_ref().map(|(image, pid, handles)| TopProcess {
            image: image.clone(),
            pid: *pid,
            handles: *handles,
        }),
        taken: summary.at,
        received: summary.received,
        incident: incident.map(IncidentMark::from),
        left_s: summary.left_s,
    }
}

/// An incident in a table.
pub(super) fn incident(view: &FleetView, incident: &Incident) -> IncidentRow {
    let worst = incident_hosts(view, incident).into_iter().next();
    IncidentRow {
        incident: incident.clone(),
        hosts: incident.hosts.len() as u64,
        worst,
        is_silenced: view.silenced.contains(&incident.id),
    }
}

/// The hosts of an incident with the pool that it is about, the worst first.
pub(super) fn incident_hosts(view: &FleetView, incident: &Incident) -> Vec<IncidentHost> {
    let pool = incident.cause.pool().or(incident.diagnosis.pool).unwrap_or(Pool::Nonpaged);
    let suspect = !incident.diagnosis.suspects.is_empty();
    let mut hosts: Vec<IncidentHost> = incident
        .hosts
        .iter()
        .map(|id| match view.host(*id) {
            Some(summary) => IncidentHost {
                host: link(summary),
                os: summary.host.facts.os.clone(),
                level: level(summary, pool),
                growth: summary.growth(pool),
                trend: trend(summary, pool).marked(suspect),
            },
            None => IncidentHost {
                host: link_to(view, *id),
                os: None,
                level: PoolLevel { pool, used: None, ceiling: None, physical: None },
                growth: None,
                trend: Sparkline::bytes(Vec::new()),
            },
        })
        .collect();
    let share = |host: &IncidentHost| host.level.share().map(|share| (share * 1e6) as u64);
    let is_worst = |host: &IncidentHost| Some(host.host.id) == incident.worst;
    hosts.sort_by_key(|host| Reverse((is_worst(host), host.level.pressure(), share(host))));
    hosts
}

/// The open incidents for which something holds, the worst first.
pub(super) fn open_incidents(
    view: &FleetView,
    holds: impl Fn(&Incident) -> bool,
) -> Vec<IncidentRow> {
    let is_wanted = |one: &&Incident| one.state.is_active() && holds(one);
    let mut open: Vec<Incident> = view.incidents.iter().filter(is_wanted).cloned().collect();
    sort_incidents(&mut open);
    open.iter().map(|one| incident(view, one)).collect()
}

/// Whether an incident suspects a program or driver of this name.
pub(super) fn suspects(incident: &Incident, name: &str) -> bool {
    let names = incident.diagnosis.suspects.iter().filter_map(|suspect| suspect.name.as_ref());
    names.into_iter().any(|suspect| suspect.eq_ignore_ascii_case(name))
}

/// Incidents in the order in which they want attention: open before past, the worst and latest
/// first.
pub(super) fn sort_incidents(incidents: &mut [Incident]) {
    incidents.sort_by_key(|incident| {
        let open = incident.state.is_active();
        let severity = words::severity(&incident.diagnosis.verdict);
        Reverse((open, severity, incident.last_seen, incident.id))
    });
}

/// An event in a table, with the unresolved incident that it belongs to.
pub(super) fn event(view: &FleetView, event: HostEvent) -> EventRow {
    let incident = view.incidents.iter().find(|incident| is_part(incident, &event));
    EventRow {
        host: link_to(view, event.host),
        incident: incident.map(|incident| incident.id),
        came: (event.event.time.duration_since(event.received_at) > AHEAD)
            .then_some(event.received_at),
        event: event.event,
    }
}

/// Since when events count for an incident.
pub(super) fn rests_on_since(incident: &Incident) -> Timestamp {
    incident.opened.saturating_sub(EVENTS_BEFORE).unwrap_or(incident.opened)
}

/// Whether an incident rests on an event.
pub(super) fn is_part(incident: &Incident, event: &HostEvent) -> bool {
    let pool = match event.event.kind() {
        EventKind::PoolEmpty(pool) => Some(pool),
        EventKind::CommitExhausted => None,
        _ => return false,
    };
    !event.history
        && incident.hosts.binary_search(&event.host).is_ok()
        && incident.cause.pool() == pool
        && (rests_on_since(incident)..=incident.last_seen).contains(&event.event.time)
}

/// An imported file, as it is kept.
pub(super) fn file(evidence: Evidence) -> ImportedFile {
    // A summary that this version cannot read shows as a file of which nothing is known.
    let summary: Option<FileSummary> = serde_json::from_value(evidence.summary).ok();
    let size = Bytes(evidence.size_bytes.unsigned_abs());
    imported_file(evidence.name, size, summary, evidence.imported_at)
}

/// An imported file with what was understood of it.
pub(super) fn imported_file(
    name: String,
    size: Bytes,
    summary: Option<FileSummary>,
    imported: Timestamp,
) -> ImportedFile {
    let (kind, used, ignored, lines) = summary.map_or_else(Default::default, |summary| {
        (summary.kind, summary.used, summary.ignored, summary.ignored_lines)
    });
    let ignored_lines = lines
        .into_iter()
        .map(|line| IgnoredLine { number: line.number, text: line.text, reason: line.reason })
        .collect();
    ImportedFile { name, kind, size, used, ignored, ignored_lines, imported }
}

/// A tag that a diagnosis of texts is about.
pub(super) fn found_tag(found: FoundTag) -> TagFound {
    TagFound {
        tag: found.tag,
        pool: found.pool,
        bytes: found.bytes,
        outstanding: found.outstanding,
        meaning: found.meaning,
        owners: found.owners.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_the_first_label_but_never_a_part_of_an_address() {
        for (name, short) in [
            ("FS-02.corp.example", "FS-02"),
            ("FS-02", "FS-02"),
            ("10.1.2.3", "10.1.2.3"),
            (".odd", ".odd"),
        ] {
            assert_eq!(first_label(name), short);
        }
    }
}
