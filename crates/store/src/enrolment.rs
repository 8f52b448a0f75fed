//! How hosts come into the fleet and go: enrolment, approval, refusal, archive.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{HostGroupId, HostId, host::HostFacts};
use serde_json::to_value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Result, hosts::Standing};

/// Hosts of one list at most.
pub const LISTED: i64 = 20_000;

/// An instance of an agent that enrolled before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownInstance {
    /// Its host.
    pub id: HostId,
    /// Where the host stands.
    pub standing: Standing,
    /// The machine that it ran on.
    pub machine_guid: Option<Uuid>,
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
    /// Where it came from.
    pub address: IpAddr,
    /// The token that it came by.
    pub token: i32,
    /// The rule that approves it: number and name.
    pub rule: Option<(i32, &'a str)>,
    /// Now.
    pub now: Timestamp,
}

/// How an enrolment went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enrolled {
    /// The host's number.
    pub id: HostId,
    /// Whether the instance was unknown before.
    pub new: bool,
    /// Whether it may upload.
    pub approved: bool,
}

/// Other hosts that a host could be the same as: not archived, not refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Twins {
    /// Of the same machine identity: clones of one image, or an agent that was installed anew.
    pub of_machine: Vec<HostId>,
    /// Of the same name.
    pub of_name: Vec<HostId>,
}

impl Twins {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of_machine.is_empty() && self.of_name.is_empty()
    }
}

/// A host that is not in the fleet, or came into it lately.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub id: HostId,
    /// Who it says it is.
    pub facts: HostFacts,
    /// Where it stands.
    pub standing: Standing,
    /// When it enrolled.
    pub enrolled_at: Timestamp,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// The token that it came by: number and name.
    pub token: Option<(i32, String)>,
    /// Who decided, and when.
    pub decided: Option<(String, Timestamp)>,
    /// A host of the fleet of the same machine identity.
    pub twin_of_machine: Option<HostId>,
    /// A host of the fleet of the same name.
    pub twin_of_name: Option<HostId>,
    /// Its labels, by alphabet.
    pub labels: Vec<String>,
    /// Groups that it was put into.
    pub put_into: Vec<HostGroupId>,
}

impl Candidate {
    /// Whether it could be no other host of the fleet.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.twin_of_machine.is_none() && self.twin_of_name.is_none()
    }
}

/// The instance, if it enrolled before, held until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hold_instance(db: &mut PgConnection, instance: Uuid) -> Result<Option<KnownInstance>> {
    let row = sqlx::query!(
        "SELECT id, machine_guid,
             CASE WHEN retired_at IS NOT NULL THEN 'archived' WHEN approved_at IS NOT NULL THEN 'approved'
                 WHEN refused_at IS NOT NULL THEN 'refused' ELSE 'waiting' END AS \"standing!\"
         FROM hosts WHERE instance_id = $1 FOR UPDATE",
        instance,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| KnownInstance {
        id: HostId(row.id),
        standing: Standing::from_name(&row.standing),
        machine_guid: row.machine_guid,
    }))
}

/// Enrols a host, or gives a known instance a new key.
///
/// # Errors
/// When the database fails.
pub async fn enrol(db: &mut PgConnection, enrolment: &Enrolment<'_>) -> Result<Enrolled> {
    let facts = enrolment.facts;
    let row = sqlx::query!(
        "INSERT INTO hosts (instance_id, name, facts, machine_guid, key_hash, enrolled_at,
             enrolled_from, enrolment_token_id, approved_by_rule, decided_by, approved_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
             CASE WHEN $9::int IS NOT NULL THEN $6::timestamptz END)
         ON CONFLICT ON CONSTRAINT hosts_instance_id_key DO UPDATE
         SET name = excluded.name, facts = excluded.facts, machine_guid = excluded.machine_guid,
             key_hash = excluded.key_hash, enrolled_from = excluded.enrolled_from,
             enrolment_token_id = excluded.enrolment_token_id,
             former_name = CASE WHEN lower(hosts.name) = lower(excluded.name)
                 THEN hosts.former_name ELSE hosts.name END,
             renamed_at = CASE WHEN lower(hosts.name) = lower(excluded.name)
                 THEN hosts.renamed_at ELSE $6 END,
             approved_by_rule = CASE WHEN hosts.approved_at IS NULL
                 THEN excluded.approved_by_rule ELSE hosts.approved_by_rule END,
             decided_by = CASE WHEN hosts.approved_at IS NULL
                 THEN excluded.decided_by ELSE hosts.decided_by END,
             approved_at = coalesce(hosts.approved_at, excluded.approved_at)
         RETURNING id, xmax = 0 AS \"new!\", approved_at IS NOT NULL AS \"approved!\"",
        enrolment.instance_id,
        facts.fqdn,
        to_value(facts)?,
        facts.machine_guid,
        enrolment.key_hash,
        enrolment.now.to_sqlx(),
        enrolment.address.to_string(),
        enrolment.token,
        enrolment.rule.map(|(id, _)| id),
        enrolment.rule.map(|(_, name)| name),
    )
    .fetch_one(db)
    .await?;
    Ok(Enrolled { id: HostId(row.id), new: row.new, approved: row.approved })
}

