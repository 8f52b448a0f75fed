//! Which cause a diagnosis is an instance of. Every diagnosis that says that something is wrong has
//! one.

use poolwatch_analysis::confidence::NAMED;
use poolwatch_model::{
    HostId, Pool,
    diagnosis::{Diagnosis, SuspectKind, TagFinding, Verdict},
    incident::Cause,
};

/// The cause that a diagnosis of a host is an instance of; `None` when nothing is wrong.
///
/// Whoever is named with some confidence makes the cause; else the tag does; else the host alone.
#[must_use]
pub fn cause_of_diagnosis(host: HostId, diagnosis: &Diagnosis) -> Option<Cause> {
    let pool = diagnosis.pool.unwrap_or(Pool::Nonpaged);
    let first_tag = diagnosis.tags.first().map(|tag| tag.tag);
    match diagnosis.verdict {
        Verdict::NoLeakShown | Verdict::InsufficientEvidence => return None,
        Verdict::CommitExhaustion => return Some(Cause::CommitExhausted { host }),
        Verdict::HighUse => {
            let of_host = Cause::HostHighUse { host, pool };
            return Some(first_tag.map_or(of_host, |tag| Cause::HighUse { tag, pool }));
        }
        Verdict::Exhausted | Verdict::Leak => {}
    }
    let suspect = diagnosis.suspects.first();
    let tag = suspect.and_then(|suspect| suspect.tags.first().copied()).or(first_tag);
    let by_suspect = suspect.zip(tag).and_then(|(suspect, tag)| {
        let name = suspect.name.as_deref().filter(|_| suspect.confidence >= NAMED);
        match (suspect.kind, name) {
            (SuspectKind::Process, Some(image)) => {
                Some(Cause::Program { image: image.to_lowercase(), tag, pool })
            }
            (SuspectKind::Driver, Some(driver)) => Some(Cause::Driver {
                driver: driver.to_lowercase(),
                version: suspect.version.clone(),
                tag,
                pool,
            }),
            (SuspectKind::KernelReference, _) => Some(Cause::KernelReference { tag, pool }),
            _ => None,
        }
    });
    // An exhausted pool without a suspect is one host's, unless a tag leaks there.
    let leaks = diagnosis.tags.iter().any(|tag| tag.finding == TagFinding::Leaks);
    by_suspect.or(match (diagnosis.verdict, tag) {
        (Verdict::Leak, Some(tag)) => Some(Cause::UnknownOwner { tag, pool }),
        (Verdict::Exhausted, Some(tag)) if leaks => Some(Cause::UnknownOwner { tag, pool }),
        _ => Some(Cause::PoolEmpty { host, pool }),
    })
}

/// Whether a cause is the other one before more was known of it.
#[must_use]
pub fn is_vaguer(vague: &Cause, sharp: &Cause) -> bool {
    vague.pool() == sharp.pool()
        && match (vague, sharp) {
            (Cause::PoolEmpty { .. }, Cause::HighUse { .. }) => false,
            (Cause::PoolEmpty { .. }, sharp) => sharp.tag().is_some(),
            (
                Cause::UnknownOwner { tag, .. } | Cause::KernelReference { tag, .. },
                Cause::Program { tag: of, .. } | Cause::Driver { tag: of, .. },
            ) => tag == of,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{PoolTag, diagnosis::Suspect};

    use super::*;

    const HOST: HostId = HostId(1);
    const POOL: Pool = Pool::Nonpaged;

    fn tag() -> PoolTag {
        PoolTag::new(*b"Even")
    }

    #[test]
    fn whoever_is_named_with_confidence_makes_the_cause_and_else_the_tag_does() {
        let suspect = |confidence| Suspect {
            kind: SuspectKind::Process,
            name: Some("BadApp.exe".into()),
            confidence,
            tags: vec![tag()],
            ..Suspect::default()
        };
        let of = |confidence| Diagnosis {
            verdict: Verdict::Leak,
            pool: Some(POOL),
            suspects: vec![suspect(confidence)],
            ..Diagnosis::default()
        };
        let named = Cause::Program { image: "badapp.exe".into(), tag: tag(), pool: POOL };
        let unknown = Cause::UnknownOwner { tag: tag(), pool: POOL };
        assert_eq!(cause_of_diagnosis(HOST, &of(0.9)), Some(named.clone()));
        assert_eq!(cause_of_diagnosis(HOST, &of(0.4)), Some(unknown.clone()));
        assert!(is_vaguer(&unknown, &named) && !is_vaguer(&named, &unknown));
        let empty = Cause::PoolEmpty { host: HOST, pool: POOL };
        assert!(is_vaguer(&empty, &named) && is_vaguer(&empty, &unknown));
        assert!(!is_vaguer(&empty, &Cause::HighUse { tag: tag(), pool: POOL }));
        assert!(!is_vaguer(&Cause::PoolEmpty { host: HOST, pool: Pool::Paged }, &named));
    }

    #[test]
    fn every_diagnosis_of_something_wrong_has_a_cause() {
        for verdict in Verdict::ALL {
            let diagnosis = Diagnosis { verdict, pool: Some(POOL), ..Diagnosis::default() };
            let expected = match verdict {
                Verdict::Exhausted | Verdict::Leak => {
                    Some(Cause::PoolEmpty { host: HOST, pool: POOL })
                }
                Verdict::CommitExhaustion => Some(Cause::CommitExhausted { host: HOST }),
                Verdict::HighUse => Some(Cause::HostHighUse { host: HOST, pool: POOL }),
                Verdict::NoLeakShown | Verdict::InsufficientEvidence => None,
            };
            assert_eq!(cause_of_diagnosis(HOST, &diagnosis), expected, "{verdict:?}");
        }
    }
}
