//! What becomes of a judgement: findings, incidents that open, go on or end, and what people have
//! to be told of that. Runs in the transaction of whoever judged.

use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::{
    cause::{cause_of_diagnosis, is_vaguer},
    lifecycle::{IncidentLifecycle, Observation},
    record::{keep_suspects, make_record},
};
use poolwatch_model::{
    HostId,
    diagnosis::{Diagnosis, Evidence, Verdict},
    incident::{Cause, Incident, IncidentChange, IncidentId, IncidentState},
};
use poolwatch_store::{
    StoreError,
    incidents::{self, IncidentFilter, IncidentRecord, LockedIncident},
};
use serde_json::Value;
use sqlx::PgConnection;
use tracing::{error, info};

/// A finding of an incident that goes on is kept this often for a host.
const KEPT_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Unresolved incidents of a host that are looked at.
pub const OF_A_HOST: i64 = 50;

/// A judgement on a host.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The host.
    pub host: HostId,
    /// The moment that was judged.
    pub at: Timestamp,
    /// How long Windows had run, seconds.
    pub uptime_s: u64,
    /// What was found, one diagnosis per cause.
    pub diagnoses: &'a [Diagnosis],
    /// What changes of drivers did to incidents that were known before.
    pub outcomes: &'a [(IncidentId, Vec<Evidence>)],
    /// How it came about.
    pub kind: Kind,
}

/// How a judgement came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The host was studied: what was not found is not there.
    Study,
    /// Something happened, and was judged at once: each time is a finding.
    Event,
}

/// What came of a judgement.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Whether anything is wrong.
    pub found: bool,
    /// The incidents that the host is part of by this judgement.
    pub incidents: Vec<IncidentId>,
    /// What people have to be told.
    pub notices: Vec<Notice>,
}

/// Something that people have to be told, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// The incident.
    pub incident: IncidentId,
    /// What happened to it.
    pub change: IncidentChange,
    /// The host that was judged.
    pub host: HostId,
    /// The moment that was judged.
    pub at: Timestamp,
    /// Whether something has run out: nobody waits then.
    pub is_urgent: bool,
}

/// Keeps what was found on a host. An incident that cannot be read keeps none of the others from it.
///
/// # Errors
/// When the database fails.
pub async fn record(db: &mut PgConnection, judged: &Judged<'_>) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    // In the order of their causes: two judgements at a time never wait for each other in a circle.
    let mut found: Vec<(Cause, &Diagnosis)> = judged
        .diagnoses
        .iter()
        .filter_map(|one| Some((cause_of_diagnosis(judged.host, one)?, one)))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    for (cause, diagnosis) in &found {
        outcome.found = true;
        match record_cause(db, judged, cause, diagnosis).await {
            Err(error @ StoreError::Lifecycle { .. }) => {
                error!(%error, "A finding is not kept");
            }
            recorded => {
                let (id, notice) = recorded?;
                outcome.incidents.push(id);
                outcome.notices.extend(notice);
            }
        }
    }
    if judged.kind == Kind::Study {
        let filter =
            IncidentFilter { host: Some(judged.host), unresolved: true, ..Default::default() };
        for other in incidents::list(db, filter, OF_A_HOST).await? {
            if !outcome.incidents.contains(&other.id) {
                match not_found(db, judged, &other).await {
                    Err(error @ StoreError::Lifecycle { .. }) => {
                        error!(%error, "An incident stays as it is");
                    }
                    notice => outcome.notices.extend(notice?),
                }
            }
        }
    }
    Ok(outcome)
}

