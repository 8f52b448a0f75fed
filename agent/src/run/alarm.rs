//! What makes the agent look closely: the kernel's conditions, low headroom, events.

use std::{cell::RefCell, time::Duration};

use jiff::SignedDuration;
use poolwatch_model::{event::EventKind, memory::Memory, snapshot::Collector};
use tokio::{sync::Notify, time};
use tracing::warn;

use super::pressure::{Pressure, Signs, headroom_is_low};
use crate::{
    agent::Agent, clock::Clock, collect::low_conditions, settings::Settings, spool::SpooledEvent,
};

/// How often the kernel's low-memory conditions are looked at: three calls that take no resources.
const CONDITIONS_EVERY: Duration = Duration::from_secs(2);
/// How long ago an event may have been written to say something of now.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// What makes the agent look closely, at once.
#[derive(Default)]
pub(super) struct Alarm {
    pressure: RefCell<Pressure>,
    bell: Notify,
}

impl Alarm {
    /// Done when there is a new reason to look closely.
    pub(super) async fn raised(
        &self,
        agent: &RefCell<Agent>,
        settings: &Settings,
        clock: &dyn Clock,
    ) {
        if !settings.collectors().contains(Collector::MemoryConditions) {
            return self.bell.notified().await;
        }
        loop {
            tokio::select! {
                () = self.bell.notified() => return,
                () = time::sleep(CONDITIONS_EVERY) => {}
            }
            // One that cannot be read is a fault of the snapshots.
            let Ok(low) = low_conditions(agent.borrow_mut().machine.as_mut()) else {
                continue;
            };
            let mut pressure = self.pressure.borrow_mut();
            let signs = Signs { condition: low.any(), ..pressure.signs() };
            if pressure.observe(clock.monotonic(), signs) {
                warn!(?low, "The kernel says that memory is low; looking closely");
                return;
            }
        }
    }

    /// Between two snapshots, where `usual` is what the settings say.
    pub(super) fn interval(&self, now: Duration, usual: Duration) -> Duration {
        self.pressure.borrow().interval(now, usual)
    }

    /// Takes notice of a snapshot's figures.
    pub(super) fn heed_headroom(&self, now: Duration, memory: &Memory) {
        let mut pressure = self.pressure.borrow_mut();
        let signs = Signs { headroom: headroom_is_low(memory), ..pressure.signs() };
        if pressure.observe(now, signs) {
            warn!("Little headroom is left; looking closely");
        }
    }

    /// Takes notice of events that were written a moment ago.
    pub(super) fn heed_events(&self, clock: &dyn Clock, events: &[SpooledEvent]) {
        let is_urgent = |each: &SpooledEvent| {
            matches!(each.event.kind(), EventKind::PoolEmpty(_) | EventKind::CommitExhausted)
                && clock.wall().duration_since(each.event.time).abs() < FRESH
        };
        if events.iter().any(is_urgent) && self.pressure.borrow_mut().begin(clock.monotonic()) {
            warn!("The event log says that memory ran out; looking closely");
            self.bell.notify_one();
        }
    }
}
