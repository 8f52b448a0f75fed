//! One tag over many hosts, by the hour: from the fleet's hours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{BootId, HostId, Pool, PoolTag, series::Series};
use sqlx::PgConnection;

use super::assemble::{self, Value};
use crate::{
    Result, boots,
    chunk::{
        Stat,
        fleet::{self, BUCKETS, Columns, FleetKey},
    },
    fleet_hours,
    time_grid::{HOUR_S, after, floor},
};

/// Values of one answer at most, over all hosts: beyond, hours are left out evenly.
const MAX_VALUES: usize = 300_000;
/// Buckets of one answer at most, for the same.
const MAX_BUCKETS: usize = 8192;
/// Buckets read at once, some 30 kB each.
const PAGE: usize = 128;

/// A host as an hour ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostThen {
    /// The host.
    pub host: HostId,
    /// Where its last point of that hour begins.
    pub at: Timestamp,
    /// The boot of that point, by number.
    pub boot_no: i32,
    /// Bytes of the tag; `None` where the host does not tell all its tags.
    pub bytes: Option<u64>,
}

/// One tag over all hosts as an hour ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetThen {
    /// Where that hour begins.
    pub hour: Timestamp,
    /// By host; hosts of which nothing is known of that hour are missing.
    pub hosts: Vec<HostThen>,
}

