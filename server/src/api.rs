//! What machines use: agents under `/agent/v1`, scripts under `/api/v1`.

mod agent;
mod health;
mod openapi;
mod v1;

use axum::{
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use poolwatch_model::person::Role;
use poolwatch_protocol::limits;

use crate::{
    pages::POOLTAG_BYTES,
    routes::{Permission, Routes},
};

/// The routes of machines.
#[must_use]
pub fn routes(routes: Routes) -> Routes {
    let json = DefaultBodyLimit::max(limits::JSON_BYTES);
    let pooltag = DefaultBodyLimit::max(POOLTAG_BYTES);
    let frames = DefaultBodyLimit::max(limits::BATCH_BYTES);
    let view = Permission::AtLeast(Role::Viewer);
    let operate = Permission::AtLeast(Role::Operator);
    routes
        .at(Permission::Public, "/healthz", get(health::healthz))
        .at(view, "/metrics", get(health::metrics))
        .at(Permission::Public, "/agent/v1/enrol", post(agent::enrol::enrol))
        .at(Permission::Host, "/agent/v1/frames", post(agent::frames::frames).layer(frames))
        .at(Permission::Host, "/agent/v1/events", post(agent::events::events).layer(json))
        .at(Permission::Host, "/agent/v1/inventory", post(agent::inventory::inventory).layer(json))
        .at(view, "/api/v1/openapi.json", get(openapi::document))
        .at(view, "/api/v1/hosts", get(v1::hosts::list))
        .at(view, "/api/v1/hosts/{id}", get(v1::hosts::one))
        .at(view, "/api/v1/hosts/{id}/tags/{tag}", get(v1::tags::series))
        .at(view, "/api/v1/tags", get(v1::tags::list))
        .at(view, "/api/v1/tags/{tag}", get(v1::tags::across))
        .at(view, "/api/v1/tags/{tag}/hosts", get(v1::tag_hosts::then))
        .at(view, "/api/v1/tags/{tag}/series", get(v1::tag_hosts::course))
        .at(view, "/api/v1/tag-notes", get(v1::tag_notes::list))
        .at(operate, "/api/v1/tag-notes", post(v1::tag_notes::write))
        .at(view, "/api/v1/pooltag.txt", get(v1::tag_notes::export))
        .at(operate, "/api/v1/pooltag.txt", post(v1::tag_notes::import).layer(pooltag))
        .at(operate, "/api/v1/snapshots", post(v1::snapshots::upload).layer(json))
}
