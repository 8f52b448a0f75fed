//! Texts that people imported.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;

use crate::Result;

/// A text to be kept.
#[derive(Debug)]
pub struct NewEvidence<'a> {
    /// The host it tells of.
    pub host: HostId,
    /// Name of the file.
    pub name: &'a str,
    /// SHA-256 of the content: the same text is kept once per host.
    pub sha256: &'a [u8],
    /// The content as it came.
    pub content: &'a [u8],
    /// What was understood of it, as JSON.
    pub summary: serde_json::Value,
}

/// A text that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Name of the file.
    pub name: String,
    /// Size of the content.
    pub size_bytes: i64,
    /// What was understood of it, as JSON.
    pub summary: serde_json::Value,
    /// When it was imported.
    pub imported_at: Timestamp,
}

/// Keeps a text. Returns whether it is new.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &mut PgConnection,
    evidence: &NewEvidence<'_>,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO evidence (host_id, name, sha256, content, summary, imported_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT ON CONSTRAINT evidence_content_key DO NOTHING",
        evidence.host.0,
        evidence.name,
        evidence.sha256,
        evidence.content,
        evidence.summary,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The texts kept for a host, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection, host: HostId) -> Result<Vec<Evidence>> {
    let rows = sqlx::query!(
        "SELECT name, length(content)::bigint AS \"size_bytes!\", summary, imported_at
         FROM evidence WHERE host_id = $1 ORDER BY imported_at DESC, id DESC LIMIT 200",
        host.0,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Evidence {
            name: row.name,
            size_bytes: row.size_bytes,
            summary: row.summary,
            imported_at: row.imported_at.to_jiff(),
        })
        .collect())
}

/// The texts imported last for any host, newest first.
///
/// # Errors
/// When the database fails.
pub async fn recent(db: &mut PgConnection, limit: i64) -> Result<Vec<(HostId, Evidence)>> {
    let rows = sqlx::query!(
        "SELECT host_id, name, length(content)::bigint AS \"size_bytes!\", summary, imported_at
         FROM evidence ORDER BY imported_at DESC, id DESC LIMIT $1",
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let evidence = Evidence {
                name: row.name,
                size_bytes: row.size_bytes,
                summary: row.summary,
                imported_at: row.imported_at.to_jiff(),
            };
            (HostId(row.host_id), evidence)
        })
        .collect())
}
