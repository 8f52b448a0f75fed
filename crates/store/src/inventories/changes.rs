//! What changed among the drivers of hosts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    comparison::{Attribute, Change, ChangeKind},
    inventory::Inventory,
};
use sqlx::PgConnection;

use crate::Result;

/// Changes that are kept of one inventory, the first by name: Windows itself has some hundred
/// drivers.
const MOST: usize = 1_000;

/// A driver that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverChange {
    /// File name, in small letters.
    pub name: String,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Its version before, where there was one that tells.
    pub before: Option<String>,
    /// Its version after, likewise.
    pub after: Option<String>,
}

/// The same change on some hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetChange {
    /// The change.
    pub change: DriverChange,
    /// Hosts.
    pub hosts: u64,
    /// When it came first.
    pub first: Timestamp,
    /// When it came last.
    pub last: Timestamp,
}

struct Grouped {
    name: String,
    kind: String,
    before: Option<String>,
    after: Option<String>,
    hosts: i64,
    first: jiff_sqlx::Timestamp,
    last: jiff_sqlx::Timestamp,
}

impl From<Grouped> for FleetChange {
    fn from(row: Grouped) -> Self {
        Self {
            change: DriverChange {
                kind: kind(&row.kind),
                name: row.name,
                before: row.before,
                after: row.after,
            },
            hosts: row.hosts.unsigned_abs(),
            first: row.first.to_jiff(),
            last: row.last.to_jiff(),
        }
    }
}

