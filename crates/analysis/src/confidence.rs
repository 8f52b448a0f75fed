//! How sure a suspicion has to be for what is made of it: the one place of these bounds.
//!
//! Confidence is calibrated (`make eval`): of suspects at 0.7, seven in ten are guilty.

use poolwatch_model::diagnosis::{Diagnosis, NextStep, Suspect, SuspectKind};

/// From here on a suspect is named: it heads pages and mails and makes the cause of an incident.
/// What is below is a hint, more likely wrong than right.
pub const NAMED: f32 = 0.5;
/// From here on something is proposed that stops, restarts or replaces the suspect: at less, more
/// than three in ten of those who follow it would stop an innocent program.
pub const REMEDY: f32 = 0.7;
/// From here on words leave next to no doubt.
pub const NEARLY_CERTAIN: f32 = 0.9;

/// Whether somebody is accused by name, but too weakly to be named. A part of Windows is no such
/// suspect: it says whose the tag is, and accuses nobody.
#[must_use]
pub fn is_hint(suspect: &Suspect) -> bool {
    suspect.name.is_some() && suspect.kind != SuspectKind::Component && suspect.confidence < NAMED
}

/// The suspect that heads a page: the likeliest that is no hint.
#[must_use]
pub fn leading_suspect(diagnosis: &Diagnosis) -> Option<&Suspect> {
    diagnosis.suspects.iter().find(|suspect| !is_hint(suspect))
}

/// The program or driver that is named, if anybody is.
#[must_use]
pub fn named_suspect(diagnosis: &Diagnosis) -> Option<&Suspect> {
    leading_suspect(diagnosis).filter(|suspect| {
        suspect.name.is_some()
            && suspect.confidence >= NAMED
            && matches!(suspect.kind, SuspectKind::Process | SuspectKind::Driver)
    })
}

/// The program whose work makes something leak, if one is named: no culprit, whoever that may be.
#[must_use]
pub fn named_trigger(diagnosis: &Diagnosis) -> Option<&Suspect> {
    let is_it = |one: &&Suspect| one.kind == SuspectKind::Trigger && one.confidence >= NAMED;
    diagnosis.suspects.iter().find(is_it)
}

/// Takes back the remedies against suspects that are not, or no longer, sure enough for one.
pub fn withhold_remedies(diagnosis: &mut Diagnosis) {
    let Diagnosis { suspects, next_steps, .. } = diagnosis;
    next_steps.retain(|step| {
        target(step).is_none_or(|name| {
            suspects.iter().any(|suspect| {
                suspect.confidence >= REMEDY
                    && suspect.name.as_deref().is_some_and(|one| one.eq_ignore_ascii_case(name))
            })
        })
    });
}

/// Whom a remedy stops or replaces.
fn target(step: &NextStep) -> Option<&str> {
    match step {
        NextStep::RestartService { image: name, .. }
        | NextStep::EndProgram { image: name, .. }
        | NextStep::StopWithCare { image: name, .. }
        | NextStep::StopTrigger { image: name, .. }
        | NextStep::Update { name, .. }
        | NextStep::ReplaceDriver { driver: name, .. } => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspect(kind: SuspectKind, name: Option<&str>, confidence: f32) -> Suspect {
        Suspect { kind, name: name.map(Into::into), confidence, ..Suspect::default() }
    }

    #[test]
    fn a_hint_heads_nothing_and_who_is_named_does() {
        use SuspectKind::{Component, Driver, KernelReference, Process};
        for (kind, name, confidence, leads, named) in [
            (Process, Some("a.exe"), 0.49, false, false),
            (Process, Some("a.exe"), 0.5, true, true),
            (Driver, Some("a.sys"), 0.49, false, false),
            (Driver, Some("a.sys"), 0.5, true, true),
            (Component, Some("the memory manager"), 0.3, true, false),
            (KernelReference, None, 0.8, true, false),
            (SuspectKind::Unknown, None, 0.2, true, false),
        ] {
            let suspects = vec![suspect(kind, name, confidence)];
            let diagnosis = Diagnosis { suspects, ..Diagnosis::default() };
            assert_eq!(leading_suspect(&diagnosis).is_some(), leads, "{kind:?} {confidence}");
            assert_eq!(named_suspect(&diagnosis).is_some(), named, "{kind:?} {confidence}");
        }
    }

    #[test]
    fn behind_a_hint_the_next_suspect_leads() {
        let suspects = vec![
            suspect(SuspectKind::Process, Some("hint.exe"), 0.35),
            suspect(SuspectKind::Unknown, None, 0.2),
        ];
        let diagnosis = Diagnosis { suspects, ..Diagnosis::default() };
        assert_eq!(leading_suspect(&diagnosis).map(|one| one.confidence), Some(0.2));
    }

    #[test]
    fn remedies_go_when_their_suspect_is_doubted_and_looking_stays() {
        let image = String::from("a.exe");
        let steps = vec![
            NextStep::EndProgram { image: image.clone(), pid: None, returns: None },
            NextStep::CountHandles { image, pid: None, handles: None },
        ];
        for (confidence, left) in [(0.7, 2), (0.69, 1)] {
            let mut diagnosis = Diagnosis {
                suspects: vec![suspect(SuspectKind::Process, Some("A.exe"), confidence)],
                next_steps: steps.clone(),
                ..Diagnosis::default()
            };
            withhold_remedies(&mut diagnosis);
            assert_eq!(diagnosis.next_steps.len(), left, "at {confidence}");
        }
    }
}
