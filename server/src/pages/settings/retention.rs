//! How long data are kept, and what disk that takes (`/settings/retention`).

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, Redirect},
};
use jiff::SignedDuration;
use poolwatch_store::{disk, expiry, partitions::Table, retention::Retention};
use poolwatch_web::{
    Page,
    figures::duration,
    settings::retention::{KeptResolution, RetentionField, RetentionPage},
};
use serde::Deserialize;
use sqlx::PgConnection;

use super::{address, shell};
use crate::{
    access::{audit::AuditNote, people::Person},
    app::{App, SharedApp},
    app_error::AppError,
    parameters::{Form, Query},
    retention_setting::{self, RetentionDays},
};

const PATH: &str = "/settings/retention";
/// What somebody sends who means it.
const MEANT: &str = "yes";

/// What the form sends; empty is what is usual.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct TypedRetention {
    full_hours: String,
    ten_minute_days: String,
    hourly_days: String,
    /// Sent by who means it, where data go that are there.
    confirm: String,
}

impl TypedRetention {
    fn days(&self) -> Result<RetentionDays, AppError> {
        let read = |text: &str| match text.trim() {
            "" => Ok(None),
            text => text.parse().map(Some),
        };
        let bad = |_| AppError::bad_request("Hours and days are whole numbers.");
        Ok(RetentionDays {
            full_hours: read(&self.full_hours).map_err(bad)?,
            ten_minute_days: read(&self.ten_minute_days).map_err(bad)?,
            hourly_days: read(&self.hourly_days).map_err(bad)?,
        })
    }

    fn is_blank(&self) -> bool {
        [&self.full_hours, &self.ten_minute_days, &self.hourly_days]
            .into_iter()
            .all(|text| text.trim().is_empty())
    }
}

/// The page, with what the retention of its address would take.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Query(typed): Query<TypedRetention>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let mut db = app.pool.acquire().await?;
    let tried = match typed.is_blank() {
        true => None,
        false => {
            let wanted = app.retention.fixed().or(typed.days()?).retention();
            Some(wanted.map_err(AppError::bad_request)?)
        }
    };
    let shown = tried.unwrap_or_else(|| app.retention.current());
    let resolutions = resolutions(&mut db, shown).await?;
    let database = disk::database_size(&mut db).await?;
    let fields = fields(&app, &mut db, &typed).await?;
    drop(db);
    let days = |days: i64| in_words(SignedDuration::from_hours(days * 24));
    let page = RetentionPage {
        shell: shell(&app, &person, address(&uri)),
        resolutions,
        fields,
        is_tried: tried.is_some(),
        loses: is_shorter(shown, app.retention.current()),
        others: vec![
            ("Events and findings", days(expiry::EVENTS)),
            ("Resolved incidents", days(expiry::INCIDENTS)),
            ("Audit log", days(expiry::AUDIT)),
            ("Messages", days(expiry::MESSAGES)),
            ("Changes of drivers", days(expiry::DRIVER_CHANGES)),
            ("Texts uploaded for a diagnosis", days(expiry::UPLOADS)),
        ],
        hosts: app.fleet.view().hosts.len() as u64,
        database,
    };
    Ok(Html(page.render()?))
}

/// Keeps another retention, from now on.
pub(in crate::pages) async fn save(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(typed): Form<TypedRetention>,
) -> Result<(Extension<AuditNote>, Redirect), AppError> {
    let wanted = typed.days()?;
    let retention = app.retention.fixed().or(wanted).retention().map_err(AppError::bad_request)?;
    if is_shorter(retention, app.retention.current()) && typed.confirm != MEANT {
        return Err(AppError::bad_request(
            "Data that are there would go for good, within the hour. Tick that this is meant.",
        ));
    }
    let mut db = app.pool.acquire().await?;
    let set = app.retention.set(&mut db, wanted, &person.name, app.clock.now()).await;
    set.map_err(AppError::internal)?.map_err(AppError::bad_request)?;
    let detail = format!(
        "every snapshot {}, points of 10 minutes {}, points of an hour {}",
        in_words(retention.full),
        in_words(retention.ten_minutes),
        in_words(retention.hourly)
    );
    Ok((Extension(AuditNote::new("retention", detail)), Redirect::to(PATH)))
}

async fn resolutions(
    db: &mut PgConnection,
    kept: Retention,
) -> Result<Vec<KeptResolution>, AppError> {
    let mut resolutions = Vec::new();
    for (name, kept, table) in [
        ("Every snapshot", kept.full, Table::Frames),
        ("Hours, until their day is made", kept.full, Table::ChunkHour),
        ("Points of 10 minutes", kept.ten_minutes, Table::ChunkDay),
        ("Tags over the fleet, hourly", kept.ten_minutes, Table::FleetHour),
        ("Points of an hour", kept.hourly, Table::ChunkWeek),
    ] {
        let disk::TableUse { size, days } = disk::table_use(db, table).await?;
        resolutions.push(KeptResolution {
            name,
            kept: in_words(kept),
            days: kept.as_hours() as f64 / 24.0,
            now: size,
            days_now: days,
        });
    }
    Ok(resolutions)
}

/// The fields of the form: what is typed, else what holds now.
async fn fields(
    app: &App,
    db: &mut PgConnection,
    typed: &TypedRetention,
) -> Result<Vec<RetentionField>, AppError> {
    let set = retention_setting::load(db).await.map_err(AppError::internal)?.unwrap_or_default();
    let (fixed, usual) = (app.retention.fixed(), RetentionDays::USUAL);
    let field = |name, label, option, typed: &str, of: fn(RetentionDays) -> Option<u16>| {
        let holds = of(fixed.or(set).or(usual)).map(|number| number.to_string());
        let value = if typed.trim().is_empty() { holds.unwrap_or_default() } else { typed.into() };
        RetentionField { name, label, option, value, is_fixed: of(fixed).is_some() }
    };
    Ok(vec![
        field(
            "full_hours",
            "Every snapshot, hours",
            "--keep-full-hours",
            &typed.full_hours,
            |days| days.full_hours,
        ),
        field(
            "ten_minute_days",
            "Points of 10 minutes, days",
            "--keep-10min-days",
            &typed.ten_minute_days,
            |days| days.ten_minute_days,
        ),
        field(
            "hourly_days",
            "Points of an hour, days",
            "--keep-hourly-days",
            &typed.hourly_days,
            |days| days.hourly_days,
        ),
    ])
}

fn is_shorter(one: Retention, than: Retention) -> bool {
    one.full < than.full || one.ten_minutes < than.ten_minutes || one.hourly < than.hourly
}

fn in_words(kept: SignedDuration) -> String {
    duration(kept.as_secs().unsigned_abs())
}
