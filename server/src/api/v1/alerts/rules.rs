//! `/api/v1/alerts/rules`.

use axum::{Extension, extract::State, http::StatusCode};
use poolwatch_model::alerting::{RuleSetting, ScopeRole};
use poolwatch_store::alert_rules;
use poolwatch_web::words::rules as rule_words;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Noted, ScopeInfo};
use crate::{
    access::{audit::AuditNote, people::Person},
    alert_setup::rules::{self as setup, RuleDraft},
    app::SharedApp,
    app_error::AppError,
    parameters::{Json, Path},
};

/// A rule as it is set.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AlertRuleInfo {
    /// Its name in addresses.
    name: String,
    /// Its kind.
    kind: &'static str,
    /// What it tells of.
    title: &'static str,
    /// When it tells of it, in words.
    condition: String,
    /// Whether people are told.
    is_on: bool,
    /// From so many hosts on.
    least_hosts: u32,
    /// From which value on, in the unit of its kind.
    threshold: u32,
    /// After so many minutes.
    minutes: u32,
    /// Image name of the program that it is about.
    program: Option<String>,
    /// On which hosts.
    hosts: ScopeInfo,
    /// On hosts of such a Windows.
    system: Option<String>,
    /// On a `server` or `workstation`.
    role: Option<&'static str>,
}

fn in_full(setting: RuleSetting) -> AlertRuleInfo {
    AlertRuleInfo {
        kind: setting.rule.as_str(),
        title: rule_words::title(setting.rule),
        condition: rule_words::condition(&setting),
        is_on: setting.is_on,
        least_hosts: setting.least_hosts,
        threshold: setting.threshold,
        minutes: setting.minutes,
        program: setting.program,
        hosts: setting.scope.hosts.into(),
        system: setting.scope.system,
        role: setting.scope.role.map(ScopeRole::as_str),
        name: setting.name,
    }
}

fn note(setting: &RuleSetting) -> Extension<AuditNote> {
    let state = if setting.is_on { rule_words::condition(setting) } else { "off".to_owned() };
    Extension(AuditNote::new(format!("rule {}", setting.name), state))
}

/// What people are told for.
#[utoipa::path(get, path = "/api/v1/alerts/rules",
    responses((status = 200, body = [AlertRuleInfo])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<AlertRuleInfo>>, AppError> {
    let all = alert_rules::load(&mut *app.pool.acquire().await?).await?;
    Ok(Json(all.into_iter().map(in_full).collect()))
}

/// Adds a rule about some hosts or a program, which is on.
#[utoipa::path(post, path = "/api/v1/alerts/rules", request_body = RuleDraft,
    responses((status = 201, body = AlertRuleInfo), (status = 400)))]
pub(in crate::api) async fn add(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(draft): Json<RuleDraft>,
) -> Noted<(StatusCode, Json<AlertRuleInfo>)> {
    let setting = setup::add(&app, draft, &person.name, app.clock.now()).await?;
    Ok((note(&setting), (StatusCode::CREATED, Json(in_full(setting)))))
}

/// Sets a rule. Numbers that are not said stay as they are; hosts that are not said are all.
#[utoipa::path(put, path = "/api/v1/alerts/rules/{name}", request_body = RuleDraft,
    params(("name" = String, Path, description = "Name of the rule")),
    responses((status = 200, body = AlertRuleInfo), (status = 400), (status = 404)))]
pub(in crate::api) async fn set(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(name): Path<String>,
    Json(draft): Json<RuleDraft>,
) -> Noted<Json<AlertRuleInfo>> {
    let setting = setup::set(&app, &name, &draft, &person.name, app.clock.now()).await?;
    Ok((note(&setting), Json(in_full(setting))))
}

/// Takes a rule away that somebody added.
#[utoipa::path(delete, path = "/api/v1/alerts/rules/{name}",
    params(("name" = String, Path, description = "Name of the rule")),
    responses((status = 204), (status = 404)))]
pub(in crate::api) async fn remove(
    State(app): State<SharedApp>,
    Path(name): Path<String>,
) -> Noted<StatusCode> {
    setup::remove(&app, &name).await?;
    Ok((Extension(AuditNote::new(format!("rule {name}"), "removed")), StatusCode::NO_CONTENT))
}
