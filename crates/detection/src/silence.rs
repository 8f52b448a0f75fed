//! Silence after pressure: a host whose last data show a pool that was running out, and that stops
//! reporting, has probably exhausted it.

use std::collections::HashMap;

use jiff::Timestamp;
use poolwatch_analysis::around;
use poolwatch_model::{
    Bytes, HostId, Pool,
    diagnosis::{Diagnosis, Evidence, Verdict},
    incident::{Cause, Incident, Picture, Trigger},
    memory::{Ceiling, CeilingSource},
};

use crate::{
    bounds::{PRESSED, SILENT_AGAIN_AFTER, SILENT_PER_TURN, SOON_S},
    case::{Case, HostDiagnosis},
};

/// A host that fell silent.
#[derive(Debug, Clone, Copy)]
pub struct SilentHost<'a> {
    /// Which.
    pub id: HostId,
    /// What its pools used last, and what bounds them, where both are known.
    pub pools: &'a [(Pool, Bytes, Ceiling)],
}

/// When hosts that fell silent were diagnosed last.
#[derive(Debug, Default)]
pub struct SilenceSchedule(HashMap<HostId, Timestamp>);

impl SilenceSchedule {
    /// The silent hosts that are diagnosed in this turn, each with the pool that was under pressure
    /// when it was last heard. `incidents` are those that are not resolved.
    pub fn due_hosts<'a>(
        &mut self,
        silent: impl Iterator<Item = SilentHost<'a>>,
        incidents: &[Incident],
        now: Timestamp,
    ) -> Vec<(HostId, Pool)> {
        self.0.retain(|_, at| now.duration_since(*at) < SILENT_AGAIN_AFTER);
        let of_host =
            |id: HostId| incidents.iter().filter(move |one| one.hosts.binary_search(&id).is_ok());
        let is_told = |id| of_host(id).any(|one| matches!(one.cause, Cause::Silence { .. }));
        let due: Vec<(HostId, Pool)> = silent
            .filter(|host| !self.0.contains_key(&host.id) && !is_told(host.id))
            .filter_map(|host| Some((host.id, pressed_pool(host, of_host(host.id))?)))
            .take(SILENT_PER_TURN)
            .collect();
        self.0.extend(due.iter().map(|(id, _)| (*id, now)));
        due
    }
}

/// The pool that was under pressure: by its measured limit, else by an incident that goes on.
fn pressed_pool<'a>(
    host: SilentHost<'_>,
    mut incidents: impl Iterator<Item = &'a Incident>,
) -> Option<Pool> {
    let by_limit = host.pools.iter().find(|(_, used, ceiling)| {
        ceiling.source == CeilingSource::Measured && used.share_of(ceiling.bytes) >= PRESSED
    });
    let soon = |incident: &&Incident| {
        incident.state.is_active()
            && incident.diagnosis.left_s().is_some_and(|left_s| left_s < SOON_S)
    };
    by_limit.map(|(pool, ..)| *pool).or_else(|| incidents.find(soon)?.cause.pool())
}

/// Diagnoses the last picture of a host that was heard last at `heard`, measured at `at`, with the
/// silence as its first fact.
#[must_use]
pub fn diagnose_silence(
    mut case: Case,
    pool: Pool,
    heard: Timestamp,
    at: Timestamp,
) -> (HostDiagnosis, Picture) {
    case.incidents.clear();
    case.file.now = at;
    let picture = around::picture_before(&case.file, Trigger::Silence { pool }, at);
    let found = case.diagnose();
    let of_pool = found.diagnoses.into_iter().find(|one| one.pool == Some(pool));
    let mut diagnosis =
        Diagnosis { verdict: Verdict::Exhausted, pool: Some(pool), ..of_pool.unwrap_or_default() };
    diagnosis.evidence.insert(0, Evidence::Silence { since: heard });
    (HostDiagnosis { at: heard, diagnoses: vec![diagnosis], ..found }, picture)
}
