//! Hosts of the fleet: keys and facts. How one comes and goes is in `enrolment`.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{HostGroupId, HostId, host::HostFacts};
use serde_json::to_value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// A host as kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Its number.
    pub id: HostId,
    /// The agent's instance, for hosts that run one.
    pub instance_id: Option<Uuid>,
    /// Name shown: what it said of itself, or what the import named it.
    pub name: String,
    /// What it told about itself last.
    pub facts: HostFacts,
    /// Whether what is stored of that cannot be read: then nothing but its name is known.
    pub is_damaged: bool,
    /// When it was first known.
    pub enrolled_at: Timestamp,
    /// The name that it had before, and when it changed.
    pub renamed: Option<(String, Timestamp)>,
    /// Labels that people gave it, by alphabet.
    pub labels: Vec<String>,
    /// Groups that it was put into, beside those whose rules it meets.
    pub put_into: Vec<HostGroupId>,
    /// What people say of it.
    pub note: String,
}

/// Where a host is on its way through the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It proposed itself; nobody decided.
    Waiting,
    /// It may upload.
    Approved,
    /// Somebody refused it.
    Refused,
    /// It may upload no more and counts nowhere; what it sent is kept for its time.
    Archived,
}

impl Standing {
    /// Its name in the database, in addresses and for scripts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Archived => "archived",
        }
    }

    pub(crate) fn from_name(name: &str) -> Self {
        [Self::Approved, Self::Refused, Self::Archived]
            .into_iter()
            .find(|one| one.as_str() == name)
            .unwrap_or(Self::Waiting)
    }
}

/// Other hosts of this name that are not retired, up to 100.
///
/// # Errors
/// When the database fails.
pub async fn namesakes(db: &mut PgConnection, host: HostId, name: &str) -> Result<Vec<HostId>> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM hosts
         WHERE lower(name) = lower($1) AND id <> $2 AND retired_at IS NULL AND refused_at IS NULL
         ORDER BY id LIMIT 100",
        name,
        host.0,
    )
    .fetch_all(db)
    .await?;
    Ok(found.into_iter().map(HostId).collect())
}

/// What authenticates a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// The host.
    pub id: HostId,
    /// SHA-256 of its key.
    pub hash: Vec<u8>,
    /// Whether it may upload.
    pub standing: Standing,
    /// When it enrolled: older events are history.
    pub enrolled_at: Timestamp,
}

/// The key of a host.
///
/// # Errors
/// When the database fails.
pub async fn key(db: &mut PgConnection, id: HostId) -> Result<Option<HostKey>> {
    let row = sqlx::query!(
        "SELECT key_hash AS \"hash!\", enrolled_at,
             CASE WHEN retired_at IS NOT NULL THEN 'archived' WHEN approved_at IS NOT NULL THEN 'approved'
                 WHEN refused_at IS NOT NULL THEN 'refused' ELSE 'waiting' END AS \"standing!\"
         FROM hosts WHERE id = $1 AND key_hash IS NOT NULL",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| HostKey {
        id,
        hash: row.hash,
        standing: Standing::from_name(&row.standing),
        enrolled_at: row.enrolled_at.to_jiff(),
    }))
}

