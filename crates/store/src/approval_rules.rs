//! Which hosts need no person to approve them.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostGroupId;
use sqlx::PgConnection;

use crate::{Result, host_groups::HostBinding};

/// What a rule asks of a host; what is not named is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleConditions {
    /// Pattern of its name, with `*` and `?`.
    pub name_pattern: Option<String>,
    /// Its domain.
    pub domain: Option<String>,
    /// Network that it came from (`10.1.0.0/16`).
    pub address_range: Option<String>,
    /// Token that it came by.
    pub token: Option<i32>,
}

/// A rule as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// Its number.
    pub id: i32,
    /// What it is called.
    pub name: String,
    /// What it asks of a host.
    pub conditions: RuleConditions,
    /// Name of the token.
    pub token_name: Option<String>,
    /// Who made it.
    pub by: String,
    /// When it was made.
    pub created: Timestamp,
    /// Hosts that are in the fleet by it.
    pub approved: i64,
    /// What hosts get that it approves.
    pub binding: HostBinding,
}

/// Keeps a rule behind all others. Returns its number; `None` when there are `most` already.
///
/// # Errors
/// When the database fails.
pub async fn create(
    db: &mut PgConnection,
    name: &str,
    conditions: &RuleConditions,
    by: &str,
    most: i64,
    now: Timestamp,
) -> Result<Option<i32>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO approval_rules
             (place, name, name_pattern, domain, address_range, token_id, created_at, created_by)
         SELECT coalesce(max(place), 0) + 1, $1, $2, $3, $4, $5, $6, $7 FROM approval_rules
         HAVING count(*) < $8
         RETURNING id",
        name,
        conditions.name_pattern,
        conditions.domain,
        conditions.address_range,
        conditions.token,
        now.to_sqlx() as jiff_sqlx::Timestamp,
        by,
        most,
    )
    .fetch_optional(db)
    .await?;
    Ok(id)
}

/// All rules, in their order.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection) -> Result<Vec<ApprovalRule>> {
    let rows = sqlx::query!(
        "SELECT rule.id, rule.name, name_pattern, domain, address_range, token_id,
             token.name AS \"token_name?\", rule.created_at, rule.created_by, rule.labels,
             rule.group_id,
             (SELECT count(*) FROM hosts
              WHERE approved_by_rule = rule.id AND retired_at IS NULL) AS \"approved!\"
         FROM approval_rules AS rule
         LEFT JOIN enrolment_tokens AS token ON token.id = rule.token_id
         ORDER BY place, rule.id",
    )
    .fetch_all(db)
    .await?;
    let rules = rows.into_iter().map(|row| ApprovalRule {
        id: row.id,
        name: row.name,
        conditions: RuleConditions {
            name_pattern: row.name_pattern,
            domain: row.domain,
            address_range: row.address_range,
            token: row.token_id,
        },
        token_name: row.token_name,
        by: row.created_by,
        created: row.created_at.to_jiff(),
        approved: row.approved,
        binding: HostBinding { labels: row.labels, group: row.group_id.map(HostGroupId) },
    });
    Ok(rules.collect())
}

/// What all rules ask for, by number, in their order.
///
/// # Errors
/// When the database fails.
pub async fn conditions(db: &mut PgConnection) -> Result<Vec<(i32, RuleConditions)>> {
    let rows = sqlx::query!(
        "SELECT id, name_pattern, domain, address_range, token_id
         FROM approval_rules ORDER BY place, id",
    )
    .fetch_all(db)
    .await?;
    let rules = rows.into_iter().map(|row| {
        let conditions = RuleConditions {
            name_pattern: row.name_pattern,
            domain: row.domain,
            address_range: row.address_range,
            token: row.token_id,
        };
        (row.id, conditions)
    });
    Ok(rules.collect())
}

/// Keeps what hosts get that a rule approves.
///
/// # Errors
/// When the database fails.
pub async fn set_binding(db: &mut PgConnection, id: i32, binding: &HostBinding) -> Result<()> {
    sqlx::query!(
        "UPDATE approval_rules SET labels = $2, group_id = $3 WHERE id = $1",
        id,
        &binding.labels,
        binding.group.map(|group| group.0),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What hosts get that a rule approves.
///
/// # Errors
/// When the database fails.
pub async fn binding(db: &mut PgConnection, id: i32) -> Result<HostBinding> {
    let row = sqlx::query!("SELECT labels, group_id FROM approval_rules WHERE id = $1", id)
        .fetch_optional(db)
        .await?;
    Ok(row.map_or_else(HostBinding::default, |row| HostBinding {
        labels: row.labels,
        group: row.group_id.map(HostGroupId),
    }))
}

/// Moves a rule before the one that precedes it. Returns whether it could.
///
/// # Errors
/// When the database fails.
pub async fn move_up(db: &mut PgConnection, id: i32) -> Result<bool> {
    let done = sqlx::query!(
        "WITH moved AS (SELECT id, place FROM approval_rules WHERE id = $1),
             before AS (
                 SELECT rule.id, rule.place FROM approval_rules AS rule, moved
                 WHERE (rule.place, rule.id) < (moved.place, moved.id)
                 ORDER BY rule.place DESC, rule.id DESC LIMIT 1)
         UPDATE approval_rules AS rule
         SET place = CASE WHEN rule.id = moved.id THEN before.place ELSE moved.place END
         FROM moved, before WHERE rule.id IN (moved.id, before.id)",
        id,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 2)
}

/// Takes a rule away; hosts that it approved stay. Returns whether it was there.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut PgConnection, id: i32) -> Result<bool> {
    let done = sqlx::query!("DELETE FROM approval_rules WHERE id = $1", id).execute(db).await?;
    Ok(done.rows_affected() == 1)
}
