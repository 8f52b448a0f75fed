//! What is compared with what.

use std::collections::BTreeSet;

use poolwatch_model::{Bytes, Pool, memory::Memory};

use super::{Finding, Own, Seen};
use crate::{
    clock::Clock,
    collect::{CollectorSet, Sampler, inventory, memory, memory_conditions},
    machine::{InfoClass, Machine, Status},
    raw::{
        basic, handles as raw_handles, object_types as raw_types, performance as raw_performance,
        performance_info, pool_tags as raw_tags, processes as raw_processes,
        server_service as raw_server_service, services as raw_services,
    },
};

/// Share of a pool that its tags may sum up to, in percent: pages hold headers and free room besides,
/// and both are not read in the same moment.
const TAG_SHARE: std::ops::RangeInclusive<u64> = 50..=110;
/// Two ways to the same figure may differ by so much, in percent: they are read one after the other.
const NEAR: u64 = 10;
/// Snapshots of which the cost is measured.
const SNAPSHOTS: u32 = 6;
/// Microseconds of CPU that a cycle may cost.
const CYCLE_CPU_US: u64 = 20_000;

fn is_near(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= one.max(other) * NEAR / 100 + 16
}

/// Class 2 against `K32GetPerformanceInfo`.
pub(super) fn performance(machine: &mut dyn Machine) -> Seen {
    let page_size = basic::parse(machine.query(InfoClass::Basic)?)?.page_size;
    let class_2 = raw_performance::parse(machine.query(InfoClass::Performance)?, page_size)?;
    let documented = performance_info::parse(machine.query(InfoClass::PerformanceInfo)?)?;
    let pools =
        |memory: &Memory| (memory.nonpaged.unwrap_or_default(), memory.paged.unwrap_or_default());
    let (nonpaged, paged) = pools(&class_2);
    if nonpaged == Bytes(0) && paged == Bytes(0) {
        return Err(Status::NOT_FOUND.into());
    }
    let others = pools(&documented);
    let fits = is_near(nonpaged.0, others.0.0) && is_near(paged.0, others.1.0);
    Ok(Finding::new(
        fits,
        format!(
            "nonpaged {nonpaged}, paged {paged}; by K32GetPerformanceInfo {} and {}",
            others.0, others.1
        ),
    ))
}

/// Figures against what bounds them.
pub(super) fn limits(machine: &mut dyn Machine) -> Seen {
    let memory = memory(machine)?;
    let text = |bytes: Option<Bytes>| bytes.map_or_else(|| "unknown".to_owned(), |b| b.to_string());
    let within = |part: Option<Bytes>, whole: Option<Bytes>| match (part, whole) {
        (Some(part), Some(whole)) => part <= whole && whole.0 > 0,
        _ => true,
    };
    let fits = within(memory.available, memory.physical)
        && within(memory.resident_available, memory.physical)
        && within(memory.nonpaged, memory.physical)
        && within(memory.paged_resident, memory.paged)
        && within(memory.committed, memory.commit_limit);
    Ok(Finding::new(
        fits,
        format!(
            "physical {}, available {}, resident available {}; commit {} of {}",
            text(memory.physical),
            text(memory.available),
            text(memory.resident_available),
            text(memory.committed),
            text(memory.commit_limit)
        ),
    ))
}

/// What the tags sum up to against the pools.
pub(super) fn pool_tags(machine: &mut dyn Machine) -> Seen {
    let full = machine.query(InfoClass::PoolTags2).map(|_| ());
    let table = raw_tags::parse(machine.query(InfoClass::PoolTags)?)?;
    let memory = memory(machine)?;
    let share = |pool: Pool| {
        let tagged: u64 = table.rows.iter().map(|row| row.of(pool).bytes).sum();
        memory.of(pool).filter(|all| all.0 > 0).map(|all| tagged.saturating_mul(100) / all.0)
    };
    let shares = [share(Pool::Nonpaged), share(Pool::Paged)];
    let fits = shares.iter().flatten().all(|share| TAG_SHARE.contains(share));
    let [nonpaged, paged] =
        shares.map(|share| share.map_or_else(|| "?".to_owned(), |share| share.to_string()));
    let class_255 = match full {
        Ok(()) => "there".to_owned(),
        Err(status) => status.to_string(),
    };
    Ok(Finding::new(
        fits,
        format!(
            "{} tags; {nonpaged} % of nonpaged and {paged} % of paged pool ({} to {} expected); \
             class 255 {class_255}",
            table.rows.len(),
            TAG_SHARE.start(),
            TAG_SHARE.end(),
        ),
    ))
}

/// Processes against the system's totals.
pub(super) fn processes(machine: &mut dyn Machine) -> Seen {
    let buffer = machine.query(InfoClass::Processes)?;
    let processes = raw_processes::parse(buffer)?;
    let handles: u64 = processes.iter().filter_map(|each| each.handles).map(u64::from).sum();
    let threads: u64 = processes.iter().filter_map(|each| each.threads).map(u64::from).sum();
    let totals = performance_info::parse(machine.query(InfoClass::PerformanceInfo)?)?;
    let near = |sum, total: Option<u64>| total.is_none_or(|total| is_near(sum, total));
    let has_system = processes.iter().any(|each| each.key.pid == 4 && each.image == "System");
    let fits = near(handles, totals.handles)
        && near(threads, totals.threads)
        && near(processes.len() as u64, totals.processes);
    Ok(Finding::new(
        fits,
        format!(
            "{} processes with {handles} handles and {threads} threads; totals {:?}, {:?}, {:?}; \
             System {}",
            processes.len(),
            totals.processes.unwrap_or(0),
            totals.handles.unwrap_or(0),
            totals.threads.unwrap_or(0),
            if has_system { "there" } else { "missing" }
        ),
    ))
}

