//! How long data are kept, and what disk that takes (`/settings/retention`).

use axum::{Extension, extract::State, http::Uri, response::Html};
use jiff::SignedDuration;
use poolwatch_store::{disk, expiry, partitions::Table};
use poolwatch_web::{
    Page,
    figures::duration,
    settings::retention::{KeptResolution, RetentionPage},
};

use super::{address, shell};
use crate::{access::people::Person, app::SharedApp, app_error::AppError};

/// The page.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let kept = app.settings.retention;
    let mut db = app.pool.acquire().await?;
    let mut resolutions = Vec::new();
    for (name, option, kept, table) in [
        ("Every snapshot", "--keep-full-hours", kept.full, Table::Frames),
        ("Hours, until their day is made", "--keep-full-hours", kept.full, Table::ChunkHour),
        ("Points of 10 minutes", "--keep-10min-days", kept.ten_minutes, Table::ChunkDay),
        ("Tags over the fleet, hourly", "--keep-10min-days", kept.ten_minutes, Table::FleetHour),
        ("Points of an hour", "--keep-hourly-days", kept.hourly, Table::ChunkWeek),
    ] {
        let disk::TableUse { size, days } = disk::table_use(&mut db, table).await?;
        resolutions.push(KeptResolution {
            name,
            kept: in_words(kept),
            days: kept.as_hours() as f64 / 24.0,
            option,
            now: size,
            days_now: days,
        });
    }
    let database = disk::database_size(&mut db).await?;
    drop(db);
    let days = |days: i64| in_words(SignedDuration::from_hours(days * 24));
    let page = RetentionPage {
        shell: shell(&app, &person, address(&uri)),
        resolutions,
        others: vec![
            ("Events and findings", days(expiry::EVENTS)),
            ("Resolved incidents", days(expiry::INCIDENTS)),
            ("Audit log", days(expiry::AUDIT)),
            ("Messages", days(expiry::MESSAGES)),
            ("Changes of drivers", days(expiry::DRIVER_CHANGES)),
            ("Texts brought for a diagnosis", days(expiry::UPLOADS)),
        ],
        hosts: app.fleet.view().hosts.len() as u64,
        database,
    };
    Ok(Html(page.render()?))
}

fn in_words(kept: SignedDuration) -> String {
    duration(kept.as_secs().unsigned_abs())
}
