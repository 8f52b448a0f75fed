//! What scans of driver files found. Each file is scanned by one host for all.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId, PoolTag,
    driver_scan::{DriverScan, FileHash, FoundTag},
    inventory::Driver,
};
use sqlx::PgConnection;

use crate::Result;

/// A file is noted to be there so often.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// A driver's file that holds a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The file.
    pub sha256: FileHash,
    /// Its name, in small letters.
    pub name: String,
    /// Its version, where the file tells one.
    pub version: Option<String>,
    /// The company that it names.
    pub company: Option<String>,
    /// The tag in it.
    pub found: FoundTag,
}

struct Row {
    sha256: Vec<u8>,
    name: String,
    version: Option<String>,
    company: Option<String>,
    tag: String,
    allocations: i32,
    frees: i32,
    arguments: i32,
    numbers: i32,
    is_service_name: bool,
}

impl Row {
    fn holder(self) -> Option<Holder> {
        let count = |count: i32| u32::try_from(count).unwrap_or(0);
        Some(Holder {
            sha256: FileHash::new(self.sha256.try_into().ok()?),
            name: self.name,
            version: self.version,
            company: self.company,
            found: FoundTag {
                tag: self.tag.parse().ok()?,
                allocations: count(self.allocations),
                frees: count(self.frees),
                arguments: count(self.arguments),
                numbers: count(self.numbers),
                is_service_name: self.is_service_name,
            },
        })
    }
}

fn bytes(files: &[FileHash]) -> Vec<Vec<u8>> {
    files.iter().map(|file| file.bytes().to_vec()).collect()
}

/// Which of these files were scanned, and notes that they are there.
///
/// # Errors
/// When the database fails.
pub async fn known(
    db: &mut PgConnection,
    files: &[FileHash],
    now: Timestamp,
) -> Result<BTreeSet<FileHash>> {
    let hashes = bytes(files);
    let found =
        sqlx::query_scalar!("SELECT sha256 FROM driver_scans WHERE sha256 = ANY($1)", &hashes)
            .fetch_all(&mut *db)
            .await?;
    let noted_before = now.saturating_sub(NOTED_EVERY).unwrap_or(now);
    sqlx::query!(
        "UPDATE driver_scans SET seen_at = $2 WHERE sha256 = ANY($1) AND seen_at < $3",
        &hashes,
        now.to_sqlx(),
        noted_before.to_sqlx(),
    )
    .execute(db)
    .await?;
    let hash = |bytes: Vec<u8>| Some(FileHash::new(bytes.try_into().ok()?));
    Ok(found.into_iter().filter_map(hash).collect())
}

/// Keeps the scan of a driver's file, in place of none. To be called in a transaction.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    db: &mut PgConnection,
    host: HostId,
    driver: &Driver,
    scan: &DriverScan,
    now: Timestamp,
) -> Result<()> {
    let file = scan.sha256.bytes().to_vec();
    let is_new = sqlx::query!(
        "INSERT INTO driver_scans
             (sha256, name, version, company, is_partial, scanned_by, scanned_at, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING",
        &file,
        driver.name.to_lowercase(),
        driver.version.as_deref(),
        driver.company.as_deref(),
        scan.is_partial,
        host.0,
        now.to_sqlx(),
    )
    .execute(&mut *db)
    .await?
    .rows_affected()
        > 0;
    if !is_new {
        return Ok(());
    }
    let tags: Vec<String> = scan.tags.iter().map(|found| found.tag.to_string()).collect();
    let counts = |of: fn(&FoundTag) -> u32| -> Vec<i32> {
        scan.tags.iter().map(|found| i32::try_from(of(found)).unwrap_or(i32::MAX)).collect()
    };
    let by_name: Vec<bool> = scan.tags.iter().map(|found| found.is_service_name).collect();
    sqlx::query!(
        "INSERT INTO driver_scan_tags
             (sha256, tag, allocations, frees, arguments, numbers, is_service_name)
         SELECT $1, * FROM unnest($2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::bool[])
         ON CONFLICT DO NOTHING",
        &file,
        &tags,
        &counts(|found| found.allocations),
        &counts(|found| found.frees),
        &counts(|found| found.arguments),
        &counts(|found| found.numbers),
        &by_name,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which of these files hold which of these tags.
///
/// # Errors
/// When the database fails.
pub async fn holders(
    db: &mut PgConnection,
    files: &[FileHash],
    tags: &[PoolTag],
) -> Result<Vec<Holder>> {
    let tags: Vec<String> = tags.iter().map(PoolTag::to_string).collect();
    let rows = sqlx::query_as!(
        Row,
        "SELECT sha256, name, version, company, tag, allocations, frees, arguments, numbers,
             is_service_name
         FROM driver_scan_tags JOIN driver_scans USING (sha256)
         WHERE tag = ANY($2) AND sha256 = ANY($1)",
        &bytes(files),
        &tags,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(Row::holder).collect())
}

/// Files of the fleet that hold a tag, those that allocate by it first.
///
/// # Errors
/// When the database fails.
pub async fn holders_of(db: &mut PgConnection, tag: PoolTag, limit: i64) -> Result<Vec<Holder>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT sha256, name, version, company, tag, allocations, frees, arguments, numbers,
             is_service_name
         FROM driver_scan_tags JOIN driver_scans USING (sha256)
         WHERE tag = $1
         ORDER BY allocations DESC, frees DESC, is_service_name DESC, arguments DESC, name, version
         LIMIT $2",
        tag.to_string(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(Row::holder).collect())
}

/// The tags in all files of a driver's name, those that it allocates by first.
///
/// # Errors
/// When the database fails.
pub async fn tags_of(db: &mut PgConnection, name: &str, limit: i64) -> Result<Vec<Holder>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT sha256, name, version, company, tag, allocations, frees, arguments, numbers,
             is_service_name
         FROM driver_scan_tags JOIN driver_scans USING (sha256)
         WHERE name = $1
         ORDER BY allocations DESC, frees DESC, is_service_name DESC, arguments DESC, tag, version
         LIMIT $2",
        name.to_lowercase(),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(Row::holder).collect())
}

/// The tags in some files, those that they allocate by first.
///
/// # Errors
/// When the database fails.
pub async fn tags_of_files(
    db: &mut PgConnection,
    files: &[FileHash],
    limit: i64,
) -> Result<Vec<Holder>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT sha256, name, version, company, tag, allocations, frees, arguments, numbers,
             is_service_name
         FROM driver_scan_tags JOIN driver_scans USING (sha256)
         WHERE sha256 = ANY($1)
         ORDER BY allocations DESC, frees DESC, is_service_name DESC, arguments DESC, tag
         LIMIT $2",
        &bytes(files),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(Row::holder).collect())
}

/// Forgets scans of files that no host has had since a moment. Returns how many rows went.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let gone = sqlx::query!(
        "WITH old AS (DELETE FROM driver_scans WHERE seen_at < $1 RETURNING sha256)
         DELETE FROM driver_scan_tags WHERE sha256 IN (SELECT sha256 FROM old)",
        before.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}
