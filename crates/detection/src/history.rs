//! What is stored of hosts and of the fleet, as detection asks for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    future,
    sync::Arc,
};

use jiff::Timestamp;
use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_model::{
    HostId, Pool, PoolTag,
    comparison::{Attribute, AttributeCounts, Change},
    driver_scan::FoundTag,
    event::Event,
    history::{HostHistory, WantedSeries},
    host::HostFacts,
    incident::{Cause, Incident},
    inventory::Driver,
    process::ProcessHandles,
};

/// A stretch of time that is coarse at first and fine at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its beginning: the least of every hour from here on.
    pub from: Timestamp,
    /// The least of every ten minutes from here on.
    pub fine_from: Timestamp,
    /// Its end, for which the latest snapshot stands as it was taken.
    pub to: Timestamp,
}

/// What is stored of hosts.
pub trait History: Send {
    /// Why it cannot be read.
    type Error: Send;
    /// The fleet as it is now.
    type Fleet: Fleet;

    /// What a host tells about itself; `None` when there is no such host.
    fn facts(
        &mut self,
        host: HostId,
    ) -> impl Future<Output = Result<Option<HostFacts>, Self::Error>> + Send;

    /// What was measured of a host: the series that are wanted, and all that is no series of a tag
    /// or a process.
    fn series(
        &mut self,
        host: HostId,
        period: Period,
        wanted: &WantedSeries,
    ) -> impl Future<Output = Result<HostHistory, Self::Error>> + Send;

    /// The latest events of a host since a time that bear on pool, without history.
    fn events(
        &mut self,
        host: HostId,
        since: Timestamp,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Event>, Self::Error>> + Send;

    /// Loaded drivers of a host.
    fn drivers(
        &mut self,
        host: HostId,
    ) -> impl Future<Output = Result<Vec<Driver>, Self::Error>> + Send;

    /// Handles by type of the processes that its agent looked into last.
    fn handles_by_type(
        &mut self,
        _host: HostId,
    ) -> impl Future<Output = Result<Vec<ProcessHandles>, Self::Error>> + Send {
        future::ready(Ok(Vec::new()))
    }

    /// Which of these drivers hold which of these tags in their files, by name, as far as their files
    /// were scanned.
    fn tags_in_drivers(
        &mut self,
        _drivers: &[Driver],
        _tags: &[PoolTag],
    ) -> impl Future<Output = Result<Vec<(String, FoundTag)>, Self::Error>> + Send {
        future::ready(Ok(Vec::new()))
    }

    /// The latest changes of a host's drivers since a time.
    fn changes(
        &mut self,
        host: HostId,
        since: Timestamp,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Change>, Self::Error>> + Send;

    /// Unresolved incidents of a host.
    fn incidents(
        &mut self,
        host: HostId,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Incident>, Self::Error>> + Send;

    /// What comparisons of unresolved incidents told, the latest incidents.
    fn comparisons(
        &mut self,
        most: usize,
    ) -> impl Future<Output = Result<Vec<(Cause, Vec<AttributeCounts>)>, Self::Error>> + Send;

    /// What is said of tags.
    fn catalogue(&self) -> Arc<Catalogue>;

    /// The fleet as it is now.
    fn fleet(&self) -> &Self::Fleet;
}

/// A host of the fleet.
#[derive(Debug, Clone, Copy)]
pub struct FleetHost<'a> {
    /// Which.
    pub id: HostId,
    /// What it tells about itself.
    pub facts: &'a HostFacts,
    /// Whether it is heard.
    pub reports: bool,
}

/// What a host uses by a tag now, and used a day ago where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagUseOverDay {
    /// Bytes now.
    pub bytes: u64,
    /// Growth over the day, bytes.
    pub growth: i64,
}

/// The fleet as it is now.
pub trait Fleet {
    /// Every host, by id.
    fn hosts(&self) -> impl Iterator<Item = FleetHost<'_>>;

    /// The group that a host is shown in.
    fn group(&self, facts: &HostFacts) -> Option<String>;

    /// What a host uses by a tag; `None` where that is not known for a day.
    fn use_over_day(&self, host: HostId, tag: PoolTag, pool: Pool) -> Option<TagUseOverDay>;

    /// What these hosts have: drivers, programs and the like. Builds and groups follow from
    /// [`Fleet::hosts`].
    fn attributes(&self, hosts: &BTreeSet<HostId>) -> BTreeMap<HostId, BTreeSet<Attribute>>;
}
