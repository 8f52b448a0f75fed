//! Drivers over all hosts, by file name and version, from the inventories that hosts send. They are
//! read from the database once, and again when a host sends another.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, inventory::Inventory};
use poolwatch_store::{PgPool, StoreError, inventories, is_of_stored_row};
use tracing::warn;

use super::Fleet;

/// Changes are told that are no older.
pub const CHANGED_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Changes that are kept, those on most hosts.
const CHANGES: i64 = 2_000;
/// They are read again after this long, and when a host sent another inventory.
const CHANGES_EVERY: SignedDuration = SignedDuration::from_mins(10);

/// Drivers of one host that count in the fleet. Windows with everything on it has some hundred.
const OF_HOST: usize = 2_000;

/// Inventories read in one round, so that a large fleet's are read within minutes and not at once. Those
/// beyond wait for the next.
const ROUND: usize = 2_000;

/// A driver's file in one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverVersion {
    /// File name, in small letters.
    pub name: String,
    /// File version, where the file tells one.
    pub version: Option<String>,
    /// Company that the file names.
    pub company: Option<String>,
}

/// A driver in one version, and the hosts that have it loaded, in order.
pub type VersionLine = (Arc<DriverVersion>, Arc<[HostId]>);

/// Every driver of the fleet.
#[derive(Debug, Default)]
pub struct Drivers {
    lines: Vec<VersionLine>,
    /// Hosts whose inventory is known.
    pub hosts: usize,
}

impl Drivers {
    /// Every driver and version with the hosts that have it loaded, by name, then version.
    #[must_use]
    pub fn lines(&self) -> &[VersionLine] {
        &self.lines
    }

    /// The versions of one driver, by its file name in any case.
    #[must_use]
    pub fn versions(&self, name: &str) -> &[VersionLine] {
        let name = name.to_lowercase();
        let first = self.lines.partition_point(|(driver, _)| driver.name < name);
        let rest = &self.lines[first..];
        &rest[..rest.partition_point(|(driver, _)| driver.name == name)]
    }

    /// The same on some hosts alone, which are in order.
    #[must_use]
    pub fn among(&self, hosts: &[HostId]) -> Self {
        let is_one = |host: &HostId| hosts.binary_search(host).is_ok();
        let mut all = BTreeSet::new();
        let mut lines = Vec::new();
        for (driver, on) in &self.lines {
            let on: Arc<[HostId]> = on.iter().copied().filter(is_one).collect();
            if !on.is_empty() {
                all.extend(on.iter().copied());
                lines.push((driver.clone(), on));
            }
        }
        Self { lines, hosts: all.len() }
    }
}

/// The drivers of a host, in order.
type DriverList = Arc<[Arc<DriverVersion>]>;

/// What is known of every host's drivers. Hosts of one image share one list, and a list of hosts is made
/// anew only where a host came to it or left it.
#[derive(Debug, Default)]
pub struct Book {
    drivers: HashSet<Arc<DriverVersion>>,
    lists: HashSet<DriverList>,
    hosts: HashMap<HostId, DriverList>,
    /// Every driver with its hosts, as of the last time it was asked for.
    lines: BTreeMap<Arc<DriverVersion>, Arc<[HostId]>>,
    /// Hosts that came to a driver's list since then, or left it.
    moved: HashMap<Arc<DriverVersion>, Vec<(HostId, bool)>>,
    /// Hosts whose inventory has to be read.
    wanted: BTreeSet<HostId>,
    /// The one that was read last.
    read_last: Option<HostId>,
    /// When changes were last read.
    changes_at: Option<Timestamp>,
}