/// Hosts of the fleet with the same machine identity or name as one, up to ten of each; none where
/// somebody said that it is another machine.
///
/// # Errors
/// When the database fails.
pub async fn twins(
    db: &mut PgConnection,
    facts: &HostFacts,
    host: Option<HostId>,
) -> Result<Twins> {
    let rows = sqlx::query!(
        "SELECT id, coalesce(machine_guid = $1, false) AS \"of_machine!\",
             lower(name) = lower($2) AS \"of_name!\"
         FROM hosts
         WHERE (machine_guid = $1 OR lower(name) = lower($2)) AND id <> $3
             AND instance_id IS NOT NULL AND approved_at IS NOT NULL AND retired_at IS NULL
             AND NOT EXISTS (SELECT FROM hosts WHERE id = $3 AND kept_apart_at IS NOT NULL)
         ORDER BY id LIMIT 20",
        facts.machine_guid,
        facts.fqdn,
        host.map_or(0, |host| host.0),
    )
    .fetch_all(db)
    .await?;
    let mut twins = Twins::default();
    for row in rows {
        let id = HostId(row.id);
        if row.of_machine {
            twins.of_machine.push(id);
        }
        if row.of_name {
            twins.of_name.push(id);
        }
    }
    Ok(twins)
}

/// How many hosts wait for somebody to decide.
///
/// # Errors
/// When the database fails.
pub async fn count_waiting(db: &mut PgConnection) -> Result<i64> {
    let count = sqlx::query_scalar!(
        "SELECT count(*) AS \"count!\" FROM hosts
         WHERE approved_at IS NULL AND refused_at IS NULL AND retired_at IS NULL",
    );
    Ok(count.fetch_one(db).await?)
}

struct CandidateRow {
    id: i32,
    name: String,
    facts: serde_json::Value,
    standing: String,
    enrolled_at: jiff_sqlx::Timestamp,
    enrolled_from: Option<String>,
    enrolment_token_id: Option<i32>,
    token_name: Option<String>,
    decided_by: Option<String>,
    decided_at: Option<jiff_sqlx::Timestamp>,
    twin_of_machine: Option<i32>,
    twin_of_name: Option<i32>,
    labels: Vec<String>,
    group_ids: Vec<i32>,
}

impl From<CandidateRow> for Candidate {
    fn from(row: CandidateRow) -> Self {
        let facts = serde_json::from_value(row.facts).ok();
        Self {
            id: HostId(row.id),
            facts: facts.unwrap_or(HostFacts { fqdn: row.name, ..HostFacts::default() }),
            standing: Standing::from_name(&row.standing),
            enrolled_at: row.enrolled_at.to_jiff(),
            address: row.enrolled_from.and_then(|address| address.parse().ok()),
            token: row.enrolment_token_id.zip(row.token_name),
            decided: row.decided_by.zip(row.decided_at.map(jiff_sqlx::Timestamp::to_jiff)),
            twin_of_machine: row.twin_of_machine.map(HostId),
            twin_of_name: row.twin_of_name.map(HostId),
            labels: row.labels,
            put_into: row.group_ids.into_iter().map(HostGroupId).collect(),
        }
    }
}

