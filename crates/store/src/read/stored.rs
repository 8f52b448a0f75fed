//! Chunks of which only what is asked for is read: their heads, then the blocks that hold it.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{HostId, PoolTag};
use sqlx::PgConnection;

use super::{
    Figure,
    piece::Piece,
    place::{self, Of},
};
use crate::{
    Result,
    chunk::{
        Column, PROCESS_FIGURES, ProcessName, Slot, TAG_FIGURES, TYPE_FIGURES, encode,
        head::{BlockOf, Head},
    },
    chunks::Span,
    dictionaries,
    time_grid::{DAY_S, HOUR_S, WEEK_S, after, floor},
};

/// A chunk whose head is read.
pub(super) struct Stored {
    span: Span,
    start: Timestamp,
    tags: i32,
    types: i32,
    head: Head,
    /// Which of its points count: those of other days are told by finer chunks.
    kept: Vec<usize>,
}

impl Stored {
    /// Its points that count, with their times.
    pub(super) fn points(&self) -> impl Iterator<Item = (Timestamp, &Slot)> {
        let slots = self.kept.iter().map(|at| &self.head.slots[*at]);
        slots.map(|slot| (after(self.start, slot.offset_s.into()), slot))
    }

    fn keep(&mut self, keeps: impl Fn(Timestamp, &Slot) -> bool) {
        let at = |slot: &Slot| after(self.start, slot.offset_s.into());
        self.kept.retain(|place| {
            let slot = &self.head.slots[*place];
            keeps(at(slot), slot)
        });
    }

    /// Of a column, the values of the points that count.
    fn thin(&self, column: Column) -> Column {
        match column {
            Column::Varied(_) if self.kept.len() < self.head.slots.len() => {
                Column::new(self.kept.iter().map(|at| column.at(*at)))
            }
            all => all,
        }
    }
}

