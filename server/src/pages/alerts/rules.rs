//! Rules: what people are told for.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, Redirect},
};
use jiff::SignedDuration;
use poolwatch_detection::{
    alerting::{RuledIncident, ScopedHost, is_met},
    watching::count_past_alerts,
};
use poolwatch_model::{
    HostId,
    alerting::{
        Alert, AlertRule, LEAST_HOSTS, MINUTES, PROGRAM_CHARS, RuleField, RuleScope, RuleSetting,
        SERVER, ScopeRole,
    },
    incident::Cause,
    person::Role,
};
use poolwatch_store::{
    alert_rules::{self, ADDED, PastFinding},
    alerts::{self, AlertFilter},
};
use poolwatch_web::{
    Page,
    alerts::{RuleAlertRow, RulePage, RulePast},
    words::{self, rules as rule_words},
};
use serde::Deserialize;
use sqlx::PgConnection;

use super::super::{address, fleet::groups, rows, shell};
use super::{back_to, one_line};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::view::FleetView,
    parameters::{Form, Path},
};

/// The past that a rule is held against.
const PAST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Alerts that its page shows, the latest.
const ALERTS: i64 = 50;

/// What `POST /alerts/rules` and `POST /alerts/rules/{name}/set` take.
#[derive(Debug, Default, Deserialize)]
pub(in crate::pages) struct AlertRuleForm {
    /// Of a new one.
    #[serde(default)]
    kind: String,
    /// Sent only where it is ticked.
    is_on: Option<String>,
    #[serde(default)]
    least_hosts: Option<u32>,
    #[serde(default)]
    threshold: Option<u32>,
    #[serde(default)]
    minutes: Option<u32>,
    #[serde(default)]
    program: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    pattern: String,
    #[serde(default)]
    system: String,
    #[serde(default)]
    role: String,
}

async fn find(db: &mut PgConnection, name: &str) -> Result<RuleSetting, AppError> {
    let found = alert_rules::load(db).await?.into_iter().find(|one| one.name == name);
    found.ok_or_else(|| AppError::not_found("There is no such rule"))
}

/// One rule.
pub(in crate::pages) async fn rule(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let since = app.clock.now().saturating_sub(PAST).map_err(AppError::internal)?;
    let view = app.fleet.view();
    let mut db = app.pool.acquire().await?;
    let setting = find(&mut db, &name).await?;
    let tried = RuleSetting { is_on: true, ..setting.clone() };
    let past = match setting.rule.field() {
        RuleField::Incidents => {
            let found = alert_rules::found_since(&mut db, since).await?;
            let several = alert_rules::drivers_of_several_versions(&mut db).await?;
            past_incidents(&view, &tried, &found, &several)
        }
        RuleField::Hosts | RuleField::Server => {
            let program = setting.program.as_deref().unwrap_or_default();
            let peaks = alerts::peaks_since(&mut db, setting.rule, program, since).await?;
            let mut hours: BTreeMap<i64, BTreeSet<HostId>> = BTreeMap::new();
            for peak in peaks.iter().filter(|peak| tried.is_reached(peak.value)) {
                if is_in_scope(&view, &tried, peak.host) {
                    let hour = peak.hour.as_second().div_euclid(3600);
                    hours.entry(hour).or_default().insert(peak.host);
                }
            }
            RulePast::Alerts(count_past_alerts(&hours, tried.least_hosts))
        }
    };
    let filter = AlertFilter { rule: Some(&name), since: Some(since), ..AlertFilter::default() };
    let alerts = alerts::list(&mut db, filter, ALERTS).await?;
    drop(db);
    let page = RulePage {
        shell: shell(&app, &person, address(&uri)),
        setting,
        may_administer: person.role >= Role::Admin,
        past,
        alerts: alerts.iter().map(|alert| alert_row(&view, alert)).collect(),
        groups: groups(&view),
    };
    Ok(Html(page.render()?))
}

/// Which of the incidents of a past a rule would have told of.
fn past_incidents(
    view: &FleetView,
    rule: &RuleSetting,
    found: &[PastFinding],
    several_versions: &[String],
) -> RulePast {
    let (mut about, mut told) = (BTreeSet::new(), BTreeSet::new());
    for one in found {
        let hosts: Vec<ScopedHost> = one.hosts.iter().map(|id| scoped_host(view, *id)).collect();
        let is_new_version = matches!(
            &one.cause,
            Cause::Driver { driver, .. } if several_versions.contains(driver)
        );
        let incident = RuledIncident {
            cause: &one.cause,
            verdict: one.verdict,
            left: one.left,
            is_new_version,
            hosts: &hosts,
        };
        if let Some(is_met) = is_met(rule, &incident) {
            about.insert(one.incident);
            if is_met {
                told.insert(one.incident);
            }
        }
    }
    RulePast::Incidents { told: told.len() as u64, found: about.len() as u64 }
}

/// A host as rules see it; of one that is gone, or that no view has yet, no more than that it counts.
fn scoped_host(view: &FleetView, id: HostId) -> ScopedHost {
    let Some(summary) = view.host(id) else {
        return ScopedHost { id, name: rows::link_to(view, id).name, group: None, os: None };
    };
    let host = &summary.host;
    let group = words::group(&host.facts);
    ScopedHost { id, name: host.name.clone(), group, os: host.facts.os.clone() }
}

