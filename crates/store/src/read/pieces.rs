//! The points of some figures, piece by piece: a chunk, or an hour that is not one yet.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;

use super::{
    Figure,
    piece::Piece,
    place::{self, Of},
    stored::{self, Stored},
};
use crate::{
    Result,
    chunk::{Chunk, Column},
    compact,
    time_grid::{HOUR_S, STEP_S, after, floor},
};

/// With more gaps between chunks, frames are looked for over the whole period at once.
const MANY_GAPS: usize = 16;

/// The pieces of a period, oldest first. Steps finer than chunks have come from frames, unless some
/// of these are gone: then all is as coarse as what is left.
pub(super) async fn load_pieces(
    db: &mut PgConnection,
    host: HostId,
    figures: &[Figure],
    from: Timestamp,
    to: Timestamp,
    step_s: u32,
) -> Result<Vec<Piece>> {
    let mut stored = stored::open(db, host, from, to).await?;
    let mut step_s = step_s;
    if step_s < STEP_S {
        let frames = hours_with_frames(db, host, from, to).await?;
        if told_by(&frames, &stored) {
            stored.clear();
        } else {
            step_s = STEP_S;
        }
    }
    let covered: HashSet<Timestamp> =
        stored.iter().flat_map(|chunk| chunk.points().map(|(at, _)| floor(at, HOUR_S))).collect();
    let mut pieces = stored::pieces(db, host, stored, figures).await?;
    let mut frames = HashMap::new();
    for (from, to) in gaps(from, to, &covered) {
        frames.extend(hours_with_frames(db, host, from, to).await?);
    }
    for hour in frames.into_keys().filter(|hour| !covered.contains(hour)) {
        let (chunk, _) = compact::from_frames(db, host, hour, step_s.min(STEP_S)).await?;
        pieces.extend(chunk.map(|chunk| of_chunk(&chunk, figures)));
    }
    pieces.sort_by_key(|piece| piece.start);
    Ok(pieces)
}

/// Where no chunk is: frames are looked for there alone, since every one of them is another page.
fn gaps(
    from: Timestamp,
    to: Timestamp,
    covered: &HashSet<Timestamp>,
) -> Vec<(Timestamp, Timestamp)> {
    let next = |hour: &Timestamp| Some(after(*hour, HOUR_S)).filter(|next| next > hour);
    let hours = std::iter::successors(Some(floor(from, HOUR_S)), next);
    let mut gaps: Vec<(Timestamp, Timestamp)> = Vec::new();
    for hour in hours.take_while(|hour| *hour <= to).filter(|hour| !covered.contains(hour)) {
        let end = after(hour, HOUR_S).min(to);
        match gaps.last_mut() {
            Some((_, last)) if *last >= hour => *last = end,
            _ => gaps.push((hour, end)),
        }
    }
    if gaps.len() > MANY_GAPS { vec![(from, to)] } else { gaps }
}

/// Hours of which there are frames, with how many.
async fn hours_with_frames(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<HashMap<Timestamp, u64>> {
    let rows = sqlx::query!(
        "SELECT date_bin('1 hour', ts, 'epoch') AS \"start!\", count(*) AS \"frames!\" FROM frames
         WHERE host_id = $1 AND ts >= $2 AND ts <= $3 GROUP BY 1",
        host.0,
        floor(from, HOUR_S).to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.start.to_jiff(), row.frames.unsigned_abs())).collect())
}

/// Whether the frames that are there tell everything that the chunks do.
fn told_by(frames: &HashMap<Timestamp, u64>, stored: &[Stored]) -> bool {
    let mut told: HashMap<Timestamp, u64> = HashMap::new();
    for (at, slot) in stored.iter().flat_map(Stored::points) {
        *told.entry(floor(at, HOUR_S)).or_default() += u64::from(slot.samples);
    }
    told.iter().all(|(hour, samples)| frames.get(hour).is_some_and(|frames| frames >= samples))
}

fn of_chunk(chunk: &Chunk, figures: &[Figure]) -> Piece {
    let column = |figure: &Figure| {
        let at = place::in_row(figure);
        match place::of(figure) {
            Of::Memory => chunk.memory[at].clone(),
            Of::Type(name) => {
                let row = chunk.types.keys.iter().position(|known| known == name);
                row.map_or(Column::Absent, |row| chunk.types.rows[row][at].clone())
            }
            Of::Tag(tag) => match chunk.tags.get(&tag) {
                Some(row) => row[at].clone(),
                None => place::unlisted(&chunk.slots),
            },
            Of::Process(key) => {
                let row = chunk.processes.keys.iter().position(|name| name.key == key);
                row.map_or(Column::Absent, |row| chunk.processes.rows[row][at].clone())
            }
        }
    };
    Piece {
        start: chunk.start,
        step_s: chunk.step_s,
        slots: chunk.slots.clone(),
        columns: figures.iter().map(column).collect(),
    }
}
