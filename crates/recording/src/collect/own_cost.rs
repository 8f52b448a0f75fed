//! What the agent itself costs.

use std::time::Duration;

use poolwatch_model::snapshot::AgentCost;

use crate::machine::OwnUse;

/// Measures cycle by cycle. A cycle lasts from one snapshot to the next.
#[derive(Debug, Default)]
pub(super) struct CostMeter {
    began: Option<(Duration, Option<OwnUse>)>,
    /// Wall time from the beginning of the snapshot until it was stored.
    stored_after: Option<Duration>,
}

impl CostMeter {
    /// Begins a cycle and tells the cost of the one before. `None` in the first, after one that was
    /// not stored, and where the system does not tell.
    pub(super) fn begin_cycle(
        &mut self,
        own: Option<OwnUse>,
        monotonic: Duration,
        spool_bytes: u64,
    ) -> Option<AgentCost> {
        let before = self.began.replace((monotonic, own)).and_then(|(_, own)| own);
        let stored_after = self.stored_after.take();
        let (own, before, stored_after) = (own?, before?, stored_after?);
        Some(AgentCost {
            cpu_us: own.cpu.saturating_sub(before.cpu).as_micros() as u64,
            cycle_us: stored_after.as_micros() as u64,
            private_bytes: own.private_bytes,
            spool_bytes,
            held: own.held,
        })
    }

    pub(super) fn end_cycle(&mut self, monotonic: Duration) {
        self.stored_after = self.began.map(|(began, _)| monotonic.saturating_sub(began));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cycle_has_no_cost_and_the_second_tells_it() {
        let own = |cpu_ms| {
            let cpu = Duration::from_millis(cpu_ms);
            Some(OwnUse { cpu, private_bytes: 4 << 20, held: None })
        };
        let mut meter = CostMeter::default();
        assert_eq!(meter.begin_cycle(own(100), Duration::from_secs(5), 0), None);
        meter.end_cycle(Duration::from_millis(5014));
        let cost = meter.begin_cycle(own(107), Duration::from_secs(65), 77).unwrap();
        assert_eq!((cost.cpu_us, cost.cycle_us, cost.spool_bytes), (7_000, 14_000, 77));
        assert_eq!(cost.private_bytes, 4 << 20);
    }
}
