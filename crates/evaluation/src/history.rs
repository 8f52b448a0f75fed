//! Simulated hosts as a store keeps them: the least of every ten minutes, and of every hour before.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
};

use jiff::Timestamp;
use poolwatch_analysis::{catalogue::Catalogue, holders};
use poolwatch_detection::history::{Fleet, FleetHost, History, Period, TagUseOverDay};
use poolwatch_model::{
    Bytes, HostId, Pool, PoolTag,
    comparison::{Attribute, AttributeCounts, Change},
    driver_scan::FoundTag,
    event::Event,
    history::{
        HostHistory, MISSING, Moment, NowAndLeast, ObjectTypeSeries, ProcessFigures, ProcessSeries,
        ProgramSeries, TagFigures, TagSeries, WantedSeries, unwrapped,
    },
    host::{Arch, HostFacts, OsVersion},
    incident::{Cause, Incident},
    inventory::Driver,
    memory::Memory,
    process::ProcessHandles,
};

use poolwatch_simulator::patterns::{
    leaks::Culprit,
    load::{DAY, load_of_slot},
};

use crate::fleet::{Host, Planted};

/// Seconds of a slot, and slots of an hour.
pub const SLOT_S: i64 = 600;
const HOUR: usize = 6;

/// When a slot begins.
#[must_use]
pub fn time_of_slot(slot: usize) -> Timestamp {
    Timestamp::from_second(slot as i64 * SLOT_S).unwrap_or_default()
}

/// The first slot that begins at or after a time.
fn slot_of_time(at: Timestamp) -> usize {
    usize::try_from((at.as_second() + SLOT_S - 1).div_euclid(SLOT_S)).unwrap_or(0)
}

/// A host's month at both resolutions.
#[derive(Debug)]
pub struct StoredMonth {
    fine: Columns,
    hourly: Columns,
    facts: HostFacts,
    ram: u64,
    live: u64,
    drivers: Vec<Driver>,
    changes: Vec<Change>,
}

/// Series over moments, each of some slots.
#[derive(Debug, Default)]
struct Columns {
    /// First slot of each moment.
    slots: Vec<usize>,
    axis: Vec<Moment>,
    tags: Vec<TagSeries>,
    programs: Vec<ProcessSeries>,
    operations: Vec<ProgramSeries>,
    types: Vec<ObjectTypeSeries>,
    pools: [Vec<u64>; 2],
    committed: Vec<u64>,
}

impl StoredMonth {
    /// The month of a host.
    #[must_use]
    pub fn new(host: &Host) -> Self {
        let os = OsVersion {
            product: "Windows Server 2022".into(),
            major: 10,
            minor: 0,
            build: 20_348,
            revision: 0,
            arch: Arch::X64,
        };
        let facts =
            HostFacts { os: Some(os), physical: Some(Bytes(host.ram)), ..HostFacts::default() };
        Self {
            fine: Columns::new(host, 1),
            hourly: Columns::new(host, HOUR),
            facts,
            ram: host.ram,
            live: host.people.live(),
            drivers: host.people.drivers.clone(),
            changes: host.people.changes.clone(),
        }
    }

    /// The most handles that one program has, the kernel's own process left out.
    #[must_use]
    pub fn most_handles(&self, slot: usize) -> Option<u32> {
        let at = self.fine.slots.binary_search(&slot).ok()?;
        let programs = self.fine.programs.iter().filter(|program| program.key.pid != 4);
        let handles = programs.map(|program| program.handles[at]);
        let most = handles.filter(|handles| *handles != MISSING).max()?;
        u32::try_from(most).ok()
    }

