//! How alerting is set up.

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::alerting::Heartbeat;
use poolwatch_store::alert_settings;
use serde::Deserialize;

use super::back_to;
use crate::{
    access::people::Person,
    alert_setup::{one_line, recipients::read_url},
    app::SharedApp,
    app_error::AppError,
    parameters::Form,
};

/// What `POST /alerts/settings` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct SettingsForm {
    heartbeat: String,
    #[serde(default)]
    url: String,
    hours: i32,
    /// Sent only where it is ticked.
    allows_private: Option<String>,
}

/// Keeps it.
pub(in crate::pages) async fn change(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Form(form): Form<SettingsForm>,
) -> Result<Redirect, AppError> {
    if !(1..=168).contains(&form.hours) {
        return Err(AppError::bad_request("Between two signs of life are 1 to 168 hours."));
    }
    let allows_private = form.allows_private.is_some();
    let heartbeat = match form.heartbeat.as_str() {
        "off" => Heartbeat::Off,
        "mail" => Heartbeat::Mail,
        "url" => Heartbeat::Url(read_url(&one_line(&form.url), allows_private)?),
        _ => return Err(AppError::bad_request("There is no such sign of life.")),
    };
    let mut db = app.pool.acquire().await?;
    alert_settings::set(&mut db, allows_private, &heartbeat, form.hours * 3600).await?;
    Ok(back_to("settings"))
}