/// Keeps one finding of a cause: its incident opens, or goes on.
///
/// # Errors
/// When the database fails.
pub async fn record_cause(
    db: &mut PgConnection,
    judged: &Judged<'_>,
    cause: &Cause,
    diagnosis: &Diagnosis,
) -> Result<(IncidentId, Option<Notice>), StoreError> {
    let (known, is_named) = lock_incident(db, judged, cause).await?;
    // Windows' own word is news even of a cause that is known.
    let is_first_event =
        known.as_ref().is_some_and(|known| judged.kind == Kind::Event && !known.is_pictured);
    let news = match () {
        () if is_first_event => Some(IncidentChange::Worsened),
        () if is_named => Some(IncidentChange::Named),
        () => None,
    };
    let mut lifecycle = known.as_ref().map(read_lifecycle).transpose()?.unwrap_or_default();
    let goes_on = lifecycle.hosts.get(&judged.host).is_some_and(|of| !of.cleared);
    let mut diagnosis = diagnosis.clone();
    if let Some(known) = known.as_ref().filter(|_| goes_on)
        && let Some(before) = incidents::host_diagnosis(db, known.id, judged.host).await?
    {
        keep_suspects(&mut diagnosis, &before);
    }
    let found = Observation::Found { diagnosis: &diagnosis, uptime_s: judged.uptime_s, news };
    let update = lifecycle.observe(judged.host, judged.at, found);
    let id = match &known {
        Some(known) => {
            if update.counts {
                incidents::set_host_diagnosis(db, known.id, judged.host, &diagnosis).await?;
            }
            keep_record(db, known, &lifecycle, judged.at, None).await?;
            known.id
        }
        None => {
            let new = new_record(&lifecycle, &diagnosis, Some(judged.host))?;
            let id = incidents::open(db, cause, judged.at, &new).await?;
            incidents::set_host_diagnosis(db, id, judged.host, &diagnosis).await?;
            id
        }
    };
    let last = incidents::last_finding(db, id, judged.host).await?;
    let is_due = last.is_none_or(|last| judged.at.duration_since(last) >= KEPT_EVERY);
    if is_due || update.change.is_some() || judged.kind == Kind::Event {
        incidents::add_finding(db, id, judged.host, judged.at, &diagnosis).await?;
    }
    let notice = update.change.map(|change| {
        info!(host = %judged.host, incident = id.0, ?change, cause = cause.key(), "Incident");
        let is_urgent = matches!(diagnosis.verdict, Verdict::Exhausted | Verdict::CommitExhaustion);
        Notice { incident: id, change, host: judged.host, at: judged.at, is_urgent }
    });
    Ok((id, notice))
}

/// The incident that a finding of a cause belongs to, if there is one, and whether it gets this cause
/// as a better name.
///
/// A host that is part of an incident of which more is known belongs there, though this finding names
/// nobody.
async fn lock_incident(
    db: &mut PgConnection,
    judged: &Judged<'_>,
    cause: &Cause,
) -> Result<(Option<LockedIncident>, bool), StoreError> {
    let filter = IncidentFilter { host: Some(judged.host), unresolved: true, ..Default::default() };
    let of_host = incidents::list(db, filter, OF_A_HOST).await?;
    let goes_on_here = |other: &&Incident| other.hosts.binary_search(&judged.host).is_ok();
    let mut here = of_host.iter().filter(goes_on_here);
    if let Some(sharper) = here.find(|other| is_vaguer(cause, &other.cause)) {
        return Ok((incidents::lock(db, sharper.id).await?, false));
    }
    if let Some(known) = incidents::lock_cause(db, cause).await?
        && read_lifecycle(&known)?.takes(judged.at)
    {
        return Ok((Some(known), false));
    }
    let Some(vaguer) = of_host.iter().find(|other| is_vaguer(&other.cause, cause)) else {
        return Ok((None, false));
    };
    incidents::rename(db, vaguer.id, cause).await?;
    Ok((incidents::lock(db, vaguer.id).await?, true))
}

