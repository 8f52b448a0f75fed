//! Groups of hosts, and the labels and notes of hosts.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostGroupId, HostId,
    host_group::{GroupRule, HostGroup, LABELS_OF_HOST},
    person::Scope,
};
use serde_json::to_value;
use sqlx::PgConnection;

use crate::{Result, readable::Readable};

/// Groups that are kept at most.
pub const GROUPS: i64 = 500;

/// What hosts get that come by a token or a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostBinding {
    /// Labels, by alphabet.
    pub labels: Vec<String>,
    /// The group that they are put into.
    pub group: Option<HostGroupId>,
}

/// Gives hosts the labels of a token or rule, and puts them into its group.
///
/// # Errors
/// When the database fails.
pub async fn bind_hosts(
    db: &mut PgConnection,
    hosts: &[HostId],
    binding: &HostBinding,
) -> Result<()> {
    if *binding == HostBinding::default() || hosts.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i32> = hosts.iter().map(|host| host.0).collect();
    sqlx::query!(
        "UPDATE hosts SET
             labels = (ARRAY(SELECT DISTINCT label FROM unnest(labels || $2::text[]) AS label
                 ORDER BY label))[1:$4],
             group_ids = CASE WHEN $3::int IS NULL OR $3 = ANY (group_ids) THEN group_ids
                 ELSE group_ids || $3 END
         WHERE id = ANY ($1)",
        &numbers,
        &binding.labels,
        binding.group.map(|group| group.0),
        LABELS_OF_HOST as i32,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All groups by name. One whose rules cannot be read has none.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection) -> Result<Vec<HostGroup>> {
    let rows = sqlx::query!(
        "SELECT id, name, rules AS \"rules: Readable<Vec<GroupRule>>\" FROM host_groups
         ORDER BY lower(name), id",
    )
    .fetch_all(db)
    .await?;
    let groups = rows.into_iter().map(|row| HostGroup {
        id: HostGroupId(row.id),
        name: row.name,
        rules: row.rules.0.unwrap_or_default(),
    });
    Ok(groups.collect())
}

/// Makes a group. `None` when there is one of that name, or [`GROUPS`] already.
///
/// # Errors
/// When the database fails.
pub async fn create(
    db: &mut PgConnection,
    name: &str,
    rules: &[GroupRule],
    by: &str,
    now: Timestamp,
) -> Result<Option<HostGroupId>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO host_groups (name, rules, created_by, created_at)
         SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM host_groups) < $5
         ON CONFLICT (lower(name)) DO NOTHING RETURNING id",
        name,
        to_value(rules)?,
        by,
        now.to_sqlx() as jiff_sqlx::Timestamp,
        GROUPS,
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(HostGroupId))
}

