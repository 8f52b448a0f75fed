//! Boots and the clock anchors that turn a frame's uptime into a time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use poolwatch_model::{BootId, HostId};
use sqlx::PgConnection;

use crate::{Result, signed};

/// When a boot is taken to have begun, for its frames from a sequence number on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The first frame that it holds for.
    pub from_seq: u64,
    /// When the boot began.
    pub booted_at: Timestamp,
    /// The time of the newest frame before: those from `from_seq` on come after it, each by a
    /// microsecond more at least, so that times never run backwards.
    pub not_before: Option<Timestamp>,
}

/// A frame whose time is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its number in its boot.
    pub seq: u64,
    /// Its time.
    pub at: Timestamp,
}

/// One boot of a host with its clock anchors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Its number among the host's boots.
    pub no: i32,
    /// Its identity.
    pub id: BootId,
    /// Ascending by sequence number, never empty.
    pub anchors: Vec<Anchor>,
    /// The frame of the highest number that has its time. What is anchored anew begins after it.
    pub newest: Option<Placed>,
}

impl Boot {
    /// When this boot began, as far as frame `seq` is concerned.
    #[must_use]
    pub fn booted_at(&self, seq: u64) -> Timestamp {
        self.anchor_of(seq).booted_at
    }

    /// The time of a frame.
    #[must_use]
    pub fn time_of(&self, seq: u64, uptime_ms: u64) -> Timestamp {
        let anchor = self.anchor_of(seq);
        let uptime = SignedDuration::from_millis(i64::try_from(uptime_ms).unwrap_or(i64::MAX));
        let by_uptime = anchor.booted_at.saturating_add(uptime).unwrap_or(Timestamp::MAX);
        let Some(not_before) = anchor.not_before else { return by_uptime };
        let place = seq.saturating_sub(anchor.from_seq).saturating_add(1);
        let apart = SignedDuration::from_micros(i64::try_from(place).unwrap_or(i64::MAX));
        by_uptime.max(not_before.saturating_add(apart).unwrap_or(Timestamp::MAX))
    }

    /// Lets an anchor hold, in place of one that no frame was placed by.
    pub fn put_anchor(&mut self, anchor: Anchor) {
        self.anchors.retain(|before| before.from_seq < anchor.from_seq);
        self.anchors.push(anchor);
    }

    /// Notes that a frame has its time.
    pub fn note_placed(&mut self, placed: Placed) {
        if self.newest.is_none_or(|newest| newest.seq < placed.seq) {
            self.newest = Some(placed);
        }
    }

    fn anchor_of(&self, seq: u64) -> Anchor {
        let after = self.anchors.partition_point(|anchor| anchor.from_seq <= seq);
        self.anchors[after.saturating_sub(1)]
    }
}

/// The boot of a host, made with this anchor when it is new.
///
/// # Errors
/// When the database fails.
pub async fn find_or_create(
    db: &mut PgConnection,
    host: HostId,
    boot: BootId,
    booted_at: Timestamp,
) -> Result<Boot> {
    let boot_row = sqlx::query!(
        "INSERT INTO boots (host_id, boot_no, boot_id)
         SELECT $1, coalesce(max(boot_no), 0) + 1, $2 FROM boots WHERE host_id = $1
         ON CONFLICT ON CONSTRAINT boots_boot_id_key DO UPDATE SET boot_id = excluded.boot_id
         RETURNING boot_no, xmax = 0 AS \"is_new!\"",
        host.0,
        boot.0,
    )
    .fetch_one(&mut *db)
    .await?;
    let no = boot_row.boot_no;
    sqlx::query!(
        "INSERT INTO clock_anchors (host_id, boot_no, from_seq, booted_at) VALUES ($1, $2, 0, $3)
         ON CONFLICT DO NOTHING",
        host.0,
        no,
        booted_at.to_sqlx(),
    )
    .execute(&mut *db)
    .await?;
    let rows = sqlx::query!(
        "SELECT from_seq, booted_at, not_before FROM clock_anchors
         WHERE host_id = $1 AND boot_no = $2 ORDER BY from_seq",
        host.0,
        no,
    )
    .fetch_all(&mut *db)
    .await?;
    let anchors: Vec<Anchor> = rows
        .into_iter()
        .map(|row| Anchor {
            from_seq: row.from_seq.unsigned_abs(),
            booted_at: row.booted_at.to_jiff(),
            not_before: row.not_before.map(jiff_sqlx::Timestamp::to_jiff),
        })
        .collect();
    let begun = anchors.iter().map(|anchor| anchor.booted_at).min().unwrap_or(booted_at);
    let newest = if boot_row.is_new { None } else { newest(db, host, no, begun).await? };
    Ok(Boot { no, id: boot, anchors, newest })
}