/// The hosts of a standing, the latest to enrol first, up to [`LISTED`]; of some hosts alone
/// where these are named. Of the fleet, those that enrolled since a time.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut PgConnection,
    standing: Option<Standing>,
    hosts: Option<&[HostId]>,
    since: Option<Timestamp>,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let among = hosts.map(numbers);
    let rows = sqlx::query_as!(
        CandidateRow,
        "SELECT host.id, host.name, facts, standing AS \"standing!\", enrolled_at, enrolled_from,
             enrolment_token_id, token.name AS \"token_name?\", decided_by, host.labels,
             host.group_ids,
             coalesce(host.retired_at, host.approved_at, host.refused_at) AS decided_at,
             (SELECT other.id FROM hosts AS other
              WHERE other.machine_guid = host.machine_guid AND other.id <> host.id
                  AND other.instance_id IS NOT NULL AND other.approved_at IS NOT NULL
                  AND other.retired_at IS NULL AND host.kept_apart_at IS NULL
              ORDER BY other.id LIMIT 1) AS twin_of_machine,
             (SELECT other.id FROM hosts AS other
              WHERE lower(other.name) = lower(host.name) AND other.id <> host.id
                  AND other.instance_id IS NOT NULL AND other.approved_at IS NOT NULL
                  AND other.retired_at IS NULL AND host.kept_apart_at IS NULL
              ORDER BY other.id LIMIT 1) AS twin_of_name
         FROM hosts AS host
         CROSS JOIN LATERAL (SELECT CASE WHEN host.retired_at IS NOT NULL THEN 'archived'
             WHEN host.approved_at IS NOT NULL THEN 'approved'
             WHEN host.refused_at IS NOT NULL THEN 'refused' ELSE 'waiting' END AS standing) AS stands
         LEFT JOIN enrolment_tokens AS token ON token.id = host.enrolment_token_id
         WHERE ($1::text IS NULL OR standing = $1) AND ($2::int[] IS NULL OR host.id = ANY ($2))
             AND ($3::timestamptz IS NULL OR enrolled_at >= $3)
         ORDER BY enrolled_at DESC, host.id DESC LIMIT $4",
        standing.map(Standing::as_str),
        among.as_deref(),
        since.map(ToSqlx::to_sqlx) as Option<jiff_sqlx::Timestamp>,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Candidate::from).collect())
}

fn numbers(ids: &[HostId]) -> Vec<i32> {
    ids.iter().map(|id| id.0).collect()
}

fn ids(numbers: Vec<i32>) -> Vec<HostId> {
    numbers.into_iter().map(HostId).collect()
}

/// Lets hosts that wait or were refused upload. `rule` tells the number of a rule that does it.
/// Returns those that were let in.
///
/// # Errors
/// When the database fails.
pub async fn approve(
    db: &mut PgConnection,
    hosts: &[HostId],
    by: &str,
    rule: Option<i32>,
    now: Timestamp,
) -> Result<Vec<HostId>> {
    let done = sqlx::query_scalar!(
        "UPDATE hosts SET approved_at = $2, refused_at = NULL, decided_by = $3,
             approved_by_rule = $4
         WHERE id = ANY ($1) AND approved_at IS NULL AND retired_at IS NULL RETURNING id",
        &numbers(hosts),
        now.to_sqlx(),
        by,
        rule,
    );
    Ok(ids(done.fetch_all(db).await?))
}

/// Refuses hosts that wait. Returns those that were refused.
///
/// # Errors
/// When the database fails.
pub async fn refuse(
    db: &mut PgConnection,
    hosts: &[HostId],
    by: &str,
    now: Timestamp,
) -> Result<Vec<HostId>> {
    let done = sqlx::query_scalar!(
        "UPDATE hosts SET refused_at = $2, decided_by = $3
         WHERE id = ANY ($1) AND approved_at IS NULL AND refused_at IS NULL AND retired_at IS NULL
         RETURNING id",
        &numbers(hosts),
        now.to_sqlx(),
        by,
    );
    Ok(ids(done.fetch_all(db).await?))
}

