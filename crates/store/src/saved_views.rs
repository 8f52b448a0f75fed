//! Views that people keep: addresses of the console by names of their own.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// Views that one person may keep.
pub const MOST: i64 = 50;

/// A view that a person keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// What the person calls it, 1 to 100 characters.
    pub name: String,
    /// Path and query, 2,000 bytes at most.
    pub address: String,
}

/// The views of a person, by name.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection, user: i32) -> Result<Vec<SavedView>> {
    let rows = sqlx::query_as!(
        SavedView,
        "SELECT name, address FROM saved_views WHERE user_id = $1 ORDER BY lower(name), name",
        user,
    );
    Ok(rows.fetch_all(db).await?)
}

/// Keeps a view, in place of the person's view of the same name. False when the person keeps
/// [`MOST`] others.
///
/// # Errors
/// When the database fails, or the view is none that its table takes.
pub async fn save(
    db: &mut PgConnection,
    user: i32,
    view: &SavedView,
    now: Timestamp,
) -> Result<bool> {
    let saved = sqlx::query!(
        "INSERT INTO saved_views (user_id, name, address, saved_at)
         SELECT $1, $2, $3, $4
         WHERE (SELECT count(*) FROM saved_views WHERE user_id = $1 AND name <> $2) < $5
         ON CONFLICT (user_id, name) DO UPDATE SET address = $3, saved_at = $4",
        user,
        view.name,
        view.address,
        now.to_sqlx(),
        MOST,
    )
    .execute(db)
    .await?;
    Ok(saved.rows_affected() > 0)
}

/// Forgets a view. False when the person keeps none of this name.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut PgConnection, user: i32, name: &str) -> Result<bool> {
    let gone =
        sqlx::query!("DELETE FROM saved_views WHERE user_id = $1 AND name = $2", user, name,);
    Ok(gone.execute(db).await?.rows_affected() > 0)
}
