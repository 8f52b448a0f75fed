//! Rules: what people are told for.

use jiff::Timestamp;
use poolwatch_model::alerting::{
    AlertRule, LEAST_HOSTS, MINUTES, PROGRAM_CHARS, RuleField, RuleScope, RuleSetting, ScopeRole,
};
use poolwatch_store::alert_rules::{self, ADDED};
use poolwatch_web::words::rules as rule_words;
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{one_line, read_tick};
use crate::{app::App, app_error::AppError};

/// A rule as somebody types it. What is not said stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct RuleDraft {
    /// Kind of a new one.
    #[serde(default)]
    kind: String,
    /// Whether people are told. In a form, it is sent only where it is ticked.
    #[serde(default, deserialize_with = "read_tick")]
    #[schema(value_type = bool)]
    is_on: bool,
    /// From so many hosts on.
    #[serde(default)]
    least_hosts: Option<u32>,
    /// From which value on, in the unit of its kind.
    #[serde(default)]
    threshold: Option<u32>,
    /// After so many minutes.
    #[serde(default)]
    minutes: Option<u32>,
    /// Image name of the program that it is about.
    #[serde(default)]
    program: String,
    /// On hosts of a group alone.
    #[serde(default)]
    group: String,
    /// On hosts of such a name alone.
    #[serde(default)]
    pattern: String,
    /// On hosts of such a Windows alone.
    #[serde(default)]
    system: String,
    /// On a `server` or `workstation` alone.
    #[serde(default)]
    role: String,
}

/// One rule.
///
/// # Errors
/// 404 when there is none.
pub async fn find(db: &mut PgConnection, name: &str) -> Result<RuleSetting, AppError> {
    let found = alert_rules::load(db).await?.into_iter().find(|one| one.name == name);
    found.ok_or_else(|| AppError::not_found("There is no such rule"))
}

/// Sets one.
///
/// # Errors
/// 404 when there is none, 400 for what makes no sense.
pub async fn set(
    app: &App,
    name: &str,
    draft: &RuleDraft,
    by: &str,
    now: Timestamp,
) -> Result<RuleSetting, AppError> {
    let mut db = app.pool.acquire().await?;
    let known = find(&mut db, name).await?;
    let setting = RuleSetting { is_on: draft.is_on, ..read_rule(known, draft)? };
    alert_rules::set(&mut db, &setting, by, now).await?;
    Ok(setting)
}

/// Adds one, which is on.
///
/// # Errors
/// 400 for what makes no sense, for what a rule for all hosts tells already, and where there are too
/// many.
pub async fn add(
    app: &App,
    draft: RuleDraft,
    by: &str,
    now: Timestamp,
) -> Result<RuleSetting, AppError> {
    let kind = AlertRule::from_name(&draft.kind).filter(|kind| kind.field() != RuleField::Server);
    let kind = kind.ok_or_else(|| AppError::bad_request("There is no such rule to add."))?;
    // The form asks for all kinds alike.
    let draft = RuleDraft {
        threshold: draft.threshold.filter(|_| kind.threshold().is_some()),
        minutes: draft.minutes.filter(|_| kind.minutes().is_some()),
        ..draft
    };
    let preset = RuleSetting { is_on: true, ..RuleSetting::default_of(kind) };
    let mut setting = read_rule(preset, &draft)?;
    if setting.program.is_none() && setting.scope.is_all() {
        return Err(AppError::bad_request(format!(
            "For all hosts there is a rule already: change \"{}\", or say for which hosts or program \
             this one is.",
            rule_words::title(kind)
        )));
    }
    setting.name = format!("{}-{}", kind.as_str(), now.as_millisecond());
    match alert_rules::set(&mut *app.pool.acquire().await?, &setting, by, now).await? {
        true => Ok(setting),
        false => Err(AppError::bad_request(format!(
            "There are {ADDED} rules beside those of Poolwatch: remove one first."
        ))),
    }
}

/// Takes one away that somebody added.
///
/// # Errors
/// 404 when there is none to remove.
pub async fn remove(app: &App, name: &str) -> Result<(), AppError> {
    match alert_rules::remove(&mut *app.pool.acquire().await?, name).await? {
        true => Ok(()),
        false => Err(AppError::not_found(
            "There is no such rule to remove. Those that come with Poolwatch can be switched off.",
        )),
    }
}

