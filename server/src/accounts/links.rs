//! One-time links: whoever opens one sets a password.

use jiff::SignedDuration;
use poolwatch_store::one_time_links;
use sqlx::PgConnection;

use crate::{app::App, app_error::AppError, auth::secrets};

/// How long a link is good.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Makes the link of a person; an earlier one ends.
///
/// # Errors
/// When the database fails.
pub async fn make(app: &App, db: &mut PgConnection, user: i32) -> Result<String, AppError> {
    make_for(app, db, Some(user)).await
}

/// Makes the link of whoever becomes the first administrator, when there is none.
///
/// # Errors
/// When the database fails.
pub async fn make_first(app: &App) -> Result<Option<String>, AppError> {
    let mut db = app.pool.acquire().await?;
    if one_time_links::has_administrator(&mut db).await? {
        one_time_links::delete_of(&mut db, None).await?;
        return Ok(None);
    }
    Ok(Some(make_for(app, &mut db, None).await?))
}

async fn make_for(app: &App, db: &mut PgConnection, user: Option<i32>) -> Result<String, AppError> {
    let secret = secrets::generate().map_err(AppError::internal)?;
    let expires = app.clock.now().saturating_add(GOOD_FOR).map_err(AppError::internal)?;
    one_time_links::replace(db, &secrets::hash(&secret), user, expires).await?;
    Ok(format!("{}/welcome?link={secret}", app.settings.public_url))
}
