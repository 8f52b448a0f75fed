//! Drivers over all hosts, by file name and version, from the inventories that hosts send. They are
//! read from the database once, and again when a host sends another.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
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

/// Inventories read in one round, so that a large fleet's are read within minutes and not at once.
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

/// Every driver of the fleet.
#[derive(Debug, Default)]
pub struct Drivers {
    lines: Vec<(Arc<DriverVersion>, Vec<HostId>)>,
    /// Hosts whose inventory is known.
    pub hosts: usize,
}

impl Drivers {
    /// Every driver and version with the hosts that have it loaded, by name, then version.
    #[must_use]
    pub fn lines(&self) -> &[(Arc<DriverVersion>, Vec<HostId>)] {
        &self.lines
    }

    /// The versions of one driver, by its file name in any case.
    #[must_use]
    pub fn versions(&self, name: &str) -> &[(Arc<DriverVersion>, Vec<HostId>)] {
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
            let on: Vec<HostId> = on.iter().copied().filter(is_one).collect();
            if !on.is_empty() {
                all.extend(on.iter().copied());
                lines.push((driver.clone(), on));
            }
        }
        Self { lines, hosts: all.len() }
    }
}

/// What is known of every host's drivers. Hosts of one image share one list.
#[derive(Debug, Default)]
pub struct Book {
    drivers: HashSet<Arc<DriverVersion>>,
    lists: HashSet<Arc<[Arc<DriverVersion>]>>,
    hosts: HashMap<HostId, Arc<[Arc<DriverVersion>]>>,
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
                let list: Arc<[Arc<DriverVersion>]> = list.into();
                self.lists.insert(list.clone());
                list
            }
        };
        self.hosts.insert(host, list);
    }

    /// Forgets hosts that are not there any more, and what only they had.
    pub fn keep(&mut self, hosts: &HashSet<HostId>) {
        self.hosts.retain(|host, _| hosts.contains(host));
        self.lists.retain(|list| Arc::strong_count(list) > 1);
        self.drivers.retain(|driver| Arc::strong_count(driver) > 1);
    }

    /// Every driver with its hosts.
    #[must_use]
    pub fn drivers(&self) -> Drivers {
        let mut lines: BTreeMap<&Arc<DriverVersion>, Vec<HostId>> = BTreeMap::new();
        for (host, list) in &self.hosts {
            for driver in list.iter() {
                lines.entry(driver).or_default().push(*host);
            }
        }
        let lines = lines.into_iter().map(|(driver, mut hosts)| {
            hosts.sort_unstable();
            (driver.clone(), hosts)
        });
        Drivers { lines: lines.collect(), hosts: self.hosts.len() }
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
    let before = book.hosts.len();
    book.keep(&present);
    let mut wanted = fleet.take_changed_inventories();
    wanted.extend(present.iter().filter(|id| !book.hosts.contains_key(id)));
    let mut changed = book.hosts.len() != before;
    for id in wanted.into_iter().filter(|id| present.contains(id)).take(ROUND) {
        let found = match inventories::find(&mut *pool.acquire().await?, id).await {
            Err(error) if is_of_stored_row(&error) => {
                warn!(host = %id, %error, "An inventory cannot be read: run `check --repair`");
                None
            }
            found => found?,
        };
        changed |= found.is_some();
        book.put(id, &found.unwrap_or_default());
    }
    if changed {
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
        // What was published still holds what it lists.
        drop(drivers);
        book.keep(&HashSet::from([HostId(2)]));
        assert_eq!(book.drivers().lines().len(), 2);
        assert_eq!(book.drivers.len(), 2);
    }
}
