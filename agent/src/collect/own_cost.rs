//! What the agent itself costs.

use std::time::Duration;

use poolwatch_model::snapshot::AgentCost;

use crate::own_use::OwnUse;

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
        monotonic: Duration,
        spool_bytes: u64,
    ) -> Option<AgentCost> {
        let own = own_use();
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

#[cfg(windows)]
fn own_use() -> Option<OwnUse> {
    crate::windows::own_use()
}

/// From procfs: CPU time in the steps of 10 ms that Linux counts in, and resident anonymous memory,
/// which comes nearest to private bytes.
#[cfg(target_os = "linux")]
fn own_use() -> Option<OwnUse> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    linux_use(&stat, &status)
}

#[cfg(not(any(windows, target_os = "linux")))]
fn own_use() -> Option<OwnUse> {
    None
}

#[cfg(any(target_os = "linux", test))]
fn linux_use(stat: &str, status: &str) -> Option<OwnUse> {
    // The second field is the program's name in brackets, which may hold anything; of those after
    // it, the twelfth and thirteenth are user and system time.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
    let ticks = times.next()? + times.next()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kilobytes: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(OwnUse {
        cpu: Duration::from_millis(ticks * 10),
        private_bytes: kilobytes * 1024,
        held: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procfs_is_read_past_a_program_name_with_brackets() {
        let stat = "42 (a) b) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 99 1000 10";
        let own = linux_use(stat, "VmSize: 99 kB\nRssAnon:\t    4096 kB\n");
        let expected = OwnUse { cpu: Duration::from_secs(3), private_bytes: 4 << 20, held: None };
        assert_eq!(own, Some(expected));
        assert_eq!(linux_use("", ""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_first_cycle_has_no_cost_and_the_second_tells_it() {
        let mut meter = CostMeter::default();
        assert_eq!(meter.begin_cycle(Duration::from_secs(5), 0), None);
        meter.end_cycle(Duration::from_millis(5014));
        let cost = meter.begin_cycle(Duration::from_secs(65), 77).unwrap();
        assert_eq!((cost.cycle_us, cost.spool_bytes), (14_000, 77));
        assert!(cost.private_bytes > 0);
    }
}
