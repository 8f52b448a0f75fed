//! A host proposes itself with a token: it gets a key, and waits unless a rule approves it.

use std::{net::IpAddr, sync::atomic::Ordering};

use axum::http::StatusCode;
use jiff::Timestamp;
use poolwatch_model::{HostId, host::HostFacts, host_group::checked_labels};
use poolwatch_store::{
    approval_rules,
    enrolment::{self, Enrolled, Enrolment},
    enrolment_tokens::{self, TokenRefusal},
    host_groups::{self, HostBinding},
    hosts::Standing,
    refused_enrolments::{self, RefusedEnrolment},
};
use sqlx::{Connection, PgConnection};
use tracing::{error, info, warn};
use uuid::Uuid;

use super::rules::{self, Proposal};
use crate::{
    app::App,
    app_error::AppError,
    auth::{host_keys::key_text, secrets},
};

/// Hosts that wait at most: whoever has a token could propose any number.
const WAITING: i64 = enrolment::LISTED;
/// Refusals that are kept in a second; of more, nobody reads the list.
const RECORDED_PER_SECOND: u32 = 10;
/// How long a host that was refused or archived waits before it asks again, seconds.
pub const REFUSED_RETRY_S: u32 = 3600;

/// What a host brings.
#[derive(Debug, Clone, Copy)]
pub struct Proposed<'a> {
    /// Its token.
    pub token: &'a str,
    /// The agent's instance.
    pub instance: Uuid,
    /// Who it says it is.
    pub facts: &'a HostFacts,
    /// Labels that it brings, when it is new.
    pub labels: &'a [String],
    /// Where it came from.
    pub address: IpAddr,
}

/// Why a host was not enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    UnknownToken,
    Token(TokenRefusal),
    Refused,
    Archived,
    Cloned(HostId),
    TooManyWait,
}

impl Refusal {
    /// A stable word, as it is kept.
    const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownToken => "token-unknown",
            Self::Token(TokenRefusal::Revoked) => "token-revoked",
            Self::Token(TokenRefusal::Expired) => "token-expired",
            Self::Token(TokenRefusal::UsedUp) => "token-used-up",
            Self::Token(TokenRefusal::TooFast) => "token-too-fast",
            Self::Refused => "host-refused",
            Self::Archived => "host-archived",
            Self::Cloned(_) => "instance-cloned",
            Self::TooManyWait => "too-many-wait",
        }
    }

    fn error(self) -> AppError {
        let token = |what: &str| {
            AppError::new(
                StatusCode::UNAUTHORIZED,
                "enrolment-token",
                "The enrolment token is not valid",
                format!("{what} Make one on the page Deploy agents."),
            )
        };
        match self {
            Self::UnknownToken => token("It is mistyped, or of another server."),
            Self::Token(TokenRefusal::Revoked) => token("It was revoked."),
            Self::Token(TokenRefusal::Expired) => token("It has expired."),
            Self::Token(TokenRefusal::UsedUp) => {
                token("As many hosts as it was made for have enrolled by it.")
            }
            Self::Token(TokenRefusal::TooFast) => AppError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "enrolment-rate",
                "Too many hosts enrol by this token in a minute",
                "Try again in a minute.",
            )
            .retry_after(60),
            Self::Refused => host_refused(),
            Self::Archived => host_archived(),
            Self::Cloned(host) => AppError::new(
                StatusCode::FORBIDDEN,
                "instance-cloned",
                "Another machine runs as this agent",
                format!(
                    "Host {host} enrolled with the same agent identity on another machine: this one \
                     is a copy of it. Delete %ProgramData%\\Poolwatch\\spool here and restart the \
                     service. If it is the same machine, archive and delete host {host} first."
                ),
            )
            .retry_after(REFUSED_RETRY_S),
            Self::TooManyWait => AppError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too-many-wait",
                "Too many hosts wait for approval",
                format!("{WAITING} hosts wait. Approve or refuse some on the page of waiting hosts."),
            )
            .retry_after(300),
        }
    }
}

/// 403: somebody refused this host.
pub fn host_refused() -> AppError {
    AppError::new(
        StatusCode::FORBIDDEN,
        "host-refused",
        "An administrator refused this host",
        "An administrator refused this host. Uninstall the agent, or have the host approved on the page \
         of refused hosts.",
    )
    .retry_after(REFUSED_RETRY_S)
}

/// 403: somebody archived this host.
pub fn host_archived() -> AppError {
    AppError::new(
        StatusCode::FORBIDDEN,
        "host-archived",
        "An administrator archived this host",
        "An administrator archived this host. Uninstall the agent, or have the host restored on the \
         page of archived hosts.",
    )
    .retry_after(REFUSED_RETRY_S)
}

