//! A block taken apart: where the values of each column stand. They are read only where they are
//! wanted, as plain numbers.

use poolwatch_model::history::MISSING;

use super::{
    ABSENT, BLOCK_ROWS, CONSTANT, MAX_SLOTS, Malformed, Reader, SCALED, VARIED, VARIED_WITH_HOLES,
    row::count, unpack, unzigzag,
};

/// A block of which no value is read yet.
#[derive(Debug)]
pub(crate) struct Numbers {
    plain: Vec<u8>,
    figures: usize,
    slots: usize,
    columns: Vec<Place>,
}

/// Where the values of a column are, by offsets.
#[derive(Debug, Clone, Copy)]
enum Place {
    Absent,
    Constant(u64),
    Varied { holes: Option<usize>, values: usize },
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
        let plain = unpack(block)?;
        let mut reader = Reader(&plain);
        let forms = reader.bytes(rows * figures)?;
        let mut columns = Vec::with_capacity(forms.len());
        for form in forms {
            columns.push(match *form {
                CONSTANT => Place::Constant(reader.varint()?),
                ABSENT | VARIED | VARIED_WITH_HOLES | SCALED => Place::Absent,
                _ => return Err(Malformed),
            });
        }
        // How many values each varied column has.
        let mut known = vec![None; forms.len()];
        let offset = |reader: Reader<'_>| plain.len() - reader.0.len();
        for (at, form) in forms.iter().enumerate() {
            if !matches!(*form, VARIED | VARIED_WITH_HOLES) {
                continue;
            }
            let (mut holes, mut values) = (None, slots);
            if *form == VARIED_WITH_HOLES {
                holes = Some(offset(reader));
                values = count(reader.bytes(slots.div_ceil(8))?, slots);
            }
            columns[at] = Place::Varied { holes, values: offset(reader) };
            reader.skip(values * 3)?;
            known[at] = Some(values);
        }
        for at in (0..forms.len()).filter(|at| forms[*at] == SCALED) {
            let beside = (!(at + 1).is_multiple_of(figures)).then(|| known[at + 1]).flatten();
            let beside = beside.ok_or(Malformed)?;
            columns[at] = Place::Scaled { factor: reader.varint()? };
            reader.skip(beside)?;
        }
        reader.end()?;
        Ok(Self { plain, figures, slots, columns })
    }

    /// The values of a figure of a row, one per slot, in place of what `out` holds.
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
            Place::Varied { holes, values } => self.varied(holes, values, of, out)?,
            Place::Scaled { factor } => {
                let Some(Place::Varied { holes, values }) = self.columns.get(column + 1) else {
                    return Err(Malformed);
                };
                self.varied(*holes, *values, of, out)?;
                for value in out.iter_mut().filter(|value| **value != MISSING) {
                    *value = value.checked_mul(factor).ok_or(Malformed)?;
                }
            }
        }
        Ok(())
    }

    fn varied(
        &self,
        holes: Option<usize>,
        values: usize,
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
        let mut known = 0;
        for mean in out.iter_mut().filter(|value| **value != MISSING) {
            before = unzigzag(before, reader.varint()?);
            // The one number that means something else.
            *mean = before.min(MISSING - 1);
            known += 1;
        }
        if of == Extreme::Greatest {
            reader.skip(known)?;
        }
        for value in out.iter_mut().filter(|value| **value != MISSING) {
            let apart = reader.varint()?;
            *value = match of {
                Extreme::Least => value.checked_sub(apart).ok_or(Malformed)?,
                Extreme::Greatest => value.checked_add(apart).ok_or(Malformed)?.min(MISSING - 1),
            };
        }
        Ok(())
    }
}
