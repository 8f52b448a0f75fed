//! What people see: loaders that fill the view models of `poolwatch-web`, one file per page.

mod account;
mod alerts;
mod application;
mod applications;
mod assets;
mod compare;
mod driver;
mod drivers;
mod enrolment;
mod events;
mod evidence;
mod export;
mod fleet;
mod groups;
mod healthy_version;
mod host;
mod hosts;
mod incidents;
mod lists;
mod local_address;
mod login;
mod map;
pub mod presence;
pub(crate) mod render_error;
mod rows;
mod search;
mod sessions;
mod settings;
mod tag;
mod tags;
mod text_match;
pub(crate) mod unseen;
mod views;
mod welcome;

use std::{sync::atomic::Ordering, time::Duration};

use axum::{
    http::{HeaderMap, Uri},
    response::Html,
    routing::{get, post},
};
use poolwatch_model::person::Role;
use poolwatch_web::{LivePage, Shell};

use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    evidence_uploads,
    routes::{Permission, RouteLimits, Routes},
    tag_names::POOLTAG_BYTES,
};

/// Sign-ins that wait for the identity provider at once.
const PROVIDER_AT_ONCE: usize = 8;

const READ: RouteLimits = RouteLimits::READ;
const FORM: RouteLimits = RouteLimits::FORM;
/// Files on their way over a slow line.
const EVIDENCE: RouteLimits = RouteLimits::upload(evidence_uploads::BYTES)
    .within(Duration::from_secs(300))
    .at_once(evidence_uploads::AT_ONCE)
    .per_person(1);
/// Files of very many rows: each is held in memory until it is taken.
const EXPORT: RouteLimits = RouteLimits::READ.at_once(2).per_person(3);
const PUBLIC: Permission = Permission::Public;
const VIEW: Permission = Permission::AtLeast(Role::Viewer);
/// Who sees what is counted over the whole fleet.
const VIEW_ALL: Permission = Permission::WholeFleet(Role::Viewer);
const OPERATE: Permission = Permission::AtLeast(Role::Operator);
/// Who works on what concerns the whole fleet.
const OPERATE_ALL: Permission = Permission::WholeFleet(Role::Operator);
const ADMINISTER: Permission = Permission::AtLeast(Role::Admin);
/// Downloads that are held in memory at once.
const DOWNLOADS_AT_ONCE: usize = 4;
const SIGNED_IN: Permission = Permission::SignedIn;

/// The routes of people.
#[must_use]
pub fn routes(routes: Routes) -> Routes {
    settings_routes(account_routes(console_routes(routes)))
}

