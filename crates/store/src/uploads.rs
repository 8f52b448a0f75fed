//! Texts that people brought for a diagnosis, until they are forgotten.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// Uploads that are there at a time: another one drives out the oldest.
const AT_MOST: i64 = 50;

/// Texts to be there for a while.
#[derive(Debug)]
pub struct NewUpload<'a> {
    /// Its number.
    pub id: Uuid,
    /// Who brought them.
    pub by: &'a str,
    /// What was found in them, as JSON.
    pub findings: serde_json::Value,
    /// Names and contents.
    pub files: &'a [(&'a str, &'a [u8])],
}

/// What is known of an upload.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// Its number.
    pub id: Uuid,
    /// When it was brought.
    pub at: Timestamp,
    /// Who brought it.
    pub by: String,
    /// What was found in it, as JSON.
    pub findings: serde_json::Value,
    /// The host that its texts were kept for.
    pub kept_for: Option<HostId>,
}

/// Takes an upload in; the oldest beyond a bound are forgotten.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut PgConnection, new: &NewUpload<'_>, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "INSERT INTO uploads (id, uploaded_at, uploaded_by, findings) VALUES ($1, $2, $3, $4)",
        new.id,
        now.to_sqlx(),
        new.by,
        new.findings,
    )
    .execute(&mut *db)
    .await?;
    for (no, (name, content)) in (0_i32..).zip(new.files) {
        sqlx::query!(
            "INSERT INTO upload_files (upload_id, no, name, content) VALUES ($1, $2, $3, $4)",
            new.id,
            no,
            *name,
            *content,
        )
        .execute(&mut *db)
        .await?;
    }
    sqlx::query!(
        "DELETE FROM uploads WHERE id IN
             (SELECT id FROM uploads ORDER BY uploaded_at DESC, id DESC OFFSET $1)",
        AT_MOST,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// An upload by its number.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut PgConnection, id: Uuid) -> Result<Option<Upload>> {
    let row = sqlx::query!(
        "SELECT id, uploaded_at, uploaded_by, findings, kept_for FROM uploads WHERE id = $1",
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Upload {
        id: row.id,
        at: row.uploaded_at.to_jiff(),
        by: row.uploaded_by,
        findings: row.findings,
        kept_for: row.kept_for.map(HostId),
    }))
}

/// The uploads that came last, newest first.
///
/// # Errors
/// When the database fails.
pub async fn recent(db: &mut PgConnection, limit: i64) -> Result<Vec<Upload>> {
    let rows = sqlx::query!(
        "SELECT id, uploaded_at, uploaded_by, findings, kept_for
         FROM uploads ORDER BY uploaded_at DESC, id DESC LIMIT $1",
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Upload {
            id: row.id,
            at: row.uploaded_at.to_jiff(),
            by: row.uploaded_by,
            findings: row.findings,
            kept_for: row.kept_for.map(HostId),
        })
        .collect())
}

/// Names and contents of an upload's files, in their order.
///
/// # Errors
/// When the database fails.
pub async fn files(db: &mut PgConnection, id: Uuid) -> Result<Vec<(String, Vec<u8>)>> {
    let rows = sqlx::query!(
        "SELECT name, content FROM upload_files WHERE upload_id = $1 ORDER BY no",
        id,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.content)).collect())
}

/// Notes the host that an upload's texts were kept for.
///
/// # Errors
/// When the database fails.
pub async fn note_kept(db: &mut PgConnection, id: Uuid, host: HostId) -> Result<()> {
    sqlx::query!("UPDATE uploads SET kept_for = $2 WHERE id = $1", id, host.0).execute(db).await?;
    Ok(())
}

/// Forgets uploads that came before a time. Returns how many.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM uploads WHERE uploaded_at < $1", before.to_sqlx())
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