/// The chunks of a period: days, hours that no day holds yet, and weeks where there is neither. One
/// that is damaged is a gap.
pub(super) async fn open(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Stored>> {
    let rows = sqlx::query!(
        "SELECT 1 AS \"span!\", start AS \"start!\", tags AS \"tags!\", types AS \"types!\",
             head AS \"head!\"
         FROM chunk_day WHERE host_id = $1 AND start >= $2 AND start <= $5
         UNION ALL
         SELECT 0, start, tags, types, head FROM chunk_hour AS hour
         WHERE host_id = $1 AND start >= $3 AND start <= $5 AND NOT EXISTS (
             SELECT FROM chunk_day AS day WHERE day.host_id = $1
                 AND day.start = date_bin('1 day', hour.start, 'epoch')
         )
         UNION ALL
         SELECT 2, start, tags, types, head FROM chunk_week
         WHERE host_id = $1 AND start >= $4 AND start <= $5
         ORDER BY 2",
        host.0,
        floor(from, DAY_S).to_sqlx(),
        floor(from, HOUR_S).to_sqlx(),
        floor(from, WEEK_S).to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    let mut chunks = Vec::with_capacity(rows.len());
    for row in rows {
        let Ok(head) = Head::decode(&row.head) else { continue };
        let kept = (0..head.slots.len()).collect();
        let span = [Span::Hour, Span::Day, Span::Week][row.span.clamp(0, 2) as usize];
        let (start, tags, types) = (row.start.to_jiff(), row.tags, row.types);
        chunks.push(Stored { span, start, tags, types, head, kept });
    }
    let finer = chunks.iter().filter(|chunk| chunk.span != Span::Week);
    let days: HashSet<Timestamp> = finer.map(|chunk| floor(chunk.start, DAY_S)).collect();
    for week in chunks.iter_mut().filter(|chunk| chunk.span == Span::Week) {
        let begin = floor(from, HOUR_S);
        week.keep(|at, _| begin <= at && at <= to && !days.contains(&floor(at, DAY_S)));
    }
    chunks.retain(|chunk| !chunk.kept.is_empty());
    Ok(chunks)
}

/// A block: of which chunk, where.
type Block = (usize, usize, usize);
/// Blocks by chunk and offset.
type Blocks = HashMap<(usize, usize), Vec<u8>>;
/// For each chunk and figure, the block and the row it is in.
type Places = Vec<Vec<Option<(BlockOf, usize)>>>;

/// The points of figures in these chunks.
pub(super) async fn pieces(
    db: &mut PgConnection,
    host: HostId,
    chunks: Vec<Stored>,
    figures: &[Figure],
) -> Result<Vec<Piece>> {
    let places = places(db, host, &chunks, figures).await?;
    let mut wanted: Vec<Block> = Vec::new();
    for (at, (chunk, places)) in chunks.iter().zip(&places).enumerate() {
        for (of, _) in places.iter().flatten() {
            wanted.extend(chunk.head.place(*of).map(|(offset, length)| (at, offset, length)));
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    let blocks = blocks(db, host, &chunks, &wanted).await?;
    let mut pieces = Vec::with_capacity(chunks.len());
    for ((at, chunk), places) in chunks.into_iter().enumerate().zip(places) {
        let mut columns = Vec::with_capacity(figures.len());
        for (figure, place) in figures.iter().zip(places) {
            columns.push(chunk.thin(column(&chunk, at, figure, place, &blocks)));
        }
        let slots = chunk.points().map(|(_, slot)| *slot).collect();
        pieces.push(Piece { start: chunk.start, step_s: chunk.head.step_s, slots, columns });
    }
    Ok(pieces)
}

/// The points of a figure: unknown where its block is gone or damaged.
fn column(
    chunk: &Stored,
    at: usize,
    figure: &Figure,
    place: Option<(BlockOf, usize)>,
    blocks: &Blocks,
) -> Column {
    let head = &chunk.head;
    let slots = head.slots.len();
    let Some((of, row)) = place else {
        return match place::of(figure) {
            Of::Tag(_) => place::unlisted(&head.slots),
            _ => Column::Absent,
        };
    };
    let block = head.place(of).and_then(|(offset, _)| blocks.get(&(at, offset)));
    let row = block.and_then(|block| match of {
        BlockOf::Type(_) => encode::row(block, head.types, row, TYPE_FIGURES, slots).ok(),
        BlockOf::Tag(_) => encode::row(block, head.tags, row, TAG_FIGURES, slots).ok(),
        BlockOf::Process(_) => encode::row(block, head.processes, row, PROCESS_FIGURES, slots).ok(),
        _ => encode::memory(block, slots).ok(),
    });
    row.map_or(Column::Absent, |row| row[place::in_row(figure)].clone())
}

async fn places(
    db: &mut PgConnection,
    host: HostId,
    chunks: &[Stored],
    figures: &[Figure],
) -> Result<Places> {
    let of: Vec<Of<'_>> = figures.iter().map(place::of).collect();
    let processes = if of.iter().any(|of| matches!(of, Of::Process(_))) {
        processes(db, host, chunks).await?
    } else {
        HashMap::new()
    };
    let types = if of.iter().any(|of| matches!(of, Of::Type(_))) {
        types(db, chunks).await?
    } else {
        HashMap::new()
    };
    let tags = tags(db, chunks).await?;
    let place = |at: usize, chunk: &Stored, of: &Of<'_>| match of {
        Of::Memory => Some((BlockOf::Memory, 0)),
        Of::Type(name) => {
            let row = types.get(&chunk.types)?.iter().position(|known| known == name)?;
            Some((BlockOf::Type(row), row))
        }
        Of::Tag(tag) => {
            let row = tags.get(&chunk.tags)?.binary_search(tag).ok()?;
            Some((BlockOf::Tag(row), row))
        }
        Of::Process(key) => {
            let row = processes.get(&at)?.iter().position(|name| name.key == *key)?;
            Some((BlockOf::Process(row), row))
        }
    };
    let of_chunk = |(at, chunk)| of.iter().map(|of| place(at, chunk, of)).collect();
    Ok(chunks.iter().enumerate().map(of_chunk).collect())
}

/// The lists of tags of these chunks, by number.
async fn tags(db: &mut PgConnection, chunks: &[Stored]) -> Result<HashMap<i32, Vec<PoolTag>>> {
    let mut ids: Vec<i32> = chunks.iter().map(|chunk| chunk.tags).collect();
    ids.sort_unstable();
    ids.dedup();
    let lists = dictionaries::get(db, &ids).await?;
    Ok(lists.into_iter().map(|(id, content)| (id, dictionaries::tags(&content))).collect())
}

/// The lists of object types of these chunks, by number. One that is damaged knows none.
async fn types(db: &mut PgConnection, chunks: &[Stored]) -> Result<HashMap<i32, Vec<String>>> {
    let mut ids: Vec<i32> = chunks.iter().map(|chunk| chunk.types).collect();
    ids.sort_unstable();
    ids.dedup();
    let lists = dictionaries::get(db, &ids).await?;
    let named = |(id, content): (i32, Vec<u8>)| Some((id, dictionaries::names(&content).ok()?));
    Ok(lists.into_iter().filter_map(named).collect())
}

/// The processes that each of these chunks knows.
async fn processes(
    db: &mut PgConnection,
    host: HostId,
    chunks: &[Stored],
) -> Result<HashMap<usize, Vec<ProcessName>>> {
    let names = |(at, chunk): (usize, &Stored)| {
        let (offset, length) = chunk.head.place(BlockOf::ProcessNames)?;
        Some((at, offset, length))
    };
    let wanted: Vec<Block> = chunks.iter().enumerate().filter_map(names).collect();
    let mut processes = HashMap::with_capacity(wanted.len());
    for ((at, _), block) in blocks(db, host, chunks, &wanted).await? {
        processes.extend(encode::process_names(&block).ok().map(|names| (at, names)));
    }
    Ok(processes)
}

/// The bytes of blocks, without the rest of their chunks.
async fn blocks(
    db: &mut PgConnection,
    host: HostId,
    chunks: &[Stored],
    wanted: &[Block],
) -> Result<Blocks> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let runs = runs(wanted);
    let number = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
    let each =
        |of: fn(&Block) -> usize| -> Vec<i32> { runs.iter().map(|run| number(of(run))).collect() };
    let spans: Vec<i32> = runs.iter().map(|(at, ..)| chunks[*at].span.no()).collect();
    let starts: Vec<jiff_sqlx::Timestamp> =
        runs.iter().map(|(at, ..)| chunks[*at].start.to_sqlx()).collect();
    let rows = sqlx::query!(
        "WITH wanted AS MATERIALIZED (
             SELECT * FROM unnest($2::int[], $3::int[], $4::timestamptz[], $5::int[], $6::int[])
                 AS wanted (span, at, s, off, len)
         )
         SELECT at AS \"at!\", off AS \"off!\", substring(blocks FROM off + 1 FOR len) AS \"block!\"
         FROM wanted JOIN chunk_hour ON host_id = $1 AND start = s WHERE span = 0
         UNION ALL
         SELECT at, off, substring(blocks FROM off + 1 FOR len)
         FROM wanted JOIN chunk_day ON host_id = $1 AND start = s WHERE span = 1
         UNION ALL
         SELECT at, off, substring(blocks FROM off + 1 FOR len)
         FROM wanted JOIN chunk_week ON host_id = $1 AND start = s WHERE span = 2",
        host.0,
        &spans,
        &each(|block| block.0),
        &starts as _,
        &each(|block| block.1),
        &each(|block| block.2),
    )
    .fetch_all(db)
    .await?;
    let place = |number: i32| number.unsigned_abs() as usize;
    let read: BTreeMap<(usize, usize), Vec<u8>> =
        rows.into_iter().map(|row| ((place(row.at), place(row.off)), row.block)).collect();
    let mut blocks = Blocks::with_capacity(wanted.len());
    for (at, offset, length) in wanted {
        // A chunk may have gone meanwhile, or be damaged.
        let Some(((_, begin), run)) = read.range((*at, 0)..=(*at, *offset)).next_back() else {
            continue;
        };
        let from = offset - begin;
        let block = run.get(from..from.saturating_add(*length));
        blocks.extend(block.map(|block| ((*at, *offset), block.to_vec())));
    }
    Ok(blocks)
}

/// Bytes between two blocks that are read along with them: fewer pieces cost less than fewer bytes.
const NEAR: usize = 8 << 10;

/// Blocks that lie near each other as one. They come in their order.
fn runs(wanted: &[Block]) -> Vec<Block> {
    let mut runs: Vec<Block> = Vec::new();
    for (at, offset, length) in wanted.iter().copied() {
        match runs.last_mut() {
            Some((of, begin, run)) if *of == at && offset <= *begin + *run + NEAR => {
                *run = (*run).max(offset + length - *begin);
            }
            _ => runs.push((at, offset, length)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_near_each_other_are_read_in_one_go() {
        let far = 100 + 2 * NEAR;
        let wanted = [(0, 0, 10), (0, 90, 10), (0, far, 5), (1, far + 5, 5), (1, far + 10, 5)];
        assert_eq!(runs(&wanted), [(0, 0, 100), (0, far, 5), (1, far + 5, 10)]);
    }
}
