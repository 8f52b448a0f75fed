//! Hosts: enrolment, keys, facts.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{HostId, host::HostFacts};
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
    /// When an administrator, or an enrolment token that may, let it in.
    pub approved_at: Option<Timestamp>,
}

/// What a new enrolment brings.
#[derive(Debug)]
pub struct Enrolment<'a> {
    /// The agent's instance.
    pub instance_id: Uuid,
    /// Who the host says it is.
    pub facts: &'a HostFacts,
    /// SHA-256 of the key that the agent gets.
    pub key_hash: &'a [u8],
    /// Whether no one needs to approve it.
    pub approved: bool,
    /// Now.
    pub now: Timestamp,
}

/// How an enrolment went.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolled {
    /// The host's number.
    pub id: HostId,
    /// Whether the instance was unknown before.
    pub new: bool,
    /// Whether it may upload.
    pub approved: bool,
    /// Other hosts with the same machine GUID: clones of one image.
    pub clones: Vec<HostId>,
    /// Other hosts of the same name.
    pub namesakes: Vec<HostId>,
}

/// Enrols a host, or gives a known instance a new key.
///
/// # Errors
/// When the database fails.
pub async fn enrol(db: &mut PgConnection, enrolment: &Enrolment<'_>) -> Result<Enrolled> {
    let facts = enrolment.facts;
    let now = enrolment.now.to_sqlx();
    let row = sqlx::query!(
        "INSERT INTO hosts (instance_id, name, facts, machine_guid, key_hash, enrolled_at,
             approved_at)
         VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN $6::timestamptz END)
         ON CONFLICT ON CONSTRAINT hosts_instance_id_key DO UPDATE
         SET name = excluded.name, facts = excluded.facts, machine_guid = excluded.machine_guid,
             key_hash = excluded.key_hash,
             approved_at = coalesce(hosts.approved_at, excluded.approved_at)
         RETURNING id, xmax = 0 AS \"new!\", approved_at IS NOT NULL AS \"approved!\"",
        enrolment.instance_id,
        facts.fqdn,
        to_value(facts)?,
        facts.machine_guid,
        enrolment.key_hash,
        now,
        enrolment.approved,
    )
    .fetch_one(&mut *db)
    .await?;
    let clones = sqlx::query_scalar!(
        "SELECT id FROM hosts
         WHERE machine_guid = $1 AND id <> $2 AND instance_id IS NOT NULL AND retired_at IS NULL
         ORDER BY id LIMIT 100",
        facts.machine_guid,
        row.id,
    )
    .fetch_all(&mut *db)
    .await?;
    let namesakes = namesakes(db, HostId(row.id), &facts.fqdn).await?;
    Ok(Enrolled {
        id: HostId(row.id),
        new: row.new,
        approved: row.approved,
        clones: clones.into_iter().map(HostId).collect(),
        namesakes,
    })
}

/// Other hosts of this name that are not retired, up to 100.
///
/// # Errors
/// When the database fails.
pub async fn namesakes(db: &mut PgConnection, host: HostId, name: &str) -> Result<Vec<HostId>> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM hosts
         WHERE lower(name) = lower($1) AND id <> $2 AND retired_at IS NULL ORDER BY id LIMIT 100",
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
    pub approved: bool,
    /// When it enrolled: older events are history.
    pub enrolled_at: Timestamp,
}

/// The key of a host that is not retired.
///
/// # Errors
/// When the database fails.
pub async fn key(db: &mut PgConnection, id: HostId) -> Result<Option<HostKey>> {
    let row = sqlx::query!(
        "SELECT key_hash AS \"hash!\", approved_at IS NOT NULL AS \"approved!\", enrolled_at
         FROM hosts WHERE id = $1 AND key_hash IS NOT NULL AND retired_at IS NULL",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| HostKey {
        id,
        hash: row.hash,
        approved: row.approved,
        enrolled_at: row.enrolled_at.to_jiff(),
    }))
}

/// Lets a host upload. Returns whether it was waiting.
///
/// # Errors
/// When the database fails.
pub async fn approve(db: &mut PgConnection, id: HostId, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE hosts SET approved_at = $2 WHERE id = $1 AND approved_at IS NULL",
        id.0,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Retires a host: it may upload no more and counts nowhere. Returns whether it was there.
///
/// # Errors
/// When the database fails.
pub async fn retire(db: &mut PgConnection, id: HostId, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE hosts SET retired_at = $2 WHERE id = $1 AND retired_at IS NULL",
        id.0,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
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
pub async fn update_facts(db: &mut PgConnection, id: HostId, facts: &HostFacts) -> Result<()> {
    sqlx::query!(
        "UPDATE hosts SET name = $2, facts = $3, machine_guid = $4 WHERE id = $1",
        id.0,
        facts.fqdn,
        to_value(facts)?,
        facts.machine_guid,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The host of this name for imports and scripts: one that runs an agent and bears the name, alone,
/// else one without agent, made when there is none.
///
/// # Errors
/// When the database fails.
pub async fn named(db: &mut PgConnection, name: &str, now: Timestamp) -> Result<HostId> {
    let with_agent = sqlx::query_scalar!(
        "SELECT id FROM hosts
         WHERE lower(name) = lower($1) AND instance_id IS NOT NULL AND retired_at IS NULL
         LIMIT 2",
        name,
    )
    .fetch_all(&mut *db)
    .await?;
    if let [id] = with_agent[..] {
        return Ok(HostId(id));
    }
    let facts = HostFacts { fqdn: name.to_owned(), ..HostFacts::default() };
    let id = sqlx::query_scalar!(
        "INSERT INTO hosts (name, facts, enrolled_at, approved_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (lower(name)) WHERE instance_id IS NULL DO UPDATE SET name = hosts.name
         RETURNING id",
        name,
        to_value(&facts)?,
        now.to_sqlx(),
    )
    .fetch_one(db)
    .await?;
    Ok(HostId(id))
}

/// A row of the table.
struct HostRow {
    id: i32,
    instance_id: Option<Uuid>,
    name: String,
    facts: serde_json::Value,
    enrolled_at: jiff_sqlx::Timestamp,
    approved_at: Option<jiff_sqlx::Timestamp>,
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
            approved_at: row.approved_at.map(jiff_sqlx::Timestamp::to_jiff),
        }
    }
}

/// One host.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut PgConnection, id: HostId) -> Result<Option<Host>> {
    let row = sqlx::query_as!(
        HostRow,
        "SELECT id, instance_id, name, facts, enrolled_at, approved_at
         FROM hosts WHERE id = $1 AND retired_at IS NULL",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Host::from))
}

/// Up to `limit` hosts with ids above `after`, in the order of their ids.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut PgConnection, after: HostId, limit: i64) -> Result<Vec<Host>> {
    let rows = sqlx::query_as!(
        HostRow,
        "SELECT id, instance_id, name, facts, enrolled_at, approved_at
         FROM hosts WHERE id > $1 AND retired_at IS NULL ORDER BY id LIMIT $2",
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
        "SELECT id, instance_id, name, facts, enrolled_at, approved_at
         FROM hosts WHERE id = ANY($1) ORDER BY id",
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Host::from).collect())
}