/// What was found before is not there now: after a restart, after what held it was stopped, or
/// because it no longer grows.
async fn not_found(
    db: &mut PgConnection,
    judged: &Judged<'_>,
    incident: &Incident,
) -> Result<Option<Notice>, StoreError> {
    let (id, host) = (incident.id, judged.host);
    let Some(known) = incidents::lock(db, id).await? else { return Ok(None) };
    let mut lifecycle = read_lifecycle(&known)?;
    if let Some((_, facts)) = judged.outcomes.iter().find(|(of, _)| *of == id) {
        let of_host = incidents::host_diagnosis(db, id, host).await?;
        let mut of_host = of_host.unwrap_or_else(|| known.diagnosis.clone());
        if learn(&mut of_host, facts) {
            incidents::set_host_diagnosis(db, id, host, &of_host).await?;
            incidents::add_finding(db, id, host, judged.at, &of_host).await?;
        }
    }
    let uptime = SignedDuration::from_secs(judged.uptime_s.cast_signed());
    let booted = judged.at.saturating_sub(uptime).unwrap_or(judged.at);
    let is_restarted =
        lifecycle.hosts.get(&host).is_some_and(|of| of.restarted.is_none() && of.grew < booted);
    if is_restarted {
        lifecycle.observe(host, booted, Observation::Restarted);
    }
    // A host that is heard again without a restart has not died of what it was suspected of.
    let observation = match incident.cause {
        Cause::Silence { .. } if !is_restarted => Observation::GivenBack,
        _ => Observation::NotFound { uptime_s: judged.uptime_s },
    };
    let change = lifecycle.observe(host, judged.at, observation).change;
    keep_record(db, &known, &lifecycle, judged.at, None).await?;
    Ok(change.map(|change| {
        info!(%host, incident = id.0, ?change, "Incident");
        Notice { incident: id, change, host, at: judged.at, is_urgent: false }
    }))
}

/// Adds what changes of drivers did to a diagnosis. Whether that is news.
fn learn(diagnosis: &mut Diagnosis, outcomes: &[Evidence]) -> bool {
    let change = |fact: &Evidence| match fact {
        Evidence::VersionOutcome { driver, before, after, .. } => {
            Some((driver.clone(), before.clone(), after.clone()))
        }
        _ => None,
    };
    let suspects = diagnosis.suspects.iter().flat_map(|suspect| &suspect.evidence);
    let told: Vec<_> = diagnosis.evidence.iter().chain(suspects).filter_map(change).collect();
    let is_new = |fact: &&Evidence| change(fact).is_some_and(|change| !told.contains(&change));
    let new: Vec<Evidence> = outcomes.iter().filter(is_new).cloned().collect();
    let is_news = !new.is_empty();
    diagnosis.evidence.splice(0..0, new);
    is_news
}

/// What the lifecycle remembers.
///
/// # Errors
/// When it does not read: a new incident in its place would forget what people were told.
pub fn read_lifecycle(known: &LockedIncident) -> Result<IncidentLifecycle, StoreError> {
    serde_json::from_value(known.lifecycle.clone())
        .map_err(|error| StoreError::Lifecycle { incident: known.id.0, error })
}

/// Whether a document is what the lifecycle of an incident remembers.
#[must_use]
pub fn is_lifecycle(document: Value) -> bool {
    serde_json::from_value::<IncidentLifecycle>(document).is_ok()
}

/// Keeps what became of an incident, its record made anew of the judgements of its hosts. That of an
/// incident that goes on nowhere stays.
pub(super) async fn keep_record(
    db: &mut PgConnection,
    known: &LockedIncident,
    lifecycle: &IncidentLifecycle,
    at: Timestamp,
    by: Option<&str>,
) -> Result<(), StoreError> {
    let (mut diagnosis, mut worst) = (known.diagnosis.clone(), known.worst);
    if let Some(hosts) = lifecycle.record_hosts()
        && let Some(of_worst) = incidents::host_diagnosis(db, known.id, hosts.worst).await?
    {
        let of_named = match hosts.named == hosts.worst {
            true => None,
            false => incidents::host_diagnosis(db, known.id, hosts.named).await?,
        };
        diagnosis = make_record(&of_worst, of_named.as_ref().unwrap_or(&of_worst));
        worst = Some(hosts.worst);
    }
    let new = new_record(lifecycle, &diagnosis, worst)?;
    incidents::set_record(db, known.id, &new, at, by).await
}

fn new_record<'a>(
    lifecycle: &IncidentLifecycle,
    diagnosis: &'a Diagnosis,
    worst: Option<HostId>,
) -> Result<IncidentRecord<'a>, StoreError> {
    let is_over = lifecycle.state == IncidentState::Resolved;
    Ok(IncidentRecord {
        state: lifecycle.state,
        lifecycle: serde_json::to_value(lifecycle)?,
        diagnosis,
        worst,
        hosts: if is_over {
            Vec::new()
        } else {
            lifecycle.affected().map(|(host, _)| host).collect()
        },
    })
}
