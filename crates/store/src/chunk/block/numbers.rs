//! A block taken apart: where the values of each column stand. They are read only where they are
//! wanted, as plain numbers.

use poolwatch_model::history::MISSING;

use super::{
    ABSENT, BLOCK_ROWS, CONSTANT, MAX_SLOTS, Malformed, Reader, SCALED, VARIED, VARIED_WITH_HOLES,
    put, row::count, unpack, unzigzag,
};

/// A block of which no value is read yet.
#[derive(Debug)]
pub(crate) struct Numbers {
    plain: Vec<u8>,
    figures: usize,
    slots: usize,
    columns: Vec<Place>,
    /// Where the first varied column is.
    varied_from: usize,
    /// Whether each varied column has one extreme alone.
    is_thin: bool,
}

/// Where the values of a column are, by offsets.
#[derive(Debug, Clone, Copy)]
enum Place {
    Absent,
    Constant(u64),
    Varied { holes: Option<usize>, values: usize, known: usize },
    Scaled { factor: u64 },
}

/// Which of a point's values is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extreme {
    /// The least.
    Least,
    /// The greatest.
    Greatest,
}

impl Numbers {
    /// Takes a block of `rows` apart.
    pub(crate) fn read(
        block: &[u8],
        rows: usize,
        figures: usize,
        slots: usize,
    ) -> Result<Self, Malformed> {
        if rows > BLOCK_ROWS || slots > MAX_SLOTS {
            return Err(Malformed);
        }
        Self::take_apart(unpack(block)?, rows, figures, slots, false)
    }

    /// Takes what [`Self::to_thin`] made of a block apart.
    pub(crate) fn from_thin(
        thin: Vec<u8>,
        rows: usize,
        figures: usize,
        slots: usize,
    ) -> Result<Self, Malformed> {
        Self::take_apart(thin, rows, figures, slots, true)
    }

    fn take_apart(
        plain: Vec<u8>,
        rows: usize,
        figures: usize,
        slots: usize,
        is_thin: bool,
    ) -> Result<Self, Malformed> {
        let mut reader = Reader(&plain);
        let forms = reader.bytes(rows * figures)?;
        let mut columns = Vec::with_capacity(forms.len());
        for form in forms {
            columns.push(match *form {
                // The one number that means something else.
                CONSTANT => Place::Constant(reader.varint()?.min(MISSING - 1)),
                ABSENT | VARIED | VARIED_WITH_HOLES | SCALED => Place::Absent,
                _ => return Err(Malformed),
            });
        }
        let offset = |reader: Reader<'_>| plain.len() - reader.0.len();
        let varied_from = offset(reader);
        let parts = if is_thin { 2 } else { 3 };
        for (at, form) in forms.iter().enumerate() {
            if !matches!(*form, VARIED | VARIED_WITH_HOLES) {
                continue;
            }
            let (mut holes, mut known) = (None, slots);
            if *form == VARIED_WITH_HOLES {
                holes = Some(offset(reader));
                known = count(reader.bytes(slots.div_ceil(8))?, slots);
            }
            columns[at] = Place::Varied { holes, values: offset(reader), known };
            reader.skip(known * parts)?;
        }
        for at in (0..forms.len()).filter(|at| forms[*at] == SCALED) {
            let is_last = (at + 1).is_multiple_of(figures);
            let Some(Place::Varied { known, .. }) = columns.get(at + 1).filter(|_| !is_last) else {
                return Err(Malformed);
            };
            let rounded = if is_thin { 0 } else { *known };
            columns[at] = Place::Scaled { factor: reader.varint()? };
            reader.skip(rounded)?;
        }
        reader.end()?;
        Ok(Self { plain, figures, slots, columns, varied_from, is_thin })
    }

    /// The block without the extreme that is not read of each figure: half the bytes. For
    /// [`Self::from_thin`].
    pub(crate) fn to_thin(&self, extreme_of: fn(usize) -> Extreme) -> Result<Vec<u8>, Malformed> {
        let mut out = Vec::with_capacity(self.plain.len());
        out.extend(&self.plain[..self.varied_from]);
        for (at, column) in self.columns.iter().enumerate() {
            let Place::Varied { holes, values, known } = *column else { continue };
            let mut reader = Reader(&self.plain[values..]);
            let mut after = || {
                reader.skip(known)?;
                Ok::<usize, Malformed>(self.plain.len() - reader.0.len())
            };
            let begin = holes.unwrap_or(values);
            let (means, least) = (after()?, after()?);
            match extreme_of(at % self.figures) {
                Extreme::Least => out.extend(&self.plain[begin..least]),
                Extreme::Greatest => {
                    out.extend(&self.plain[begin..means]);
                    out.extend(&self.plain[least..after()?]);
                }
            }
        }
        for column in &self.columns {
            if let Place::Scaled { factor } = column {
                put(&mut out, *factor);
            }
        }
        out.shrink_to_fit();
        Ok(out)
    }