fn console_routes(routes: Routes) -> Routes {
    routes
        .at(PUBLIC, FORM, "/login", get(login::form).post(login::sign_in))
        .at(PUBLIC, FORM, "/login/code", post(login::code))
        .at(PUBLIC, READ.at_once(PROVIDER_AT_ONCE), "/login/provider", get(login::provider::begin))
        .at(
            PUBLIC,
            READ.at_once(PROVIDER_AT_ONCE),
            "/login/provider/done",
            get(login::provider::done),
        )
        .at(PUBLIC, FORM, "/welcome", get(welcome::form).post(welcome::set))
        .at(PUBLIC, FORM, "/logout", post(login::sign_out))
        .at(PUBLIC, READ, "/static/{path}", get(assets::serve))
        .at(VIEW, READ, "/", get(fleet::page))
        .at(VIEW, READ, "/hosts", get(hosts::page))
        .at(VIEW, EXPORT, "/hosts.csv", get(hosts::file))
        .at(VIEW, EXPORT, "/hosts.json", get(hosts::file))
        .at(VIEW, READ, "/hosts/waiting", get(enrolment::waiting::page))
        .at(VIEW, EXPORT, "/hosts/waiting.csv", get(enrolment::waiting::file))
        .at(VIEW, EXPORT, "/hosts/waiting.json", get(enrolment::waiting::file))
        .at(OPERATE, FORM, "/hosts/decide", post(enrolment::decide::decide))
        .at(ADMINISTER, FORM, "/hosts/delete", post(enrolment::decide::delete))
        .at(VIEW, READ, "/hosts/rules", get(enrolment::rules::page))
        .at(ADMINISTER, FORM, "/hosts/rules", post(enrolment::rules::create))
        .at(ADMINISTER, FORM, "/hosts/rules/{id}/up", post(enrolment::rules::move_up))
        .at(ADMINISTER, FORM, "/hosts/rules/{id}/delete", post(enrolment::rules::delete))
        .at(VIEW, READ, "/deploy", get(enrolment::deploy::page))
        .at(ADMINISTER, FORM, "/deploy/tokens", post(enrolment::deploy::create_token))
        .at(ADMINISTER, FORM, "/deploy/tokens/{id}/revoke", post(enrolment::deploy::revoke_token))
        .at(
            ADMINISTER,
            FORM.at_once(DOWNLOADS_AT_ONCE).per_person(3),
            "/deploy/kit",
            post(enrolment::kit::archive),
        )
        .at(VIEW, READ, "/deploy/ca.pem", get(enrolment::deploy::authority))
        .at(VIEW, READ, "/deploy/poolwatch-policy.zip", get(enrolment::deploy::policy))
        .at(
            VIEW,
            READ.at_once(DOWNLOADS_AT_ONCE).per_person(3),
            "/deploy/files/{path}",
            get(enrolment::deploy::file),
        )
        .at(VIEW, READ, "/hosts/{id}", get(host::page))
        .at(OPERATE_ALL, FORM, "/hosts/label", post(hosts::labels::label))
        .at(OPERATE, FORM, "/hosts/silence", post(hosts::selected::silence))
        .at(OPERATE, FORM, "/hosts/{id}/describe", post(hosts::labels::describe))
        .at(OPERATE, FORM, "/hosts/{id}/merge", post(enrolment::decide::merge))
        .at(OPERATE, FORM, "/hosts/{id}/revoke-key", post(enrolment::decide::revoke_key))
        .at(OPERATE, FORM, "/hosts/{id}/keep-apart", post(enrolment::decide::keep_apart))
        .at(VIEW, READ, "/hosts/{id}/pools.json", get(host::pools))
        .at(VIEW, READ, "/hosts/{id}/series.json", get(host::series))
        .at(VIEW, READ, "/hosts/{id}/tags", get(host::lists::page::<host::lists::Tags>))
        .at(VIEW, EXPORT, "/hosts/{id}/tags.csv", get(host::lists::file::<host::lists::Tags>))
        .at(VIEW, EXPORT, "/hosts/{id}/tags.json", get(host::lists::file::<host::lists::Tags>))
        .at(VIEW, READ, "/hosts/{id}/processes", get(host::lists::page::<host::lists::Processes>))
        .at(
            VIEW,
            EXPORT,
            "/hosts/{id}/processes.csv",
            get(host::lists::file::<host::lists::Processes>),
        )
        .at(
            VIEW,
            EXPORT,
            "/hosts/{id}/processes.json",
            get(host::lists::file::<host::lists::Processes>),
        )
        .at(VIEW, READ, "/hosts/{id}/types", get(host::lists::page::<host::lists::Types>))
        .at(VIEW, EXPORT, "/hosts/{id}/types.csv", get(host::lists::file::<host::lists::Types>))
        .at(VIEW, EXPORT, "/hosts/{id}/types.json", get(host::lists::file::<host::lists::Types>))
        .at(VIEW, READ, "/hosts/{id}/drivers", get(host::lists::page::<host::lists::Drivers>))
        .at(VIEW, EXPORT, "/hosts/{id}/drivers.csv", get(host::lists::file::<host::lists::Drivers>))
        .at(
            VIEW,
            EXPORT,
            "/hosts/{id}/drivers.json",
            get(host::lists::file::<host::lists::Drivers>),
        )
        .at(VIEW, READ, "/hosts/{id}/timeline", get(host::lists::page::<host::timeline::Timeline>))
        .at(
            VIEW,
            EXPORT,
            "/hosts/{id}/timeline.csv",
            get(host::lists::file::<host::timeline::Timeline>),
        )
        .at(
            VIEW,
            EXPORT,
            "/hosts/{id}/timeline.json",
            get(host::lists::file::<host::timeline::Timeline>),
        )
        .at(VIEW, READ, "/compare", get(compare::page))
        .at(VIEW, EXPORT, "/compare.csv", get(compare::csv))
        .at(VIEW, EXPORT, "/compare.json", get(compare::json))
        .at(VIEW, READ, "/incidents", get(incidents::list))
        .at(VIEW, EXPORT, "/incidents.csv", get(incidents::file))
        .at(VIEW, EXPORT, "/incidents.json", get(incidents::file))
        .at(VIEW, READ, "/incidents/{id}", get(incidents::page))
        .at(VIEW, READ, "/incidents/{id}/growth.json", get(incidents::growth))
        .at(VIEW, READ, "/incidents/{id}/report.txt", get(incidents::report))
        .at(VIEW, READ, "/incidents/{id}/evidence.json", get(incidents::evidence))
        .at(VIEW, EXPORT, "/incidents/{id}/evidence.zip", get(incidents::archive))
        .at(OPERATE, FORM, "/incidents/{id}/comments", post(incidents::comment))
        .at(OPERATE, FORM, "/incidents/{id}/owner", post(incidents::give))
        .at(OPERATE, FORM, "/incidents/{id}/resolve", post(incidents::resolve))
        .at(OPERATE, FORM, "/incidents/{id}/reopen", post(incidents::reopen))
        .at(OPERATE, FORM, "/incidents/{id}/merge", post(incidents::merge))
        .at(OPERATE, FORM, "/incidents/{id}/confirm", post(incidents::confirm))
        .at(OPERATE, FORM, "/incidents/{id}/acknowledge", post(incidents::acknowledge))
        .at(OPERATE, FORM, "/incidents/{id}/silence", post(incidents::silence))
        .at(VIEW, READ, "/alerts", get(alerts::page))
        .at(ADMINISTER, FORM, "/alerts/rules", post(alerts::add_rule))
        .at(VIEW_ALL, READ, "/alerts/rules/{name}", get(alerts::rule))
        .at(ADMINISTER, FORM, "/alerts/rules/{name}/remove", post(alerts::remove_rule))
        .at(ADMINISTER, FORM, "/alerts/rules/{name}/set", post(alerts::set_rule))
        .at(OPERATE_ALL, FORM, "/alerts/silences", post(alerts::silence))
        .at(OPERATE, FORM, "/alerts/silences/{id}/end", post(alerts::end))
        .at(OPERATE_ALL, FORM, "/alerts/windows", post(alerts::add_window))
        .at(OPERATE_ALL, FORM, "/alerts/windows/{id}/remove", post(alerts::remove_window))
        .at(ADMINISTER, FORM, "/alerts/recipients", post(alerts::add))
        .at(ADMINISTER, FORM, "/alerts/recipients/test", post(alerts::test))
        .at(ADMINISTER, FORM, "/alerts/recipients/{id}/remove", post(alerts::remove))
        .at(ADMINISTER, FORM, "/alerts/settings", post(alerts::change))
        .at(OPERATE_ALL, FORM, "/alerts/deliveries/resend", post(alerts::resend_all))
        .at(OPERATE_ALL, FORM, "/alerts/deliveries/{id}/resend", post(alerts::resend))
        .at(VIEW, READ, "/tags", get(tags::page))
        .at(VIEW, EXPORT, "/tags.csv", get(tags::file))
        .at(VIEW, EXPORT, "/tags.json", get(tags::file))
        .at(VIEW, READ, "/tags/pooltag.txt", get(tag::note::export))
        .at(
            OPERATE_ALL,
            RouteLimits::upload(POOLTAG_BYTES),
            "/tags/pooltag",
            post(tag::note::import),
        )
        .at(OPERATE_ALL, FORM, "/tags/pooltag/offered", post(tag::note::decide))
        .at(VIEW, READ, "/tags/{tag}", get(tag::page))
        .at(OPERATE_ALL, FORM, "/tags/{tag}/note", post(tag::note::write))
        .at(VIEW, READ, "/tags/{tag}/history.json", get(tag::history))
        .at(VIEW, EXPORT, "/tags/{tag}/hosts.csv", get(tag::file))
        .at(VIEW, EXPORT, "/tags/{tag}/hosts.json", get(tag::file))
        .at(VIEW, READ, "/applications", get(applications::page))
        .at(VIEW, EXPORT, "/applications.csv", get(applications::file))
        .at(VIEW, EXPORT, "/applications.json", get(applications::file))
        .at(VIEW, READ, "/applications/{image}", get(application::page))
        .at(VIEW, EXPORT, "/applications/{image}/hosts.csv", get(application::file))
        .at(VIEW, EXPORT, "/applications/{image}/hosts.json", get(application::file))
        .at(VIEW, READ, "/drivers", get(drivers::page))
        .at(VIEW, EXPORT, "/drivers.csv", get(drivers::file))
        .at(VIEW, EXPORT, "/drivers.json", get(drivers::file))
        .at(VIEW, READ, "/drivers/{name}", get(driver::page))
        .at(VIEW, EXPORT, "/drivers/{name}/hosts.csv", get(driver::file))
        .at(VIEW, EXPORT, "/drivers/{name}/hosts.json", get(driver::file))
        .at(VIEW, READ, "/events", get(events::page))
        .at(VIEW, EXPORT, "/events.csv", get(events::file))
        .at(VIEW, EXPORT, "/events.json", get(events::file))
        .at(VIEW, READ, "/search", get(search::page))
        .at(VIEW, READ, "/search.json", get(search::palette))
        .at(VIEW, READ, "/map", get(map::page))
        .at(VIEW, READ, "/map.json", get(map::cells))
        .at(VIEW, READ, "/evidence", get(evidence::form))
        .at(OPERATE, EVIDENCE, "/evidence/diagnose", post(evidence::diagnose))
        .at(VIEW, READ, "/evidence/{id}", get(evidence::page))
        // The texts are read again for it.
        .at(
            VIEW,
            READ.at_once(evidence_uploads::AT_ONCE),
            "/evidence/{id}/report.json",
            get(evidence::report),
        )
        .at(OPERATE, FORM, "/evidence/{id}/keep", post(evidence::keep))
}