    /// System-wide figures at a slot.
    #[must_use]
    pub fn memory(&self, slot: usize) -> Memory {
        let at = self.fine.slots.partition_point(|one| *one <= slot);
        let known = |values: &[u64]| at.checked_sub(1).map(|at| Bytes(values[at]));
        let used = |pool: usize| known(&self.fine.pools[pool]);
        Memory {
            paged: used(0),
            nonpaged: used(1),
            physical: Some(Bytes(self.ram)),
            resident_available: Some(Bytes(self.ram / 2)),
            committed: known(&self.fine.committed),
            commit_limit: Some(Bytes(self.ram / 4 * 5)),
            ..Memory::default()
        }
    }

    fn history(&self, period: Period, wanted: &WantedSeries) -> HostHistory {
        let end = slot_of_time(period.to);
        // Hours are told whole.
        let fine_from = slot_of_time(period.fine_from) / HOUR * HOUR;
        let place = |columns: &Columns, slot| columns.slots.partition_point(|one| *one < slot);
        let hours = place(&self.hourly, slot_of_time(period.from))..place(&self.hourly, fine_from);
        let fine = place(&self.fine, fine_from)..place(&self.fine, end + 1);
        let both = |hourly: &[u64], minutes: &[u64]| {
            [&hourly[hours.clone()], &minutes[fine.clone()]].concat()
        };
        let figures = |at: usize| {
            let (hourly, minutes) = (&self.hourly.tags[at], &self.fine.tags[at]);
            let of = |hourly: &[u64], minutes: &[u64]| {
                let values = hourly[hours.clone()].iter().chain(&minutes[fine.clone()]);
                NowAndLeast::of_values(values.copied())
            };
            let (bytes, outstanding) = if wanted.most_tags == 0 {
                Default::default()
            } else {
                let bytes = of(&hourly.bytes, &minutes.bytes);
                (bytes, of(&hourly.outstanding, &minutes.outstanding))
            };
            TagFigures::new(minutes.tag, minutes.pool, bytes, outstanding)
        };
        let all: Vec<TagFigures> = (0..self.fine.tags.len()).map(figures).collect();
        let tags = wanted.choose_tags(&all).into_iter().map(|at| {
            let (hourly, minutes) = (&self.hourly.tags[at], &self.fine.tags[at]);
            TagSeries {
                tag: minutes.tag,
                pool: minutes.pool,
                bytes: both(&hourly.bytes, &minutes.bytes),
                outstanding: both(&hourly.outstanding, &minutes.outstanding),
                allocs: both(&hourly.allocs, &minutes.allocs),
            }
        });
        let tags = tags.collect();
        let listed: Vec<(&ProcessSeries, &ProcessSeries)> =
            self.hourly.programs.iter().zip(&self.fine.programs).collect();
        let rank = |(hourly, minutes): &(&ProcessSeries, &ProcessSeries)| {
            let most = |hourly: &[u64], minutes: &[u64]| {
                let values = hourly[hours.clone()].iter().chain(&minutes[fine.clone()]);
                values.copied().filter(|value| *value != MISSING).max().unwrap_or(0)
            };
            let (_, gained) =
                last_and_gain(&hourly.handles[hours.clone()], &minutes.handles[fine.clone()]);
            let handles = most(&hourly.handles, &minutes.handles);
            let threads = most(&hourly.threads, &minutes.threads);
            ProcessFigures { ranked: [handles, threads, 0, gained, 0] }
        };
        let all: Vec<ProcessFigures> =
            if wanted.most_processes == 0 { Vec::new() } else { listed.iter().map(rank).collect() };
        let chosen = wanted.choose_processes(&all);
        let seen = all.iter().filter(|figures| figures.ranked.iter().any(|value| *value > 0));
        let all_processes = wanted.most_processes > 0 && chosen.len() == seen.count();
        let processes = chosen.into_iter().map(|at| {
            let (hourly, minutes) = listed[at];
            let unmeasured = || vec![MISSING; hours.len() + fine.len()];
            ProcessSeries {
                key: minutes.key,
                image: minutes.image.clone(),
                services: minutes.services.clone(),
                handles: both(&hourly.handles, &minutes.handles),
                threads: both(&hourly.threads, &minutes.threads),
                private_bytes: unmeasured(),
                quota: [unmeasured(), unmeasured()],
            }
        });
        let processes = processes.collect();
        let wants_programs = wanted.most_processes > 0;
        let programs = self.hourly.operations.iter().zip(&self.fine.operations);
        let programs: Vec<ProgramSeries> = programs
            .filter(|_| wants_programs)
            .map(|(hourly, minutes)| ProgramSeries {
                image: minutes.image.clone(),
                operations: both(&hourly.operations, &minutes.operations),
            })
            .collect();
        let totals: Vec<u64> = programs.iter().map(ProgramSeries::total).collect();
        let chosen = wanted.choose_programs(&totals);
        let types = self.hourly.types.iter().zip(&self.fine.types);
        let types = types.map(|(hourly, minutes)| ObjectTypeSeries {
            name: minutes.name.clone(),
            objects: both(&hourly.objects, &minutes.objects),
            handles: both(&hourly.handles, &minutes.handles),
        });
        let axis = [&self.hourly.axis[hours.clone()], &self.fine.axis[fine.clone()]].concat();
        HostHistory {
            memory: self.memory(end),
            tags,
            processes,
            programs: chosen.into_iter().map(|at| programs[at].clone()).collect(),
            object_types: types.collect(),
            pools: [0, 1].map(|pool| both(&self.hourly.pools[pool], &self.fine.pools[pool])),
            committed: both(&self.hourly.committed, &self.fine.committed),
            live_processes: vec![self.live; axis.len()],
            all_processes,
            axis,
        }
    }
}

