//! `/api/v1/enrolment/…`: hosts that wait, were refused or archived, rules and tokens.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, host::HostFacts};
use poolwatch_store::{
    approval_rules::{self, ApprovalRule, RuleConditions},
    enrolment::{self, Candidate},
    enrolment_tokens::{self, EnrolmentToken},
    hosts::Standing,
    refused_enrolments,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    enrolment::{
        decisions::{self, Decision},
        rules::{self, MOST, Proposal, Rule},
        tokens::{self, WantedToken},
    },
    parameters::{Json, Path, Query},
};

/// Tokens and refusals of one answer.
const LISTED: i64 = 1_000;
/// How far back refusals are told.
const REFUSALS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Which hosts.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct Which {
    /// `waiting`, `refused` or `archived`.
    #[serde(default)]
    standing: StandingName,
}

/// Where hosts stand that are not in the fleet.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::api) enum StandingName {
    /// Nobody decided yet.
    #[default]
    Waiting,
    /// Somebody refused them.
    Refused,
    /// Somebody archived them.
    Archived,
}

/// A host that is not in the fleet.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct WaitingHost {
    /// Its number.
    id: i32,
    /// Who it says it is.
    #[schema(value_type = Object)]
    facts: HostFacts,
    /// Where it came from.
    address: Option<String>,
    /// Name of the token that it came by.
    token: Option<String>,
    /// When it enrolled.
    #[schema(value_type = String, format = DateTime)]
    enrolled_at: Timestamp,
    /// A host of the fleet with the same machine identity.
    same_machine_as: Option<i32>,
    /// A host of the fleet with the same name.
    same_name_as: Option<i32>,
    /// Who decided.
    decided_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
}

impl From<Candidate> for WaitingHost {
    fn from(candidate: Candidate) -> Self {
        let (decided_by, decided_at) = candidate.decided.unzip();
        Self {
            id: candidate.id.0,
            facts: candidate.facts,
            address: candidate.address.map(|address| address.to_string()),
            token: candidate.token.map(|(_, name)| name),
            enrolled_at: candidate.enrolled_at,
            same_machine_as: candidate.twin_of_machine.map(|id| id.0),
            same_name_as: candidate.twin_of_name.map(|id| id.0),
            decided_by,
            decided_at,
        }
    }
}

/// Hosts to decide about.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct HostsToDecide {
    /// Numbers of hosts, at most 20,000.
    hosts: Vec<i32>,
}

/// Hosts about which a decision changed something.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DecidedHosts {
    /// Their numbers.
    hosts: Vec<i32>,
}

/// Which host a waiting host is.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct MergeInto {
    /// Number of the host of the fleet that goes on.
    into: i32,
}

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

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct NewToken {
    /// What it is for.
    name: String,
    /// Days until it ends; never without it.
    expires_days: Option<u16>,
    /// How many hosts may come by it.
    max_uses: Option<i32>,
    /// How many hosts may come by it in a minute.
    per_minute: Option<i32>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct MadeToken {
    /// Its number.
    id: i32,
    /// The token: told this once.
    token: String,
}

/// An enrolment token.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TokenInFull {
    /// Its number.
    id: i32,
    /// What it is for.
    name: String,
    /// Who made it.
    by: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// Hosts that came by it.
    uses: i32,
    /// How many may.
    max_uses: Option<i32>,
    /// How many may in a minute.
    per_minute: Option<i32>,
    /// When a host last came by it.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<EnrolmentToken> for TokenInFull {
    fn from(token: EnrolmentToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            by: token.by,
            created_at: token.created,
            expires_at: token.expires,
            revoked_at: token.revoked,
            uses: token.uses,
            max_uses: token.max_uses,
            per_minute: token.per_minute,
            last_used_at: token.last_used,
        }
    }
}

/// An enrolment that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RefusedEnrolment {
    /// Name that the host told.
    name: String,
    /// Where it came from.
    address: String,
    /// Why (`token-expired`).
    reason: String,
    /// Name of its token, where there is such a token.
    token: Option<String>,
    /// Version of its agent.
    agent_version: Option<String>,
    /// When it first tried.
    #[schema(value_type = String, format = DateTime)]
    first_at: Timestamp,
    /// When it last tried.
    #[schema(value_type = String, format = DateTime)]
    last_at: Timestamp,
    /// How often it tried.
    times: i64,
}

