//! What people, scripts and rules decide about hosts.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use poolwatch_model::HostId;
use poolwatch_store::{
    approval_rules,
    enrolment::{self, Candidate},
    host_groups,
    hosts::Standing,
};
use sqlx::{Connection, PgConnection};
use tracing::info;

use super::rules::{self, Proposal};
use crate::{app::App, app_error::AppError, auth::secrets, fleet::visible::VisibleFleet};

/// Hosts that one decision may be about.
pub const AT_ONCE: usize = enrolment::LISTED as usize;

/// What is decided about hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// They may upload.
    Approve,
    /// They may not.
    Refuse,
    /// They may upload no more, and count nowhere.
    Archive,
    /// They are back in the fleet.
    Restore,
    /// What is known of them is deleted.
    Delete,
}

impl Decision {
    /// All, with their words in forms and for scripts.
    const ALL: [(Self, &'static str); 5] = [
        (Self::Approve, "approve"),
        (Self::Refuse, "refuse"),
        (Self::Archive, "archive"),
        (Self::Restore, "restore"),
        (Self::Delete, "delete"),
    ];

    /// Its word.
    ///
    /// # Errors
    /// 400 when it is none.
    pub fn parse(word: &str) -> Result<Self, AppError> {
        let found = Self::ALL.iter().find(|(_, name)| *name == word).map(|(decision, _)| *decision);
        found.ok_or_else(|| {
            AppError::bad_request("The decision is approve, refuse, archive, restore or delete.")
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Archive => "archive",
            Self::Restore => "restore",
            Self::Delete => "delete",
        }
    }
}

/// Decides about hosts. Returns those about which that changed something.
///
/// # Errors
/// 400 for too many, and when the database fails.
pub async fn decide(
    app: &App,
    visible: &VisibleFleet,
    hosts: &[HostId],
    decision: Decision,
    by: &str,
) -> Result<Vec<HostId>, AppError> {
    if hosts.len() > AT_ONCE {
        return Err(AppError::bad_request(format!(
            "Decide about at most {AT_ONCE} hosts at once."
        )));
    }
    let now = app.clock.now();
    let mut db = app.pool.acquire().await?;
    let shown = only_shown(&mut db, visible, hosts).await?;
    let hosts = &shown[..];
    let done = match decision {
        Decision::Approve => enrolment::approve(&mut db, hosts, by, None, now).await?,
        Decision::Refuse => enrolment::refuse(&mut db, hosts, by, now).await?,
        Decision::Archive => enrolment::archive(&mut db, hosts, by, now).await?,
        Decision::Restore => enrolment::restore(&mut db, hosts, by).await?,
        Decision::Delete => enrolment::delete(&mut db, hosts).await?,
    };
    follow(app, &mut db, &done).await?;
    info!(hosts = done.len(), decision = decision.as_str(), by, "Decided about hosts");
    Ok(done)
}

/// Hosts that wait and that the rules approve, each with its rule. Hosts that could be another one of
/// the fleet are for people to judge.
#[must_use]
pub fn approvable<'a>(
    waiting: &'a [Candidate],
    rules: &[(i32, approval_rules::RuleConditions)],
) -> Vec<(&'a Candidate, i32)> {
    let clear = waiting.iter().filter(|one| one.is_clear());
    clear.filter_map(|one| Some((one, rules::first_met(rules, Proposal::from(one))?))).collect()
}

/// Approves hosts that wait by the rules as they are now. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn apply_rules(app: &App) -> Result<usize, AppError> {
    let mut db = app.pool.acquire().await?;
    let done = approve_by_rules(&mut db, app.clock.now()).await?;
    follow(app, &mut db, &done).await?;
    Ok(done.len())
}

/// The same with the database alone; a server that runs follows within a second.
///
/// # Errors
/// When the database fails.
pub async fn approve_by_rules(
    db: &mut PgConnection,
    now: jiff::Timestamp,
) -> Result<Vec<HostId>, AppError> {
    let all = approval_rules::conditions(db).await?;
    let waiting =
        enrolment::list(db, Some(Standing::Waiting), None, None, enrolment::LISTED).await?;
    let found = approvable(&waiting, &all);
    let mut done = Vec::new();
    for (rule, _) in &all {
        let hosts: Vec<HostId> =
            found.iter().filter(|(_, by)| by == rule).map(|(one, _)| one.id).collect();
        if !hosts.is_empty() {
            let by = format!("rule {rule}");
            let approved = enrolment::approve(db, &hosts, &by, Some(*rule), now).await?;
            let binding = approval_rules::binding(db, *rule).await?;
            host_groups::bind_hosts(db, &approved, &binding).await?;
            done.extend(approved);
        }
    }
    Ok(done)
}

