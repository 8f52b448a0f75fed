//! What machines use: agents under `/agent/v1`, scripts under `/api/v1`.

mod agent;
pub(crate) mod health;
mod openapi;
pub(crate) mod representation;
mod v1;

use std::time::Duration;

use axum::routing::{delete, get, post, put};
use poolwatch_model::person::Role;
use poolwatch_protocol::limits;

use crate::{
    enrolment::decisions,
    evidence_uploads,
    routes::{Permission, RouteLimits, Routes},
    tag_names::POOLTAG_BYTES,
};

/// Readers of `/metrics` that are answered at once: it tells of every host.
const METRICS_AT_ONCE: usize = 2;

/// Downloads that are held in memory at once.
const DOWNLOADS_AT_ONCE: usize = 4;

/// Enrolments that run at once: hosts of one token come one after another, each on a connection to the
/// database that others need too.
const ENROLMENTS_AT_ONCE: usize = 4;

/// The routes of machines.
#[must_use]
pub fn routes(routes: Routes) -> Routes {
    let (read, form) = (RouteLimits::READ, RouteLimits::FORM);
    let (json, batch) =
        (RouteLimits::upload(limits::JSON_BYTES), RouteLimits::upload(limits::BATCH_BYTES));
    let pooltag = RouteLimits::upload(POOLTAG_BYTES);
    // Files on their way over a slow line.
    let evidence = RouteLimits::upload(evidence_uploads::BYTES)
        .within(Duration::from_secs(300))
        .at_once(evidence_uploads::AT_ONCE)
        .per_person(1);
    // A mail server may take long for each step.
    let mail_test = form.within(Duration::from_secs(100)).at_once(2);
    let (public, host) = (Permission::Public, Permission::Host);
    let view = Permission::AtLeast(Role::Viewer);
    let operate = Permission::AtLeast(Role::Operator);
    let (view_all, operate_all) =
        (Permission::WholeFleet(Role::Viewer), Permission::WholeFleet(Role::Operator));
    let administer = Permission::AtLeast(Role::Admin);
    // Numbers of as many hosts as one decision may be about.
    let hosts = RouteLimits::upload(decisions::AT_ONCE * 12);
    routes
        .at(public, read, "/healthz", get(health::healthz))
        .at(public, read, "/readyz", get(health::readyz))
        .at(
            view,
            read.at_once(METRICS_AT_ONCE).per_person(3),
            "/metrics",
            get(health::visible_metrics),
        )
        .at(public, form.at_once(ENROLMENTS_AT_ONCE), "/agent/v1/enrol", post(agent::enrol::enrol))
        .at(host, batch, "/agent/v1/frames", post(agent::frames::frames))
        .at(host, json, "/agent/v1/events", post(agent::events::events))
        .at(host, json, "/agent/v1/inventory", post(agent::inventory::inventory))
        .at(host, json, "/agent/v1/scans", post(agent::scans::scans))
        .at(host, json, "/agent/v1/tag-list", post(agent::tag_list::tag_list))
        .at(view, read, "/api/v1/openapi.json", get(openapi::document))
        .at(view, read, "/api/v1/hosts", get(v1::hosts::list))
        .at(view, read, "/api/v1/hosts/{id}", get(v1::hosts::one))
        .at(operate, form, "/api/v1/hosts/{id}/description", put(v1::host_labels::describe))
        .at(operate_all, hosts, "/api/v1/host-labels", post(v1::host_labels::label))
        .at(view, read, "/api/v1/groups", get(v1::groups::list))
        .at(administer, form, "/api/v1/groups", post(v1::groups::create))
        .at(
            administer,
            form,
            "/api/v1/groups/{id}",
            get(v1::groups::one).put(v1::groups::change).delete(v1::groups::delete),
        )
        .at(view, read, "/api/v1/hosts/{id}/tags/{tag}", get(v1::tags::series))
        .at(view, read, "/api/v1/incidents", get(v1::incidents::list))
        .at(view, read, "/api/v1/incidents/{id}", get(v1::incidents::one))
        .at(operate, form, "/api/v1/incidents/{id}/comments", post(v1::incidents::comment))
        .at(operate, form, "/api/v1/incidents/{id}/owner", put(v1::incidents::assign))
        .at(operate, form, "/api/v1/incidents/{id}/resolve", post(v1::incidents::resolve))
        .at(operate, form, "/api/v1/incidents/{id}/acknowledge", post(v1::incidents::acknowledge))
        .at(operate, form, "/api/v1/incidents/{id}/silence", post(v1::incidents::silence))
        .at(operate, form, "/api/v1/incidents/{id}/reopen", post(v1::incidents::reopen))
        .at(operate, form, "/api/v1/incidents/{id}/merge", post(v1::incidents::merge))
        .at(operate, form, "/api/v1/incidents/{id}/confirm", post(v1::incidents::confirm))
        .at(view_all, read, "/api/v1/alerts/deliveries", get(v1::alerts::deliveries::list))
        .at(
            operate_all,
            form,
            "/api/v1/alerts/deliveries/resend",
            post(v1::alerts::deliveries::resend_all),
        )
        .at(
            operate_all,
            form,
            "/api/v1/alerts/deliveries/{id}/resend",
            post(v1::alerts::deliveries::resend),
        )
        .at(
            administer,
            form,
            "/api/v1/alerts/recipients",
            get(v1::alerts::recipients::list).post(v1::alerts::recipients::add),
        )
        .at(administer, form, "/api/v1/alerts/recipients/test", post(v1::alerts::recipients::test))
        .at(
            administer,
            form,
            "/api/v1/alerts/settings",
            get(v1::alerts::settings::get).put(v1::alerts::settings::set),
        )
        .at(
            administer,
            form,
            "/api/v1/alerts/recipients/{id}",
            delete(v1::alerts::recipients::remove),
        )
        .at(view_all, read, "/api/v1/alerts/rules", get(v1::alerts::rules::list))
        .at(administer, form, "/api/v1/alerts/rules", post(v1::alerts::rules::add))
        .at(
            administer,
            form,
            "/api/v1/alerts/rules/{name}",
            put(v1::alerts::rules::set).delete(v1::alerts::rules::remove),
        )
        .at(view, read, "/api/v1/alerts/silences", get(v1::alerts::silences::list))
        .at(operate_all, form, "/api/v1/alerts/silences", post(v1::alerts::silences::add))
        .at(operate, form, "/api/v1/alerts/silences/{id}", delete(v1::alerts::silences::end))
        .at(operate, form, "/api/v1/host-silences", post(v1::alerts::silences::add_for_hosts))
        .at(view_all, read, "/api/v1/alerts/windows", get(v1::alerts::windows::list))
        .at(operate_all, form, "/api/v1/alerts/windows", post(v1::alerts::windows::add))
        .at(operate_all, form, "/api/v1/alerts/windows/{id}", delete(v1::alerts::windows::remove))
        .at(view, read, "/api/v1/drivers", get(v1::drivers::list))
        .at(view, read, "/api/v1/drivers/{name}", get(v1::drivers::one))
        .at(view, read, "/api/v1/events", get(v1::events::list))
        .at(
            administer,
            form,
            "/api/v1/settings/mail",
            get(v1::settings::mail).put(v1::settings::set_mail),
        )
        .at(administer, mail_test, "/api/v1/settings/mail/test", post(v1::settings::test_mail))
        .at(
            administer,
            form,
            "/api/v1/settings/retention",
            get(v1::settings::retention).put(v1::settings::set_retention),
        )
        .at(
            administer,
            form,
            "/api/v1/settings/sign-in",
            get(v1::settings::provider).put(v1::settings::set_provider),
        )
        .at(view, read, "/api/v1/tags", get(v1::tags::list))
        .at(view, read, "/api/v1/tags/{tag}", get(v1::tags::across))
        .at(view, read, "/api/v1/tags/{tag}/hosts", get(v1::tag_hosts::then))
        .at(view, read, "/api/v1/tags/{tag}/series", get(v1::tag_hosts::course))
        .at(view, read, "/api/v1/tag-notes", get(v1::tag_notes::list))
        .at(operate_all, form, "/api/v1/tag-notes", post(v1::tag_notes::write))
        .at(view_all, read, "/api/v1/offered-tag-lists", get(v1::tag_notes::offered))
        .at(operate_all, form, "/api/v1/offered-tag-lists", post(v1::tag_notes::decide))
        .at(view, read, "/api/v1/pooltag.txt", get(v1::tag_notes::export))
        .at(operate_all, pooltag, "/api/v1/pooltag.txt", post(v1::tag_notes::import))
        .at(operate, json, "/api/v1/snapshots", post(v1::snapshots::upload))
        .at(operate, evidence, "/api/v1/evidence", post(v1::evidence::judge))
        .at(
            view,
            read.at_once(evidence_uploads::AT_ONCE),
            "/api/v1/evidence/{id}",
            get(v1::evidence::one),
        )
        .at(operate, form, "/api/v1/evidence/{id}/keep", post(v1::evidence::keep))
        .at(view, read, "/api/v1/enrolment/hosts", get(v1::enrolment::hosts::list))
        .at(
            operate,
            hosts,
            "/api/v1/enrolment/hosts/{decision}",
            post(v1::enrolment::hosts::decide),
        )
        .at(administer, hosts, "/api/v1/enrolment/delete", post(v1::enrolment::hosts::delete))
        .at(operate, form, "/api/v1/enrolment/merge/{id}", post(v1::enrolment::hosts::merge))
        .at(
            operate,
            form,
            "/api/v1/enrolment/revoke-key/{id}",
            post(v1::enrolment::hosts::revoke_key),
        )
        .at(view, read, "/api/v1/enrolment/rules", get(v1::enrolment::rules::list))
        .at(administer, form, "/api/v1/enrolment/rules", post(v1::enrolment::rules::create))
        .at(
            administer,
            form,
            "/api/v1/enrolment/rules/{id}/up",
            post(v1::enrolment::rules::move_up),
        )
        .at(
            operate,
            form,
            "/api/v1/enrolment/keep-apart/{id}",
            post(v1::enrolment::hosts::keep_apart),
        )
        .at(
            administer,
            form.at_once(DOWNLOADS_AT_ONCE).per_person(3),
            "/api/v1/enrolment/kit",
            post(v1::enrolment::kit::make),
        )
        .at(view, form, "/api/v1/enrolment/try-rule", post(v1::enrolment::rules::try_rule))
        .at(administer, form, "/api/v1/enrolment/rules/{id}", delete(v1::enrolment::rules::delete))
        .at(view, read, "/api/v1/enrolment/tokens", get(v1::enrolment::tokens::list))
        .at(administer, form, "/api/v1/enrolment/tokens", post(v1::enrolment::tokens::create))
        .at(
            administer,
            form,
            "/api/v1/enrolment/tokens/{id}",
            delete(v1::enrolment::tokens::revoke),
        )
        .at(view_all, read, "/api/v1/enrolment/refusals", get(v1::enrolment::tokens::refusals))
        .at(administer, form, "/api/v1/people", get(v1::people::list).post(v1::people::add))
        .at(
            administer,
            form,
            "/api/v1/people/{id}",
            get(v1::people::one).patch(v1::people::change).delete(v1::people::delete),
        )
        .at(administer, form, "/api/v1/people/{id}/link", post(v1::people::make_link))
        .at(administer, read, "/api/v1/people/{id}/sessions", get(v1::people::list_sessions))
        .at(
            administer,
            form,
            "/api/v1/people/{id}/sessions/{session}",
            delete(v1::people::end_session),
        )
        .at(
            administer,
            form,
            "/api/v1/people/{id}/second-factor",
            delete(v1::people::reset_second_factor),
        )
        .at(administer, form, "/api/v1/tokens", get(v1::tokens::list).post(v1::tokens::create))
        .at(administer, form, "/api/v1/tokens/{id}", delete(v1::tokens::revoke))
        .at(administer, read, "/api/v1/audit", get(v1::audit::list))
}
