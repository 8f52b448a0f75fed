//! Lists of pool tags that hosts have and an operator may take in.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{HostId, driver_scan::FileHash, inventory::TagListFile};
use sqlx::PgConnection;

use crate::Result;

/// A list that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedTagList {
    /// The file.
    pub file: TagListFile,
    /// A host that has it.
    pub host: HostId,
    /// Its entries.
    pub entries: u64,
    /// When it came.
    pub at: Timestamp,
}

/// Whether a file is no news: it was offered before, or as many lists wait as are kept (`most`).
///
/// # Errors
/// When the database fails.
pub async fn is_known(db: &mut PgConnection, file: FileHash, most: i64) -> Result<bool> {
    let file = file.bytes();
    let known = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT FROM offered_tag_lists WHERE sha256 = $1)
             OR (SELECT count(*) FROM offered_tag_lists WHERE content IS NOT NULL) >= $2
             AS \"known!\"",
        file.as_slice(),
        most,
    );
    Ok(known.fetch_one(db).await?)
}

/// Keeps a list with its text. One that is known stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn keep(db: &mut PgConnection, offered: &OfferedTagList, text: &str) -> Result<()> {
    let file = offered.file.sha256.bytes();
    sqlx::query!(
        "INSERT INTO offered_tag_lists (sha256, host_id, path, entries, content, offered_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        file.as_slice(),
        offered.host.0,
        offered.file.path,
        i32::try_from(offered.entries).unwrap_or(i32::MAX),
        text,
        offered.at.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lists that wait, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection) -> Result<Vec<OfferedTagList>> {
    let rows = sqlx::query!(
        "SELECT sha256, host_id, path, entries, offered_at FROM offered_tag_lists
         WHERE content IS NOT NULL ORDER BY offered_at DESC",
    )
    .fetch_all(db)
    .await?;
    let offered = rows.into_iter().filter_map(|row| {
        let sha256 = FileHash::new(row.sha256.try_into().ok()?);
        Some(OfferedTagList {
            file: TagListFile { path: row.path, sha256 },
            host: HostId(row.host_id),
            entries: row.entries.unsigned_abs().into(),
            at: row.offered_at.to_jiff(),
        })
    });
    Ok(offered.collect())
}

/// The text of a list that waits.
///
/// # Errors
/// When the database fails.
pub async fn text_of(db: &mut PgConnection, file: FileHash) -> Result<Option<String>> {
    let file = file.bytes();
    let text = sqlx::query_scalar!(
        "SELECT content AS \"content!\" FROM offered_tag_lists
         WHERE sha256 = $1 AND content IS NOT NULL",
        file.as_slice(),
    );
    Ok(text.fetch_optional(db).await?)
}

/// Lets a list wait no more: its text goes.
///
/// # Errors
/// When the database fails.
pub async fn close(db: &mut PgConnection, file: FileHash) -> Result<()> {
    let file = file.bytes();
    let close = sqlx::query!(
        "UPDATE offered_tag_lists SET content = NULL WHERE sha256 = $1",
        file.as_slice(),
    );
    close.execute(db).await?;
    Ok(())
}
