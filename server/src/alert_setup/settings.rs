//! How alerting is set up beside recipients and rules: the sign of life, and whom webhooks may reach.

use poolwatch_model::alerting::{AlertSettings, Heartbeat};
use poolwatch_store::alert_settings;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{one_line, read_tick, recipients::read_url};
use crate::{app::App, app_error::AppError};

/// Hours between two signs of life.
const HOURS: std::ops::RangeInclusive<i32> = 1..=168;

/// How alerting is to be set up, as somebody types it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AlertSettingsDraft {
    /// Where a sign of life goes: `off`, `mail` or `url`.
    heartbeat: String,
    /// The address that is called.
    #[serde(default)]
    url: String,
    /// Hours between two signs of life, 1 to 168.
    hours: i32,
    /// Whether webhooks and syslog may go to this machine and to private networks. In a form, it is sent
    /// only where it is ticked.
    #[serde(default, deserialize_with = "read_tick")]
    #[schema(value_type = bool)]
    allows_private: bool,
}

/// Keeps it. The next sign of life comes at once.
///
/// # Errors
/// 400 for what makes no sense.
pub async fn set(app: &App, draft: &AlertSettingsDraft) -> Result<AlertSettings, AppError> {
    if !HOURS.contains(&draft.hours) {
        return Err(AppError::bad_request("Between two signs of life are 1 to 168 hours."));
    }
    let allows_private = draft.allows_private;
    let heartbeat = match draft.heartbeat.as_str() {
        "off" => Heartbeat::Off,
        "mail" => Heartbeat::Mail,
        "url" => Heartbeat::Url(read_url(&one_line(&draft.url), allows_private)?),
        _ => return Err(AppError::bad_request("There is no such sign of life.")),
    };
    let mut db = app.pool.acquire().await?;
    alert_settings::set(&mut db, allows_private, &heartbeat, draft.hours * 3600).await?;
    Ok(alert_settings::load(&mut db).await?)
}
