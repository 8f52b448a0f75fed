//! A machine of which there are only texts: what tools printed, without agent and history.

mod case;

use poolwatch_analysis::{
    catalogue::Catalogue, confidence::withhold_remedies, diagnose_case, holders::is_object_tag,
};
use poolwatch_evidence::CombinedEvidence;
use poolwatch_model::{
    diagnosis::{Diagnosis, Evidence, Suspect, SuspectKind, Verdict},
    process::ProcessUse,
};

/// How sure of the one process that texts show: who showed it alone had a reason. A hint, no more.
const SINGLED_OUT: f32 = 0.45;
/// How sure of anybody at most, when a table was cut off: what it lacks may be what matters.
const OF_TORN_TABLE: f32 = 0.6;

/// Says what is wrong with a machine, in one diagnosis for all causes, by what its texts tell and
/// what `catalogue` says of tags.
#[must_use]
pub fn diagnose_texts(combined: &CombinedEvidence, catalogue: &Catalogue) -> Diagnosis {
    let mut diagnosis = diagnose_case(&case::case_of_states(combined, catalogue));
    let pool = diagnosis.pool;
    for growth in &combined.growths {
        let case = case::case_of_growth(growth, catalogue, pool);
        add_growth(&mut diagnosis, diagnose_case(&case));
    }
    let last = combined.snapshots.last();
    single_out(&mut diagnosis, last.and_then(|moment| moment.snapshot.processes.as_deref()));
    if combined.is_torn() {
        for suspect in &mut diagnosis.suspects {
            suspect.confidence = suspect.confidence.min(OF_TORN_TABLE);
        }
    }
    withhold_remedies(&mut diagnosis);
    diagnosis
}

/// Adds what a table of growth shows to what the states show. States weigh more.
fn add_growth(diagnosis: &mut Diagnosis, of_growth: Diagnosis) {
    if of_growth.verdict != Verdict::Leak {
        return;
    }
    match diagnosis.verdict {
        Verdict::NoLeakShown | Verdict::InsufficientEvidence => *diagnosis = of_growth,
        Verdict::Leak | Verdict::Exhausted => {
            for suspect in of_growth.suspects.into_iter().filter(|one| one.name.is_some()) {
                let known = diagnosis.suspects.iter().any(|one| one.name == suspect.name);
                if !known {
                    diagnosis.suspects.push(suspect);
                }
            }
            diagnosis.evidence.extend(of_growth.evidence);
        }
        Verdict::HighUse | Verdict::CommitExhaustion => {}
    }
}

/// Suspects the one process that the texts show, where kernel objects fill the pool and nobody's
/// handles are told.
fn single_out(diagnosis: &mut Diagnosis, processes: Option<&[ProcessUse]>) {
    let Some([process]) = processes else { return };
    let blames = matches!(diagnosis.verdict, Verdict::Exhausted | Verdict::Leak);
    let nobody = diagnosis.suspects.iter().all(|suspect| suspect.name.is_none());
    let tag = diagnosis.tags.first().map(|one| one.tag).filter(|tag| is_object_tag(*tag));
    if let (None, true, true, Some(tag)) = (process.handles, blames, nobody, tag) {
        let image = process.image.clone();
        let fact = Evidence::SingledOut { image: image.clone(), pid: process.key.pid, tag };
        let suspect = Suspect {
            kind: SuspectKind::Process,
            name: Some(image),
            tags: vec![tag],
            confidence: SINGLED_OUT,
            evidence: vec![fact],
            ..Suspect::default()
        };
        diagnosis.suspects.insert(0, suspect);
    }
}