fn account_routes(routes: Routes) -> Routes {
    routes
        .at(SIGNED_IN, READ, "/account", get(account::page))
        .at(SIGNED_IN, FORM, "/account/password", post(account::change_password))
        .at(SIGNED_IN, FORM, "/account/sessions/{id}/end", post(account::end_session))
        .at(SIGNED_IN, FORM, "/account/second-factor", get(account::propose).post(account::enable))
        .at(SIGNED_IN, FORM, "/account/second-factor/disable", post(account::disable))
        .at(SIGNED_IN, FORM, "/account/tokens", post(account::create))
        .at(SIGNED_IN, FORM, "/account/tokens/{id}/revoke", post(account::revoke))
        .at(SIGNED_IN, READ, "/views.json", get(views::json))
        .at(SIGNED_IN, FORM, "/views", post(views::save))
        .at(SIGNED_IN, FORM, "/views/forget", post(views::forget))
}

fn settings_routes(routes: Routes) -> Routes {
    use settings::{audit, groups, mail, people, refusals, retention, server, sign_in, tokens};
    routes
        .at(ADMINISTER, READ, "/settings", get(settings::page))
        .at(ADMINISTER, FORM, "/settings/people", get(people::list).post(people::add))
        .at(ADMINISTER, EXPORT, "/settings/people.csv", get(people::file))
        .at(ADMINISTER, EXPORT, "/settings/people.json", get(people::file))
        .at(ADMINISTER, FORM, "/settings/people/{id}", get(people::page).post(people::change))
        .at(ADMINISTER, FORM, "/settings/people/{id}/link", post(people::make_link))
        .at(ADMINISTER, FORM, "/settings/people/{id}/disable", post(people::disable))
        .at(ADMINISTER, FORM, "/settings/people/{id}/enable", post(people::enable))
        .at(ADMINISTER, FORM, "/settings/people/{id}/delete", post(people::delete))
        .at(
            ADMINISTER,
            FORM,
            "/settings/people/{id}/second-factor/reset",
            post(people::reset_second_factor),
        )
        .at(
            ADMINISTER,
            FORM,
            "/settings/people/{id}/sessions/{session}/end",
            post(people::end_session),
        )
        .at(ADMINISTER, FORM, "/settings/tokens", get(tokens::page).post(tokens::create))
        .at(ADMINISTER, FORM, "/settings/tokens/{id}/revoke", post(tokens::revoke))
        .at(ADMINISTER, FORM, "/settings/groups", get(groups::list).post(groups::create))
        .at(ADMINISTER, FORM, "/settings/groups/{id}", get(groups::page).post(groups::rename))
        .at(ADMINISTER, FORM, "/settings/groups/{id}/rules", post(groups::add_rule))
        .at(
            ADMINISTER,
            FORM,
            "/settings/groups/{id}/rules/{place}/delete",
            post(groups::delete_rule),
        )
        .at(ADMINISTER, FORM, "/settings/groups/{id}/delete", post(groups::delete))
        .at(ADMINISTER, FORM, "/settings/sign-in", get(sign_in::page).post(sign_in::save))
        .at(ADMINISTER, FORM, "/settings/mail", get(mail::page).post(mail::save))
        .at(
            ADMINISTER,
            FORM.within(Duration::from_secs(100)).at_once(2),
            "/settings/mail/test",
            post(mail::test),
        )
        .at(ADMINISTER, FORM, "/settings/retention", get(retention::page).post(retention::save))
        .at(ADMINISTER, READ, "/settings/audit", get(audit::page))
        .at(ADMINISTER, EXPORT, "/settings/audit.csv", get(audit::file))
        .at(ADMINISTER, EXPORT, "/settings/audit.json", get(audit::file))
        .at(ADMINISTER, READ, "/settings/refusals", get(refusals::page))
        .at(ADMINISTER, READ, "/settings/server", get(server::page))
}

/// What surrounds every page.
#[must_use]
pub fn shell(app: &SharedApp, person: &Person, url: String) -> Shell {
    Shell {
        now: app.clock.now(),
        person: person.name.clone(),
        role: person.role,
        newest_data: app.fleet.view().newest(),
        // Counted over all of the fleet.
        waiting: match person.scope.is_whole_fleet() {
            true => app.waiting_hosts.load(Ordering::Relaxed),
            false => 0,
        },
        url,
    }
}

/// Path and query of a request, for [`Shell::url`].
fn address(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// A page whole, or its live part when htmx asks.
fn live(page: &impl LivePage, headers: &HeaderMap) -> Result<Html<String>, AppError> {
    let html =
        if headers.contains_key("hx-request") { page.render_live()? } else { page.render()? };
    Ok(Html(html))
}
