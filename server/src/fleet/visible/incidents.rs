//! Incidents as some of their hosts tell them.

use std::collections::HashMap;

use poolwatch_analysis::confidence::named_suspect;
use poolwatch_detection::record::make_record;
use poolwatch_model::{
    HostId,
    diagnosis::Diagnosis,
    incident::{Incident, IncidentId},
};
use poolwatch_store::{
    StoreError,
    incidents::{self, IncidentPart},
};
use poolwatch_web::words;
use sqlx::PgConnection;

/// Hosts of an incident whose judgements its record is made of.
const JUDGED: i64 = 20;

/// The incidents with the record, the figures and the hosts that these hosts make; those that touch
/// none of them are left out. The hosts are in order.
pub(super) async fn narrow(
    db: &mut PgConnection,
    found: Vec<Incident>,
    hosts: &[HostId],
) -> Result<Vec<Incident>, StoreError> {
    let ids: Vec<IncidentId> = found.iter().map(|incident| incident.id).collect();
    let parts = incidents::parts(db, &ids, hosts).await?;
    let shared: Vec<IncidentId> =
        parts.iter().filter(|part| part.has_others).map(|part| part.id).collect();
    let mut judged: HashMap<IncidentId, Vec<(HostId, Diagnosis)>> = HashMap::new();
    for (id, host, diagnosis) in incidents::host_diagnoses(db, &shared, hosts, JUDGED).await? {
        judged.entry(id).or_default().push((host, diagnosis));
    }
    let narrowed = found.into_iter().filter_map(|incident| {
        let at = parts.binary_search_by_key(&incident.id, |part| part.id).ok()?;
        match parts[at].has_others {
            false => Some(incident),
            true => {
                let of_hosts = judged.remove(&incident.id).unwrap_or_default();
                narrow_one(incident, &parts[at], of_hosts, hosts)
            }
        }
    });
    Ok(narrowed.collect())
}

fn narrow_one(
    incident: Incident,
    part: &IncidentPart,
    mut judged: Vec<(HostId, Diagnosis)>,
    hosts: &[HostId],
) -> Option<Incident> {
    judged.sort_by_key(|(_, diagnosis)| std::cmp::Reverse(words::severity(&diagnosis.verdict)));
    let (worst, of_worst) = judged.first()?;
    let named = judged.iter().map(|(_, one)| one).find(|one| named_suspect(one).is_some());
    let shown = incident.hosts.iter().copied().filter(|host| hosts.binary_search(host).is_ok());
    Some(Incident {
        opened: part.opened,
        last_seen: part.last_seen,
        findings: part.findings,
        diagnosis: make_record(of_worst, named.unwrap_or(of_worst)),
        hosts: shown.collect(),
        worst: Some(*worst),
        ..incident
    })
}
