//! A machine of which there are only texts: what tools printed, without agent and history.

use poolwatch_analysis::{
    CaseFile, confidence::withhold_remedies, diagnose_case, holders::is_object_tag,
};
use poolwatch_model::{
    Pool,
    diagnosis::{Diagnosis, Evidence, Suspect, SuspectKind, Verdict},
    process::ProcessUse,
};

/// How sure of the one process that texts show: who showed it alone had a reason. A hint, no more.
const SINGLED_OUT: f32 = 0.45;
/// How sure of anybody at most, when a table was cut off: what it lacks may be what matters.
const OF_TORN_TABLE: f32 = 0.6;

/// What texts tell of a machine.
#[derive(Debug, Clone, Copy)]
pub struct TextCase<'a> {
    /// The case that the states of the machine make.
    pub states: &'a CaseFile,
    /// The processes of its last state.
    pub processes: Option<&'a [ProcessUse]>,
    /// Whether a table was cut off or contradicts itself.
    pub is_torn: bool,
}

/// Says what is wrong with a machine, in one diagnosis for all causes. `growths` makes the cases of
/// tables of growth, of which nothing is known of before, given the pool that the states are about.
#[must_use]
pub fn diagnose_texts(
    case: TextCase<'_>,
    growths: impl FnOnce(Option<Pool>) -> Vec<CaseFile>,
) -> Diagnosis {
    let mut diagnosis = diagnose_case(case.states);
    for growth in growths(diagnosis.pool) {
        add_growth(&mut diagnosis, diagnose_case(&growth));
    }
    single_out(&mut diagnosis, case.processes);
    if case.is_torn {
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