/// What changed since a moment over all hosts, on most hosts first. What merely went is left out.
///
/// # Errors
/// When the database fails.
pub async fn changed_since(
    db: &mut PgConnection,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<FleetChange>> {
    let rows = sqlx::query_as!(
        Grouped,
        "SELECT name, kind, before, after, count(DISTINCT host_id) AS \"hosts!\",
             min(at) AS \"first!: jiff_sqlx::Timestamp\",
             max(at) AS \"last!: jiff_sqlx::Timestamp\"
         FROM driver_changes WHERE at >= $1 AND kind <> 'removed'
         GROUP BY name, kind, before, after
         ORDER BY 5 DESC, 7 DESC, name LIMIT $2",
        since.to_sqlx(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(FleetChange::from).collect())
}

/// What changed on some hosts between two moments, on most of them first. What merely went is left
/// out.
///
/// # Errors
/// When the database fails.
pub async fn changed_on(
    db: &mut PgConnection,
    hosts: &[HostId],
    (from, to): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<FleetChange>> {
    let hosts: Vec<i32> = hosts.iter().map(|host| host.0).collect();
    let rows = sqlx::query_as!(
        Grouped,
        "SELECT name, kind, before, after, count(DISTINCT host_id) AS \"hosts!\",
             min(at) AS \"first!: jiff_sqlx::Timestamp\",
             max(at) AS \"last!: jiff_sqlx::Timestamp\"
         FROM driver_changes
         WHERE host_id = ANY($1) AND at BETWEEN $2 AND $3 AND kind <> 'removed'
         GROUP BY name, kind, before, after
         ORDER BY 5 DESC, 7 DESC, name LIMIT $4",
        &hosts,
        from.to_sqlx(),
        to.to_sqlx(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(FleetChange::from).collect())
}

/// What changed on a host since a moment, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn changes_of(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Change>> {
    let rows = sqlx::query!(
        "SELECT at AS \"at: jiff_sqlx::Timestamp\", name, kind, before, after
         FROM driver_changes WHERE host_id = $1 AND at >= $2 ORDER BY at DESC, name LIMIT $3",
        host.0,
        since.to_sqlx(),
        limit,
    )
    .fetch_all(db)
    .await?;
    let changes = rows.into_iter().map(|row| {
        let kind = kind(&row.kind);
        // What is gone is told as it was.
        let version = if kind == ChangeKind::Removed { row.before.clone() } else { row.after };
        let attribute = Attribute::Driver { name: row.name, version };
        Change { at: row.at.to_jiff(), attribute, before: row.before, kind }
    });
    Ok(changes.collect())
}

/// Forgets changes that are older than a moment.
///
/// # Errors
/// When the database fails.
pub async fn forget_changes(db: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM driver_changes WHERE at < $1", before.to_sqlx());
    Ok(done.execute(db).await?.rows_affected())
}

/// Keeps what changed from one inventory to the next.
pub(super) async fn keep(
    db: &mut PgConnection,
    host: HostId,
    changes: &[DriverChange],
    now: Timestamp,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = changes.iter().map(|one| one.name.clone()).collect();
    let kinds: Vec<String> = changes.iter().map(|one| word(one.kind).to_owned()).collect();
    let before: Vec<Option<String>> = changes.iter().map(|one| one.before.clone()).collect();
    let after: Vec<Option<String>> = changes.iter().map(|one| one.after.clone()).collect();
    sqlx::query!(
        "INSERT INTO driver_changes (host_id, at, name, kind, before, after)
         SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::text[])",
        host.0,
        now.to_sqlx(),
        &names,
        &kinds,
        &before as &[Option<String>],
        &after as &[Option<String>],
    )
    .execute(db)
    .await?;
    Ok(())
}

fn kind(word: &str) -> ChangeKind {
    match word {
        "added" => ChangeKind::Added,
        "removed" => ChangeKind::Removed,
        _ => ChangeKind::Changed,
    }
}

/// What changed between two inventories, by name.
pub(super) fn between(before: &Inventory, after: &Inventory) -> Vec<DriverChange> {
    let (before, after) = (versions(before), versions(after));
    let change =
        |name: &String, kind, before: Option<&Option<String>>, after: Option<&Option<String>>| {
            let known = |version: Option<&Option<String>>| version.cloned().flatten();
            DriverChange { name: name.clone(), kind, before: known(before), after: known(after) }
        };
    let mut changes: Vec<DriverChange> = after
        .iter()
        .filter_map(|(name, now)| match before.get(name) {
            None => Some(change(name, ChangeKind::Added, None, Some(now))),
            // A version that was not told before says nothing of a change.
            Some(then @ Some(_)) if now.is_some() && then != now => {
                Some(change(name, ChangeKind::Changed, Some(then), Some(now)))
            }
            Some(_) => None,
        })
        .collect();
    let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
    changes.extend(gone.map(|(name, then)| change(name, ChangeKind::Removed, Some(then), None)));
    changes.truncate(MOST);
    changes
}

/// Versions by file name in small letters; of several files of one name the last by version.
fn versions(inventory: &Inventory) -> BTreeMap<String, Option<String>> {
    let mut versions: BTreeMap<String, Option<String>> = BTreeMap::new();
    for driver in &inventory.drivers {
        let version = versions.entry(driver.name.to_lowercase()).or_default();
        if *version < driver.version {
            version.clone_from(&driver.version);
        }
    }
    versions
}

const fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Changed => "changed",
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::inventory::Driver;

    use super::*;

    fn inventory(drivers: &[(&str, Option<&str>)]) -> Inventory {
        let driver = |&(name, version): &(&str, Option<&str>)| Driver {
            name: name.into(),
            version: version.map(str::to_owned),
            ..Driver::default()
        };
        Inventory { drivers: drivers.iter().map(driver).collect(), ..Inventory::default() }
    }

    #[test]
    fn a_driver_is_new_gone_or_of_another_version() {
        let before = inventory(&[
            ("Foo.sys", Some("5.0")),
            ("old.sys", Some("1")),
            ("same.sys", Some("2")),
            ("mute.sys", None),
        ]);
        let after = inventory(&[
            ("foo.SYS", Some("5.1")),
            ("new.sys", None),
            ("same.sys", Some("2")),
            ("mute.sys", Some("3")),
        ]);
        let told: Vec<(String, ChangeKind, Option<String>, Option<String>)> =
            between(&before, &after)
                .into_iter()
                .map(|one| (one.name, one.kind, one.before, one.after))
                .collect();
        assert_eq!(
            told,
            [
                ("foo.sys".into(), ChangeKind::Changed, Some("5.0".into()), Some("5.1".into())),
                ("new.sys".into(), ChangeKind::Added, None, None),
                ("old.sys".into(), ChangeKind::Removed, Some("1".into()), None),
            ]
        );
        assert!(between(&before, &before).is_empty());
    }
}
