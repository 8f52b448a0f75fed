//! What to do next about a diagnosis, in words.

use poolwatch_model::{diagnosis::Diagnosis, host::OsVersion};
use poolwatch_web::{steps::NextStep, words};

/// The next steps of a diagnosis of a host, first things first.
pub(crate) fn of(diagnosis: &Diagnosis, os: Option<&OsVersion>) -> Vec<NextStep> {
    diagnosis.next_steps.iter().map(|step| words::step(step, os)).collect()
}
