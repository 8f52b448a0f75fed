//! Inventories, and what changes from one to the next.

use poolwatch_model::{
    HostId,
    comparison::ChangeKind,
    inventory::{Driver, Inventory},
};
use poolwatch_store::{inventories, testing};

use crate::{later, noon};

fn inventory(drivers: &[(&str, &str)]) -> Inventory {
    let driver = |&(name, version): &(&str, &str)| Driver {
        name: name.into(),
        path: None,
        version: Some(version.into()),
        company: None,
        linked: None,
    };
    Inventory { drivers: drivers.iter().map(driver).collect(), updates: vec![] }
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
