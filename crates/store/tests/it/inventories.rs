//! Inventories, and what changes from one to the next.

use poolwatch_model::{
    HostId, PoolTag,
    comparison::ChangeKind,
    driver_scan::{DriverScan, FileHash, FoundTag},
    inventory::{Driver, Inventory},
};
use poolwatch_store::{driver_scans, inventories, testing};

use crate::{later, noon};

fn inventory(drivers: &[(&str, &str)]) -> Inventory {
    let driver = |&(name, version): &(&str, &str)| Driver {
        name: name.into(),
        version: Some(version.into()),
        ..Driver::default()
    };
    Inventory { drivers: drivers.iter().map(driver).collect(), ..Inventory::default() }
}

#[tokio::test]
async fn the_same_change_on_many_hosts_is_told_once_and_forgotten_in_the_end() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let old = inventory(&[("foo.sys", "5.0"), ("gone.sys", "1")]);
    let new = inventory(&[("foo.sys", "5.1")]);
    for (host, minute) in [(1, 10), (2, 20), (3, 30)] {
        inventories::replace(&mut db, HostId(host), &old, noon()).await.unwrap();
        if host < 3 {
            inventories::replace(&mut db, HostId(host), &new, later(minute)).await.unwrap();
            inventories::replace(&mut db, HostId(host), &new, later(minute + 1)).await.unwrap();
        }
    }
    let changes = inventories::changed_since(&mut db, noon(), 10).await.unwrap();
    let [change] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((change.change.name.as_str(), change.change.kind), ("foo.sys", ChangeKind::Changed));
    assert_eq!(change.change.before.as_deref(), Some("5.0"));
    assert_eq!(change.change.after.as_deref(), Some("5.1"));
    assert_eq!((change.hosts, change.first, change.last), (2, later(10), later(20)));
    assert_eq!(inventories::changed_since(&mut db, later(15), 10).await.unwrap()[0].hosts, 1);
    assert_eq!(inventories::forget_changes(&mut db, later(15)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_scan_is_kept_once_and_as_long_as_some_host_has_the_file() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let file = |number| FileHash::new([number; 32]);
    let scan = |number, tags: &[[u8; 4]]| DriverScan {
        sha256: file(number),
        tags: tags
            .iter()
            .map(|tag| FoundTag { allocations: 2, ..FoundTag::new(PoolTag::new(*tag)) })
            .collect(),
        is_partial: false,
    };
    let driver =
        Driver { name: "Foo.sys".into(), version: Some("5.1".into()), ..Driver::default() };
    for (number, tags) in [(1, vec![*b"Fooq", *b"F  \xFF"]), (2, vec![]), (1, vec![*b"Evil"])] {
        driver_scans::keep(&mut db, HostId(1), &driver, &scan(number, &tags), noon())
            .await
            .unwrap();
    }
    let files = [file(1), file(2), file(3)];
    let known = driver_scans::known(&mut db, &files, noon()).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), files[..2]);
    let tags = [PoolTag::new(*b"Fooq"), PoolTag::new(*b"Evil")];
    let holders = driver_scans::holders(&mut db, &files, &tags).await.unwrap();
    let [holder] = &holders[..] else { panic!("{holders:?}") };
    assert_eq!((holder.name.as_str(), holder.version.as_deref()), ("foo.sys", Some("5.1")));
    assert_eq!((holder.found.tag, holder.found.allocations), (tags[0], 2));
    assert_eq!(driver_scans::holders_of(&mut db, tags[0], 9).await.unwrap(), holders);
    assert_eq!(driver_scans::tags_of(&mut db, "FOO.SYS", 9).await.unwrap().len(), 2);
    assert_eq!(driver_scans::tags_of_files(&mut db, &files, 9).await.unwrap().len(), 2);

    // Two days later one of them is still there.
    let two_days = later(2 * 24 * 60);
    driver_scans::known(&mut db, &files[..1], two_days).await.unwrap();
    driver_scans::forget(&mut db, later(60)).await.unwrap();
    assert_eq!(driver_scans::known(&mut db, &files, two_days).await.unwrap().len(), 1);
    driver_scans::forget(&mut db, later(3 * 24 * 60)).await.unwrap();
    assert_eq!(driver_scans::tags_of_files(&mut db, &files, 9).await.unwrap(), []);
}