impl Columns {
    /// The least of every `step` slots in which the same Windows ran; allocations as they ended.
    fn new(host: &Host, step: usize) -> Self {
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for (slot, run) in host.slots.iter().enumerate() {
            let Some((boot, _)) = *run else { continue };
            let is_same = |part: &&mut Vec<usize>| {
                part[0] / step == slot / step
                    && host.slots[part[0]].is_some_and(|(of, _)| of == boot)
            };
            match parts.last_mut().filter(is_same) {
                Some(part) => part.push(slot),
                None => parts.push(vec![slot]),
            }
        }
        let boot = |slot: usize| host.slots[slot].map_or(0, |(boot, _)| boot);
        let moment = |part: &Vec<usize>| Moment {
            at_s: part[0] as i64 * SLOT_S + if part[0] >= host.clock.0 { host.clock.1 } else { 0 },
            boot: boot(part[0]),
            uptime_s: host.slots[part[0]].map(|(_, up)| up as u64 * SLOT_S.unsigned_abs()),
        };
        let axis: Vec<Moment> = parts.iter().map(moment).collect();
        let tags: Vec<TagSeries> = host
            .tags
            .iter()
            .map(|tag| {
                let least = |part: &Vec<usize>| {
                    part.iter().map(|slot| tag.bytes[*slot]).min().unwrap_or(MISSING)
                };
                let bytes: Vec<u64> = parts.iter().map(least).collect();
                let mut before: Option<(u32, u64)> = None;
                let allocs = parts.iter().map(|part| {
                    let (boot, last) = (boot(part[0]), part[part.len() - 1]);
                    let same = before.filter(|(of, _)| *of == boot).map(|(_, count)| count);
                    let count = unwrapped(same, u64::from(tag.allocs[last]));
                    before = Some((boot, count));
                    count
                });
                TagSeries {
                    tag: tag.tag,
                    pool: tag.pool,
                    allocs: allocs.collect(),
                    outstanding: bytes.iter().map(|bytes| bytes / tag.unit).collect(),
                    bytes,
                }
            })
            .collect();
        let known: Vec<(usize, u32)> =
            parts.iter().map(|part| (part[part.len() - 1], boot(part[0]))).collect();
        let total = |pool: Pool| -> Vec<u64> {
            let of_pool: Vec<&TagSeries> = tags.iter().filter(|tag| tag.pool == pool).collect();
            (0..axis.len()).map(|at| of_pool.iter().map(|tag| tag.bytes[at]).sum()).collect()
        };
        let pools = [total(Pool::Paged), total(Pool::Nonpaged)];
        let committed = parts.iter().enumerate().map(|(at, part)| {
            let private = host.ram as f64 * (0.4 + 0.1 * load_of_slot(part[0]));
            pools[0][at] + pools[1][at] + private as u64
        });
        Self {
            slots: parts.iter().map(|part| part[0]).collect(),
            committed: committed.collect(),
            pools,
            programs: host.people.series(&known),
            operations: host.people.operations(&parts),
            types: tags.iter().filter_map(|series| object_type(host, series, &parts)).collect(),
            axis,
            tags,
        }
    }
}

