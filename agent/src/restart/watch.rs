//! Who holds too much for long.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use poolwatch_model::{
    Snapshot,
    process::{ProcessKey, ProcessUse},
};

use super::{Leaker, RestartRules, pool_bytes};

/// Without a snapshot for so long, what was held meanwhile is not known.
const LONGEST_GAP: Duration = Duration::from_secs(5 * 60);

/// Since when each listed service holds too much.
#[derive(Debug, Default)]
pub struct LeakWatch {
    since: BTreeMap<String, (ProcessKey, Duration)>,
    seen_at: Option<Duration>,
}

impl LeakWatch {
    /// Takes notice of a snapshot, and names the services that held too much for long, those with the
    /// most handles first.
    pub fn observe(
        &mut self,
        rules: &RestartRules,
        now: Duration,
        snapshot: &Snapshot,
    ) -> Vec<Leaker> {
        let is_late =
            self.seen_at.replace(now).is_some_and(|at| now.saturating_sub(at) > LONGEST_GAP);
        if is_late {
            self.since.clear();
        }
        let (Some(pool_bytes), Some(processes)) = (pool_bytes(snapshot), &snapshot.processes)
        else {
            self.since.clear();
            return Vec::new();
        };
        let mut since = BTreeMap::new();
        let mut leakers = Vec::new();
        for service in &rules.services {
            let Some(process) = sole_home(processes, service) else { continue };
            let Some(held) = too_much(rules, process, pool_bytes) else { continue };
            let known = self.since.get(service).filter(|(key, _)| *key == process.key);
            let began = known.map_or(now, |(_, began)| *began);
            since.insert(service.clone(), (process.key, began));
            let held_for = now.saturating_sub(began);
            if held_for >= rules.after {
                leakers.push(Leaker { service: service.clone(), held_for, ..held });
            }
        }
        self.since = since;
        leakers.sort_by_key(|leaker| Reverse(leaker.handles));
        leakers
    }
}

/// The process that holds a service, when exactly one claims it.
fn sole_home<'a>(processes: &'a [ProcessUse], service: &str) -> Option<&'a ProcessUse> {
    let is_it = |name: &String| name.eq_ignore_ascii_case(service);
    let mut homes = processes.iter().filter(|process| process.services.iter().any(is_it));
    homes.next().filter(|_| homes.next().is_none())
}

fn too_much(rules: &RestartRules, process: &ProcessUse, pool_bytes: u64) -> Option<Leaker> {
    let handles = process.handles?;
    let quota =
        process.paged_quota.unwrap_or(0).saturating_add(process.nonpaged_quota.unwrap_or(0));
    let percent = quota.saturating_mul(100).checked_div(pool_bytes).unwrap_or(0);
    let quota_percent = u32::try_from(percent).unwrap_or(u32::MAX);
    let is_much = handles >= rules.handles || quota_percent >= rules.quota_percent;
    is_much.then(|| Leaker {
        service: String::new(),
        process: process.key,
        image: process.image.clone(),
        housemates: process.services.len(),
        handles,
        quota_percent,
        pool_bytes,
        held_for: Duration::ZERO,
    })
}
