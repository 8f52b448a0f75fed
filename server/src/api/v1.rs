//! What scripts use.

pub(super) mod alerts;
pub(super) mod audit;
pub(super) mod drivers;
pub(super) mod enrolment;
pub(super) mod events;
pub(super) mod evidence;
pub(super) mod groups;
pub(super) mod host_labels;
pub(super) mod hosts;
pub(super) mod incidents;
pub(super) mod people;
pub(super) mod settings;
pub(super) mod snapshots;
pub(super) mod tag_hosts;
pub(super) mod tag_notes;
pub(super) mod tags;
pub(super) mod tokens;
