//! The points of some figures, piece by piece: a chunk, or an hour that is not one yet.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{HostId, Pool};
use sqlx::PgConnection;

use super::Figure;
use crate::{
    Result,
    chunk::{
        Chunk, Column, PROCESS_FIGURES, Slot, TAG_FIGURES, encode,
        head::{BlockOf, Head},
    },
    compact::{self, DAY_S, HOUR_S, STEP_S, after, floor},
    dictionaries,
};

/// Points of figures from one source.
pub(super) struct Piece {
    /// Where it begins.
    pub(super) start: Timestamp,
    /// Seconds of a point.
    pub(super) step_s: u32,
    /// Its points.
    pub(super) slots: Vec<Slot>,
    /// One per figure.
    pub(super) columns: Vec<Column>,
}

/// The pieces of a period, oldest first.
pub(super) async fn of(
    db: &mut PgConnection,
    host: HostId,
    figures: &[Figure],
    from: Timestamp,
    to: Timestamp,
    step_s: u32,
) -> Result<Vec<Piece>> {
    let mut pieces =
        if step_s < STEP_S { Vec::new() } else { stored(db, host, figures, from, to).await? };
    // Hours with frames that no chunk covers.
    let covered: Vec<(Timestamp, Timestamp)> = pieces
        .iter()
        .map(|(length_s, piece)| (piece.start, after(piece.start, *length_s)))
        .collect();
    let hours = sqlx::query_scalar!(
        "SELECT DISTINCT date_bin('1 hour', ts, 'epoch') AS \"start!\" FROM frames
         WHERE host_id = $1 AND ts >= $2 AND ts <= $3",
        host.0,
        from.to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(&mut *db)
    .await?;
    for hour in hours {
        let hour = hour.to_jiff();
        if covered.iter().any(|(start, end)| *start <= hour && hour < *end) {
            continue;
        }
        let (chunk, _) = compact::from_frames(db, host, hour, step_s.min(STEP_S)).await?;
        pieces.extend(chunk.map(|chunk| (HOUR_S, of_chunk(&chunk, figures))));
    }
    pieces.sort_by_key(|(_, piece)| piece.start);
    Ok(pieces.into_iter().map(|(_, piece)| piece).collect())
}

fn of_chunk(chunk: &Chunk, figures: &[Figure]) -> Piece {
    let column = |figure: &Figure| match *figure {
        Figure::PoolUse(pool) => chunk.memory[pool as usize].clone(),
        Figure::TagBytes(tag, _) | Figure::TagOutstanding(tag, _) | Figure::TagAllocs(tag, _) => {
            match chunk.tags.get(&tag) {
                Some(row) => row[place_in_row(*figure)].clone(),
                None => unlisted(&chunk.slots),
            }
        }
        Figure::ProcessHandles(key)
        | Figure::ProcessThreads(key)
        | Figure::ProcessPrivateBytes(key) => {
            let row = chunk.processes.keys.iter().position(|name| name.key == key);
            row.map_or(Column::Absent, |at| chunk.processes.rows[at][place_in_row(*figure)].clone())
        }
    };
    Piece {
        start: chunk.start,
        step_s: chunk.step_s,
        slots: chunk.slots.clone(),
        columns: figures.iter().map(column).collect(),
    }
}

/// A tag that is not listed: 0 where all tags are told.
fn unlisted(slots: &[Slot]) -> Column {
    let zero = |slot: &Slot| {
        let complete = slot.tags.is_some_and(|tags| tags.complete);
        complete.then_some(crate::chunk::Stat::constant(0))
    };
    Column::new(slots.iter().map(zero).collect())
}

fn place_in_row(figure: Figure) -> usize {
    let of_pool = |pool| match pool {
        Pool::Paged => 0,
        Pool::Nonpaged => 3,
    };
    match figure {
        Figure::PoolUse(pool) => pool as usize,
        Figure::TagBytes(_, pool) => of_pool(pool),
        Figure::TagOutstanding(_, pool) => of_pool(pool) + 1,
        Figure::TagAllocs(_, pool) => of_pool(pool) + 2,
        Figure::ProcessHandles(_) => 0,
        Figure::ProcessThreads(_) => 1,
        Figure::ProcessPrivateBytes(_) => 2,
    }
}

/// A chunk whose head is read.
struct Opened {
    is_day: bool,
    start: Timestamp,
    tags: i32,
    head: Head,
}

/// A block that is needed: of which chunk, where.
type Wanted = (usize, usize, usize);

/// Pieces from days, and from hours that no day holds yet, with their length in seconds.
async fn stored(
    db: &mut PgConnection,
    host: HostId,
    figures: &[Figure],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(i64, Piece)>> {
    let rows = sqlx::query!(
        "SELECT true AS \"is_day!\", start AS \"start!\", tags AS \"tags!\", head AS \"head!\"
         FROM chunk_day WHERE host_id = $1 AND start >= $2 AND start <= $4
         UNION ALL
         SELECT false, start, tags, head FROM chunk_hour AS hour
         WHERE host_id = $1 AND start >= $3 AND start <= $4 AND NOT EXISTS (
             SELECT FROM chunk_day AS day WHERE day.host_id = $1
                 AND day.start = date_bin('1 day', hour.start, 'epoch')
         )
         ORDER BY 2",
        host.0,
        floor(from, DAY_S).to_sqlx(),
        floor(from, HOUR_S).to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(&mut *db)
    .await?;
    let mut opened = Vec::with_capacity(rows.len());
    for row in rows {
        let (is_day, start) = (row.is_day, row.start.to_jiff());
        opened.push(Opened { is_day, start, tags: row.tags, head: Head::decode(&row.head)? });
    }
    let wants_processes = figures.iter().any(|figure| process_of(*figure).is_some());
    let names = if wants_processes {
        let wanted: Vec<Wanted> = opened
            .iter()
            .enumerate()
            .filter_map(|(at, chunk)| {
                let (offset, length) = chunk.head.place(BlockOf::ProcessNames)?;
                Some((at, offset, length))
            })
            .collect();
        blocks(db, host, &opened, &wanted).await?
    } else {
        HashMap::new()
    };
    let mut ids: Vec<i32> = opened.iter().map(|chunk| chunk.tags).collect();
    ids.sort_unstable();
    ids.dedup();
    let lists = dictionaries::get(db, &ids).await?;
    let lists: HashMap<i32, Vec<poolwatch_model::PoolTag>> =
        lists.into_iter().map(|(id, content)| (id, dictionaries::tags(&content))).collect();

    // For each chunk and figure, the row it is in.
    let mut places: Vec<Vec<Option<(BlockOf, usize)>>> = Vec::with_capacity(opened.len());
    for (at, chunk) in opened.iter().enumerate() {
        let processes = match chunk.head.place(BlockOf::ProcessNames) {
            Some((offset, _)) => match names.get(&(at, offset)) {
                Some(block) => encode::process_names(block)?,
                None => Vec::new(),
            },
            None => Vec::new(),
        };
        let place = |figure: &Figure| match (process_of(*figure), tag_of(*figure)) {
            (Some(key), _) => {
                let row = processes.iter().position(|name| name.key == key)?;
                Some((BlockOf::Process(row), row))
            }
            (_, Some(tag)) => {
                let row = lists.get(&chunk.tags)?.binary_search(&tag).ok()?;
                Some((BlockOf::Tag(row), row))
            }
            _ => Some((BlockOf::Memory, 0)),
        };
        places.push(figures.iter().map(place).collect());
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for (at, (chunk, places)) in opened.iter().zip(&places).enumerate() {
        for (of, _) in places.iter().flatten() {
            wanted.extend(chunk.head.place(*of).map(|(offset, length)| (at, offset, length)));
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    let blocks = blocks(db, host, &opened, &wanted).await?;

    let mut pieces = Vec::with_capacity(opened.len());
    for ((at, chunk), places) in opened.into_iter().enumerate().zip(places) {
        let slots = chunk.head.slots.len();
        let mut columns = Vec::with_capacity(figures.len());
        for (figure, place) in figures.iter().zip(places) {
            let block = place.and_then(|(of, row)| {
                let (offset, _) = chunk.head.place(of)?;
                Some((of, row, blocks.get(&(at, offset))?))
            });
            columns.push(match block {
                Some((BlockOf::Tag(_), row, block)) => {
                    let rows = chunk.head.tags;
                    let row = encode::row(block, rows, row, TAG_FIGURES, slots)?;
                    row[place_in_row(*figure)].clone()
                }
                Some((BlockOf::Process(_), row, block)) => {
                    let rows = chunk.head.processes;
                    let row = encode::row(block, rows, row, PROCESS_FIGURES, slots)?;
                    row[place_in_row(*figure)].clone()
                }
                Some((_, _, block)) => encode::memory(block, slots)?[place_in_row(*figure)].clone(),
                None if tag_of(*figure).is_some() => unlisted(&chunk.head.slots),
                None => Column::Absent,
            });
        }
        let length_s = if chunk.is_day { DAY_S } else { HOUR_S };
        let Head { step_s, slots, .. } = chunk.head;
        pieces.push((length_s, Piece { start: chunk.start, step_s, slots, columns }));
    }
    Ok(pieces)
}

fn process_of(figure: Figure) -> Option<poolwatch_model::process::ProcessKey> {
    match figure {
        Figure::ProcessHandles(key)
        | Figure::ProcessThreads(key)
        | Figure::ProcessPrivateBytes(key) => Some(key),
        _ => None,
    }
}

fn tag_of(figure: Figure) -> Option<poolwatch_model::PoolTag> {
    match figure {
        Figure::TagBytes(tag, _) | Figure::TagOutstanding(tag, _) | Figure::TagAllocs(tag, _) => {
            Some(tag)
        }
        _ => None,
    }
}

/// The bytes of blocks, by chunk and offset, without the rest of their chunks.
async fn blocks(
    db: &mut PgConnection,
    host: HostId,
    opened: &[Opened],
    wanted: &[Wanted],
) -> Result<HashMap<(usize, usize), Vec<u8>>> {
    let mut found = HashMap::with_capacity(wanted.len());
    for is_day in [true, false] {
        let wanted: Vec<&Wanted> =
            wanted.iter().filter(|(at, ..)| opened[*at].is_day == is_day).collect();
        if wanted.is_empty() {
            continue;
        }
        let number = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        let starts: Vec<jiff_sqlx::Timestamp> =
            wanted.iter().map(|(at, ..)| opened[*at].start.to_sqlx()).collect();
        let chunks: Vec<i32> = wanted.iter().map(|(at, ..)| number(*at)).collect();
        let offsets: Vec<i32> = wanted.iter().map(|(_, offset, _)| number(*offset)).collect();
        let lengths: Vec<i32> = wanted.iter().map(|(.., length)| number(*length)).collect();
        let mut keep = |at: i32, offset: i32, block: Vec<u8>| {
            found.insert((at.unsigned_abs() as usize, offset.unsigned_abs() as usize), block);
        };
        if is_day {
            let rows = sqlx::query!(
                "SELECT at AS \"at!\", off AS \"off!\",
                     substring(blocks FROM off + 1 FOR len) AS \"block!\"
                 FROM unnest($2::int[], $3::timestamptz[], $4::int[], $5::int[])
                     AS wanted (at, s, off, len)
                 JOIN chunk_day ON host_id = $1 AND start = s",
                host.0,
                &chunks,
                &starts as _,
                &offsets,
                &lengths,
            )
            .fetch_all(&mut *db)
            .await?;
            rows.into_iter().for_each(|row| keep(row.at, row.off, row.block));
        } else {
            let rows = sqlx::query!(
                "SELECT at AS \"at!\", off AS \"off!\",
                     substring(blocks FROM off + 1 FOR len) AS \"block!\"
                 FROM unnest($2::int[], $3::timestamptz[], $4::int[], $5::int[])
                     AS wanted (at, s, off, len)
                 JOIN chunk_hour ON host_id = $1 AND start = s",
                host.0,
                &chunks,
                &starts as _,
                &offsets,
                &lengths,
            )
            .fetch_all(&mut *db)
            .await?;
            rows.into_iter().for_each(|row| keep(row.at, row.off, row.block));
        }
    }
    Ok(found)
}
