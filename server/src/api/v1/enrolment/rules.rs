//! `/api/v1/enrolment/rules`: which hosts need no person to approve them.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::Timestamp;
use poolwatch_store::{
    approval_rules::{self, ApprovalRule, RuleConditions},
    enrolment::{self, Candidate},
    hosts::Standing,
};
use serde::{Deserialize, Serialize};
use sqlx::Connection;
use utoipa::ToSchema;

use super::binding::BindingText;
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    enrolment::{
        decisions,
        rules::{self, MOST, Proposal, Rule},
    },
    fleet::visible::VisibleFleet,
    parameters::{Json, Path},
};

/// What a rule asks of a host; what is missing is not asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct RuleText {
    /// What it is called; not needed to try it.
    #[serde(default)]
    name: String,
    /// Pattern of a host's name, with `*` and `?`.
    host_name: Option<String>,
    /// Domain, those below it included.
    domain: Option<String>,
    /// Network (`10.1.0.0/16`).
    address_range: Option<String>,
    /// Number of an enrolment token.
    token: Option<i32>,
    /// What hosts get that it approves.
    #[serde(flatten)]
    binding: BindingText,
}

impl RuleText {
    fn checked(&self) -> Result<RuleConditions, AppError> {
        rules::checked(RuleConditions {
            name_pattern: self.host_name.clone(),
            domain: self.domain.clone(),
            address_range: self.address_range.clone(),
            token: self.token,
        })
    }
}

/// A rule that approves hosts.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RuleInFull {
    /// Its number.
    id: i32,
    /// What it asks for.
    #[serde(flatten)]
    rule: RuleText,
    /// Hosts that are in the fleet by it.
    approved: i64,
    /// Who made it.
    by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<ApprovalRule> for RuleInFull {
    fn from(rule: ApprovalRule) -> Self {
        Self {
            id: rule.id,
            rule: RuleText {
                name: rule.name,
                host_name: rule.conditions.name_pattern,
                domain: rule.conditions.domain,
                address_range: rule.conditions.address_range,
                token: rule.conditions.token,
                binding: rule.binding.into(),
            },
            approved: rule.approved,
            by: rule.by,
            created_at: rule.created,
        }
    }
}

/// A rule that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct MadeRule {
    /// Its number.
    id: i32,
    /// Hosts that waited and that it approved.
    approved: usize,
}

/// What a rule would do now.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RuleTrial {
    /// Hosts that it would approve.
    would_approve: Vec<i32>,
    /// Hosts that it asks for and that could be another host: they go on waiting.
    unclear: Vec<i32>,
}

/// The rules that approve hosts, in their order.
#[utoipa::path(get, path = "/api/v1/enrolment/rules", responses((status = 200, body = [RuleInFull])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
) -> Result<Json<Vec<RuleInFull>>, AppError> {
    let mut all = approval_rules::list(&mut *app.pool.acquire().await?).await?;
    all.retain(|rule| visible.shows_binding(&rule.binding));
    Ok(Json(all.into_iter().map(RuleInFull::from).collect()))
}

/// Makes a rule behind all others, and approves the hosts that wait and meet it.
#[utoipa::path(post, path = "/api/v1/enrolment/rules", request_body = RuleText,
    responses((status = 201, body = MadeRule), (status = 400)))]
pub(in crate::api) async fn create(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(rule): Json<RuleText>,
) -> Result<(StatusCode, Json<MadeRule>), AppError> {
    let (name, conditions) = (rules::checked_name(&rule.name)?, rule.checked()?);
    let mut db = app.pool.acquire().await?;
    let now = app.clock.now();
    let binding = rule.binding.checked(&mut db).await?;
    let mut transaction = db.begin().await?;
    let id = approval_rules::create(&mut transaction, &name, &conditions, &person.name, MOST, now)
        .await?
        .ok_or_else(rules::too_many)?;
    approval_rules::set_binding(&mut transaction, id, &binding).await?;
    transaction.commit().await?;
    drop(db);
    let approved = decisions::apply_rules(&app).await?;
    Ok((StatusCode::CREATED, Json(MadeRule { id, approved })))
}

/// What a rule would do with the hosts that wait.
#[utoipa::path(post, path = "/api/v1/enrolment/try-rule", request_body = RuleText,
    responses((status = 200, body = RuleTrial), (status = 400)))]
pub(in crate::api) async fn try_rule(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    Json(rule): Json<RuleText>,
) -> Result<Json<RuleTrial>, AppError> {
    let rule = Rule::read(&rule.checked()?);
    let mut db = app.pool.acquire().await?;
    let waiting =
        enrolment::list(&mut db, Some(Standing::Waiting), None, None, enrolment::LISTED).await?;
    let is_met = |one: &&Candidate| {
        visible.shows_candidate(one)
            && rule.as_ref().is_some_and(|rule| rule.is_met_by(Proposal::from(*one)))
    };
    let (clear, unclear): (Vec<&Candidate>, Vec<&Candidate>) =
        waiting.iter().filter(is_met).partition(|one| one.is_clear());
    let ids = |all: Vec<&Candidate>| all.into_iter().map(|one| one.id.0).collect();
    Ok(Json(RuleTrial { would_approve: ids(clear), unclear: ids(unclear) }))
}

/// Moves a rule before the one before it.
#[utoipa::path(post, path = "/api/v1/enrolment/rules/{id}/up",
    params(("id" = i32, Path, description = "Number of the rule")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn move_up(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Result<StatusCode, AppError> {
    if !approval_rules::move_up(&mut *app.pool.acquire().await?, id).await? {
        return Err(AppError::not_found("There is no such rule with another one before it"));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a rule away. Hosts that it approved stay.
#[utoipa::path(delete, path = "/api/v1/enrolment/rules/{id}",
    params(("id" = i32, Path, description = "Number of the rule")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn delete(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Result<StatusCode, AppError> {
    if !approval_rules::delete(&mut *app.pool.acquire().await?, id).await? {
        return Err(AppError::not_found("There is no such rule"));
    }
    Ok(StatusCode::NO_CONTENT)
}
