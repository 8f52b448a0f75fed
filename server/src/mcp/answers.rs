//! What the tools answer, as JSON of bounded size.

use std::cmp::Reverse;

use jiff::Timestamp;
use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_model::{
    HostId, Pool, PoolTag, Snapshot,
    diagnosis::{Diagnosis, Evidence},
    incident::{Details, Incident},
};
use poolwatch_web::words;
use serde_json::{Value, json};

pub(super) use crate::fleet::view::HostSummary;
use crate::{
    app_error::AppError,
    fleet::{baselines::Window, by_tag::TagMeasure, visible::VisibleFleet},
};

/// Bytes of an incident at most.
const INCIDENT_BYTES: usize = 10_000;
/// Rows of each list of an incident: fewer, until it fits.
const LIST_ROWS: [usize; 8] = [40, 25, 15, 10, 6, 3, 1, 0];
/// Tags, processes and hosts of one host or tag.
const TOP: usize = 15;
/// Characters of a name or text that comes from elsewhere.
const TEXT_CHARS: usize = 300;

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CHARS).collect()
}

/// Incidents in short.
pub(super) fn incidents(mut found: Vec<Incident>, visible: &VisibleFleet, rows: usize) -> Value {
    found.sort_by_key(|incident| {
        let severity = words::severity(&incident.diagnosis.verdict);
        Reverse((incident.state.is_active(), severity, incident.last_seen))
    });
    let total = found.len();
    let rows = found.iter().take(rows).map(|incident| {
        json!({
            "id": incident.id,
            "title": cut(&words::title(&incident.diagnosis)),
            "state": incident.state,
            "verdict": incident.diagnosis.verdict,
            "suspects": suspects_in_short(&incident.diagnosis),
            "hosts": incident.hosts.len(),
            "worst_host": incident.worst.map(|host| host_name(visible, host)),
            "opened": incident.opened,
            "last_seen": incident.last_seen,
        })
    });
    json!({ "total": total, "incidents": rows.collect::<Vec<Value>>() })
}

fn suspects_in_short(diagnosis: &Diagnosis) -> Vec<Value> {
    let suspects = diagnosis.suspects.iter().take(3);
    suspects
        .map(|one| {
            json!({
                "kind": one.kind,
                "name": one.name.as_deref().map(cut),
                "confidence": one.confidence,
            })
        })
        .collect()
}

/// One incident, with as many facts as fit.
pub(super) fn incident(
    incident: &Incident,
    details: &Details,
    visible: &VisibleFleet,
) -> Result<String, AppError> {
    for rows in LIST_ROWS {
        let text = serde_json::to_string(&incident_with(incident, details, visible, rows))
            .map_err(AppError::internal)?;
        if text.len() <= INCIDENT_BYTES {
            return Ok(text);
        }
    }
    Err(AppError::internal("an incident without its lists is too long"))
}

fn incident_with(
    incident: &Incident,
    details: &Details,
    visible: &VisibleFleet,
    rows: usize,
) -> Value {
    let diagnosis = &incident.diagnosis;
    let suspects = diagnosis.suspects.iter().take(rows.min(5)).map(|one| {
        json!({
            "kind": one.kind,
            "name": one.name.as_deref().map(cut),
            "version": one.version.as_deref().map(cut),
            "services": one.services.iter().take(rows).map(|name| cut(name)).collect::<Vec<_>>(),
            "tags": one.tags.iter().take(rows).collect::<Vec<_>>(),
            "confidence": one.confidence,
            "facts": facts(&one.evidence, rows),
        })
    });
    let os = incident.worst.and_then(|host| visible.view.host(host)?.host.facts.os.clone());
    let steps = words::next_steps(diagnosis, os.as_ref());
    let hosts = incident.hosts.iter().take(rows).map(|host| host_name(visible, *host));
    json!({
        "id": incident.id,
        "title": cut(&words::title(diagnosis)),
        "headline": cut(&words::headline(diagnosis)),
        "state": incident.state,
        "cause": incident.cause,
        "verdict": diagnosis.verdict,
        "opened": incident.opened,
        "last_seen": incident.last_seen,
        "findings": incident.findings,
        "owner": details.owner.as_deref().map(cut),
        "acknowledged": details.acknowledged.as_ref().map(|one| cut(&one.by)),
        "suspects": suspects.collect::<Vec<Value>>(),
        "facts": facts(&diagnosis.evidence, rows),
        "facts_in_all": diagnosis.evidence.len(),
        "time_left": diagnosis.time_left,
        "next_steps": steps.iter().take(rows).map(|step| cut(&step.title)).collect::<Vec<_>>(),
        "hosts": hosts.collect::<Vec<Value>>(),
        "hosts_in_all": incident.hosts.len(),
        "worst_host": incident.worst.map(|host| host_name(visible, host)),
    })
}

fn facts(evidence: &[Evidence], rows: usize) -> Vec<Value> {
    let facts = evidence.iter().take(rows);
    facts.map(|fact| json!({ "fact": fact, "text": cut(&words::evidence(fact)) })).collect()
}

fn host_name(visible: &VisibleFleet, host: HostId) -> Value {
    json!({ "id": host, "name": visible.view.host(host).map(|one| cut(&one.host.name)) })
}

