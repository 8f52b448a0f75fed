//! `/api/v1/openapi.json`: what scripts can use, described.

use axum::Json;
use utoipa::OpenApi;

use super::v1;

/// The description of `/api/v1`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Poolwatch",
        description = "What people automate. Authenticate with `Authorization: Bearer <token>`, a token \
            of the console's Settings, Tokens. Errors are problem details (RFC 9457)."
    ),
    paths(
        v1::enrolment::hosts,
        v1::enrolment::decide,
        v1::enrolment::delete,
        v1::enrolment::merge,
        v1::enrolment::revoke_key,
        v1::enrolment::rules,
        v1::enrolment::create_rule,
        v1::enrolment::try_rule,
        v1::enrolment::delete_rule,
        v1::enrolment::tokens,
        v1::enrolment::create_token,
        v1::enrolment::revoke_token,
        v1::enrolment::refusals,
        v1::hosts::list,
        v1::hosts::one,
        v1::tags::list,
        v1::tags::across,
        v1::tags::series,
        v1::tag_hosts::then,
        v1::tag_hosts::course,
        v1::tag_notes::list,
        v1::tag_notes::write,
        v1::tag_notes::export,
        v1::tag_notes::import,
        v1::snapshots::upload,
        v1::people::list,
        v1::people::add,
        v1::people::one,
        v1::people::change,
        v1::people::delete,
        v1::people::make_link,
        v1::people::reset_second_factor,
        v1::tokens::list,
        v1::tokens::create,
        v1::tokens::revoke,
        v1::audit::list
    )
)]
struct Description;

/// The description of `/api/v1`.
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
