//! Kernel object types: `NtQueryObject` class 3.

use poolwatch_model::Snapshot;

use super::CollectError;
use crate::{
    machine::{InfoClass, Machine},
    raw::object_types,
};

pub(super) fn collect(
    machine: &mut dyn Machine,
    snapshot: &mut Snapshot,
) -> Result<(), CollectError> {
    let buffer = machine.query(InfoClass::ObjectTypes)?;
    let types = object_types::parse(buffer)?;
    let mut totals: Vec<_> = types.into_iter().map(|each| each.totals).collect();
    totals.sort_by(|a, b| a.name.cmp(&b.name));
    snapshot.object_types = Some(totals);
    Ok(())
}
