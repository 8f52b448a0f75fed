//! How alerting is set up.

use axum::{Extension, extract::State, response::Redirect};

use super::back_to;
use crate::{
    access::people::Person,
    alert_setup::settings::{self as setup, AlertSettingsDraft},
    app::SharedApp,
    app_error::AppError,
    parameters::Form,
};

/// Keeps it.
pub(in crate::pages) async fn change(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Form(draft): Form<AlertSettingsDraft>,
) -> Result<Redirect, AppError> {
    setup::set(&app, &draft).await?;
    Ok(back_to("settings"))
}
