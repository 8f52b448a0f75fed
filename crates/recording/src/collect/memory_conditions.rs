//! The kernel's memory conditions: no part of a snapshot, but they decide how often one is taken.

use super::CollectError;
use crate::{
    machine::{InfoClass, Machine},
    raw::conditions::{self, MemoryConditions},
};

/// What the kernel says to be short of now.
///
/// # Errors
/// When the kernel does not say it of anything.
pub fn memory_conditions(machine: &mut dyn Machine) -> Result<MemoryConditions, CollectError> {
    Ok(conditions::parse(machine.query(InfoClass::MemoryConditions)?.bytes)?)
}