/// Hosts that are not in the fleet.
#[utoipa::path(get, path = "/api/v1/enrolment/hosts",
    params(("standing" = Option<StandingName>, Query, description = "waiting (usual), refused or archived")),
    responses((status = 200, body = [WaitingHost])))]
pub(in crate::api) async fn hosts(
    State(app): State<SharedApp>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<WaitingHost>>, AppError> {
    let standing = match which.standing {
        StandingName::Waiting => Standing::Waiting,
        StandingName::Refused => Standing::Refused,
        StandingName::Archived => Standing::Archived,
    };
    let mut db = app.pool.acquire().await?;
    let found = enrolment::list(&mut db, Some(standing), None, None, enrolment::LISTED).await?;
    Ok(Json(found.into_iter().map(WaitingHost::from).collect()))
}

/// Approves, refuses, archives or restores hosts.
#[utoipa::path(post, path = "/api/v1/enrolment/hosts/{decision}", request_body = HostsToDecide,
    params(("decision" = String, Path, description = "approve, refuse, archive or restore")),
    responses((status = 200, body = DecidedHosts), (status = 400)))]
pub(in crate::api) async fn decide(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(decision): Path<String>,
    Json(asked): Json<HostsToDecide>,
) -> Result<Json<DecidedHosts>, AppError> {
    let decision = Decision::parse(&decision)?;
    if decision == Decision::Delete {
        return Err(AppError::bad_request("Send this to /api/v1/enrolment/delete."));
    }
    carry_out(&app, &person, &asked, decision).await
}

/// Deletes hosts that wait, were refused or are archived.
#[utoipa::path(post, path = "/api/v1/enrolment/delete", request_body = HostsToDecide,
    responses((status = 200, body = DecidedHosts), (status = 400)))]
pub(in crate::api) async fn delete(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(asked): Json<HostsToDecide>,
) -> Result<Json<DecidedHosts>, AppError> {
    carry_out(&app, &person, &asked, Decision::Delete).await
}

async fn carry_out(
    app: &SharedApp,
    person: &Person,
    asked: &HostsToDecide,
    decision: Decision,
) -> Result<Json<DecidedHosts>, AppError> {
    let hosts: Vec<HostId> = asked.hosts.iter().copied().map(HostId).collect();
    let done = decisions::decide(app, &hosts, decision, &person.name).await?;
    Ok(Json(DecidedHosts { hosts: done.into_iter().map(|id| id.0).collect() }))
}

/// Lets the machine of a waiting host go on as a host of the fleet.
#[utoipa::path(post, path = "/api/v1/enrolment/merge/{id}", request_body = MergeInto,
    params(("id" = i32, Path, description = "Number of the host that waits")),
    responses((status = 204), (status = 409)))]
