//! What people see: loaders that fill the view models of `poolwatch-web`, one file per page.

mod application;
mod applications;
mod assets;
mod compare;
mod driver;
mod drivers;
mod events;
mod evidence;
mod export;
mod fleet;
mod host;
mod hosts;
mod incidents;
mod lists;
mod login;
pub(crate) mod next_steps;
pub mod presence;
mod rows;
mod search;
mod tag;
mod tags;
mod text_match;

use axum::{
    extract::DefaultBodyLimit,
    http::{HeaderMap, Uri},
    response::Html,
    routing::{get, post},
};
use poolwatch_model::person::Role;
use poolwatch_web::{LivePage, Shell};
use tower::limit::ConcurrencyLimitLayer;

use crate::{
    app::SharedApp,
    auth::people::Person,
    failure::Failure,
    routes::{Permission, Routes},
};

/// Largest upload of evidence.
pub const EVIDENCE_BYTES: usize = 100 << 20;
/// Uploads of evidence that are read at a time: each is held in memory.
const EVIDENCE_AT_ONCE: usize = 2;

/// Largest pooltag.txt; the vendor's has 400 kB.
pub(crate) const POOLTAG_BYTES: usize = 4 << 20;

const VIEW: Permission = Permission::AtLeast(Role::Viewer);
const OPERATE: Permission = Permission::AtLeast(Role::Operator);

/// The routes of people.
#[must_use]
pub fn routes(routes: Routes) -> Routes {
    routes
        .at(Permission::Public, "/login", get(login::form).post(login::sign_in))
        .at(Permission::Public, "/logout", post(login::sign_out))
        .at(Permission::Public, "/static/{path}", get(assets::serve))
        .at(VIEW, "/", get(fleet::page))
        .at(VIEW, "/hosts", get(hosts::page))
        .at(VIEW, "/hosts.csv", get(hosts::file))
        .at(VIEW, "/hosts.json", get(hosts::file))
        .at(VIEW, "/hosts/{id}", get(host::page))
        .at(VIEW, "/hosts/{id}/pools.json", get(host::pools))
        .at(VIEW, "/compare", get(compare::page))
        .at(VIEW, "/compare.csv", get(compare::csv))
        .at(VIEW, "/compare.json", get(compare::json))
        .at(VIEW, "/incidents", get(incidents::list))
        .at(VIEW, "/incidents/{id}", get(incidents::page))
        .at(VIEW, "/incidents/{id}/growth.json", get(incidents::growth))
        .at(VIEW, "/incidents/{id}/report.txt", get(incidents::report))
        .at(VIEW, "/incidents/{id}/evidence.json", get(incidents::evidence))
        .at(OPERATE, "/incidents/{id}/comments", post(incidents::comment))
        .at(OPERATE, "/incidents/{id}/owner", post(incidents::give))
        .at(OPERATE, "/incidents/{id}/resolve", post(incidents::resolve))
        .at(VIEW, "/tags", get(tags::page))
        .at(VIEW, "/tags.csv", get(tags::file))
        .at(VIEW, "/tags.json", get(tags::file))
        .at(VIEW, "/tags/pooltag.txt", get(tag::note::export))
        .at(
            OPERATE,
            "/tags/pooltag",
            post(tag::note::import).layer(DefaultBodyLimit::max(POOLTAG_BYTES)),
        )
        .at(VIEW, "/tags/{tag}", get(tag::page))
        .at(OPERATE, "/tags/{tag}/note", post(tag::note::write))
        .at(VIEW, "/tags/{tag}/hosts.csv", get(tag::file))
        .at(VIEW, "/tags/{tag}/hosts.json", get(tag::file))
        .at(VIEW, "/applications", get(applications::page))
        .at(VIEW, "/applications.csv", get(applications::file))
        .at(VIEW, "/applications.json", get(applications::file))
        .at(VIEW, "/applications/{image}", get(application::page))
        .at(VIEW, "/applications/{image}/hosts.csv", get(application::file))
        .at(VIEW, "/applications/{image}/hosts.json", get(application::file))
        .at(VIEW, "/drivers", get(drivers::page))
        .at(VIEW, "/drivers.csv", get(drivers::file))
        .at(VIEW, "/drivers.json", get(drivers::file))
        .at(VIEW, "/drivers/{name}", get(driver::page))
        .at(VIEW, "/drivers/{name}/hosts.csv", get(driver::file))
        .at(VIEW, "/drivers/{name}/hosts.json", get(driver::file))
        .at(VIEW, "/events", get(events::page))
        .at(VIEW, "/search", get(search::page))
        .at(VIEW, "/evidence", get(evidence::form))
        .at(
            OPERATE,
            "/evidence/diagnose",
            post(evidence::diagnose).layer((
                ConcurrencyLimitLayer::new(EVIDENCE_AT_ONCE),
                DefaultBodyLimit::max(EVIDENCE_BYTES),
            )),
        )
        .at(VIEW, "/evidence/{id}", get(evidence::page))
        .at(
            VIEW,
            "/evidence/{id}/report.json",
            // The texts are read again for it.
            get(evidence::report).layer(ConcurrencyLimitLayer::new(EVIDENCE_AT_ONCE)),
        )
        .at(OPERATE, "/evidence/{id}/keep", post(evidence::keep))
}

/// What surrounds every page.
#[must_use]
pub fn shell(app: &SharedApp, person: &Person, url: String) -> Shell {
    Shell {
        now: app.clock.now(),
        person: person.name.clone(),
        newest_data: app.fleet.view().newest(),
        url,
    }
}

/// Path and query of a request, for [`Shell::url`].
fn address(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// A page whole, or its live part when htmx asks.
fn live(page: &impl LivePage, headers: &HeaderMap) -> Result<Html<String>, Failure> {
    let html =
        if headers.contains_key("hx-request") { page.render_live()? } else { page.render()? };
    Ok(Html(html))
}