/// A rule as a draft sets it. What it does not say stays.
fn read_rule(known: RuleSetting, form: &RuleDraft) -> Result<RuleSetting, AppError> {
    let rule = known.rule;
    let refuse = |words: String| AppError::bad_request(words);
    let least_hosts = form.least_hosts.unwrap_or(known.least_hosts);
    if !LEAST_HOSTS.contains(&least_hosts) {
        let (start, end) = (LEAST_HOSTS.start(), LEAST_HOSTS.end());
        return Err(refuse(format!("A rule asks for {start} to {end} hosts.")));
    }
    let threshold = form.threshold.unwrap_or(known.threshold);
    match rule.threshold() {
        Some(bounds) if !bounds.range.contains(&threshold) => {
            let [start, end] = [*bounds.range.start(), *bounds.range.end()];
            return Err(refuse(format!(
                "The threshold of this rule is {} to {}.",
                rule_words::value(rule, start.into()),
                rule_words::value(rule, end.into()),
            )));
        }
        None if form.threshold.is_some_and(|threshold| threshold > 0) => {
            return Err(refuse(
                "This rule has no threshold: what it watches is there or is not.".into(),
            ));
        }
        _ => {}
    }
    let minutes = form.minutes.unwrap_or(known.minutes);
    if !MINUTES.contains(&minutes) || (minutes > 0 && rule.minutes().is_none()) {
        return Err(refuse(format!(
            "What a rule tells of goes on for {} to {} minutes, and for none where it happens at \
             once.",
            MINUTES.start(),
            MINUTES.end()
        )));
    }
    let program = one_line(&form.program).to_lowercase();
    let program = match (rule.is_about_a_program(), program.chars().count()) {
        (false, _) => None,
        (true, 1..=PROGRAM_CHARS) => Some(program),
        (true, _) => {
            return Err(refuse(format!(
                "This rule is about a program: name it in 1 to {PROGRAM_CHARS} characters, such as \
                 legacy.exe."
            )));
        }
    };
    let role = match form.role.as_str() {
        "" => None,
        role => Some(
            ScopeRole::from_name(role).ok_or_else(|| refuse("There is no such role.".into()))?,
        ),
    };
    let scope = RuleScope::from_typed(
        &one_line(&form.group),
        &one_line(&form.pattern),
        &one_line(&form.system),
        role,
    );
    Ok(RuleSetting { least_hosts, threshold, minutes, program, scope, ..known })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_makes_no_sense_is_refused_in_words() {
        let read = |rule, form: RuleDraft| read_rule(RuleSetting::default_of(rule), &form);
        let form = RuleDraft::default;
        for (rule, form, words) in [
            (AlertRule::Leak, RuleDraft { least_hosts: Some(0), ..form() }, "1 to 100000 hosts"),
            (
                AlertRule::Leak,
                RuleDraft { threshold: Some(9_000), ..form() },
                "0 s left to 365 d left",
            ),
            (AlertRule::PoolEmpty, RuleDraft { threshold: Some(5), ..form() }, "has no threshold"),
            (AlertRule::LowHeadroom, RuleDraft { threshold: Some(100), ..form() }, "50 % to 99 %"),
            (AlertRule::LowHeadroom, RuleDraft { minutes: Some(2_000), ..form() }, "0 to 1440 min"),
            (AlertRule::HostSilent, RuleDraft { minutes: Some(5), ..form() }, "happens at once"),
            (AlertRule::ProgramHandles, form(), "such as legacy.exe"),
            (AlertRule::Leak, RuleDraft { role: "king".into(), ..form() }, "no such role"),
        ] {
            let refused = read(rule, form).unwrap_err();
            assert!(refused.detail.contains(words), "{rule:?}: {}", refused.detail);
        }
        let program = RuleDraft { program: " Legacy.EXE ".into(), ..form() };
        let read = read(AlertRule::ProgramHandles, program).unwrap();
        assert_eq!((read.program.as_deref(), read.threshold), (Some("legacy.exe"), 2_000));
    }
}
