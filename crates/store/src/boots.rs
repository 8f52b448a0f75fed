//! Boots and the clock anchors that turn a frame's uptime into a time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use poolwatch_model::{BootId, HostId};
use sqlx::PgConnection;

use crate::{Result, signed};

/// One boot of a host with its clock anchors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// Its number among the host's boots.
    pub no: i32,
    /// Its identity.
    pub id: BootId,
    /// From which sequence number on the boot is taken to have begun when; ascending, never empty.
    pub anchors: Vec<(u64, Timestamp)>,
}

impl Boot {
    /// When this boot began, as far as frame `seq` is concerned.
    #[must_use]
    pub fn booted_at(&self, seq: u64) -> Timestamp {
        let after = self.anchors.partition_point(|(from_seq, _)| *from_seq <= seq);
        self.anchors[after.saturating_sub(1)].1
    }

    /// The time of a frame.
    #[must_use]
    pub fn time_of(&self, seq: u64, uptime_ms: u64) -> Timestamp {
        let uptime = SignedDuration::from_millis(i64::try_from(uptime_ms).unwrap_or(i64::MAX));
        self.booted_at(seq).saturating_add(uptime).unwrap_or(Timestamp::MAX)
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
    let no = sqlx::query_scalar!(
        "INSERT INTO boots (host_id, boot_no, boot_id)
         SELECT $1, coalesce(max(boot_no), 0) + 1, $2 FROM boots WHERE host_id = $1
         ON CONFLICT ON CONSTRAINT boots_boot_id_key DO UPDATE SET boot_id = excluded.boot_id
         RETURNING boot_no",
        host.0,
        boot.0,
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO clock_anchors (host_id, boot_no, from_seq, booted_at) VALUES ($1, $2, 0, $3)
         ON CONFLICT DO NOTHING",
        host.0,
        no,
        booted_at.to_sqlx(),
    )
    .execute(&mut *db)
    .await?;
    let anchors = sqlx::query!(
        "SELECT from_seq, booted_at FROM clock_anchors WHERE host_id = $1 AND boot_no = $2
         ORDER BY from_seq",
        host.0,
        no,
    )
    .fetch_all(db)
    .await?;
    let anchors = anchors
        .into_iter()
        .map(|row| (row.from_seq.unsigned_abs(), row.booted_at.to_jiff()))
        .collect();
    Ok(Boot { no, id: boot, anchors })
}

/// Lets a better estimate of when a boot began hold from `from_seq` on.
///
/// # Errors
/// When the database fails.
pub async fn anchor(
    db: &mut PgConnection,
    host: HostId,
    boot_no: i32,
    from_seq: u64,
    booted_at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO clock_anchors (host_id, boot_no, from_seq, booted_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        host.0,
        boot_no,
        signed(from_seq, "sequence number")?,
        booted_at.to_sqlx(),
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

    #[test]
    fn a_frame_sent_again_keeps_its_time_after_the_clock_was_anchored_anew() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut boot = Boot { no: 1, id: BootId(Uuid::nil()), anchors: vec![(0, at(1000))] };
        let before = boot.time_of(5, 60_000);
        boot.anchors.push((9, at(1007)));
        assert_eq!(boot.time_of(5, 60_000), before);
        assert_eq!(boot.time_of(9, 60_000), at(1067));
    }
}
