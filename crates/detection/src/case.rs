//! The case of a host: loaded from what is stored of it and of its fleet, and diagnosed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::{CaseFile, diagnose_causes, holders, release, scans};
use poolwatch_model::{
    HostId, PoolTag,
    diagnosis::{Diagnosis, Evidence, Verdict},
    history::WantedSeries,
    incident::{Incident, IncidentId},
};

use crate::{
    bounds::{
        CANDIDATES, CHANGED_WITHIN, CHANGES, COMPARISONS, EVENTS, FINE_WINDOW, INCIDENTS_OF_HOST,
        MOST_PROCESSES, MOST_TAGS, WINDOW,
    },
    comparison::votes_by_tag,
    history::{History, Period},
    peers::peer_usage,
};

/// What of a host is diagnosed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Tags that its screening points out.
    pub tags: Vec<PoolTag>,
    /// Whether these tags alone are looked at first: when nothing is wrong with them, nothing else is
    /// looked at.
    pub is_glance: bool,
}

/// A host with everything that its diagnosis may rest on.
#[derive(Debug, Clone)]
pub struct Case {
    /// Which host.
    pub host: HostId,
    /// What is known of it.
    pub file: CaseFile,
    /// Its unresolved incidents.
    pub incidents: Vec<Incident>,
}

/// What is wrong with a host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostDiagnosis {
    /// Which host.
    pub host: HostId,
    /// The moment that was diagnosed.
    pub at: Timestamp,
    /// How long Windows had run, seconds.
    pub uptime_s: u64,
    /// One diagnosis for each cause, the worst first; never empty.
    pub diagnoses: Vec<Diagnosis>,
    /// Whether no more than the tags of its screening were looked at.
    pub is_glance: bool,
    /// What changes of drivers did to incidents that were known before.
    pub outcomes: Vec<(IncidentId, Vec<Evidence>)>,
}

/// Says what is wrong with a host as it is now; `None` when there is no such host.
///
/// # Errors
/// When what is stored cannot be read.
pub async fn diagnose_host<H: History>(
    history: &mut H,
    host: HostId,
    look: &Look,
    now: Timestamp,
) -> Result<Option<HostDiagnosis>, H::Error> {
    if look.is_glance {
        let tags = look.tags.iter().map(|tag| tag.unprotected()).collect();
        let wanted = WantedSeries { tags, ..WantedSeries::default() };
        let Some(case) = load_series(history, host, &wanted, now).await? else { return Ok(None) };
        let found = case.diagnose();
        if !found.diagnoses.iter().any(is_wrong) {
            return Ok(Some(HostDiagnosis { is_glance: true, ..found }));
        }
    }
    let case = load_case(history, host, &look.tags, now).await?;
    Ok(case.map(|case| case.diagnose()))
}

/// Loads the case of a host as it is now; `None` when there is no such host. `candidates` are the
/// tags that its screening points out.
///
/// # Errors
/// When what is stored cannot be read.
pub async fn load_case<H: History>(
    history: &mut H,
    host: HostId,
    candidates: &[PoolTag],
    now: Timestamp,
) -> Result<Option<Case>, H::Error> {
    let incidents = history.incidents(host, INCIDENTS_OF_HOST).await?;
    let wanted = wanted_series(candidates, &incidents);
    let Some(mut case) = load_series(history, host, &wanted, now).await? else { return Ok(None) };
    let before = |span: SignedDuration| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
    case.file.events = history.events(host, before(WINDOW), EVENTS).await?;
    case.file.changes = history.changes(host, before(CHANGED_WITHIN), CHANGES).await?;
    case.file.drivers = history.drivers(host).await?;
    case.file.handles_by_type = history.handles_by_type(host).await?;
    let tags: Vec<PoolTag> = case.file.tags.iter().map(|series| series.tag).collect();
    let found = history.tags_in_drivers(&case.file.drivers, &tags).await?;
    case.file.owners.extend(scans::owners_by_code(&found));
    case.file.fleet = votes_by_tag(history.comparisons(COMPARISONS).await?);
    case.file.name_owners(&history.catalogue());
    Ok(Some(Case { incidents, ..case }))
}

/// The series of a host and how they stand against its peers.
async fn load_series<H: History>(
    history: &mut H,
    host: HostId,
    wanted: &WantedSeries,
    now: Timestamp,
) -> Result<Option<Case>, H::Error> {
    let Some(facts) = history.facts(host).await? else { return Ok(None) };
    let before = |span: SignedDuration| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let period = Period { from: before(WINDOW), fine_from: before(FINE_WINDOW), to: now };
    let series = history.series(host, period, wanted).await?;
    let peers = peer_usage(history.fleet(), host, &facts, &series.tags);
    let mut file =
        CaseFile { os: facts.os, peers, is_watched: true, ..CaseFile::from_history(now, series) };
    file.memory.physical = file.memory.physical.or(facts.physical);
    Ok(Some(Case { host, file, incidents: Vec::new() }))
}

/// The series that a diagnosis looks at: tags that the screening points out, tags of known incidents,
/// tags that count kernel objects and can be set against handles, and what stands out.
#[must_use]
pub fn wanted_series(candidates: &[PoolTag], incidents: &[Incident]) -> WantedSeries {
    let diagnosed = incidents.iter().flat_map(|incident| &incident.diagnosis.tags);
    let mut tags: BTreeSet<PoolTag> = diagnosed.map(|tag| tag.tag).collect();
    tags.extend(incidents.iter().filter_map(|incident| incident.cause.tag()));
    tags.extend(candidates.iter().take(CANDIDATES));
    tags.extend(holders::object_tags());
    let tags = tags.into_iter().map(PoolTag::unprotected).collect();
    WantedSeries { tags, most_tags: MOST_TAGS, most_processes: MOST_PROCESSES }
}

/// Whether a diagnosis says that something is wrong.
#[must_use]
pub fn is_wrong(diagnosis: &Diagnosis) -> bool {
    !matches!(diagnosis.verdict, Verdict::NoLeakShown | Verdict::InsufficientEvidence)
}

impl Case {
    /// How long Windows had run at the latest moment, seconds.
    #[must_use]
    pub fn uptime_s(&self) -> u64 {
        self.file.axis.last().and_then(|moment| moment.uptime_s).unwrap_or(0)
    }

    /// When the latest moment was measured; the moment of the diagnosis where nothing was.
    #[must_use]
    pub fn measured_at(&self) -> Timestamp {
        let last = self.file.axis.last();
        last.and_then(|last| Timestamp::from_second(last.at_s).ok()).unwrap_or(self.file.now)
    }

    /// Says what is wrong.
    #[must_use]
    pub fn diagnose(&self) -> HostDiagnosis {
        let outcomes = self
            .incidents
            .iter()
            .map(|incident| {
                (incident.id, release::evidence_of_changes(&self.file, &incident.cause))
            })
            .filter(|(_, facts)| !facts.is_empty());
        HostDiagnosis {
            host: self.host,
            at: self.measured_at(),
            uptime_s: self.uptime_s(),
            is_glance: false,
            outcomes: outcomes.collect(),
            diagnoses: diagnose_causes(&self.file),
        }
    }
}