/// Gives a group another name and other rules. Returns whether there is such a group and none other
/// of that name.
///
/// # Errors
/// When the database fails.
pub async fn change(
    db: &mut PgConnection,
    id: HostGroupId,
    name: &str,
    rules: &[GroupRule],
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE host_groups SET name = $2, rules = $3
         WHERE id = $1 AND NOT EXISTS (
             SELECT FROM host_groups WHERE lower(name) = lower($2) AND id <> $1)",
        id.0,
        name,
        to_value(rules)?,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Rules, silences and recipients that name a group name it as it is called now.
///
/// # Errors
/// When the database fails.
pub async fn rename_in_scopes(db: &mut PgConnection, before: &str, now: &str) -> Result<()> {
    sqlx::query!(
        "WITH rules AS (
             UPDATE alert_rules SET host_group = $2 WHERE lower(host_group) = lower($1)),
         told AS (UPDATE recipients SET host_group = $2 WHERE lower(host_group) = lower($1)),
         quiet AS (UPDATE silences SET host_group = $2 WHERE lower(host_group) = lower($1))
         UPDATE recurring_windows SET host_group = $2 WHERE lower(host_group) = lower($1)",
        before,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many people, tokens, approval rules, rules of the identity provider, recipients, alert rules and
/// windows name a group.
///
/// # Errors
/// When the database fails.
pub async fn count_uses(db: &mut PgConnection, id: HostGroupId, name: &str) -> Result<i64> {
    let count = sqlx::query_scalar!(
        "SELECT (SELECT count(*) FROM users WHERE $1 = ANY (scope))
             + (SELECT count(*) FROM api_tokens WHERE $1 = ANY (scope) AND revoked_at IS NULL)
             + (SELECT count(*) FROM enrolment_tokens WHERE group_id = $1 AND revoked_at IS NULL)
             + (SELECT count(*) FROM approval_rules WHERE group_id = $1)
             + (SELECT count(*) FROM settings,
                    jsonb_path_query(value, 'lax $.rules[*].groups[*]') AS named
                WHERE settings.name = 'identity provider' AND named = to_jsonb($1))
             + (SELECT count(*) FROM recipients WHERE lower(host_group) = lower($2))
             + (SELECT count(*) FROM alert_rules WHERE lower(host_group) = lower($2))
             + (SELECT count(*) FROM recurring_windows WHERE lower(host_group) = lower($2))
                 AS \"count!\"",
        id.0,
        name,
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Deletes a group; hosts that were put into it are no more. Tokens that were revoked forget it.
/// Returns whether there was one.
///
/// # Errors
/// When the database fails, or somebody is bound to it.
pub async fn delete(db: &mut PgConnection, id: HostGroupId) -> Result<bool> {
    sqlx::query!(
        "UPDATE enrolment_tokens SET group_id = NULL
         WHERE group_id = $1 AND revoked_at IS NOT NULL",
        id.0,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "UPDATE hosts SET group_ids = array_remove(group_ids, $1) WHERE $1 = ANY (group_ids)",
        id.0,
    )
    .execute(&mut *db)
    .await?;
    let done = sqlx::query!("DELETE FROM host_groups WHERE id = $1", id.0).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Adds labels to hosts and takes others away. One that has too many then keeps the first by alphabet.
/// Returns the hosts that there are.
///
/// # Errors
/// When the database fails.
pub async fn label_hosts(
    db: &mut PgConnection,
    hosts: &[HostId],
    add: &[String],
    remove: &[String],
) -> Result<Vec<HostId>> {
    let numbers: Vec<i32> = hosts.iter().map(|host| host.0).collect();
    let done = sqlx::query_scalar!(
        "UPDATE hosts SET labels = (ARRAY(
             SELECT DISTINCT label FROM unnest(labels || $2::text[]) AS label
             WHERE label <> ALL ($3::text[]) ORDER BY label))[1:$4]
         WHERE id = ANY ($1) RETURNING id",
        &numbers,
        add,
        remove,
        LABELS_OF_HOST as i32,
    )
    .fetch_all(db)
    .await?;
    Ok(done.into_iter().map(HostId).collect())
}

/// Keeps labels of a host in place of those of before, and a note; what is `None` stays. Returns
/// whether there is such a host.
///
/// # Errors
/// When the database fails.
pub async fn describe_host(
    db: &mut PgConnection,
    host: HostId,
    labels: Option<&[String]>,
    note: Option<&str>,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE hosts SET labels = coalesce($2, labels), note = coalesce($3, note) WHERE id = $1",
        host.0,
        labels,
        note,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A scope as it is kept.
pub(crate) fn scope_of(numbers: Option<Vec<i32>>) -> Scope {
    match numbers {
        None => Scope::WholeFleet,
        Some(numbers) => Scope::of_groups(numbers.into_iter().map(HostGroupId)),
    }
}

/// The groups of a scope as they are kept; `None` for every host.
pub(crate) fn numbers_of_scope(scope: &Scope) -> Option<Vec<i32>> {
    scope.groups().map(|groups| groups.iter().map(|group| group.0).collect())
}