/// Enrols a host. Returns how that went, and its key.
///
/// # Errors
/// 401 for a token that is not valid, 403 for a host that was refused or archived and for a copy of
/// another one's agent, 429 and 503 when too many come.
pub async fn enrol(app: &App, proposed: Proposed<'_>) -> Result<(Enrolled, String), AppError> {
    let now = app.clock.now();
    let secret = secrets::generate().map_err(AppError::internal)?;
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    let (token, outcome) = try_enrol(&mut transaction, proposed, &secret, now).await?;
    match outcome {
        Ok(enrolled) => {
            transaction.commit().await?;
            app.host_keys.forget(enrolled.id);
            app.fleet.note_change_of(enrolled.id);
            let (host, name, token) = (enrolled.id, &proposed.facts.fqdn, token.as_deref());
            let Enrolled { new, approved, .. } = enrolled;
            if new && !approved {
                app.waiting_hosts.fetch_add(1, Ordering::Relaxed);
            }
            info!(%host, name, token, new, approved, "Enrolled host");
            Ok((enrolled, key_text(enrolled.id, &secret)))
        }
        Err(refusal) => {
            transaction.rollback().await?;
            if app.refusals_recorded.allows(now, RECORDED_PER_SECOND) {
                let (name, reason) = (&proposed.facts.fqdn, refusal.as_str());
                warn!(name, address = %proposed.address, reason, "Refused an enrolment");
                record(&mut db, proposed, token, refusal, now).await;
            }
            Err(refusal.error())
        }
    }
}

/// The name of the token, if there is such a token, and what became of the enrolment.
async fn try_enrol(
    db: &mut PgConnection,
    proposed: Proposed<'_>,
    secret: &str,
    now: Timestamp,
) -> Result<(Option<String>, Result<Enrolled, Refusal>), AppError> {
    let Some(token) = enrolment_tokens::hold(db, &secrets::hash(proposed.token)).await? else {
        return Ok((None, Err(Refusal::UnknownToken)));
    };
    let name = Some(token.name.clone());
    if let Some(refusal) = token.ended(now) {
        return Ok((name, Err(Refusal::Token(refusal))));
    }
    let known = enrolment::hold_instance(db, proposed.instance).await?;
    let refusal = match &known {
        Some(known) if known.standing == Standing::Refused => Some(Refusal::Refused),
        Some(known) if known.standing == Standing::Archived => Some(Refusal::Archived),
        Some(known) => {
            let machines = known.machine_guid.zip(proposed.facts.machine_guid);
            machines.filter(|(one, other)| one != other).map(|_| Refusal::Cloned(known.id))
        }
        None => token.refusal_of_new_host(now).map(Refusal::Token),
    };
    if let Some(refusal) = refusal {
        return Ok((name, Err(refusal)));
    }
    let is_approved = known.as_ref().is_some_and(|known| known.standing == Standing::Approved);
    let rule = if is_approved { None } else { rule_for(db, proposed, token.id, &known).await? };
    if known.is_none() && rule.is_none() && enrolment::count_waiting(db).await? >= WAITING {
        return Ok((name, Err(Refusal::TooManyWait)));
    }
    let enrolled = enrolment::enrol(
        db,
        &Enrolment {
            instance_id: proposed.instance,
            facts: proposed.facts,
            key_hash: &secrets::hash(secret),
            address: proposed.address,
            token: token.id,
            rule: rule.as_ref().map(|(id, by)| (*id, by.as_str())),
            now,
        },
    )
    .await?;
    if enrolled.new {
        enrolment_tokens::count_use(db, &token, now).await?;
        host_groups::bind_hosts(db, &[enrolled.id], &token.binding).await?;
        host_groups::bind_hosts(db, &[enrolled.id], &own_labels(proposed)).await?;
    }
    if let Some((rule, _)) = rule {
        let binding = approval_rules::binding(db, rule).await?;
        host_groups::bind_hosts(db, &[enrolled.id], &binding).await?;
    }
    Ok((name, Ok(enrolled)))
}

/// What a host brings of its own; labels that cannot be kept are no reason to refuse it.
fn own_labels(proposed: Proposed<'_>) -> HostBinding {
    let labels = checked_labels(proposed.labels.iter().map(String::as_str));
    let labels = labels.unwrap_or_else(|reason| {
        warn!(name = proposed.facts.fqdn, reason, "The labels of a new host are left out");
        Vec::new()
    });
    HostBinding { labels, group: None }
}

/// The rule that approves a host. One that could be another host of the fleet is for people to judge.
async fn rule_for(
    db: &mut PgConnection,
    proposed: Proposed<'_>,
    token: i32,
    known: &Option<enrolment::KnownInstance>,
) -> Result<Option<(i32, String)>, AppError> {
    let rules = approval_rules::conditions(db).await?;
    let who =
        Proposal { facts: proposed.facts, address: Some(proposed.address), token: Some(token) };
    let Some(rule) = rules::first_met(&rules, who) else { return Ok(None) };
    let host = known.as_ref().map(|known| known.id);
    let twins = enrolment::twins(db, proposed.facts, host).await?;
    if !twins.is_empty() {
        let name = &proposed.facts.fqdn;
        warn!(name, ?twins, "A host that a rule would approve could be another one: it waits");
        return Ok(None);
    }
    Ok(Some((rule, format!("rule {rule}"))))
}

async fn record(
    db: &mut PgConnection,
    proposed: Proposed<'_>,
    token: Option<String>,
    refusal: Refusal,
    now: Timestamp,
) {
    let refused = RefusedEnrolment {
        name: proposed.facts.fqdn.clone(),
        address: proposed.address.to_string(),
        reason: refusal.as_str().to_owned(),
        token,
        agent_version: proposed.facts.agent_version.clone(),
        first: now,
        last: now,
        times: 1,
    };
    if let Err(error) = refused_enrolments::record(db, &refused).await {
        error!(%error, "Could not keep why an enrolment was refused");
    }
}