fn is_in_scope(view: &FleetView, rule: &RuleSetting, host: HostId) -> bool {
    host == SERVER || rule.scope.is_all() || {
        let host = scoped_host(view, host);
        rule.scope.covers(&host.name, host.group.as_deref(), host.os.as_ref())
    }
}

fn alert_row(view: &FleetView, alert: &Alert) -> RuleAlertRow {
    let named = alert.hosts.iter().filter(|one| one.host != SERVER);
    RuleAlertRow {
        opened: alert.opened,
        ended: alert.ended,
        worst: alert.hosts.first().map(|one| one.value),
        hosts: named.map(|one| (rows::link_to(view, one.host), one.value)).collect(),
        host_count: alert.host_count.into(),
    }
}

/// Sets one.
pub(in crate::pages) async fn set_rule(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(name): Path<String>,
    Form(form): Form<AlertRuleForm>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    let known = find(&mut db, &name).await?;
    let setting = RuleSetting { is_on: form.is_on.is_some(), ..read_rule(known, &form)? };
    alert_rules::set(&mut db, &setting, &person.name, app.clock.now()).await?;
    Ok(Redirect::to(&rule_words::url(&name)))
}

/// Adds one, which is on.
pub(in crate::pages) async fn add_rule(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(form): Form<AlertRuleForm>,
) -> Result<Redirect, AppError> {
    let kind = AlertRule::from_name(&form.kind).filter(|kind| kind.field() != RuleField::Server);
    let kind = kind.ok_or_else(|| AppError::bad_request("There is no such rule to add."))?;
    // The form asks for all kinds alike.
    let form = AlertRuleForm {
        threshold: form.threshold.filter(|_| kind.threshold().is_some()),
        minutes: form.minutes.filter(|_| kind.minutes().is_some()),
        ..form
    };
    let now = app.clock.now();
    let preset = RuleSetting { is_on: true, ..RuleSetting::default_of(kind) };
    let mut setting = read_rule(preset, &form)?;
    if setting.program.is_none() && setting.scope.is_all() {
        return Err(AppError::bad_request(format!(
            "For all hosts there is a rule already: change \"{}\", or say for which hosts or program \
             this one is.",
            rule_words::title(kind)
        )));
    }
    setting.name = format!("{}-{}", kind.as_str(), now.as_millisecond());
    let mut db = app.pool.acquire().await?;
    match alert_rules::set(&mut db, &setting, &person.name, now).await? {
        true => Ok(Redirect::to(&rule_words::url(&setting.name))),
        false => Err(AppError::bad_request(format!(
            "There are {ADDED} rules beside those of Poolwatch: remove one first."
        ))),
    }
}

/// Takes one away that somebody added.
pub(in crate::pages) async fn remove_rule(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(name): Path<String>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    match alert_rules::remove(&mut db, &name).await? {
        true => Ok(back_to("rules")),
        false => Err(AppError::not_found(
            "There is no such rule to remove. Those that come with Poolwatch can be switched off.",
        )),
    }
}

/// A rule as a form sets it. What the form does not say stays.
fn read_rule(known: RuleSetting, form: &AlertRuleForm) -> Result<RuleSetting, AppError> {
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
                "This rule has no threshold: what it tells of is there or is not.".into(),
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
        let read = |rule, form: AlertRuleForm| read_rule(RuleSetting::default_of(rule), &form);
        let form = AlertRuleForm::default;
        for (rule, form, words) in [
            (
                AlertRule::Leak,
                AlertRuleForm { least_hosts: Some(0), ..form() },
                "1 to 100000 hosts",
            ),
            (
                AlertRule::Leak,
                AlertRuleForm { threshold: Some(9_000), ..form() },
                "0 s left to 365 d left",
            ),
            (
                AlertRule::PoolEmpty,
                AlertRuleForm { threshold: Some(5), ..form() },
                "has no threshold",
            ),
            (
                AlertRule::LowHeadroom,
                AlertRuleForm { threshold: Some(100), ..form() },
                "50 % to 99 %",
            ),
            (
                AlertRule::LowHeadroom,
                AlertRuleForm { minutes: Some(2_000), ..form() },
                "0 to 1440 min",
            ),
            (
                AlertRule::HostSilent,
                AlertRuleForm { minutes: Some(5), ..form() },
                "happens at once",
            ),
            (AlertRule::ProgramHandles, form(), "such as legacy.exe"),
            (AlertRule::Leak, AlertRuleForm { role: "king".into(), ..form() }, "no such role"),
        ] {
            let refused = read(rule, form).unwrap_err();
            assert!(refused.detail.contains(words), "{rule:?}: {}", refused.detail);
        }
        let program = AlertRuleForm { program: " Legacy.EXE ".into(), ..form() };
        let read = read(AlertRule::ProgramHandles, program).unwrap();
        assert_eq!((read.program.as_deref(), read.threshold), (Some("legacy.exe"), 2_000));
    }
}
