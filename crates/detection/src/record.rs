//! The record of an incident: the one judgement that page, list, mail and interface render.

use poolwatch_analysis::confidence::named_suspect;
use poolwatch_model::diagnosis::Diagnosis;

/// Makes the record of an incident from the judgements of two of its hosts
/// ([`record_hosts`](crate::lifecycle::IncidentLifecycle::record_hosts)).
#[must_use]
pub fn make_record(worst: &Diagnosis, named: &Diagnosis) -> Diagnosis {
    let mut record = worst.clone();
    keep_suspects(&mut record, named);
    record
}

/// Gives a diagnosis that names nobody the suspects of another one of the same cause: who was named
/// with evidence is not lost because somebody else, or a later look, could not tell. What to do about
/// the suspects comes first then.
pub fn keep_suspects(diagnosis: &mut Diagnosis, from: &Diagnosis) {
    if named_suspect(diagnosis).is_some() || named_suspect(from).is_none() {
        return;
    }
    let others = std::mem::replace(&mut diagnosis.suspects, from.suspects.clone());
    for other in others.into_iter().filter(|one| one.name.is_some()) {
        let is_known = diagnosis.suspects.iter().any(|one| one.name == other.name);
        if !is_known {
            diagnosis.suspects.push(other);
        }
    }
    let others = std::mem::replace(&mut diagnosis.next_steps, from.next_steps.clone());
    for other in others {
        if !diagnosis.next_steps.contains(&other) {
            diagnosis.next_steps.push(other);
        }
    }
}