    /// The values of a figure of a row, one per slot, in place of what `out` holds. Of a thin block the
    /// extreme that it was made for.
    pub(crate) fn values(
        &self,
        row: usize,
        figure: usize,
        of: Extreme,
        out: &mut Vec<u64>,
    ) -> Result<(), Malformed> {
        out.clear();
        let column = row * self.figures + figure;
        match *self.columns.get(column).ok_or(Malformed)? {
            Place::Absent => out.resize(self.slots, MISSING),
            Place::Constant(value) => out.resize(self.slots, value),
            Place::Varied { holes, values, known } => {
                self.varied(holes, (values, known), of, out)?;
            }
            Place::Scaled { factor } => {
                let next = self.columns.get(column + 1);
                let Some(Place::Varied { holes, values, known }) = next else {
                    return Err(Malformed);
                };
                self.varied(*holes, (*values, *known), of, out)?;
                for value in out.iter_mut().filter(|value| **value != MISSING) {
                    *value = value.checked_mul(factor).ok_or(Malformed)?.min(MISSING - 1);
                }
            }
        }
        Ok(())
    }

    /// Calls back with the least of a figure of a row in every slot, in their order, without a list
    /// between. Returns false, and does not, where it is not known in all of them or not told by itself.
    pub(crate) fn each_least(
        &self,
        row: usize,
        figure: usize,
        mut take: impl FnMut(u64),
    ) -> Result<bool, Malformed> {
        let column = self.columns.get(row * self.figures + figure).ok_or(Malformed)?;
        let Place::Varied { holes: None, values, known } = *column else { return Ok(false) };
        let mut means = Reader(&self.plain[values..]);
        let mut below = means;
        below.skip(known)?;
        let mut mean = 0;
        for _ in 0..known {
            mean = unzigzag(mean, means.varint()?);
            take(mean.min(MISSING - 1).checked_sub(below.varint()?).ok_or(Malformed)?);
        }
        Ok(true)
    }

    /// The value of a figure of a row that is the same in every slot; [`MISSING`] when it is in none.
    pub(crate) fn constant(&self, row: usize, figure: usize) -> Option<u64> {
        match self.columns.get(row * self.figures + figure)? {
            Place::Absent => Some(MISSING),
            Place::Constant(value) => Some(*value),
            Place::Varied { .. } | Place::Scaled { .. } => None,
        }
    }

    /// How often the least and the greatest of a figure are those of the next.
    pub(crate) fn factor(&self, row: usize, figure: usize) -> Option<u64> {
        match self.columns.get(row * self.figures + figure)? {
            Place::Scaled { factor } => Some(*factor),
            _ => None,
        }
    }

    fn varied(
        &self,
        holes: Option<usize>,
        (values, known): (usize, usize),
        of: Extreme,
        out: &mut Vec<u64>,
    ) -> Result<(), Malformed> {
        out.resize(self.slots, 0);
        if let Some(holes) = holes {
            let bits = &self.plain[holes..];
            for (at, value) in out.iter_mut().enumerate() {
                if bits[at / 8] >> (at % 8) & 1 == 0 {
                    *value = MISSING;
                }
            }
        }
        let mut reader = Reader(&self.plain[values..]);
        let mut before = 0;
        for mean in out.iter_mut().filter(|value| **value != MISSING) {
            before = unzigzag(before, reader.varint()?);
            *mean = before.min(MISSING - 1);
        }
        if of == Extreme::Greatest && !self.is_thin {
            reader.skip(known)?;
        }
        let known = out.iter_mut().filter(|value| **value != MISSING);
        match of {
            Extreme::Least => {
                for value in known {
                    *value = value.checked_sub(reader.varint()?).ok_or(Malformed)?;
                }
            }
            Extreme::Greatest => {
                for value in known {
                    let greatest = value.checked_add(reader.varint()?).ok_or(Malformed)?;
                    *value = greatest.min(MISSING - 1);
                }
            }
        }
        Ok(())
    }
}
