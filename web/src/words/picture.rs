//! The hours before an event, and what tells affected hosts from healthy ones, in words.

use poolwatch_model::{
    comparison::AttributeCounts,
    incident::{Reason, Trigger},
};

/// What a picture was taken for, after "the hours before".
#[must_use]
pub fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::PoolEmpty { pool } => format!("{pool} pool was found empty"),
        Trigger::PoolLimit { pool } => {
            format!("the Server service met its own limit of {pool} pool")
        }
        Trigger::CommitExhausted => "Windows ran out of commit".to_owned(),
        Trigger::Silence { pool } => {
            format!("the host fell silent, with {pool} pool under pressure")
        }
    }
}

/// The likely reason, one sentence.
#[must_use]
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::ProgramHolds { image, tag } => {
            format!("Probably because {image} holds what tag {tag} counts.")
        }
        Reason::DriverLeaks { driver, tag } => {
            format!("Probably because {driver} allocates as {tag} and does not free.")
        }
        Reason::KernelReferences { tag } => format!(
            "Probably because objects of tag {tag} are referenced in the kernel and never released."
        ),
        Reason::TagGrew { tag } => {
            format!("Probably because tag {tag} grew. Nothing measured shows who owns it.")
        }
        Reason::CommitHeldBy { image } => {
            format!("Commit ran out, not pool; {image} held most of it.")
        }
        Reason::ConfiguredLimit => {
            "The Server service met a limit of its own; the pool itself was not short.".to_owned()
        }
        Reason::NotShown => "Nothing that was measured explains it.".to_owned(),
    }
}

/// An odds ratio with as many digits as mean something.
#[must_use]
pub fn odds_ratio(counts: &AttributeCounts) -> String {
    match counts.odds_ratio {
        ratio if ratio >= 1000.0 => "> 1,000".to_owned(),
        ratio if ratio >= 10.0 => format!("{ratio:.0}"),
        ratio => format!("{ratio:.1}"),
    }
}

/// A corrected probability with as many digits as mean something.
#[must_use]
pub fn p_value(counts: &AttributeCounts) -> String {
    match counts.p {
        p if p < 0.0001 => "< 0.0001".to_owned(),
        p if p < 0.01 => format!("{p:.4}"),
        p => format!("{:.2}", p.min(1.0)),
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::comparison::Attribute;

    use super::*;

    #[test]
    fn numbers_show_no_more_digits_than_they_mean() {
        let counts = |odds_ratio, p| AttributeCounts {
            attribute: Attribute::Service { name: "x".into() },
            affected: 1,
            affected_of: 1,
            healthy: 0,
            healthy_of: 1,
            odds_ratio,
            p,
        };
        for (ratio, p, shown) in [
            (12_345.6, 1e-30, ("> 1,000", "< 0.0001")),
            (123.4, 0.00123, ("123", "0.0012")),
            (2.345, 1.0, ("2.3", "1.00")),
        ] {
            let counts = counts(ratio, p);
            assert_eq!((&*odds_ratio(&counts), &*p_value(&counts)), shown);
        }
    }
}
