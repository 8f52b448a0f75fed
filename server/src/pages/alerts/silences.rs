//! What nobody is told for a while: made and ended.

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::alerting::SilenceId;
use serde::Deserialize;

use super::back_to;
use crate::{
    access::people::Person,
    alert_setup::silences::{self as setup, SilenceDraft},
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    parameters::{Form, Path},
};

/// What `POST /alerts/silences/{id}/end` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct EndForm {
    /// The page to go back to.
    #[serde(default)]
    back: String,
}

/// Makes a silence.
pub(in crate::pages) async fn silence(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(draft): Form<SilenceDraft>,
) -> Result<Redirect, AppError> {
    setup::add(&app, &draft, &person.name, app.clock.now()).await?;
    Ok(back_to("silences"))
}

/// Ends a silence: what it held goes out.
pub(in crate::pages) async fn end(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Form(EndForm { back }): Form<EndForm>,
) -> Result<Redirect, AppError> {
    setup::end(&app, &visible, SilenceId(id), &person.name, app.clock.now()).await?;
    Ok(match back.strip_prefix("/incidents/").and_then(|id| id.parse::<i64>().ok()) {
        Some(incident) => Redirect::to(&format!("/incidents/{incident}")),
        None => back_to("silences"),
    })
}
