//! What becomes of a judgement: findings, incidents that open, go on or end, and what people have
//! to be told of that. Runs in the transaction of whoever judged.

use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::lifecycle::{self, Observed, Standing};
use poolwatch_model::{
    HostId,
    diagnosis::{Diagnosis, Evidence, Verdict},
    incident::{Cause, Incident, IncidentChange, IncidentId, IncidentState},
};
use poolwatch_store::{
    StoreError,
    incidents::{self, IncidentFilter, Locked, NewStanding},
};
use sqlx::PgConnection;
use tracing::info;

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
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The incident.
    pub incident: IncidentId,
    /// What happened to it.
    pub told: IncidentChange,
    /// The judgement that led to it.
    pub diagnosis: Diagnosis,
    /// Hosts on which it goes on.
    pub hosts: usize,
    /// The moment that was judged.
    pub at: Timestamp,
}

/// Keeps what was found on a host.
///
/// # Errors
/// When the database fails.
pub async fn record(db: &mut PgConnection, judged: &Judged<'_>) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    // In the order of their causes: two judgements at a time never wait for each other in a circle.
    let mut found: Vec<(Cause, &Diagnosis)> = judged
        .diagnoses
        .iter()
        .filter_map(|one| Some((lifecycle::cause(judged.host, one)?, one)))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    for (cause, diagnosis) in &found {
        outcome.found = true;
        let (id, notice) = record_cause(db, judged, cause, diagnosis).await?;
        outcome.incidents.push(id);
        outcome.notices.extend(notice);
    }
    if judged.kind == Kind::Study {
        let filter =
            IncidentFilter { host: Some(judged.host), unresolved: true, ..Default::default() };
        for other in incidents::list(db, filter, OF_A_HOST).await? {
            if !outcome.incidents.contains(&other.id) {
                outcome.notices.extend(not_found(db, judged, &other).await?);
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
    let mut known = incidents::lock_cause(db, cause).await?.filter(|one| takes(one, judged.at));
    let mut is_named = false;
    if known.is_none() {
        known = vaguer(db, judged.host, cause).await?;
        if let Some(vaguer) = &known {
            incidents::rename(db, vaguer.id, cause).await?;
            is_named = true;
        }
    }
    // That a pool is empty, and Windows' own word for it, are news even of a cause that is known.
    let is_news = known.as_ref().is_some_and(|known| {
        diagnosis.verdict == Verdict::Exhausted && known.diagnosis.verdict != Verdict::Exhausted
            || judged.kind == Kind::Event && !known.is_pictured
    });
    let mut standing = known.as_ref().map(standing_of).unwrap_or_default();
    let per_day = diagnosis.tags.iter().find_map(|tag| tag.bytes_per_day).map_or(0, |day| day.0);
    let observed = Observed::Found {
        per_day: per_day as f64,
        left_s: diagnosis.left_s(),
        uptime_s: judged.uptime_s,
    };
    let told = standing.observe(judged.host, judged.at, observed);
    let told = told
        .or(is_news.then_some(IncidentChange::Worsened))
        .or(is_named.then_some(IncidentChange::Named))
        .filter(|_| tells(diagnosis));
    let new = new_standing(&standing)?;
    let id = match &known {
        Some(known) => {
            incidents::stand(db, known.id, &new, judged.at, None).await?;
            known.id
        }
        None => incidents::open(db, cause, judged.at, diagnosis, &new).await?,
    };
    let last = incidents::last_finding(db, id, judged.host).await?;
    let is_due = last.is_none_or(|last| judged.at.duration_since(last) >= KEPT_EVERY);
    if is_due || told.is_some() || judged.kind == Kind::Event {
        incidents::add_finding(db, id, judged.host, judged.at, diagnosis).await?;
    }
    let notice = told.map(|told| {
        info!(host = %judged.host, incident = id.0, ?told, cause = cause.key(), "Incident");
        notice(id, told, diagnosis, &standing, judged.at)
    });
    Ok((id, notice))
}

/// What was found before is not there now: after a restart, after what held it was stopped, or
/// because it no longer grows.
async fn not_found(
    db: &mut PgConnection,
    judged: &Judged<'_>,
    incident: &Incident,
) -> Result<Option<Notice>, StoreError> {
    let id = incident.id;
    let Some(mut known) = incidents::lock(db, id).await? else { return Ok(None) };
    let mut standing = standing_of(&known);
    let outcomes = judged.outcomes.iter().find(|(of, _)| *of == id);
    if outcomes.is_some_and(|(_, facts)| learn(&mut known.diagnosis, facts)) {
        incidents::add_finding(db, id, judged.host, judged.at, &known.diagnosis).await?;
    }
    let uptime = SignedDuration::from_secs(judged.uptime_s.cast_signed());
    let booted = judged.at.saturating_sub(uptime).unwrap_or(judged.at);
    let is_restarted = standing
        .hosts
        .get(&judged.host)
        .is_some_and(|of| of.restarted.is_none() && of.grew < booted);
    if is_restarted {
        standing.observe(judged.host, booted, Observed::Restarted);
    }
    // A host that is heard again without a restart has not died of what it was suspected of.
    let observed = match incident.cause {
        Cause::Silence { .. } if !is_restarted => Observed::GivenBack,
        _ => Observed::NotFound { uptime_s: judged.uptime_s },
    };
    let told = standing.observe(judged.host, judged.at, observed);
    let told = told.filter(|_| tells(&known.diagnosis));
    incidents::stand(db, id, &new_standing(&standing)?, judged.at, None).await?;
    Ok(told.map(|told| {
        info!(host = %judged.host, incident = id.0, ?told, "Incident");
        notice(id, told, &known.diagnosis, &standing, judged.at)
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

/// An incident of this host that was about the same thing when less was known of it.
async fn vaguer(
    db: &mut PgConnection,
    host: HostId,
    cause: &Cause,
) -> Result<Option<Locked>, StoreError> {
    let filter = IncidentFilter { host: Some(host), unresolved: true, ..Default::default() };
    let others = incidents::list(db, filter, OF_A_HOST).await?;
    let same = others.into_iter().find(|other| {
        other.cause.pool() == cause.pool()
            && match (&other.cause, cause) {
                (Cause::PoolEmpty { .. }, of) => of.tag().is_some(),
                (
                    Cause::UnknownOwner { tag, .. } | Cause::KernelReference { tag, .. },
                    Cause::Program { tag: of, .. } | Cause::Driver { tag: of, .. },
                ) => tag == of,
                _ => false,
            }
    });
    match same {
        Some(same) => incidents::lock(db, same.id).await,
        None => Ok(None),
    }
}

/// Whether people are written to: what only uses much, without growth, is shown and no more.
fn tells(diagnosis: &Diagnosis) -> bool {
    matches!(diagnosis.verdict, Verdict::Exhausted | Verdict::Leak | Verdict::CommitExhaustion)
}

fn takes(known: &Locked, at: Timestamp) -> bool {
    standing_of(known).takes(at)
}

/// What the lifecycle remembers; nothing of an incident that an older server opened.
pub(super) fn standing_of(known: &Locked) -> Standing {
    let standing = known.standing.clone();
    standing.and_then(|standing| serde_json::from_value(standing).ok()).unwrap_or_default()
}

pub(super) fn new_standing(standing: &Standing) -> Result<NewStanding, StoreError> {
    let goes_on = standing.hosts.iter().filter(|(_, of)| !of.cleared).map(|(host, _)| *host);
    Ok(NewStanding {
        state: standing.state,
        standing: serde_json::to_value(standing)?,
        hosts: if standing.state == IncidentState::Resolved {
            Vec::new()
        } else {
            goes_on.collect()
        },
    })
}

fn notice(
    incident: IncidentId,
    told: IncidentChange,
    diagnosis: &Diagnosis,
    standing: &Standing,
    at: Timestamp,
) -> Notice {
    Notice { incident, told, diagnosis: diagnosis.clone(), hosts: standing.affected(), at }
}
