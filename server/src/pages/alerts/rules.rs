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
    alerting::{Alert, RuleField, RuleSetting, SERVER},
    incident::Cause,
    person::Role,
};
use poolwatch_store::{
    alert_rules::{self, PastFinding},
    alerts::{self, AlertFilter},
};
use poolwatch_web::{
    Page,
    alerts::{RuleAlertRow, RulePage, RulePast},
    words::rules as rule_words,
};

use super::super::{address, groups::group_names, rows, shell};
use super::back_to;
use crate::{
    access::people::Person,
    alert_setup::rules::{self as setup, RuleDraft},
    app::SharedApp,
    app_error::AppError,
    fleet::view::FleetView,
    parameters::{Form, Path},
    scoped_host::scope_host,
};

/// The past that a rule is held against.
const PAST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Alerts that its page shows, the latest.
const ALERTS: i64 = 50;

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
    let setting = setup::find(&mut db, &name).await?;
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
        fails_since: app.rule_failures.find(&name),
        past,
        alerts: alerts.iter().map(|alert| alert_row(&view, alert)).collect(),
        groups: group_names(&view),
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
    match view.host(id) {
        Some(known) => scope_host(&known.host, &view.groups, &known.groups),
        None => ScopedHost { id, name: rows::link_to(view, id).name, groups: Vec::new(), os: None },
    }
}

fn is_in_scope(view: &FleetView, rule: &RuleSetting, host: HostId) -> bool {
    host == SERVER || rule.scope.is_all() || {
        let host = scoped_host(view, host);
        rule.scope.covers(&host.name, &host.groups, host.os.as_ref())
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
    Form(draft): Form<RuleDraft>,
) -> Result<Redirect, AppError> {
    setup::set(&app, &name, &draft, &person.name, app.clock.now()).await?;
    Ok(Redirect::to(&rule_words::url(&name)))
}

/// Adds one, which is on.
pub(in crate::pages) async fn add_rule(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(draft): Form<RuleDraft>,
) -> Result<Redirect, AppError> {
    let added = setup::add(&app, draft, &person.name, app.clock.now()).await?;
    Ok(Redirect::to(&rule_words::url(&added.name)))
}

/// Takes one away that somebody added.
pub(in crate::pages) async fn remove_rule(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(name): Path<String>,
) -> Result<Redirect, AppError> {
    setup::remove(&app, &name).await?;
    Ok(back_to("rules"))
}
