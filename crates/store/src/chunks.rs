//! The tables of chunks: hours, days and weeks of hosts.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{HostId, PoolTag};
use sqlx::PgConnection;

use crate::{
    Result, StoreError,
    chunk::{self, Chunk, Encoded},
    dictionaries,
    partitions::Table,
    time_grid::{DAY_S, HOUR_S, STEP_S, WEEK_S},
};

/// How much time a chunk spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// An hour, made of frames.
    Hour,
    /// A day, made of hours.
    Day,
    /// A week, made of days, with a point an hour.
    Week,
}

impl Span {
    /// Its seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Hour => HOUR_S,
            Self::Day => DAY_S,
            Self::Week => WEEK_S,
        }
    }

    /// Seconds of a point.
    #[must_use]
    pub const fn step_s(self) -> u32 {
        match self {
            Self::Hour | Self::Day => STEP_S,
            Self::Week => 3600,
        }
    }

    /// Where its chunks are kept.
    #[must_use]
    pub const fn table(self) -> Table {
        match self {
            Self::Hour => Table::ChunkHour,
            Self::Day => Table::ChunkDay,
            Self::Week => Table::ChunkWeek,
        }
    }

    /// Its number in statements.
    pub(crate) const fn no(self) -> i32 {
        self as i32
    }
}

/// What a chunk was made of: frames, or the sums over the chunks of which it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    /// How many frames.
    pub frames: i32,
    /// The sum of their sequence numbers, wrapping.
    pub seq_sum: i64,
    /// How many of them could not be read: damaged, without their base, or beyond what a chunk
    /// tells of a host that restarts all the time.
    pub unreadable: i32,
}

impl Origin {
    fn and(self, other: Self) -> Self {
        Self {
            frames: self.frames.saturating_add(other.frames),
            seq_sum: self.seq_sum.wrapping_add(other.seq_sum),
            unreadable: self.unreadable.saturating_add(other.unreadable),
        }
    }
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

/// Puts a chunk in place of what was there.
macro_rules! put_into {
    ($table:tt, $host:expr, $written:expr, $origin:expr) => {
        sqlx::query!(
            "INSERT INTO "
                + $table
                + " AS chunk
                 (host_id, start, frames, seq_sum, unreadable, tags, types, head, blocks)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (host_id, start) DO UPDATE SET frames = excluded.frames,
                 seq_sum = excluded.seq_sum, unreadable = excluded.unreadable,
                 tags = excluded.tags, types = excluded.types, head = excluded.head,
                 blocks = excluded.blocks",
            $host.0,
            $written.start.to_sqlx(),
            $origin.frames,
            $origin.seq_sum,
            $origin.unreadable,
            $written.tags,
            $written.types,
            &$written.encoded.head,
            &$written.encoded.blocks,
        )
    };
}

/// Writes a chunk of a host in place of what was there.
///
/// # Errors
/// When the database fails.
pub async fn write(
    db: &mut PgConnection,
    span: Span,
    host: HostId,
    written: &Written,
    origin: Origin,
) -> Result<()> {
    let put = match span {
        Span::Hour => put_into!("chunk_hour", host, written, origin),
        Span::Day => put_into!("chunk_day", host, written, origin),
        Span::Week => put_into!("chunk_week", host, written, origin),
    };
    put.execute(db).await?;
    Ok(())
}

/// A chunk as it is stored.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) start: Timestamp,
    origin: Origin,
    pub(crate) encoded: Encoded,
    /// Its list of tags, as it is stored.
    pub(crate) tags: Vec<u8>,
    /// Its list of object types.
    types: Vec<u8>,
}

impl Packed {
    pub(crate) fn tags(&self) -> Vec<PoolTag> {
        dictionaries::tags(&self.tags)
    }

    pub(crate) fn types(&self) -> Result<Vec<String>> {
        dictionaries::names(&self.types)
    }

    fn decode(&self) -> Result<Chunk> {
        let Encoded { head, blocks } = &self.encoded;
        Ok(chunk::decode(self.start, head, blocks, self.types()?, self.tags())?)
    }