/// The objects of a type by the tag that counts them, with the handles to them: one for each, but for
/// those that the kernel alone refers to.
fn object_type(host: &Host, series: &TagSeries, parts: &[Vec<usize>]) -> Option<ObjectTypeSeries> {
    let name = holders::object_type(series.tag)?;
    let unit = host.tags.iter().find(|tag| tag.tag == series.tag)?.unit;
    let referred: Vec<&Planted> = host
        .leaks
        .iter()
        .filter(|leak| leak.culprit == Culprit::References && leak.tags[0] == series.tag)
        .collect();
    let handles = series.outstanding.iter().zip(parts).map(|(objects, part)| {
        let bytes: f64 = referred.iter().map(|leak| leak.held[part[0]]).sum();
        objects.saturating_sub(bytes as u64 / unit)
    });
    Some(ObjectTypeSeries {
        name: name.to_owned(),
        handles: handles.collect(),
        objects: series.outstanding.clone(),
    })
}

/// The latest value, and what it is above the least.
fn last_and_gain(hourly: &[u64], minutes: &[u64]) -> (u64, u64) {
    let known = || hourly.iter().chain(minutes).copied().filter(|value| *value != MISSING);
    let last = known().next_back().unwrap_or(0);
    (last, last - known().min().unwrap_or(last).min(last))
}

/// The number of a host of a group.
#[must_use]
pub fn host_id(at: usize) -> HostId {
    HostId(i32::try_from(at + 1).unwrap_or(i32::MAX))
}

/// The place of a host in its group.
#[must_use]
pub fn place_of_host(id: HostId) -> usize {
    usize::try_from(id.0 - 1).unwrap_or(0)
}

/// A group of hosts at a slot.
#[derive(Debug, Clone, Copy)]
pub struct SimulatedFleet<'a> {
    /// The hosts.
    pub hosts: &'a [Host],
    /// The same as they are kept.
    pub stored: &'a [StoredMonth],
    /// The slot.
    pub slot: usize,
}

impl Fleet for SimulatedFleet<'_> {
    fn hosts(&self) -> impl Iterator<Item = FleetHost<'_>> {
        self.stored.iter().enumerate().map(|(at, stored)| FleetHost {
            id: host_id(at),
            facts: &stored.facts,
            reports: self.hosts[at].slots[self.slot].is_some(),
        })
    }

    fn group(&self, _: &HostFacts) -> Option<String> {
        None
    }

    fn use_over_day(&self, host: HostId, tag: PoolTag, pool: Pool) -> Option<TagUseOverDay> {
        let tags = &self.hosts[place_of_host(host)].tags;
        let at = tags.binary_search_by_key(&(tag, pool), |one| (one.tag, one.pool)).ok()?;
        let known = |slot: usize| Some(tags[at].bytes[slot]).filter(|bytes| *bytes != MISSING);
        let (bytes, before) = (known(self.slot)?, known(self.slot.checked_sub(DAY)?)?);
        Some(TagUseOverDay { bytes, growth: bytes.cast_signed() - before.cast_signed() })
    }

    fn attributes(&self, hosts: &BTreeSet<HostId>) -> BTreeMap<HostId, BTreeSet<Attribute>> {
        let of_host = |id: &HostId| self.hosts[place_of_host(*id)].people.attributes();
        hosts.iter().map(|id| (*id, of_host(id))).collect()
    }
}

