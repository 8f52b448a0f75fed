//! `/api/v1/openapi.json`: what scripts can use, described.

use utoipa::OpenApi;

use super::v1;

use crate::parameters::Json;

/// The description of `/api/v1`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Poolwatch",
        description = "What people automate. Authenticate with `Authorization: Bearer <token>`, a token \
            of the console's Settings, Tokens. Errors are problem details (RFC 9457)."
    ),
    paths(
        v1::alerts::deliveries::list,
        v1::alerts::deliveries::resend,
        v1::alerts::deliveries::resend_all,
        v1::alerts::recipients::list,
        v1::alerts::recipients::add,
        v1::alerts::recipients::remove,
        v1::alerts::recipients::test,
        v1::alerts::rules::list,
        v1::alerts::rules::add,
        v1::alerts::rules::set,
        v1::alerts::rules::remove,
        v1::alerts::settings::get,
        v1::alerts::settings::set,
        v1::alerts::silences::list,
        v1::alerts::silences::add,
        v1::alerts::silences::end,
        v1::alerts::silences::add_for_hosts,
        v1::alerts::windows::list,
        v1::alerts::windows::add,
        v1::alerts::windows::remove,
        v1::drivers::list,
        v1::drivers::one,
        v1::events::list,
        v1::evidence::judge,
        v1::evidence::one,
        v1::evidence::keep,
        v1::enrolment::hosts::list,
        v1::enrolment::hosts::decide,
        v1::enrolment::hosts::delete,
        v1::enrolment::hosts::merge,
        v1::enrolment::hosts::revoke_key,
        v1::enrolment::hosts::keep_apart,
        v1::enrolment::kit::make,
        v1::enrolment::rules::list,
        v1::enrolment::rules::create,
        v1::enrolment::rules::try_rule,
        v1::enrolment::rules::delete,
        v1::enrolment::rules::move_up,
        v1::enrolment::tokens::list,
        v1::enrolment::tokens::create,
        v1::enrolment::tokens::revoke,
        v1::enrolment::tokens::refusals,
        v1::groups::list,
        v1::groups::one,
        v1::groups::create,
        v1::groups::change,
        v1::groups::delete,
        v1::host_labels::describe,
        v1::host_labels::label,
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
        v1::tag_notes::offered,
        v1::tag_notes::decide,
        v1::incidents::list,
        v1::incidents::one,
        v1::incidents::comment,
        v1::incidents::assign,
        v1::incidents::resolve,
        v1::incidents::acknowledge,
        v1::incidents::silence,
        v1::incidents::reopen,
        v1::incidents::merge,
        v1::incidents::confirm,
        v1::settings::mail,
        v1::settings::set_mail,
        v1::settings::test_mail,
        v1::settings::retention,
        v1::settings::set_retention,
        v1::settings::provider,
        v1::settings::set_provider,
        v1::snapshots::upload,
        v1::people::list,
        v1::people::add,
        v1::people::one,
        v1::people::change,
        v1::people::delete,
        v1::people::make_link,
        v1::people::reset_second_factor,
        v1::people::list_sessions,
        v1::people::end_session,
        v1::tokens::list,
        v1::tokens::create,
        v1::tokens::revoke,
        v1::audit::list
    ),
    // Those that stand in parameters alone: bodies and answers bring theirs.
    components(schemas(v1::tags::Order, v1::enrolment::hosts::StandingName))
)]
struct Description;

/// The description of `/api/v1`.
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
