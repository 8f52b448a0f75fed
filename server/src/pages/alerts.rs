//! Who is told of what, what nobody is told for a while, and what became of each message
//! (`GET /alerts`).

mod deliveries;
mod recipients;
mod rules;
mod settings;
mod silences;
mod windows;

use std::collections::BTreeMap;

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, Redirect},
};
use poolwatch_model::{
    alerting::{Delivery, Recipient, Silence},
    person::Role,
};
use poolwatch_store::{
    alert_rules, alert_settings,
    alerts::{self as alerts_table, AlertFilter},
    deliveries::{self as deliveries_table, DeliveryFilter},
    recipients as recipients_table, recurring_windows, silences as silences_table,
};
use poolwatch_web::{
    Page,
    alerts::{AlertsPage, DeliveryRow, RecipientRow, SilenceRow},
};

pub(super) use self::{
    deliveries::{resend, resend_all},
    recipients::{add, remove, test},
    rules::{add_rule, remove_rule, rule, set_rule},
    settings::change,
    silences::{end, silence},
    windows::{add_window, remove_window},
};
use super::{address, groups::group_names, rows, shell};
use crate::{
    access::people::Person,
    alert_setup::silences as silences_setup,
    app::SharedApp,
    app_error::AppError,
    fleet::{view::FleetView, visible::VisibleFleet},
};

/// Deliveries that are shown, the latest.
const DELIVERIES: i64 = 100;

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let now = app.clock.now();
    let view = &visible.view;
    let mut db = app.pool.acquire().await?;
    let silences = silences_table::ending_after(&mut db, now).await?;
    let mut recipients = app.settings.standing_recipients.clone();
    recipients.extend(recipients_table::list(&mut db).await?);
    // Messages name hosts of the whole fleet.
    let (latest, (waiting, given_up)) = match visible.is_whole() {
        true => (
            deliveries_table::list(&mut db, DeliveryFilter::default(), DELIVERIES).await?,
            deliveries_table::count_unsent(&mut db).await?,
        ),
        false => (Vec::new(), (0, 0)),
    };
    let settings = alert_settings::load(&mut db).await?;
    let rules = alert_rules::load(&mut db).await?;
    let open = AlertFilter { is_open: true, ..AlertFilter::default() };
    let (windows, alerting) = match visible.is_whole() {
        true => (
            recurring_windows::list(&mut db, now).await?,
            alerts_table::list(&mut db, open, DELIVERIES).await?,
        ),
        false => (Vec::new(), Vec::new()),
    };
    drop(db);
    let may_operate = person.role >= Role::Operator && visible.is_whole();
    let page = AlertsPage {
        shell: shell(&app, &person, address(&uri)),
        may_operate,
        may_administer: person.role >= Role::Admin,
        rules,
        alerting: alerting.into_iter().map(|alert| alert.rule).collect(),
        windows,
        silences: silences
            .into_iter()
            .filter(|silence| silences_setup::is_shown(&visible, silence))
            .map(|silence| silence_row(view, silence))
            .collect(),
        recipients: with_last(recipients, &latest),
        groups: group_names(view),
        deliveries: latest.into_iter().map(|one| DeliveryRow::new(one, may_operate)).collect(),
        waiting: waiting.unsigned_abs(),
        given_up: given_up.unsigned_abs(),
        settings,
    };
    Ok(Html(page.render()?))
}

fn silence_row(view: &FleetView, silence: Silence) -> SilenceRow {
    let host = silence.matcher.host.map(|host| rows::link_to(view, host));
    SilenceRow { silence, host }
}

/// Recipients with the latest message to each, as far as it is among the latest of all.
fn with_last(recipients: Vec<Recipient>, latest: &[Delivery]) -> Vec<RecipientRow> {
    let mut by_address = BTreeMap::new();
    for delivery in latest {
        by_address.entry((delivery.kind.as_str(), &delivery.address)).or_insert(delivery);
    }
    let row = |recipient: Recipient| {
        let last = by_address.get(&(recipient.kind.as_str(), &recipient.address));
        RecipientRow { last: last.map(|last| Delivery::clone(last)), recipient }
    };
    recipients.into_iter().map(row).collect()
}

/// Back to a part of the page.
fn back_to(part: &str) -> Redirect {
    Redirect::to(&format!("/alerts#{part}"))
}
