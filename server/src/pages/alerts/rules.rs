//! Rules: what people are told for.

use std::collections::BTreeSet;

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, Redirect},
};
use jiff::SignedDuration;
use poolwatch_model::{
    alerting::{AlertRule, LEAST_HOSTS, LEFT_HOURS, RuleSetting},
    person::Role,
};
use poolwatch_store::alert_rules::{self, PastFinding};
use poolwatch_web::{Page, alerts::RulePage};
use serde::Deserialize;

use super::super::{address, shell};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    parameters::{Form, Path},
};

/// The past that a rule is held against.
const PAST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What `POST /alerts/rules/{name}/set` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct RuleForm {
    /// Sent only where it is ticked.
    is_on: Option<String>,
    least_hosts: u32,
    #[serde(default)]
    left_h: u32,
}

fn named(name: &str) -> Result<AlertRule, AppError> {
    AlertRule::from_name(name).ok_or_else(|| AppError::not_found("There is no such rule"))
}

/// One rule.
pub(in crate::pages) async fn rule(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let rule = named(&name)?;
    let since = app.clock.now().saturating_sub(PAST).map_err(AppError::internal)?;
    let mut db = app.pool.acquire().await?;
    let settings = alert_rules::load(&mut db).await?;
    let setting = settings.into_iter().find(|one| one.rule == rule);
    let setting = setting.unwrap_or(RuleSetting::default_of(rule));
    let found = alert_rules::found_since(&mut db, since).await?;
    drop(db);
    let is_of = |one: &&PastFinding| AlertRule::of_incident(&one.cause, one.verdict) == rule;
    let incidents = |found: &[&PastFinding]| {
        found.iter().map(|one| one.incident).collect::<BTreeSet<_>>().len() as u64
    };
    let found: Vec<&PastFinding> = found.iter().filter(is_of).collect();
    let mut told = found.clone();
    told.retain(|one| setting.is_met(one.hosts, one.left_s));
    let page = RulePage {
        shell: shell(&app, &person, address(&uri)),
        setting,
        may_administer: person.role >= Role::Admin,
        found: incidents(&found),
        told: incidents(&told),
    };
    Ok(Html(page.render()?))
}

/// Sets one.
pub(in crate::pages) async fn set_rule(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(name): Path<String>,
    Form(form): Form<RuleForm>,
) -> Result<Redirect, AppError> {
    let rule = named(&name)?;
    if !LEAST_HOSTS.contains(&form.least_hosts) {
        return Err(AppError::bad_request(format!(
            "A rule asks for {} to {} hosts.",
            LEAST_HOSTS.start(),
            LEAST_HOSTS.end()
        )));
    }
    if !LEFT_HOURS.contains(&form.left_h) || (form.left_h > 0 && !rule.has_time_left()) {
        return Err(AppError::bad_request(format!(
            "The time that a pool has left is {} to {} hours, and none where nothing grows or all \
             is used up.",
            LEFT_HOURS.start(),
            LEFT_HOURS.end()
        )));
    }
    let setting = RuleSetting {
        rule,
        is_on: form.is_on.is_some(),
        least_hosts: form.least_hosts,
        left_h: form.left_h,
    };
    let mut db = app.pool.acquire().await?;
    alert_rules::set(&mut db, &setting, &person.name, app.clock.now()).await?;
    Ok(Redirect::to(&format!("/alerts/rules/{}", rule.as_str())))
}
