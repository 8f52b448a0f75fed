//! Columns that follow the one beside them: the bytes of a tag whose allocations have one size.

use super::{
    super::{
        Column, Malformed, Stat,
        wire::{Reader, put},
    },
    Varied,
};

/// How often `column` is `next`: exactly so for minimum and maximum, and for the mean but for what
/// rounding took from the mean of `next`.
pub(super) fn factor(column: &Column, next: &Column) -> Option<u64> {
    let (Column::Varied(column), Column::Varied(next)) = (column, next) else { return None };
    let both = || column.iter().zip(next);
    let first = both().find_map(|(stat, next)| (*stat)?.max.checked_div((*next)?.max));
    let factor = first.filter(|factor| *factor > 0)?;
    let follows = |(stat, next): (&Option<Stat>, &Option<Stat>)| match (stat, next) {
        (Some(stat), Some(next)) => {
            next.min.checked_mul(factor) == Some(stat.min)
                && next.max.checked_mul(factor) == Some(stat.max)
                && rounded(*stat, *next, factor).is_some_and(|rounded| rounded < factor)
        }
        (None, None) => true,
        _ => false,
    };
    (column.len() == next.len() && both().all(follows)).then_some(factor)
}

fn rounded(stat: Stat, next: Stat, factor: u64) -> Option<u64> {
    stat.mean.checked_sub(next.mean.checked_mul(factor)?)
}

pub(super) fn put_scaled(out: &mut Vec<u8>, column: &Column, next: &Column, factor: u64) {
    let (Column::Varied(column), Column::Varied(next)) = (column, next) else { return };
    put(out, factor);
    for (stat, next) in column.iter().zip(next) {
        if let (Some(stat), Some(next)) = (stat, next) {
            put(out, rounded(*stat, *next, factor).unwrap_or(0));
        }
    }
}

pub(super) fn scaled(reader: &mut Reader<'_>, next: &Varied) -> Result<Varied, Malformed> {
    let factor = reader.varint()?;
    let mut values = next.clone();
    for stat in values.iter_mut().flatten() {
        let rounded = Some(reader.varint()?).filter(|rounded| *rounded < factor);
        let times = |value: u64| value.checked_mul(factor);
        let of = |next: Stat| {
            let mean = times(next.mean)?.checked_add(rounded?)?;
            let (min, max) = (times(next.min)?, times(next.max)?);
            (mean <= max).then_some(Stat { min, mean, max })
        };
        *stat = of(*stat).ok_or(Malformed)?;
    }
    Ok(values)
}