/// Bytes of a tag on many hosts as each hour from `from` to `to` ended (the mean of its last ten
/// minutes), one series per host in the order asked for, with reboots and gaps told. The step is an
/// hour, or as many hours as it takes to keep the answer within bounds.
///
/// # Errors
/// When the database fails or holds something else than blocks.
pub async fn tag_over_hosts(
    db: &mut PgConnection,
    tag: PoolTag,
    pool: Pool,
    hosts: &[HostId],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Series>> {
    let asked: BTreeSet<HostId> = hosts.iter().copied().collect();
    let blocks: BTreeSet<i32> = asked.iter().map(|host| fleet::place_of(*host).0).collect();
    let blocks: Vec<i32> = blocks.into_iter().collect();
    let (first, last) = (floor(from, HOUR_S), floor(to, HOUR_S));
    let hours = (last.as_second() - first.as_second()) / HOUR_S + 1;
    let step_h = step_h(hours, asked.len(), blocks.len());
    let step_s = step_h * HOUR_S;
    let mut values: BTreeMap<HostId, Vec<Value>> = BTreeMap::new();
    let page_s = step_s * i64::try_from((PAGE / blocks.len().max(1)).max(1)).unwrap_or(1);
    let mut start = floor(first, step_s);
    while start <= last && !blocks.is_empty() {
        let end = after(start, page_s).min(after(last, 1));
        for (hour, hosts) in page(db, tag, pool, &blocks, (start, end), step_s).await? {
            for (host, then) in hosts.into_iter().filter(|(host, _)| asked.contains(host)) {
                let Some(bytes) = then.bytes else { continue };
                values.entry(host).or_default().push(Value {
                    at: hour,
                    boot_no: then.boot_no,
                    stat: Stat::constant(bytes),
                    samples: 1,
                    wraps: false,
                });
            }
        }
        start = after(start, page_s);
    }
    let boots = boots_of(db, &values).await?;
    let step_s = u32::try_from(step_s).unwrap_or(u32::MAX);
    let of_host = |host: &HostId| {
        let values = values.get(host).map_or(&[][..], Vec::as_slice);
        assemble::points(values, step_s, boots.get(host).map_or(&[], Vec::as_slice))
    };
    Ok(hosts.iter().map(of_host).collect())
}

/// A tag over all hosts at a time of the past: as the hour ended whose end is nearest to it. `None`
/// when nothing is kept of that hour.
///
/// # Errors
/// When the database fails or holds something else than blocks.
pub async fn fleet_at(
    db: &mut PgConnection,
    tag: PoolTag,
    pool: Pool,
    at: Timestamp,
) -> Result<Option<FleetThen>> {
    let hour = hour_ended_at(at);
    let blocks = sqlx::query_scalar!(
        "SELECT DISTINCT first_host FROM fleet_hour WHERE start = $1 ORDER BY first_host",
        hour.to_sqlx(),
    )
    .fetch_all(&mut *db)
    .await?;
    if blocks.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for blocks in blocks.chunks(PAGE) {
        let page = page(db, tag, pool, blocks, (hour, after(hour, HOUR_S)), HOUR_S).await?;
        found.extend(page.into_values().flat_map(BTreeMap::into_values));
    }
    Ok(Some(FleetThen { hour, hosts: found }))
}

/// The tags of a block of 1,000 hosts as an hour ended.
#[derive(Debug)]
pub struct BlockThen {
    hour: Timestamp,
    columns: Columns,
}

/// The tags of the block that begins with `first_host` at a time of the past: as the hour ended whose
/// end is nearest to it. `None` when nothing is kept of that hour. Takes some ten megabytes.
///
/// # Errors
/// When the database fails or holds something else than blocks.
pub async fn block_at(
    db: &mut PgConnection,
    first_host: i32,
    at: Timestamp,
) -> Result<Option<BlockThen>> {
    let hour = hour_ended_at(at);
    let columns = fleet_hours::read(db, first_host, hour).await?;
    Ok((!columns.is_empty()).then_some(BlockThen { hour, columns }))
}

impl BlockThen {
    /// Where the last point of a host begins; `None` when nothing is known of it.
    #[must_use]
    pub fn last(&self, host: HostId) -> Option<Timestamp> {
        let offset_s = self.value(FleetKey::Last, host)?;
        Some(after(self.hour, i64::try_from(offset_s).ok()?))
    }

    /// Whether a tag that the host does not list used nothing.
    #[must_use]
    pub fn is_complete(&self, host: HostId) -> bool {
        self.value(FleetKey::Complete, host).is_some()
    }

    /// Bytes of a tag of a host; `None` where they are not known.
    #[must_use]
    pub fn bytes(&self, host: HostId, tag: PoolTag, pool: Pool) -> Option<u64> {
        let told = self.value(FleetKey::Bytes(tag, pool), host);
        told.or_else(|| self.is_complete(host).then_some(0))
    }

    fn value(&self, key: FleetKey, host: HostId) -> Option<u64> {
        let (_, place) = fleet::place_of(host);
        value_at(self.columns.get(&key)?, place)
    }
}

fn hour_ended_at(at: Timestamp) -> Timestamp {
    floor(after(at, -HOUR_S / 2), HOUR_S)
}

fn value_at(column: &[(u16, u64)], place: u16) -> Option<u64> {
    let found = column.binary_search_by_key(&place, |(place, _)| *place).ok()?;
    Some(column[found].1)
}

/// Hours between two that are read.
fn step_h(hours: i64, hosts: usize, blocks: usize) -> i64 {
    let hours = usize::try_from(hours).unwrap_or(0);
    let times = |each: usize, most: usize| each.saturating_mul(hours).div_ceil(most);
    let step = times(hosts, MAX_VALUES).max(times(blocks, MAX_BUCKETS)).max(1);
    i64::try_from(step).unwrap_or(i64::MAX / HOUR_S)
}

/// Hosts at hours of a period, a multiple of `step_s`, as the latest part tells them.
async fn page(
    db: &mut PgConnection,
    tag: PoolTag,
    pool: Pool,
    blocks: &[i32],
    (from, to): (Timestamp, Timestamp),
    step_s: i64,
) -> Result<BTreeMap<Timestamp, BTreeMap<HostId, HostThen>>> {
    let key = FleetKey::Bytes(tag, pool);
    let number = |bucket: usize| i32::try_from(bucket + 1).unwrap_or(i32::MAX);
    // Arrays are counted from 1.
    let (of_tag, of_hosts) = (number(fleet::bucket_of(key)), number(BUCKETS));
    let parts = sqlx::query!(
        "SELECT first_host, start,
             substring(buckets FROM bounds[$4] + 1 FOR bounds[$4 + 1] - bounds[$4]) AS \"tag!\",
             substring(buckets FROM bounds[$5] + 1 FOR bounds[$5 + 1] - bounds[$5]) AS \"hosts!\"
         FROM fleet_hour
         WHERE first_host = ANY($1) AND start >= $2 AND start < $3
             AND extract(epoch FROM start)::bigint % $6 = 0
         ORDER BY start, first_host, part",
        blocks,
        from.to_sqlx(),
        to.to_sqlx(),
        of_tag,
        of_hosts,
        step_s,
    )
    .fetch_all(db)
    .await?;
    let mut hours: BTreeMap<Timestamp, BTreeMap<HostId, HostThen>> = BTreeMap::new();
    for part in parts {
        let hour = part.start.to_jiff();
        let about = fleet::decode(&part.hosts)?;
        let of = |key| about.get(&key).map_or(&[][..], Vec::as_slice);
        let values = fleet::column(&part.tag, key)?;
        let hosts = hours.entry(hour).or_default();
        for (place, boot_no) in of(FleetKey::Boot) {
            let at = |column: &[(u16, u64)]| value_at(column, *place);
            let is_complete = at(of(FleetKey::Complete)).is_some();
            let offset_s = at(of(FleetKey::Last)).unwrap_or(0);
            let host = HostId(part.first_host.saturating_add(i32::from(*place)));
            let then = HostThen {
                host,
                at: after(hour, i64::try_from(offset_s).unwrap_or(0)),
                boot_no: (*boot_no as u32).cast_signed(),
                bytes: at(&values).or(is_complete.then_some(0)),
            };
            hosts.insert(host, then);
        }
    }
    Ok(hours)
}

/// Who the boots are.
async fn boots_of(
    db: &mut PgConnection,
    values: &BTreeMap<HostId, Vec<Value>>,
) -> Result<BTreeMap<HostId, Vec<(i32, BootId)>>> {
    let wanted: BTreeSet<(HostId, i32)> = values
        .iter()
        .flat_map(|(host, values)| values.iter().map(|value| (*host, value.boot_no)))
        .collect();
    let wanted: Vec<(HostId, i32)> = wanted.into_iter().collect();
    let mut boots: BTreeMap<HostId, Vec<(i32, BootId)>> = BTreeMap::new();
    for (host, boot_no, id) in boots::ids_of(db, &wanted).await? {
        boots.entry(host).or_default().push((boot_no, id));
    }
    Ok(boots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stay_within_bounds_by_leaving_out_hours() {
        assert_eq!(step_h(24, 200, 10), 1);
        assert_eq!(step_h(720, 1000, 1), 3, "by values");
        assert_eq!(step_h(720, 100, 100), 9, "by buckets");
        assert_eq!(step_h(24 * 730, 100_000, 100), 5840);
    }
}