/// What is stored of a group of hosts as a slot ends.
#[derive(Debug)]
pub struct SimulatedHistory<'a> {
    /// The hosts.
    pub fleet: SimulatedFleet<'a>,
    /// Incidents, with what comparisons of them told.
    pub incidents: &'a [(Incident, Vec<AttributeCounts>)],
    /// What is said of tags: nothing beyond what is built in.
    pub catalogue: Arc<Catalogue>,
}

impl<'a> SimulatedHistory<'a> {
    fn stored(&self, host: HostId) -> &'a StoredMonth {
        &self.fleet.stored[place_of_host(host)]
    }
}

impl<'a> History for SimulatedHistory<'a> {
    type Error = Infallible;
    type Fleet = SimulatedFleet<'a>;

    async fn facts(&mut self, host: HostId) -> Result<Option<HostFacts>, Infallible> {
        Ok(Some(self.stored(host).facts.clone()))
    }

    async fn series(
        &mut self,
        host: HostId,
        period: Period,
        wanted: &WantedSeries,
    ) -> Result<HostHistory, Infallible> {
        Ok(self.stored(host).history(period, wanted))
    }

    async fn events(
        &mut self,
        _: HostId,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<Event>, Infallible> {
        Ok(Vec::new())
    }

    async fn drivers(&mut self, host: HostId) -> Result<Vec<Driver>, Infallible> {
        Ok(self.stored(host).drivers.clone())
    }

    async fn handles_by_type(&mut self, host: HostId) -> Result<Vec<ProcessHandles>, Infallible> {
        let people = &self.fleet.hosts[place_of_host(host)].people;
        Ok(people.handles_by_type(self.fleet.slot, holders::object_type))
    }

    async fn tags_in_drivers(
        &mut self,
        drivers: &[Driver],
        tags: &[PoolTag],
    ) -> Result<Vec<(String, FoundTag)>, Infallible> {
        // The same file tells the same on every host.
        let scanned = self.fleet.hosts.iter().flat_map(|host| &host.scans);
        let mut found: Vec<(String, FoundTag)> = scanned
            .filter(|(name, found)| {
                tags.contains(&found.tag) && drivers.iter().any(|driver| driver.name == *name)
            })
            .cloned()
            .collect();
        found.sort_by(|(a, of_a), (b, of_b)| (a, of_a.tag).cmp(&(b, of_b.tag)));
        found.dedup();
        Ok(found)
    }

    async fn changes(
        &mut self,
        host: HostId,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Change>, Infallible> {
        let until = time_of_slot(self.fleet.slot);
        let changes = self.stored(host).changes.iter();
        let within = changes.filter(|change| (since..=until).contains(&change.at));
        Ok(within.take(most).cloned().collect())
    }

    async fn incidents(&mut self, host: HostId, most: usize) -> Result<Vec<Incident>, Infallible> {
        let incidents = self.incidents.iter().map(|(incident, _)| incident);
        let of_host = incidents.filter(|incident| incident.hosts.contains(&host));
        Ok(of_host.take(most).cloned().collect())
    }

    async fn comparisons(
        &mut self,
        most: usize,
    ) -> Result<Vec<(Cause, Vec<AttributeCounts>)>, Infallible> {
        let latest = self.incidents.iter().rev().filter(|(one, _)| !one.hosts.is_empty());
        let compared = latest.filter(|(_, comparison)| !comparison.is_empty()).take(most);
        Ok(compared.map(|(one, comparison)| (one.cause.clone(), comparison.clone())).collect())
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.clone()
    }

    fn fleet(&self) -> &SimulatedFleet<'a> {
        &self.fleet
    }
}