/// Archives hosts of the fleet: they may upload no more and count nowhere. Returns those that were
/// archived.
///
/// # Errors
/// When the database fails.
pub async fn archive(
    db: &mut PgConnection,
    hosts: &[HostId],
    by: &str,
    now: Timestamp,
) -> Result<Vec<HostId>> {
    let done = sqlx::query_scalar!(
        "UPDATE hosts SET retired_at = $2, decided_by = $3
         WHERE id = ANY ($1) AND approved_at IS NOT NULL AND retired_at IS NULL RETURNING id",
        &numbers(hosts),
        now.to_sqlx(),
        by,
    );
    Ok(ids(done.fetch_all(db).await?))
}

/// Brings archived hosts back. Returns those that came back.
///
/// # Errors
/// When the database fails.
pub async fn restore(db: &mut PgConnection, hosts: &[HostId], by: &str) -> Result<Vec<HostId>> {
    let done = sqlx::query_scalar!(
        "UPDATE hosts SET retired_at = NULL, decided_by = $2
         WHERE id = ANY ($1) AND approved_at IS NOT NULL AND retired_at IS NOT NULL RETURNING id",
        &numbers(hosts),
        by,
    );
    Ok(ids(done.fetch_all(db).await?))
}

/// Deletes hosts that are not in the fleet, with their inventories, boots and keys. What they sent
/// goes with its partitions. Returns those that were deleted.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut PgConnection, hosts: &[HostId]) -> Result<Vec<HostId>> {
    let done = sqlx::query_scalar!(
        "WITH gone AS (
             DELETE FROM hosts WHERE id = ANY ($1) AND (approved_at IS NULL OR retired_at IS NOT NULL)
             RETURNING id
         ), inventory AS (
             DELETE FROM inventories WHERE host_id IN (SELECT id FROM gone)
         ), changes AS (
             DELETE FROM driver_changes WHERE host_id IN (SELECT id FROM gone)
         ), anchors AS (
             DELETE FROM clock_anchors WHERE host_id IN (SELECT id FROM gone)
         ), boot AS (
             DELETE FROM boots WHERE host_id IN (SELECT id FROM gone)
         )
         SELECT id FROM gone",
        &numbers(hosts),
    );
    Ok(ids(done.fetch_all(db).await?))
}

/// Gives a host of the fleet a key that nobody has: its agent enrols again, if its token is valid.
/// Returns whether there is such a host.
///
/// # Errors
/// When the database fails.
pub async fn replace_key(db: &mut PgConnection, host: HostId, key_hash: &[u8]) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE hosts SET key_hash = $2 WHERE id = $1 AND instance_id IS NOT NULL",
        host.0,
        key_hash,
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// Remembers that a host is another machine than those of the same identity or name. Returns whether
/// there is such a host.
///
/// # Errors
/// When the database fails.
pub async fn keep_apart(db: &mut PgConnection, host: HostId, now: Timestamp) -> Result<bool> {
    let done =
        sqlx::query!("UPDATE hosts SET kept_apart_at = $2 WHERE id = $1", host.0, now.to_sqlx(),);
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// Lets a host of the fleet go on as the agent of one that waits: the machine is the same, its agent
/// was installed anew. The agent enrols once more by itself, since it holds no key of that host.
/// Returns whether both were there.
///
/// # Errors
/// When the database fails.
pub async fn merge(
    db: &mut PgConnection,
    waiting: HostId,
    into: HostId,
    key_hash: &[u8],
) -> Result<bool> {
    let gone = sqlx::query!(
        "DELETE FROM hosts
         WHERE id = $1 AND approved_at IS NULL AND instance_id IS NOT NULL
         RETURNING instance_id, name, facts, machine_guid",
        waiting.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(gone) = gone else { return Ok(false) };
    let done = sqlx::query!(
        "UPDATE hosts SET instance_id = $2, name = $3, facts = $4, machine_guid = $5, key_hash = $6
         WHERE id = $1 AND approved_at IS NOT NULL AND retired_at IS NULL",
        into.0,
        gone.instance_id,
        gone.name,
        gone.facts,
        gone.machine_guid,
        key_hash,
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

/// Deletes hosts that were refused before a time. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn forget_refused(db: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM hosts WHERE approved_at IS NULL AND refused_at < $1",
        before.to_sqlx(),
    );
    Ok(done.execute(db).await?.rows_affected())
}
