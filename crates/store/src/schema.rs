//! The database's schema, and whether this build knows it.

use sqlx::PgConnection;

use crate::Result;

/// Which migrations a database has had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaVersion {
    /// Number of the newest; none in an empty database.
    pub newest: Option<i64>,
    /// Numbers of those that this build does not know.
    pub unknown: Vec<i64>,
    /// How many of this build it lacks.
    pub missing: usize,
}

/// Which migrations a database has had.
///
/// # Errors
/// When the database fails.
pub async fn inspect(db: &mut PgConnection) -> Result<SchemaVersion> {
    // The table is sqlx's own, and not there in an empty database.
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *db)
        .await?;
    let applied: Vec<i64> = match is_there {
        true => {
            sqlx::query_scalar(
                "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version",
            )
            .fetch_all(db)
            .await?
        }
        false => Vec::new(),
    };
    let known: Vec<i64> = crate::migrations().iter().map(|migration| migration.version).collect();
    Ok(SchemaVersion {
        newest: applied.last().copied(),
        missing: known.iter().filter(|version| !applied.contains(version)).count(),
        unknown: applied.into_iter().filter(|version| !known.contains(version)).collect(),
    })
}
