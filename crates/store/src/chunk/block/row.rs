//! One row of a block: the others are passed over.

use super::{
    ABSENT, BLOCK_ROWS, CONSTANT, Column, MAX_SLOTS, Malformed, Reader, SCALED, VARIED,
    VARIED_WITH_HOLES, scaled::scaled, unpack, varied,
};

/// The row at a place of a block that has `rows`.
pub(in crate::chunk) fn row(
    block: &[u8],
    rows: usize,
    row: usize,
    figures: usize,
    slots: usize,
) -> Result<Vec<Column>, Malformed> {
    if rows > BLOCK_ROWS || row >= rows || slots > MAX_SLOTS {
        return Err(Malformed);
    }
    let plain = unpack(block)?;
    let mut reader = Reader(&plain);
    let forms = reader.bytes(rows * figures)?;
    let wanted = row * figures..(row + 1) * figures;
    let mut columns = vec![Column::Absent; figures];
    for (at, form) in forms.iter().enumerate() {
        match *form {
            CONSTANT => {
                let value = reader.varint()?;
                if wanted.contains(&at) {
                    columns[at - wanted.start] = Column::Constant(value);
                }
            }
            ABSENT | VARIED | VARIED_WITH_HOLES | SCALED => {}
            _ => return Err(Malformed),
        }
    }
    // How many values each varied column has.
    let mut known = vec![None; forms.len()];
    for (at, form) in forms.iter().enumerate() {
        let holes = match *form {
            VARIED => false,
            VARIED_WITH_HOLES => true,
            _ => continue,
        };
        let count = if wanted.contains(&at) {
            let values = varied(&mut reader, holes, slots)?;
            let count = values.iter().flatten().count();
            columns[at - wanted.start] = Column::Varied(values);
            count
        } else {
            let count = if holes { count(reader.bytes(slots.div_ceil(8))?, slots) } else { slots };
            reader.skip(count * 3)?;
            count
        };
        known[at] = Some(count);
    }
    for at in (0..wanted.end).filter(|at| forms[*at] == SCALED) {
        let beside = (!(at + 1).is_multiple_of(figures)).then(|| known[at + 1]).flatten();
        let count = beside.ok_or(Malformed)?;
        match at.checked_sub(wanted.start) {
            None => reader.skip(1 + count)?,
            Some(at) => {
                let Column::Varied(next) = &columns[at + 1] else { return Err(Malformed) };
                columns[at] = Column::Varied(scaled(&mut reader, next)?);
            }
        }
    }
    Ok(columns)
}

/// The slots whose bit is set.
pub(super) fn count(bits: &[u8], slots: usize) -> usize {
    (0..slots).filter(|at| bits[at / 8] >> (at % 8) & 1 == 1).count()
}