/// Takes out the hosts whose standing changed since they were last taken: retired, approved, removed,
/// or with another key.
///
/// # Errors
/// When the database fails.
pub async fn take_changed(db: &mut PgConnection) -> Result<Vec<HostId>> {
    let ids = sqlx::query_scalar!("DELETE FROM host_changes RETURNING host_id").fetch_all(db);
    let mut ids: Vec<HostId> = ids.await?.into_iter().map(HostId).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Keeps what a host tells about itself now.
///
/// # Errors
/// When the database fails.
pub async fn update_facts(
    db: &mut PgConnection,
    id: HostId,
    facts: &HostFacts,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE hosts SET name = $2, facts = $3, machine_guid = $4,
             former_name = CASE WHEN lower(name) = lower($2) THEN former_name ELSE name END,
             renamed_at = CASE WHEN lower(name) = lower($2) THEN renamed_at ELSE $5 END
         WHERE id = $1",
        id.0,
        facts.fqdn,
        to_value(facts)?,
        facts.machine_guid,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Hosts without agent at most.
pub const IMPORTED: i64 = 10_000;

/// The host of this name for imports and scripts: one that runs an agent and bears the name, alone,
/// else one without agent, made when there is none. None where there are [`IMPORTED`] others.
///
/// # Errors
/// When the database fails.
pub async fn named(db: &mut PgConnection, name: &str, now: Timestamp) -> Result<Option<HostId>> {
    let with_agent = sqlx::query_scalar!(
        "SELECT id FROM hosts
         WHERE lower(name) = lower($1) AND instance_id IS NOT NULL AND approved_at IS NOT NULL
             AND retired_at IS NULL
         LIMIT 2",
        name,
    )
    .fetch_all(&mut *db)
    .await?;
    if let [id] = with_agent[..] {
        return Ok(Some(HostId(id)));
    }
    let facts = HostFacts { fqdn: name.to_owned(), ..HostFacts::default() };
    let id = sqlx::query_scalar!(
        "INSERT INTO hosts (name, facts, enrolled_at, approved_at) SELECT $1, $2, $3, $3
         WHERE (SELECT count(*) FROM hosts WHERE instance_id IS NULL) < $4
             OR EXISTS (SELECT FROM hosts WHERE instance_id IS NULL AND lower(name) = lower($1))
         ON CONFLICT (lower(name)) WHERE instance_id IS NULL DO UPDATE SET name = hosts.name
         RETURNING id",
        name,
        to_value(&facts)?,
        now.to_sqlx(),
        IMPORTED,
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(HostId))
}

/// A row of the table.
struct HostRow {
    id: i32,
    instance_id: Option<Uuid>,
    name: String,
    facts: serde_json::Value,
    enrolled_at: jiff_sqlx::Timestamp,
    former_name: Option<String>,
    renamed_at: Option<jiff_sqlx::Timestamp>,
    labels: Vec<String>,
    group_ids: Vec<i32>,
    note: String,
}

impl From<HostRow> for Host {
    fn from(row: HostRow) -> Self {
        // One row that cannot be read costs none of the others.
        let facts = serde_json::from_value::<HostFacts>(row.facts).ok();
        Self {
            id: HostId(row.id),
            instance_id: row.instance_id,
            is_damaged: facts.is_none(),
            facts: facts
                .unwrap_or_else(|| HostFacts { fqdn: row.name.clone(), ..HostFacts::default() }),
            name: row.name,
            enrolled_at: row.enrolled_at.to_jiff(),
            renamed: row.former_name.zip(row.renamed_at.map(jiff_sqlx::Timestamp::to_jiff)),
            labels: row.labels,
            put_into: row.group_ids.into_iter().map(HostGroupId).collect(),
            note: row.note,
        }
    }
}

/// One host of the fleet: approved and not archived.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut PgConnection, id: HostId) -> Result<Option<Host>> {
    let row = sqlx::query_as!(
        HostRow,
        "SELECT id, instance_id, name, facts, enrolled_at, former_name, renamed_at, labels,
             group_ids, note
         FROM hosts WHERE id = $1 AND approved_at IS NOT NULL AND retired_at IS NULL",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Host::from))
}

/// Up to `limit` hosts of the fleet with ids above `after`, in the order of their ids.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut PgConnection, after: HostId, limit: i64) -> Result<Vec<Host>> {
    let rows = sqlx::query_as!(
        HostRow,
        "SELECT id, instance_id, name, facts, enrolled_at, former_name, renamed_at, labels,
             group_ids, note
         FROM hosts WHERE id > $1 AND approved_at IS NOT NULL AND retired_at IS NULL
         ORDER BY id LIMIT $2",
        after.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Host::from).collect())
}

/// Some hosts, in the order of their ids; those that are gone are left out.
///
/// # Errors
/// When the database fails.
pub async fn find_all(db: &mut PgConnection, ids: &[HostId]) -> Result<Vec<Host>> {
    let ids: Vec<i32> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        HostRow,
        "SELECT id, instance_id, name, facts, enrolled_at, former_name, renamed_at, labels,
             group_ids, note
         FROM hosts WHERE id = ANY($1) ORDER BY id",
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Host::from).collect())
}
