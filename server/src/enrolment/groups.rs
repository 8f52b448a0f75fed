//! Groups of hosts by rules: made, changed and deleted.

use axum::http::StatusCode;
use jiff::Timestamp;
use poolwatch_model::{
    HostGroupId,
    host_group::{GroupRule, HostGroup, RULES_OF_GROUP},
    person::{Role, Scope},
};
use poolwatch_store::host_groups::{self, GROUPS};
use sqlx::{Connection, PgConnection};

use super::rules::checked_name;
use crate::app_error::AppError;

/// One group.
///
/// # Errors
/// 404 when there is none.
pub async fn find(db: &mut PgConnection, id: HostGroupId) -> Result<HostGroup, AppError> {
    let found = host_groups::list(db).await?.into_iter().find(|group| group.id == id);
    found.ok_or_else(|| AppError::not_found("There is no such group"))
}

/// Makes a group.
///
/// # Errors
/// 400 for what is no name or rule, 409 when there is a group of that name.
pub async fn create(
    db: &mut PgConnection,
    name: &str,
    rules: Vec<GroupRule>,
    by: &str,
    now: Timestamp,
) -> Result<HostGroup, AppError> {
    let (name, rules) = (checked_name(name)?, checked_rules(rules)?);
    if host_groups::list(db).await?.len() as i64 >= GROUPS {
        return Err(AppError::bad_request(format!("{GROUPS} groups are kept at most.")));
    }
    let id = host_groups::create(db, &name, &rules, by, now).await?.ok_or_else(taken)?;
    Ok(HostGroup { id, name, rules })
}

/// Gives a group another name and other rules.
///
/// # Errors
/// 400 for what is no name or rule, 404 when there is no such group, 409 when another has the name.
pub async fn change(
    db: &mut PgConnection,
    id: HostGroupId,
    name: &str,
    rules: Vec<GroupRule>,
) -> Result<HostGroup, AppError> {
    let (name, rules) = (checked_name(name)?, checked_rules(rules)?);
    let before = find(db, id).await?.name;
    let mut transaction = db.begin().await?;
    if !host_groups::change(&mut transaction, id, &name, &rules).await? {
        return Err(taken());
    }
    if name != before {
        host_groups::rename_in_scopes(&mut transaction, &before, &name).await?;
    }
    transaction.commit().await?;
    Ok(HostGroup { id, name, rules })
}

/// Deletes a group that nobody is limited to, that no token or rule puts hosts into, and that no alert is
/// about. Returns its name.
///
/// # Errors
/// 404 when there is no such group, 409 when somebody is bound to it.
pub async fn delete(db: &mut PgConnection, id: HostGroupId) -> Result<String, AppError> {
    let name = find(db, id).await?.name;
    let mut transaction = db.begin().await?;
    let uses = host_groups::count_uses(&mut transaction, id, &name).await?;
    if uses > 0 {
        return Err(AppError::new(
            StatusCode::CONFLICT,
            "group-in-use",
            "The group is in use",
            format!(
                "{uses} people, tokens, approval rules, rules of the identity provider, recipients or \
                 alert rules name it. Take it away from them first: without the group, nobody would \
                 know whose hosts they are about."
            ),
        ));
    }
    host_groups::delete(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(name)
}

/// Whose hosts somebody of a role is to see: all, or those of groups.
///
/// # Errors
/// 400 for groups that are not there, and for an administrator, who sees all.
pub async fn checked_scope(
    db: &mut PgConnection,
    groups: Option<Vec<HostGroupId>>,
    role: Role,
) -> Result<Scope, AppError> {
    let Some(groups) = groups else { return Ok(Scope::WholeFleet) };
    if role == Role::Admin {
        return Err(AppError::bad_request(
            "An administrator sees the whole fleet. Choose another role to limit somebody to groups.",
        ));
    }
    let known = host_groups::list(db).await?;
    if groups.is_empty() || groups.iter().any(|id| !known.iter().any(|group| group.id == *id)) {
        return Err(AppError::bad_request("Name one group at least, of those that there are."));
    }
    Ok(Scope::of_groups(groups))
}

fn checked_rules(rules: Vec<GroupRule>) -> Result<Vec<GroupRule>, AppError> {
    if rules.len() > RULES_OF_GROUP {
        let detail = format!("A group has {RULES_OF_GROUP} rules at most.");
        return Err(AppError::bad_request(detail));
    }
    rules.into_iter().map(|rule| rule.checked().map_err(AppError::bad_request)).collect()
}

fn taken() -> AppError {
    let detail = "Another group has this name.";
    AppError::new(StatusCode::CONFLICT, "taken", "The name is taken", detail)
}
