//! Pool tags: class 255 where the kernel has it, else class 22.

use poolwatch_model::Snapshot;

use super::CollectError;
use crate::{
    machine::{InfoClass, Machine},
    raw::pool_tags,
};

pub(super) fn collect(
    machine: &mut dyn Machine,
    snapshot: &mut Snapshot,
) -> Result<(), CollectError> {
    // Whatever class 255 is on a kernel that does not mean tags by it, class 22 is right there.
    let full =
        machine.query(InfoClass::PoolTags2).ok().and_then(|buffer| pool_tags::parse2(buffer).ok());
    snapshot.tags = Some(match full {
        Some(table) => table,
        None => pool_tags::parse(machine.query(InfoClass::PoolTags)?)?,
    });
    Ok(())
}