/// Object types that every Windows has, against the processes.
pub(super) fn object_types(machine: &mut dyn Machine) -> Seen {
    let buffer = machine.query(InfoClass::ObjectTypes)?;
    let types = raw_types::parse(buffer)?;
    let objects = |name: &str| {
        types.iter().find(|each| each.totals.name == name).map(|each| each.totals.objects)
    };
    let buffer = machine.query(InfoClass::Processes)?;
    let running = raw_processes::parse(buffer)?.len();
    let found = ["Process", "Thread", "File", "Token"].map(objects);
    let process_objects = found[0].unwrap_or(0) as usize;
    // The idle process is in the list and has no object of its own.
    let fits = found.iter().all(Option::is_some) && process_objects + 1 + running / 10 >= running;
    Ok(Finding::new(
        fits,
        format!(
            "{} types; {process_objects} process objects for {running} processes; \
             threads {:?}, files {:?}, tokens {:?}",
            types.len(),
            found[1].unwrap_or(0),
            found[2].unwrap_or(0),
            found[3].unwrap_or(0)
        ),
    ))
}

/// Services against the processes that they name.
pub(super) fn services(machine: &mut dyn Machine) -> Seen {
    let buffer = machine.query(InfoClass::Services)?;
    let services = raw_services::parse(buffer)?;
    let buffer = machine.query(InfoClass::Processes)?;
    let processes = raw_processes::parse(buffer)?;
    let pids: BTreeSet<u32> = processes.iter().map(|each| each.key.pid).collect();
    let known = services.keys().filter(|pid| pids.contains(pid)).count();
    let names: usize = services.values().map(Vec::len).sum();
    // One may have ended between the two calls.
    let fits = names > 0 && known + 1 >= services.len();
    Ok(Finding::new(
        fits,
        format!("{names} services in {} processes, of which {known} are there", services.len()),
    ))
}

/// What the Server service counts of itself.
pub(super) fn server_service(machine: &mut dyn Machine) -> Seen {
    let failures = raw_server_service::parse(machine.query(InfoClass::ServerService)?)?;
    Ok(Finding::new(
        true,
        format!(
            "{} allocations from nonpaged and {} from paged pool failed since it started",
            failures.nonpaged, failures.paged
        ),
    ))
}

/// Drivers that every Windows has.
pub(super) fn drivers(machine: &mut dyn Machine) -> Seen {
    let drivers = inventory(machine)?.drivers;
    let has = |name: &str| drivers.iter().any(|each| each.name.eq_ignore_ascii_case(name));
    let kernel = has("ntoskrnl.exe");
    Ok(Finding::new(
        kernel,
        format!(
            "{} drivers; the kernel {}",
            drivers.len(),
            if kernel { "there" } else { "missing" }
        ),
    ))
}

/// Every handle, with our own among them.
pub(super) fn handles(machine: &mut dyn Machine, own: Option<Own>) -> Seen {
    let counts = raw_handles::parse(machine.query(InfoClass::Handles)?)?;
    let all: u64 = counts.values().copied().map(u64::from).sum();
    let Some(own) = own else {
        return Ok(Finding::new(true, format!("{all} handles")));
    };
    let ours: u64 =
        counts.iter().filter(|((pid, _), _)| *pid == own.pid).map(|(_, n)| u64::from(*n)).sum();
    Ok(Finding::new(
        is_near(ours, own.handles.into()),
        format!("{all} handles, {ours} of them ours; by GetProcessHandleCount {}", own.handles),
    ))
}

/// Our own process in the list against `GetProcessHandleCount`.
pub(super) fn own_handles(machine: &mut dyn Machine, own: Own) -> Seen {
    let buffer = machine.query(InfoClass::Processes)?;
    let processes = raw_processes::parse(buffer)?;
    let ours = processes.iter().find(|each| each.key.pid == own.pid);
    let listed = ours.and_then(|each| each.handles);
    Ok(Finding::new(
        listed.is_some_and(|listed| is_near(listed.into(), own.handles.into())),
        match listed {
            Some(listed) => format!("{listed}; by GetProcessHandleCount {}", own.handles),
            None => "this process is not in the list".to_owned(),
        },
    ))
}

/// The conditions; on a machine that is not short of memory they are off.
pub(super) fn conditions(machine: &mut dyn Machine) -> Seen {
    let conditions = memory_conditions(machine)?;
    let text = |condition| match condition {
        Some(true) => "on",
        Some(false) => "off",
        None => "unknown",
    };
    Ok(Finding::new(
        true,
        format!(
            "low nonpaged pool {}, low paged pool {}, high commit {}, maximum commit {}",
            text(conditions.low_nonpaged),
            text(conditions.low_paged),
            text(conditions.high_commit),
            text(conditions.maximum_commit)
        ),
    ))
}

/// What snapshots cost, one after the other.
pub(super) fn cost(machine: &mut dyn Machine, clock: &dyn Clock) -> Seen {
    let mut sampler = Sampler::new(CollectorSet::all(), 0);
    let mut costs = Vec::new();
    for _ in 0..SNAPSHOTS {
        costs.extend(sampler.snapshot(machine, clock, 0).cost);
        sampler.end_cycle(clock.monotonic());
    }
    let Some(last) = costs.last() else {
        return Err(Status::NOT_FOUND.into());
    };
    let cpu_us = costs.iter().map(|cost| cost.cpu_us).sum::<u64>() / costs.len() as u64;
    Ok(Finding::new(
        cpu_us <= CYCLE_CPU_US,
        format!(
            "{cpu_us} µs of CPU a snapshot (at most {CYCLE_CPU_US} expected), {} private",
            Bytes(last.private_bytes)
        ),
    ))
}
