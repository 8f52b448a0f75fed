//! Hosts that fell silent: beyond some, their tables are left to the database.

use jiff::{SignedDuration, Timestamp};

use super::Fleet;

/// A host is silent after this.
const AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Silent hosts whose tables stay in memory, those heard last.
const KEPT: usize = 2_000;

/// Lets go of the tables of hosts that fell silent longest ago.
pub fn let_go(fleet: &Fleet, now: Timestamp) {
    let is_silent = |at: &Timestamp| now.duration_since(*at) > AFTER;
    let mut silent: Vec<_> = fleet
        .all()
        .into_iter()
        .filter_map(|live| {
            let state = live.read();
            let heard = state.received.filter(is_silent)?;
            let has_tables = state.tables().is_some();
            drop(state);
            has_tables.then_some((heard, live))
        })
        .collect();
    if silent.len() > KEPT {
        silent.sort_unstable_by_key(|(heard, live)| (std::cmp::Reverse(*heard), live.id));
        silent[KEPT..].iter().for_each(|(_, live)| live.let_go());
    }
}
