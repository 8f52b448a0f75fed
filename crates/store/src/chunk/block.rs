//! A block: up to 32 rows of figures, compressed alone.
//!
//! Before compression: the form of every column (a byte each, row by row), then the values of the
//! constant ones, then those of the varied ones: a bitmap where slots lack a value, the means as
//! differences to the one before, how far the minimum is below and the maximum above the mean. Last
//! the scaled ones, which are the next column times a factor: that, and what was rounded off.

pub(in crate::chunk) mod numbers;
mod row;
mod scaled;

use poolwatch_protocol::compression::decompress;
pub(super) use row::row;
use scaled::{factor, put_scaled, scaled};

use super::{
    BLOCK_ROWS, Column, MAX_SLOTS, Malformed, Stat,
    wire::{Reader, put, unzigzag, zigzag},
};

/// zstd's fastest ordinary level: blocks are small and are mostly varints of differences.
const LEVEL: i32 = 1;
/// More than the largest block there can be: rows, figures, slots and three varints each.
pub(super) const MAX_BYTES: usize = 8 << 20;

const ABSENT: u8 = 0;
const CONSTANT: u8 = 1;
const VARIED: u8 = 2;
const VARIED_WITH_HOLES: u8 = 3;
const SCALED: u8 = 4;

/// The values of a varied column.
type Varied = Vec<Option<Stat>>;

/// Compresses blocks; keeps its tables from one to the next.
pub(super) struct BlockWriter {
    zstd: zstd::bulk::Compressor<'static>,
    plain: Vec<u8>,
}

impl BlockWriter {
    pub(super) fn new() -> Result<Self, Malformed> {
        let zstd = zstd::bulk::Compressor::new(LEVEL).map_err(|_| Malformed)?;
        Ok(Self { zstd, plain: Vec::new() })
    }

    /// Appends a block of rows.
    pub(super) fn rows(
        &mut self,
        out: &mut Vec<u8>,
        rows: &[Vec<Column>],
    ) -> Result<(), Malformed> {
        self.plain.clear();
        let columns: Vec<&Column> = rows.iter().flatten().collect();
        let (forms, factors) = forms(&columns, rows.first().map_or(0, Vec::len));
        self.plain.extend(&forms);
        for column in &columns {
            if let Column::Constant(value) = column {
                put(&mut self.plain, *value);
            }
        }
        for (column, form) in columns.iter().zip(&forms) {
            if let (Column::Varied(values), VARIED | VARIED_WITH_HOLES) = (column, *form) {
                put_varied(&mut self.plain, values);
            }
        }
        for (at, factor) in factors.into_iter().rev() {
            put_scaled(&mut self.plain, columns[at], columns[at + 1], factor);
        }
        let plain = std::mem::take(&mut self.plain);
        let written = self.raw(out, &plain);
        self.plain = plain;
        written
    }

    /// Appends bytes, compressed.
    pub(super) fn raw(&mut self, out: &mut Vec<u8>, plain: &[u8]) -> Result<(), Malformed> {
        if plain.len() > MAX_BYTES {
            return Err(Malformed);
        }
        out.extend(self.zstd.compress(plain).map_err(|_| Malformed)?);
        Ok(())
    }
}

/// The bytes of a block before compression.
pub(super) fn unpack(block: &[u8]) -> Result<Vec<u8>, Malformed> {
    decompress(block, MAX_BYTES).ok_or(Malformed)
}

/// The rows of a block.
pub(super) fn rows(
    block: &[u8],
    rows: usize,
    figures: usize,
    slots: usize,
) -> Result<Vec<Vec<Column>>, Malformed> {
    if rows > BLOCK_ROWS || slots > MAX_SLOTS {
        return Err(Malformed);
    }
    let plain = unpack(block)?;
    let mut reader = Reader(&plain);
    let forms = reader.bytes(rows * figures)?;
    let mut columns = Vec::with_capacity(forms.len());
    for form in forms {
        columns.push(match *form {
            CONSTANT => Column::Constant(reader.varint()?),
            ABSENT | VARIED | VARIED_WITH_HOLES | SCALED => Column::Absent,
            _ => return Err(Malformed),
        });
    }
    for (form, column) in forms.iter().zip(&mut columns) {
        if matches!(*form, VARIED | VARIED_WITH_HOLES) {
            *column = Column::Varied(varied(&mut reader, *form == VARIED_WITH_HOLES, slots)?);
        }
    }
    for at in (0..forms.len()).filter(|at| forms[*at] == SCALED) {
        let Some(Column::Varied(next)) = next_of(&columns, at, figures) else {
            return Err(Malformed);
        };
        columns[at] = Column::Varied(scaled(&mut reader, next)?);
    }
    reader.end()?;
    let mut columns = columns.into_iter();
    Ok((0..rows).map(|_| columns.by_ref().take(figures).collect()).collect())
}

/// The forms of columns, with the factors of those that are scaled, the last first.
fn forms(columns: &[&Column], figures: usize) -> (Vec<u8>, Vec<(usize, u64)>) {
    let mut forms: Vec<u8> = columns.iter().map(|column| form(column)).collect();
    let mut factors = Vec::new();
    for at in (0..columns.len()).rev() {
        let next = next_of(columns, at, figures).filter(|_| forms[at + 1] != SCALED);
        if let Some(factor) = next.and_then(|next| factor(columns[at], next)) {
            forms[at] = SCALED;
            factors.push((at, factor));
        }
    }
    (forms, factors)
}

/// The column beside one, in the same row.
fn next_of<C>(columns: &[C], at: usize, figures: usize) -> Option<&C> {
    (!(at + 1).is_multiple_of(figures)).then(|| &columns[at + 1])
}

fn form(column: &Column) -> u8 {
    match column {
        Column::Absent => ABSENT,
        Column::Constant(_) => CONSTANT,
        Column::Varied(values) if values.iter().all(Option::is_some) => VARIED,
        Column::Varied(_) => VARIED_WITH_HOLES,
    }
}

fn put_varied(out: &mut Vec<u8>, values: &[Option<Stat>]) {
    if values.iter().any(Option::is_none) {
        let bit = |value: &Option<Stat>, at: usize| u8::from(value.is_some()) << at;
        out.extend(values.chunks(8).map(|eight| {
            eight.iter().enumerate().fold(0, |byte, (at, value)| byte | bit(value, at))
        }));
    }
    let known = || values.iter().flatten();
    let mut before = 0;
    for stat in known() {
        put(out, zigzag(before, stat.mean));
        before = stat.mean;
    }
    for stat in known() {
        put(out, stat.mean.saturating_sub(stat.min));
    }
    for stat in known() {
        put(out, stat.max.saturating_sub(stat.mean));
    }
}

fn varied(reader: &mut Reader<'_>, holes: bool, slots: usize) -> Result<Varied, Malformed> {
    let mut values = vec![Some(Stat::constant(0)); slots];
    if holes {
        let bits = reader.bytes(slots.div_ceil(8))?;
        for (at, value) in values.iter_mut().enumerate() {
            if bits[at / 8] >> (at % 8) & 1 == 0 {
                *value = None;
            }
        }
    }
    let mut before = 0;
    for stat in values.iter_mut().flatten() {
        stat.mean = unzigzag(before, reader.varint()?);
        before = stat.mean;
    }
    for stat in values.iter_mut().flatten() {
        stat.min = stat.mean.checked_sub(reader.varint()?).ok_or(Malformed)?;
    }
    for stat in values.iter_mut().flatten() {
        stat.max = stat.mean.checked_add(reader.varint()?).ok_or(Malformed)?;
    }
    Ok(values)
}
