//! A machine of which there are only texts: what tools printed, without agent and history.

mod case;
mod places;
mod said;

use poolwatch_analysis::{catalogue::Catalogue, confidence::withhold_remedies, diagnose_case};
use poolwatch_evidence::CombinedEvidence;
use poolwatch_model::diagnosis::{Diagnosis, Evidence, Verdict};

pub use places::places_of_fact;

/// How sure of anybody at most, when a table was cut off: what it lacks may be what matters.
const OF_TORN_TABLE: f32 = 0.6;
/// And when the texts are of several machines: what one shows may be of the other.
const OF_SEVERAL_MACHINES: f32 = 0.3;

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
    said::add_verified(&mut diagnosis, &combined.verified);
    said::add_told(&mut diagnosis, combined);
    if combined.is_torn() {
        for suspect in &mut diagnosis.suspects {
            suspect.confidence = suspect.confidence.min(OF_TORN_TABLE);
        }
    }
    if combined.hosts.len() > 1 {
        for suspect in &mut diagnosis.suspects {
            suspect.confidence = suspect.confidence.min(OF_SEVERAL_MACHINES);
        }
        diagnosis.evidence.insert(0, Evidence::SeveralMachines { hosts: combined.hosts.clone() });
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
