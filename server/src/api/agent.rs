//! What agents send. `docs/protocol.md` describes it.

pub(super) mod enrol;
pub(super) mod events;
pub(super) mod frames;
pub(super) mod inventory;
pub(super) mod scans;
pub(super) mod tag_list;