/// Hosts in short, those under most pressure first.
pub(super) fn hosts(
    visible: &VisibleFleet,
    is_wanted: impl Fn(&HostSummary) -> bool,
    rows: usize,
    now: Timestamp,
) -> Value {
    let mut found: Vec<_> = visible.view.hosts.iter().filter(|host| is_wanted(host)).collect();
    let share = |host: &HostSummary, pool| {
        let share = host.memory.of(pool)?.share_of(host.ceiling(pool)?.bytes);
        Some((share * 1e6) as u64)
    };
    found.sort_by_key(|host| {
        (Reverse(Pool::ALL.into_iter().filter_map(|pool| share(host, pool)).max()), host.host.id)
    });
    let total = found.len();
    let rows: Vec<Value> = found.iter().take(rows).map(|host| in_short(host, now)).collect();
    json!({ "total": total, "hosts": rows })
}

fn in_short(host: &HostSummary, now: Timestamp) -> Value {
    let pools = Pool::ALL.map(|pool| {
        json!({
            "pool": pool,
            "bytes": host.memory.of(pool),
            "limit_bytes": host.ceiling(pool).map(|ceiling| ceiling.bytes),
            "change_24h_bytes": host.growth(pool),
        })
    });
    json!({
        "id": host.host.id,
        "name": cut(&host.host.name),
        "windows": host.host.facts.os.as_ref().map(|os| cut(&os.to_string())),
        "labels": host.host.labels,
        "reports": host.presence(now).reports(),
        "last_heard": host.received,
        "pools": pools,
        "open_incident": host.incident,
    })
}

/// One host.
pub(super) fn host(
    summary: &HostSummary,
    snapshot: Option<&Snapshot>,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Value {
    let mut tags: Vec<Value> = Vec::new();
    let mut processes: Vec<Value> = Vec::new();
    if let Some(table) = snapshot.and_then(|snapshot| snapshot.tags.as_ref()) {
        let mut uses: Vec<_> = table
            .rows
            .iter()
            .flat_map(|row| {
                [(row.tag, Pool::Nonpaged, row.nonpaged), (row.tag, Pool::Paged, row.paged)]
            })
            .collect();
        uses.sort_by_key(|(tag, _, counters)| (Reverse(counters.bytes), *tag));
        tags.extend(uses.iter().take(TOP).map(|(tag, pool, counters)| {
            json!({
                "tag": tag,
                "pool": pool,
                "bytes": counters.bytes,
                "outstanding": counters.outstanding,
                "meaning": catalogue.describe(*tag).map(|told| cut(told.meaning)),
            })
        }));
    }
    if let Some(all) = snapshot.and_then(|snapshot| snapshot.processes.as_ref()) {
        let mut all: Vec<_> = all.iter().collect();
        all.sort_by_key(|process| (Reverse(process.handles), process.key));
        processes.extend(all.iter().take(TOP).map(|process| {
            json!({
                "image": cut(&process.image),
                "pid": process.key.pid,
                "handles": process.handles,
                "threads": process.threads,
                "services": process.services.iter().take(5).map(|name| cut(name)).collect::<Vec<_>>(),
            })
        }));
    }
    json!({
        "host": in_short(summary, now),
        "memory": summary.memory,
        "note": cut(&summary.host.note),
        "tags_with_most_bytes": tags,
        "processes_with_most_handles": processes,
    })
}

/// Tags over the fleet.
pub(super) fn tags(
    visible: &VisibleFleet,
    catalogue: &Catalogue,
    by_growth: bool,
    rows: usize,
) -> Value {
    let measure = if by_growth { TagMeasure::Growth(Window::Day) } else { TagMeasure::Sum };
    let ranked = visible.view.tags.ranked(measure, |line| line.hosts > 0);
    let rows = ranked.iter().take(rows).map(|line| {
        let growth = line.growth(Window::Day);
        json!({
            "tag": line.tag,
            "pool": line.pool,
            "meaning": catalogue.describe(line.tag).map(|told| cut(told.meaning)),
            "hosts": line.hosts,
            "bytes": line.sum,
            "growth_24h_bytes": growth.bytes,
            "grows_on_hosts": growth.grown_hosts,
        })
    });
    json!({ "total": ranked.len(), "tags": rows.collect::<Vec<Value>>() })
}

/// One tag.
pub(super) fn tag(visible: &VisibleFleet, catalogue: &Catalogue, tag: PoolTag) -> Value {
    let told = catalogue.describe(tag);
    let by_host = visible.tag_by_host(tag);
    let pools = Pool::ALL.map(|pool| {
        let uses = by_host.of(pool);
        let top = uses.iter().take(TOP).map(|one| {
            json!({
                "host": host_name(visible, one.host),
                "bytes": one.counters.bytes,
                "outstanding": one.counters.outstanding,
                "growth_24h_bytes": one.growth(Window::Day),
            })
        });
        json!({ "pool": pool, "hosts": uses.len(), "most": top.collect::<Vec<Value>>() })
    });
    json!({
        "tag": tag,
        "meaning": told.as_ref().map(|told| cut(told.meaning)),
        "owner": told.as_ref().and_then(|told| told.owner).map(cut),
        "certainty": told.as_ref().map(|told| words::certainty(told.certainty)),
        "pools": pools,
    })
}