    /// A chunk that is not stored.
    pub(crate) fn from_chunk(chunk: &Chunk) -> Result<Self> {
        Ok(Self {
            start: chunk.start,
            origin: Origin::default(),
            encoded: chunk::encode(chunk)?,
            tags: dictionaries::of_tags(&chunk.tags.keys),
            types: dictionaries::of_names(&chunk.types.keys),
        })
    }
}

/// The chunks of a host that begin in a period, oldest first, whole, and what they were made of
/// together. A damaged one is left out, and its frames count as unreadable.
///
/// # Errors
/// When the database fails.
pub async fn read(
    db: &mut PgConnection,
    span: Span,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<(Vec<Chunk>, Origin)> {
    let mut origin = Origin::default();
    let mut chunks = Vec::new();
    for packed in read_packed(db, span, host, from, to).await? {
        let chunk = packed.decode().ok();
        let Origin { frames, seq_sum, unreadable } = packed.origin;
        let unreadable = if chunk.is_some() { unreadable } else { frames };
        chunks.extend(chunk);
        origin = origin.and(Origin { frames, seq_sum, unreadable });
    }
    Ok((chunks, origin))
}

/// The same as they are stored.
pub(crate) async fn read_packed(
    db: &mut PgConnection,
    span: Span,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Packed>> {
    let rows = sqlx::query!(
        "SELECT start AS \"start!\", frames AS \"frames!\", seq_sum AS \"seq_sum!\",
             unreadable AS \"unreadable!\", chunk.head AS \"head!\", chunk.blocks AS \"blocks!\",
             tags.content AS tags, types.content AS types
         FROM (
             SELECT start, frames, seq_sum, unreadable, head, blocks, tags, types FROM chunk_hour
             WHERE $4 = 0 AND host_id = $1 AND start >= $2 AND start < $3
             UNION ALL
             SELECT start, frames, seq_sum, unreadable, head, blocks, tags, types FROM chunk_day
             WHERE $4 = 1 AND host_id = $1 AND start >= $2 AND start < $3
             UNION ALL
             SELECT start, frames, seq_sum, unreadable, head, blocks, tags, types FROM chunk_week
             WHERE $4 = 2 AND host_id = $1 AND start >= $2 AND start < $3
         ) AS chunk
         JOIN dictionaries AS tags ON tags.id = chunk.tags
         JOIN dictionaries AS types ON types.id = chunk.types
         ORDER BY start",
        host.0,
        from.to_sqlx(),
        to.to_sqlx(),
        span.no(),
    )
    .fetch_all(db)
    .await?;
    let packed = rows.into_iter().map(|row| Packed {
        start: row.start.to_jiff(),
        origin: Origin { frames: row.frames, seq_sum: row.seq_sum, unreadable: row.unreadable },
        encoded: Encoded { head: row.head, blocks: row.blocks },
        tags: row.tags,
        types: row.types,
    });
    Ok(packed.collect())
}

/// When the chunks of a host begin, oldest first.
pub(crate) async fn starts(
    db: &mut PgConnection,
    span: Span,
    host: HostId,
) -> Result<Vec<Timestamp>> {
    let starts = sqlx::query_scalar!(
        "SELECT start AS \"start!\" FROM (
             SELECT start FROM chunk_hour WHERE $2 = 0 AND host_id = $1
             UNION ALL SELECT start FROM chunk_day WHERE $2 = 1 AND host_id = $1
             UNION ALL SELECT start FROM chunk_week WHERE $2 = 2 AND host_id = $1
         ) AS chunk ORDER BY start",
        host.0,
        span.no(),
    )
    .fetch_all(db)
    .await?;
    Ok(starts.into_iter().map(jiff_sqlx::Timestamp::to_jiff).collect())
}

/// Takes a chunk away, to be made anew of what there is.
pub(crate) async fn remove(
    db: &mut PgConnection,
    span: Span,
    host: HostId,
    start: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "WITH hours AS (
             DELETE FROM chunk_hour WHERE $3 = 0 AND host_id = $1 AND start = $2
         ), days AS (
             DELETE FROM chunk_day WHERE $3 = 1 AND host_id = $1 AND start = $2
         )
         DELETE FROM chunk_week WHERE $3 = 2 AND host_id = $1 AND start = $2",
        host.0,
        start.to_sqlx(),
        span.no(),
    )
    .execute(db)
    .await?;
    Ok(())
}