impl Book {
    /// Takes in a host's inventory.
    pub fn put(&mut self, host: HostId, inventory: &Inventory) {
        let versions: BTreeSet<DriverVersion> = inventory
            .drivers
            .iter()
            .take(OF_HOST)
            .map(|driver| DriverVersion {
                name: driver.name.to_lowercase(),
                version: driver.version.clone(),
                company: driver.company.clone(),
            })
            .collect();
        let list: Vec<Arc<DriverVersion>> =
            versions.into_iter().map(|version| shared(&mut self.drivers, version)).collect();
        let list = match self.lists.get(&list[..]) {
            Some(known) => known.clone(),
            None => {
                let list: DriverList = list.into();
                self.lists.insert(list.clone());
                list
            }
        };
        let before = self.hosts.insert(host, list.clone());
        self.note_moved(host, before.as_deref().unwrap_or_default(), &list);
    }

    /// Forgets hosts that are not there any more, and what only they had.
    pub fn keep(&mut self, hosts: &HashSet<HostId>) {
        let gone: Vec<HostId> =
            self.hosts.keys().filter(|host| !hosts.contains(host)).copied().collect();
        for host in gone {
            let before = self.hosts.remove(&host);
            self.note_moved(host, before.as_deref().unwrap_or_default(), &[]);
        }
        self.wanted.retain(|host| hosts.contains(host));
        self.lists.retain(|list| Arc::strong_count(list) > 1);
        self.drivers.retain(|driver| Arc::strong_count(driver) > 1);
    }

    /// Every driver with its hosts.
    #[must_use]
    pub fn drivers(&mut self) -> Drivers {
        for (driver, mut moved) in self.moved.drain() {
            // Of a host that moved twice, the last counts.
            moved.reverse();
            moved.sort_by_key(|(host, _)| *host);
            moved.dedup_by_key(|(host, _)| *host);
            let before = self.lines.remove(&driver).unwrap_or_default();
            let stays =
                |host: &HostId| moved.binary_search_by_key(host, |(host, _)| *host).is_err();
            let come = moved.iter().filter(|(_, is_there)| *is_there).map(|(host, _)| *host);
            let mut hosts: Vec<HostId> = before.iter().copied().filter(stays).chain(come).collect();
            hosts.sort();
            if !hosts.is_empty() {
                self.lines.insert(driver, hosts.into());
            }
        }
        let lines = self.lines.iter().map(|(driver, hosts)| (driver.clone(), hosts.clone()));
        Drivers { lines: lines.collect(), hosts: self.hosts.len() }
    }

    /// Notes which drivers a host has no more, and which ones now. Both lists are in order.
    fn note_moved(
        &mut self,
        host: HostId,
        before: &[Arc<DriverVersion>],
        now: &[Arc<DriverVersion>],
    ) {
        for (of, other, is_there) in [(before, now, false), (now, before, true)] {
            for driver in of.iter().filter(|driver| other.binary_search(driver).is_err()) {
                self.moved.entry(driver.clone()).or_default().push((host, is_there));
            }
        }
    }

    /// The next hosts whose inventory has to be read: all get their turn, however many there are.
    fn next_wanted(&self) -> Vec<HostId> {
        let last = self.read_last.unwrap_or(HostId(i32::MAX));
        let after = self.wanted.range((Excluded(last), Unbounded));
        after.chain(self.wanted.range(..=last)).take(ROUND).copied().collect()
    }
}

fn shared(known: &mut HashSet<Arc<DriverVersion>>, driver: DriverVersion) -> Arc<DriverVersion> {
    if let Some(driver) = known.get(&driver) {
        return driver.clone();
    }
    let driver = Arc::new(driver);
    known.insert(driver.clone());
    driver
}