/// Lets the machine of a host that waits go on as a host of the fleet.
///
/// # Errors
/// 409 when the one does not wait or the other is not in the fleet.
pub async fn merge(
    app: &App,
    visible: &VisibleFleet,
    waiting: HostId,
    into: HostId,
    by: &str,
) -> Result<(), AppError> {
    let mut db = app.pool.acquire().await?;
    require_shown(&mut db, visible, &[waiting, into]).await?;
    let mut transaction = db.begin().await?;
    let nobodys = secrets::generate().map_err(AppError::internal)?;
    if !enrolment::merge(&mut transaction, waiting, into, &secrets::hash(&nobodys)).await? {
        return Err(AppError::new(
            StatusCode::CONFLICT,
            "not-mergeable",
            "These hosts cannot be merged",
            "The one has to wait for approval, the other to be in the fleet. Somebody may have \
             decided meanwhile: look again.",
        ));
    }
    transaction.commit().await?;
    follow(app, &mut db, &[waiting, into]).await?;
    info!(host = %waiting, %into, by, "Merged hosts");
    Ok(())
}

/// Revokes the key of a host: its agent enrols again, if its token is valid.
///
/// # Errors
/// 404 when there is no such host.
pub async fn revoke_key(
    app: &App,
    visible: &VisibleFleet,
    host: HostId,
    by: &str,
) -> Result<(), AppError> {
    let nobodys = secrets::generate().map_err(AppError::internal)?;
    let mut db = app.pool.acquire().await?;
    require_shown(&mut db, visible, &[host]).await?;
    if !enrolment::replace_key(&mut db, host, &secrets::hash(&nobodys)).await? {
        return Err(AppError::not_found("There is no such host with an agent"));
    }
    follow(app, &mut db, &[host]).await?;
    info!(%host, by, "Revoked the key of a host");
    Ok(())
}

/// Remembers that a host is another machine than those of its identity or name.
///
/// # Errors
/// 404 when there is no such host.
pub async fn keep_apart(
    app: &App,
    visible: &VisibleFleet,
    host: HostId,
    by: &str,
) -> Result<(), AppError> {
    let mut db = app.pool.acquire().await?;
    require_shown(&mut db, visible, &[host]).await?;
    if !enrolment::keep_apart(&mut db, host, app.clock.now()).await? {
        return Err(AppError::not_found("There is no such host"));
    }
    info!(%host, by, "Keeps a host apart from others of its identity or name");
    Ok(())
}

/// Those of some hosts that somebody sees, in the fleet or on their way into it.
async fn only_shown(
    db: &mut PgConnection,
    visible: &VisibleFleet,
    hosts: &[HostId],
) -> Result<Vec<HostId>, AppError> {
    let mut shown = hosts.to_vec();
    if visible.is_whole() {
        return Ok(shown);
    }
    let others: Vec<HostId> = hosts.iter().copied().filter(|host| !visible.shows(*host)).collect();
    let candidates = enrolment::list(db, None, Some(&others), None, enrolment::LISTED).await?;
    let is_candidate =
        |host: HostId| candidates.iter().any(|one| one.id == host && visible.shows_candidate(one));
    shown.retain(|host| visible.shows(*host) || is_candidate(*host));
    Ok(shown)
}

async fn require_shown(
    db: &mut PgConnection,
    visible: &VisibleFleet,
    hosts: &[HostId],
) -> Result<(), AppError> {
    match only_shown(db, visible, hosts).await?.len() == hosts.len() {
        true => Ok(()),
        false => Err(AppError::not_found("There is no such host")),
    }
}

/// Brings what memory holds in line at once: keys first.
async fn follow(app: &App, db: &mut PgConnection, changed: &[HostId]) -> Result<(), AppError> {
    for host in changed {
        app.host_keys.forget(*host);
        app.fleet.note_change_of(*host);
    }
    count_waiting(app, db).await
}

/// Counts the hosts that wait, for the bar of every page.
///
/// # Errors
/// When the database fails.
pub async fn count_waiting(app: &App, db: &mut PgConnection) -> Result<(), AppError> {
    let count = enrolment::count_waiting(db).await?;
    app.waiting_hosts.store(count.unsigned_abs(), Ordering::Relaxed);
    Ok(())
}
