//! Sections 8, 9, 11 and 14: what the agent costs, which collectors failed, what the agent holds, and
//! what the Server service could not allocate.

use poolwatch_model::snapshot::{
    AgentCost, AgentHoldings, Collector, CollectorFault, PoolFailures,
};

use super::{each_row, from_postcard, to_postcard};
use crate::{limits, v1::wire::Malformed};

/// CPU µs, cycle µs, private bytes, spool bytes.
pub(super) fn encode_cost(cost: &AgentCost) -> Vec<u8> {
    to_postcard(&[cost.cpu_us, cost.cycle_us, cost.private_bytes, cost.spool_bytes])
}

pub(super) fn decode_cost(bytes: &[u8]) -> Result<AgentCost, Malformed> {
    let [cpu_us, cycle_us, private_bytes, spool_bytes]: [u64; 4] = from_postcard(bytes)?;
    Ok(AgentCost { cpu_us, cycle_us, private_bytes, spool_bytes, held: None })
}

/// Handles, threads, paged and nonpaged quota.
pub(super) fn encode_holdings(held: &AgentHoldings) -> Vec<u8> {
    to_postcard(&(held.handles, held.threads, held.paged_quota, held.nonpaged_quota))
}

pub(super) fn decode_holdings(bytes: &[u8]) -> Result<AgentHoldings, Malformed> {
    let (handles, threads, paged_quota, nonpaged_quota) = from_postcard(bytes)?;
    Ok(AgentHoldings { handles, threads, paged_quota, nonpaged_quota })
}

/// Failures from nonpaged and from paged pool.
pub(super) fn encode_pool_failures(failures: &PoolFailures) -> Vec<u8> {
    to_postcard(&(failures.nonpaged, failures.paged))
}

pub(super) fn decode_pool_failures(bytes: &[u8]) -> Result<PoolFailures, Malformed> {
    let (nonpaged, paged) = from_postcard(bytes)?;
    Ok(PoolFailures { nonpaged, paged })
}

/// Collectors by their numbers, from 1.
const COLLECTORS: [Collector; 10] = [
    Collector::PoolTags,
    Collector::Performance,
    Collector::Processes,
    Collector::ObjectTypes,
    Collector::Handles,
    Collector::Modules,
    Collector::Services,
    Collector::EventLog,
    Collector::MemoryConditions,
    Collector::ServerService,
];

fn number(collector: Collector) -> u16 {
    match collector {
        Collector::Other(number) => number,
        known => COLLECTORS.iter().position(|c| *c == known).map_or(0, |at| at as u16 + 1),
    }
}

/// Pairs of collector number and status.
pub(super) fn encode_faults(faults: &[CollectorFault]) -> Vec<u8> {
    let pairs: Vec<(u16, u32)> =
        faults.iter().map(|fault| (number(fault.collector), fault.status)).collect();
    to_postcard(&pairs)
}

pub(super) fn decode_faults(bytes: &[u8]) -> Result<Vec<CollectorFault>, Malformed> {
    let mut faults = Vec::new();
    each_row(bytes, limits::FAULTS, |(number, status): (u16, u32)| {
        let known = usize::from(number).checked_sub(1).and_then(|at| COLLECTORS.get(at));
        let collector = known.copied().unwrap_or(Collector::Other(number));
        faults.push(CollectorFault { collector, status });
        Ok(())
    })?;
    Ok(faults)
}
