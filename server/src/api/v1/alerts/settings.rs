//! `/api/v1/alerts/settings`: the sign of life, and whom webhooks may reach.

use axum::{Extension, extract::State};
use jiff::Timestamp;
use poolwatch_model::alerting::{AlertSettings, Heartbeat};
use poolwatch_store::alert_settings;
use serde::Serialize;
use utoipa::ToSchema;

use super::Noted;
use crate::{
    access::audit::AuditNote,
    alert_setup::settings::{self as setup, AlertSettingsDraft},
    app::SharedApp,
    app_error::AppError,
    parameters::Json,
};

/// How alerting is set up.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AlertSettingsInfo {
    /// Where a sign of life goes: `off`, `mail` or `url`.
    heartbeat: &'static str,
    /// The address that is called.
    url: Option<String>,
    /// Hours between two signs of life.
    hours: i64,
    /// When the last one was given.
    #[schema(value_type = Option<String>, format = DateTime)]
    given_at: Option<Timestamp>,
    /// What the other side said of it.
    answer: Option<String>,
    /// Whether webhooks and syslog may go to this machine and to private networks.
    allows_private: bool,
}

fn in_full(settings: AlertSettings) -> AlertSettingsInfo {
    let (heartbeat, url) = match settings.heartbeat {
        Heartbeat::Off => ("off", None),
        Heartbeat::Mail => ("mail", None),
        Heartbeat::Url(url) => ("url", Some(url)),
    };
    AlertSettingsInfo {
        heartbeat,
        url,
        hours: settings.heartbeat_every.as_hours(),
        given_at: settings.heartbeat_at,
        answer: settings.heartbeat_answer,
        allows_private: settings.allows_private,
    }
}

/// How alerting is set up.
#[utoipa::path(get, path = "/api/v1/alerts/settings",
    responses((status = 200, body = AlertSettingsInfo)))]
pub(in crate::api) async fn get(
    State(app): State<SharedApp>,
) -> Result<Json<AlertSettingsInfo>, AppError> {
    Ok(Json(in_full(alert_settings::load(&mut *app.pool.acquire().await?).await?)))
}

/// Sets alerting up. The next sign of life comes at once.
#[utoipa::path(put, path = "/api/v1/alerts/settings", request_body = AlertSettingsDraft,
    responses((status = 200, body = AlertSettingsInfo), (status = 400)))]
pub(in crate::api) async fn set(
    State(app): State<SharedApp>,
    Json(draft): Json<AlertSettingsDraft>,
) -> Noted<Json<AlertSettingsInfo>> {
    let info = in_full(setup::set(&app, &draft).await?);
    let private = if info.allows_private { "allowed" } else { "refused" };
    let detail = format!(
        "sign of life {} every {} h, private addresses {private}",
        info.heartbeat, info.hours
    );
    Ok((Extension(AuditNote::new("alert settings", detail)), Json(info)))
}
