//! Loaded drivers: class 11. Not part of a snapshot: sent at start, as inventory.

use poolwatch_model::inventory::Driver;

use super::CollectError;
use crate::{
    machine::{InfoClass, Machine},
    raw::modules,
};

/// The drivers, sorted by name.
pub(super) fn collect(machine: &mut dyn Machine) -> Result<Vec<Driver>, CollectError> {
    let mut drivers = modules::parse(machine.query(InfoClass::Modules)?)?;
    drivers.sort();
    Ok(drivers)
}