/// Reads inventories that are new or were never read, and publishes the drivers when any was; what
/// changed lately with them.
///
/// # Errors
/// When the database fails.
pub async fn refresh(
    pool: &PgPool,
    fleet: &Fleet,
    book: &mut Book,
    now: Timestamp,
) -> Result<(), StoreError> {
    let present: HashSet<HostId> = fleet.view().hosts.iter().map(|one| one.host.id).collect();
    book.keep(&present);
    book.wanted.extend(fleet.take_changed_inventories().iter().filter(|id| present.contains(id)));
    book.wanted.extend(present.iter().filter(|id| !book.hosts.contains_key(id)));
    for id in book.next_wanted() {
        let found = match inventories::find(&mut *pool.acquire().await?, id).await {
            Err(error) if is_of_stored_row(&error) => {
                warn!(host = %id, %error, "An inventory cannot be read: run `check --repair`");
                None
            }
            found => found?,
        };
        book.put(id, &found.unwrap_or_default());
        book.wanted.remove(&id);
        book.read_last = Some(id);
    }
    let changed = !book.moved.is_empty();
    if changed || book.hosts.len() != fleet.drivers().hosts {
        fleet.publish_drivers(book.drivers());
    }
    if changed || book.changes_at.is_none_or(|at| now.duration_since(at) >= CHANGES_EVERY) {
        let since = now.saturating_sub(CHANGED_WITHIN).unwrap_or(now);
        let found = inventories::changed_since(&mut *pool.acquire().await?, since, CHANGES).await?;
        fleet.publish_driver_changes(found);
        book.changes_at = Some(now);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use poolwatch_model::inventory::Driver;

    use super::*;

    fn inventory(drivers: &[(&str, &str)]) -> Inventory {
        let driver = |&(name, version): &(&str, &str)| Driver {
            name: name.into(),
            version: Some(version.into()),
            ..Driver::default()
        };
        Inventory { drivers: drivers.iter().map(driver).collect(), ..Inventory::default() }
    }

    #[test]
    fn a_driver_is_told_apart_by_its_version_and_found_in_any_case() {
        let mut book = Book::default();
        book.put(HostId(1), &inventory(&[("Foo.sys", "5.1"), ("ntfs.sys", "10")]));
        book.put(HostId(2), &inventory(&[("foo.SYS", "5.2"), ("ntfs.sys", "10")]));
        book.put(HostId(3), &inventory(&[("ntfs.sys", "10"), ("foo.sys", "5.1")]));
        let drivers = book.drivers();
        let hosts: Vec<_> = drivers.versions("FOO.sys").iter().map(|line| &line.1[..]).collect();
        assert_eq!(hosts, [&[HostId(1), HostId(3)][..], &[HostId(2)]]);
        assert_eq!((drivers.lines().len(), book.lists.len()), (3, 2));
        // What was published still holds what it lists, and what did not change is shared with it.
        book.put(HostId(3), &inventory(&[("ntfs.sys", "10"), ("foo.sys", "5.2")]));
        let next = book.drivers();
        let hosts: Vec<_> = next.versions("foo.sys").iter().map(|line| &line.1[..]).collect();
        assert_eq!(hosts, [&[HostId(1)][..], &[HostId(2), HostId(3)]]);
        assert!(Arc::ptr_eq(&next.versions("ntfs.sys")[0].1, &drivers.versions("ntfs.sys")[0].1));
        drop((drivers, next));
        book.keep(&HashSet::from([HostId(2)]));
        let lines = book.drivers();
        let hosts: Vec<_> = lines.lines().iter().map(|line| &line.1[..]).collect();
        assert_eq!(hosts, [&[HostId(2)][..], &[HostId(2)]]);
        book.keep(&HashSet::from([HostId(2)]));
        assert_eq!(book.drivers.len(), 2);
    }

    #[test]
    fn inventories_beyond_a_round_wait_for_the_next() {
        let all: Vec<HostId> = (1..=ROUND as i32 * 5 / 2).map(HostId).collect();
        let mut book = Book { wanted: all.iter().copied().collect(), ..Book::default() };
        let mut read = BTreeSet::new();
        for _ in 0..3 {
            let next = book.next_wanted();
            assert!(next.len() <= ROUND);
            for host in next {
                book.wanted.remove(&host);
                book.read_last = Some(host);
                read.insert(host);
            }
            // The first ones send another all the time.
            book.wanted.extend(&all[..100]);
        }
        assert_eq!(read, all.iter().copied().collect());
    }
}
