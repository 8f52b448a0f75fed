//! Kernel object types. Their counts follow from processes, threads and handles, and the tags of
//! their objects follow from their counts.

use poolwatch_model::{
    Pool::{self, Nonpaged, Paged},
    PoolTag,
    process::ObjectTypeUse,
};

use crate::{hosts::Era, patterns::rng::SeededRng, processes::Totals};

/// What the objects of a type are counted by.
#[derive(Debug, Clone, Copy)]
enum Count {
    /// One per thread.
    Threads,
    /// One per process.
    Processes,
    /// So many for a thousand handles of the type.
    PerThousandHandles(u64),
}

#[derive(Debug, Clone, Copy)]
struct Type {
    name: &'static str,
    pool: Pool,
    /// Bytes of an object on 64-bit and on 32-bit Windows.
    unit: [u64; 2],
    /// Of a thousand handles of a process, on average.
    handles: u64,
    count: Count,
    /// Objects that no handle holds.
    without_handle: u64,
    /// Made and deleted per minute.
    churn: u64,
}

const fn of(
    name: &'static str,
    pool: Pool,
    unit: [u64; 2],
    handles: u64,
    count: Count,
    without_handle: u64,
    churn: u64,
) -> Type {
    Type { name, pool, unit, handles, count, without_handle, churn }
}

use Count::{PerThousandHandles as Each, Processes, Threads};

/// Sorted by name. Event takes the handles that the shares leave over.
const TYPES: [Type; 22] = [
    of("ALPC Port", Nonpaged, [560, 296], 40, Each(1000), 60, 900),
    of("Desktop", Nonpaged, [416, 224], 3, Each(60), 4, 1),
    of("Device", Nonpaged, [720, 400], 0, Each(0), 420, 1),
    of("Directory", Paged, [400, 216], 6, Each(150), 40, 2),
    of("Driver", Nonpaged, [704, 400], 0, Each(0), 180, 1),
    of("EtwRegistration", Nonpaged, [304, 168], 150, Each(1000), 700, 300),
    of("Event", Nonpaged, [128, 64], 0, Each(900), 900, 40_000),
    of("File", Nonpaged, [416, 160], 110, Each(950), 9000, 90_000),
    of("IoCompletion", Nonpaged, [272, 136], 22, Each(1000), 20, 300),
    of("Job", Nonpaged, [1616, 520], 2, Each(800), 3, 4),
    of("Key", Paged, [256, 112], 120, Each(900), 300, 30_000),
    of("Mutant", Nonpaged, [176, 96], 25, Each(800), 60, 500),
    of("Process", Nonpaged, [2816, 720], 9, Processes, 3, 6),
    of("Section", Paged, [304, 144], 35, Each(800), 400, 2500),
    of("Semaphore", Nonpaged, [160, 88], 90, Each(950), 150, 3000),
    of("SymbolicLink", Paged, [320, 160], 1, Each(900), 260, 3),
    of("Thread", Nonpaged, [2304, 640], 45, Threads, 25, 400),
    of("Timer", Nonpaged, [320, 168], 12, Each(1000), 40, 900),
    of("Token", Paged, [1520, 640], 22, Each(700), 120, 2500),
    of("TpWorkerFactory", Nonpaged, [416, 224], 14, Each(1000), 5, 60),
    of("WaitCompletionPacket", Nonpaged, [224, 120], 70, Each(1000), 30, 900),
    of("WindowStation", Nonpaged, [320, 176], 3, Each(40), 3, 1),
];

/// Types that came after Windows Server 2003.
const LATER: [&str; 4] =
    ["ALPC Port", "EtwRegistration", "TpWorkerFactory", "WaitCompletionPacket"];

/// The tags of all types.
pub(crate) fn tags() -> impl Iterator<Item = PoolTag> {
    TYPES.iter().map(|of| PoolTag::of_object_type(of.name))
}

/// So many handles by the types that they lead to on average; events take what is left over.
pub(crate) fn share_handles(all: u64) -> impl Iterator<Item = (&'static str, u64)> {
    let to_others: u64 = TYPES.iter().map(|of| all * of.handles / 1000).sum();
    TYPES.iter().map(move |of| match of.name {
        "Event" => (of.name, all - to_others),
        name => (name, all * of.handles / 1000),
    })
}

/// The object types of a host, counted.
#[derive(Debug)]
pub(crate) struct Objects(Vec<Counted>);

/// One type.
#[derive(Debug)]
pub(crate) struct Counted {
    of: &'static Type,
    unit: u64,
    usage: ObjectTypeUse,
}

impl Counted {
    pub(crate) fn tag(&self) -> PoolTag {
        PoolTag::of_object_type(self.of.name)
    }

    pub(crate) fn pool(&self) -> Pool {
        self.of.pool
    }

    pub(crate) fn unit(&self) -> u64 {
        self.unit
    }

    pub(crate) fn objects(&self) -> u64 {
        self.usage.objects.into()
    }

    /// Objects made in one minute, at this load.
    pub(crate) fn allocations(&self, load: f64, rng: &mut SeededRng) -> u64 {
        let made = self.of.churn as f64 * (0.4 + load) * (1.0 + 0.2 * rng.uniform_swing());
        (made as u64).max(1)
    }

    /// Objects made since a start so long ago, about.
    pub(crate) fn allocations_since(&self, uptime_s: i64) -> u64 {
        self.of.churn * uptime_s.unsigned_abs() / 60
    }
}

impl Objects {
    pub(crate) fn new(era: Era) -> Self {
        let known = |of: &&Type| era == Era::Modern || !LATER.contains(&of.name);
        let types = TYPES.iter().filter(known).map(|of| Counted {
            of,
            unit: of.unit[usize::from(era == Era::Legacy)],
            usage: ObjectTypeUse {
                name: of.name.into(),
                objects: 0,
                handles: 0,
                peak_objects: 0,
                peak_handles: 0,
            },
        });
        Self(types.collect())
    }

    pub(crate) fn all(&self) -> &[Counted] {
        &self.0
    }

    /// Counts anew.
    pub(crate) fn count(&mut self, totals: Totals) {
        let mut left = totals.handles;
        for counted in &mut self.0 {
            let handles = totals.handles * counted.of.handles / 1000;
            left -= handles;
            counted.set(handles, totals);
        }
        if let Some(event) = self.0.iter_mut().find(|counted| counted.of.name == "Event") {
            event.set(left, totals);
        }
    }

    /// The rows of a snapshot.
    pub(crate) fn rows(&self) -> Vec<ObjectTypeUse> {
        self.0.iter().map(|counted| counted.usage.clone()).collect()
    }
}

impl Counted {
    fn set(&mut self, handles: u64, totals: Totals) {
        let held = match self.of.count {
            Threads => totals.threads,
            Processes => totals.processes,
            Each(objects) => handles * objects / 1000,
        };
        let usage = &mut self.usage;
        usage.handles = u32::try_from(handles).unwrap_or(u32::MAX);
        usage.objects = u32::try_from(held + self.of.without_handle).unwrap_or(u32::MAX);
        usage.peak_handles = usage.peak_handles.max(usage.handles);
        usage.peak_objects = usage.peak_objects.max(usage.objects);
    }
}