pub(in crate::api) async fn merge(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
    Json(MergeInto { into }): Json<MergeInto>,
) -> Result<StatusCode, AppError> {
    decisions::merge(&app, HostId(id), HostId(into), &person.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes a host's key: its agent enrols again, if its token is valid.
#[utoipa::path(post, path = "/api/v1/enrolment/revoke-key/{id}",
    params(("id" = i32, Path, description = "Number of the host")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn revoke_key(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
) -> Result<StatusCode, AppError> {
    decisions::revoke_key(&app, HostId(id), &person.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The rules that approve hosts, in their order.
#[utoipa::path(get, path = "/api/v1/enrolment/rules", responses((status = 200, body = [RuleInFull])))]
pub(in crate::api) async fn rules(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<RuleInFull>>, AppError> {
    let all = approval_rules::list(&mut *app.pool.acquire().await?).await?;
    Ok(Json(all.into_iter().map(RuleInFull::from).collect()))
}

/// Makes a rule behind all others, and approves the hosts that wait and meet it.
#[utoipa::path(post, path = "/api/v1/enrolment/rules", request_body = RuleText,
    responses((status = 201, body = MadeRule), (status = 400)))]
pub(in crate::api) async fn create_rule(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(rule): Json<RuleText>,
) -> Result<(StatusCode, Json<MadeRule>), AppError> {
    let (name, conditions) = (rules::checked_name(&rule.name)?, rule.checked()?);
    let mut db = app.pool.acquire().await?;
    let now = app.clock.now();
    let id = approval_rules::create(&mut db, &name, &conditions, &person.name, MOST, now)
        .await?
        .ok_or_else(rules::too_many)?;
    drop(db);
    let approved = decisions::apply_rules(&app).await?;
    Ok((StatusCode::CREATED, Json(MadeRule { id, approved })))
}

/// What a rule would do with the hosts that wait.
#[utoipa::path(post, path = "/api/v1/enrolment/try-rule", request_body = RuleText,
    responses((status = 200, body = RuleTrial), (status = 400)))]
pub(in crate::api) async fn try_rule(
    State(app): State<SharedApp>,
    Json(rule): Json<RuleText>,
) -> Result<Json<RuleTrial>, AppError> {
    let rule = Rule::read(&rule.checked()?);
    let mut db = app.pool.acquire().await?;
    let waiting =
        enrolment::list(&mut db, Some(Standing::Waiting), None, None, enrolment::LISTED).await?;
    let is_met =
        |one: &&Candidate| rule.as_ref().is_some_and(|rule| rule.is_met_by(Proposal::from(*one)));
    let (clear, unclear): (Vec<&Candidate>, Vec<&Candidate>) =
        waiting.iter().filter(is_met).partition(|one| one.is_clear());
    let ids = |all: Vec<&Candidate>| all.into_iter().map(|one| one.id.0).collect();
    Ok(Json(RuleTrial { would_approve: ids(clear), unclear: ids(unclear) }))
}

/// Takes a rule away. Hosts that it approved stay.
#[utoipa::path(delete, path = "/api/v1/enrolment/rules/{id}",
    params(("id" = i32, Path, description = "Number of the rule")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn delete_rule(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Result<StatusCode, AppError> {
    if !approval_rules::delete(&mut *app.pool.acquire().await?, id).await? {
        return Err(AppError::not_found("There is no such rule"));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Enrolment tokens, the latest first.
#[utoipa::path(get, path = "/api/v1/enrolment/tokens", responses((status = 200, body = [TokenInFull])))]
pub(in crate::api) async fn tokens(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<TokenInFull>>, AppError> {
    let all = enrolment_tokens::list(&mut *app.pool.acquire().await?, LISTED).await?;
    Ok(Json(all.into_iter().map(TokenInFull::from).collect()))
}

/// Makes an enrolment token.
#[utoipa::path(post, path = "/api/v1/enrolment/tokens", request_body = NewToken,
    responses((status = 201, body = MadeToken), (status = 400)))]
pub(in crate::api) async fn create_token(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(new): Json<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), AppError> {
    let wanted = WantedToken {
        name: new.name,
        days: new.expires_days,
        max_uses: new.max_uses,
        per_minute: new.per_minute,
    };
    let mut db = app.pool.acquire().await?;
    let (id, token) = tokens::make(&mut db, &wanted, &person.name, app.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { id, token })))
}

/// Revokes an enrolment token, from now on.
#[utoipa::path(delete, path = "/api/v1/enrolment/tokens/{id}",
    params(("id" = i32, Path, description = "Number of the token")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn revoke_token(
    State(app): State<SharedApp>,
    Path(id): Path<i32>,
) -> Result<StatusCode, AppError> {
    let mut db = app.pool.acquire().await?;
    if !enrolment_tokens::revoke(&mut db, id, app.clock.now()).await? {
        return Err(AppError::not_found("There is no such token that is not revoked"));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Enrolments that were refused in the last 30 days, the latest first.
#[utoipa::path(get, path = "/api/v1/enrolment/refusals",
    responses((status = 200, body = [RefusedEnrolment])))]
pub(in crate::api) async fn refusals(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<RefusedEnrolment>>, AppError> {
    let now = app.clock.now();
    let since = now.saturating_sub(REFUSALS).unwrap_or(now);
    let mut db = app.pool.acquire().await?;
    let all = refused_enrolments::list(&mut db, since, LISTED).await?;
    let told = all.into_iter().map(|one| RefusedEnrolment {
        name: one.name,
        address: one.address,
        reason: one.reason,
        token: one.token,
        agent_version: one.agent_version,
        first_at: one.first,
        last_at: one.last,
        times: one.times,
    });
    Ok(Json(told.collect()))
}
