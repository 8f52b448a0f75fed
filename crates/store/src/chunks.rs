//! The tables of chunks: hours and days of hosts.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;

use crate::{
    Result, StoreError,
    chunk::{self, Chunk, Encoded},
    dictionaries,
};

/// Which frames an hour was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    /// How many.
    pub frames: i32,
    /// The sum of their sequence numbers, wrapping.
    pub seq_sum: i64,
    /// How many of them could not be read: damaged, without their base, or beyond what a chunk
    /// tells of a host that restarts all the time.
    pub unreadable: i32,
}

/// A chunk ready to be written.
#[derive(Debug)]
pub struct Written {
    start: Timestamp,
    tags: i32,
    types: i32,
    encoded: Encoded,
}

/// Encodes a chunk, makes sure that it reads back as it is, and stores the lists it refers to: on a
/// connection outside of the transaction that writes the chunk.
///
/// # Errors
/// When the database fails or the codec does.
pub async fn prepare(db: &mut PgConnection, chunk: &Chunk) -> Result<Written> {
    let encoded = chunk::encode(chunk)?;
    let (types, tags) = (chunk.types.keys.clone(), chunk.tags.keys.clone());
    let again = chunk::decode(chunk.start, &encoded.head, &encoded.blocks, types, tags)?;
    if again != *chunk {
        return Err(StoreError::Inconsistent("a chunk did not read as it was written"));
    }
    let tags = dictionaries::put(db, &dictionaries::of_tags(&chunk.tags.keys)).await?;
    let types = dictionaries::put(db, &dictionaries::of_names(&chunk.types.keys)).await?;
    Ok(Written { start: chunk.start, tags, types, encoded })
}

/// Writes an hour of a host in place of what was there.
///
/// # Errors
/// When the database fails.
pub async fn write_hour(
    db: &mut PgConnection,
    host: HostId,
    written: &Written,
    origin: Origin,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO chunk_hour
             (host_id, start, frames, seq_sum, unreadable, tags, types, head, blocks)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (host_id, start) DO UPDATE SET frames = excluded.frames,
             seq_sum = excluded.seq_sum, unreadable = excluded.unreadable, tags = excluded.tags,
             types = excluded.types, head = excluded.head, blocks = excluded.blocks",
        host.0,
        written.start.to_sqlx(),
        origin.frames,
        origin.seq_sum,
        origin.unreadable,
        written.tags,
        written.types,
        &written.encoded.head,
        &written.encoded.blocks,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes a day of a host in place of what was there.
///
/// # Errors
/// When the database fails.
pub async fn write_day(db: &mut PgConnection, host: HostId, written: &Written) -> Result<()> {
    sqlx::query!(
        "INSERT INTO chunk_day (host_id, start, tags, types, head, blocks)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (host_id, start) DO UPDATE SET tags = excluded.tags, types = excluded.types,
             head = excluded.head, blocks = excluded.blocks",
        host.0,
        written.start.to_sqlx(),
        written.tags,
        written.types,
        &written.encoded.head,
        &written.encoded.blocks,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The hours of a host that begin in a period, oldest first, whole.
///
/// # Errors
/// When the database fails or holds something else than chunks.
pub async fn hours(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Chunk>> {
    let rows = sqlx::query!(
        "SELECT start, chunk.head, chunk.blocks, tags.content AS tags, types.content AS types
         FROM chunk_hour AS chunk
         JOIN dictionaries AS tags ON tags.id = chunk.tags
         JOIN dictionaries AS types ON types.id = chunk.types
         WHERE host_id = $1 AND start >= $2 AND start < $3 ORDER BY start",
        host.0,
        from.to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let types = dictionaries::names(&row.types)?;
            let tags = dictionaries::tags(&row.tags);
            Ok(chunk::decode(row.start.to_jiff(), &row.head, &row.blocks, types, tags)?)
        })
        .collect()
}

/// A day of a host, whole.
///
/// # Errors
/// When the database fails or holds something else than a chunk.
pub async fn day(db: &mut PgConnection, host: HostId, start: Timestamp) -> Result<Option<Chunk>> {
    let row = sqlx::query!(
        "SELECT chunk.head, chunk.blocks, tags.content AS tags, types.content AS types
         FROM chunk_day AS chunk
         JOIN dictionaries AS tags ON tags.id = chunk.tags
         JOIN dictionaries AS types ON types.id = chunk.types
         WHERE host_id = $1 AND start = $2",
        host.0,
        start.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (types, tags) = (dictionaries::names(&row.types)?, dictionaries::tags(&row.tags));
    Ok(Some(chunk::decode(start, &row.head, &row.blocks, types, tags)?))
}

/// The hosts of a range that have an hour in a period.
///
/// # Errors
/// When the database fails.
pub async fn hosts_with_hours(
    db: &mut PgConnection,
    first_host: i32,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<HostId>> {
    let ids = sqlx::query_scalar!(
        "SELECT DISTINCT host_id FROM chunk_hour
         WHERE host_id >= $1 AND host_id < $1 + 1000 AND start >= $2 AND start < $3
         ORDER BY host_id",
        first_host,
        from.to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(HostId).collect())
}