/// The newest frame of a boot that is stored: within a boot times follow the numbers.
async fn newest(
    db: &mut PgConnection,
    host: HostId,
    boot_no: i32,
    begun: Timestamp,
) -> Result<Option<Placed>> {
    let row = sqlx::query!(
        "SELECT seq, ts FROM frames WHERE host_id = $1 AND boot_no = $2 AND ts >= $3
         ORDER BY ts DESC, seq DESC LIMIT 1",
        host.0,
        boot_no,
        begun.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Placed { seq: row.seq.unsigned_abs(), at: row.ts.to_jiff() }))
}

/// Lets a better estimate of when a boot began hold from an anchor on, in place of one that began
/// there.
///
/// # Errors
/// When the database fails.
pub async fn anchor(
    db: &mut PgConnection,
    host: HostId,
    boot_no: i32,
    anchor: Anchor,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO clock_anchors (host_id, boot_no, from_seq, booted_at, not_before)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (host_id, boot_no, from_seq) DO UPDATE
         SET booted_at = excluded.booted_at, not_before = excluded.not_before",
        host.0,
        boot_no,
        signed(anchor.from_seq, "sequence number")?,
        anchor.booted_at.to_sqlx(),
        anchor.not_before.map(ToSqlx::to_sqlx) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The identities of some boots of a host, by number.
///
/// # Errors
/// When the database fails.
pub async fn ids(db: &mut PgConnection, host: HostId) -> Result<Vec<(i32, BootId)>> {
    let rows = sqlx::query!(
        "SELECT boot_no, boot_id FROM boots WHERE host_id = $1 ORDER BY boot_no",
        host.0
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.boot_no, BootId(row.boot_id))).collect())
}

/// The identities of boots of several hosts, by host and number.
///
/// # Errors
/// When the database fails.
pub async fn ids_of(
    db: &mut PgConnection,
    boots: &[(HostId, i32)],
) -> Result<Vec<(HostId, i32, BootId)>> {
    let (hosts, numbers): (Vec<i32>, Vec<i32>) =
        boots.iter().map(|(host, boot_no)| (host.0, *boot_no)).unzip();
    let rows = sqlx::query!(
        "SELECT host_id, boot_no, boot_id FROM boots
         JOIN unnest($1::int[], $2::int[]) AS wanted (host, no)
             ON host_id = host AND boot_no = no
         ORDER BY host_id, boot_no",
        &hosts,
        &numbers,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (HostId(row.host_id), row.boot_no, BootId(row.boot_id)))
        .collect())
}

/// When boots of a host began by their latest anchor, by number.
///
/// # Errors
/// When the database fails.
pub async fn begun(
    db: &mut PgConnection,
    host: HostId,
    boots: &[i32],
) -> Result<BTreeMap<i32, Timestamp>> {
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (boot_no) boot_no, booted_at FROM clock_anchors
         WHERE host_id = $1 AND boot_no = ANY($2) ORDER BY boot_no, from_seq DESC",
        host.0,
        boots,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.boot_no, row.booted_at.to_jiff())).collect())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn anchor(from_seq: u64, booted_at: i64, not_before: Option<i64>) -> Anchor {
        Anchor { from_seq, booted_at: at(booted_at), not_before: not_before.map(at) }
    }

    #[test]
    fn a_frame_sent_again_keeps_its_time_after_the_clock_was_anchored_anew() {
        let anchors = vec![anchor(0, 1000, None)];
        let mut boot = Boot { no: 1, id: BootId(Uuid::nil()), anchors, newest: None };
        let before = boot.time_of(5, 60_000);
        boot.put_anchor(anchor(9, 1007, None));
        assert_eq!(boot.time_of(5, 60_000), before);
        assert_eq!(boot.time_of(9, 60_000), at(1067));
    }

    #[test]
    fn frames_after_an_anchor_come_after_all_before_it() {
        let anchors = vec![anchor(0, 1000, None), anchor(9, 900, Some(1060))];
        let boot = Boot { no: 1, id: BootId(Uuid::nil()), anchors, newest: None };
        let times = [(8, 60_000), (9, 70_000), (10, 80_000), (11, 170_000)];
        let times = times.map(|(seq, uptime_ms)| boot.time_of(seq, uptime_ms).as_microsecond());
        assert_eq!(times, [1_060_000_000, 1_060_000_001, 1_060_000_002, 1_070_000_000]);
    }
}
