//! Where chunks keep a figure.

use poolwatch_model::{Pool, PoolTag, process::ProcessKey};

use super::Figure;
use crate::chunk::{Column, Slot, Stat};

/// The row that a figure is in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of<'a> {
    /// That of system-wide figures.
    Memory,
    /// That of an object type.
    Type(&'a str),
    /// That of a tag.
    Tag(PoolTag),
    /// That of a process.
    Process(ProcessKey),
}

pub(super) fn of(figure: &Figure) -> Of<'_> {
    match figure {
        Figure::PoolUse(_)
        | Figure::Committed
        | Figure::CommitLimit
        | Figure::Available
        | Figure::Handles
        | Figure::Threads => Of::Memory,
        Figure::TypeObjects(name) | Figure::TypeHandles(name) => Of::Type(name),
        Figure::TagBytes(tag, _) | Figure::TagOutstanding(tag, _) | Figure::TagAllocs(tag, _) => {
            Of::Tag(*tag)
        }
        Figure::ProcessHandles(key)
        | Figure::ProcessThreads(key)
        | Figure::ProcessPrivateBytes(key) => Of::Process(*key),
    }
}

/// Which figure of its row it is: of system-wide ones in the order of `Memory`.
pub(super) fn in_row(figure: &Figure) -> usize {
    let of_pool = |pool: Pool| match pool {
        Pool::Paged => 0,
        Pool::Nonpaged => 3,
    };
    match figure {
        Figure::PoolUse(pool) => *pool as usize,
        Figure::Available => 6,
        Figure::Committed => 8,
        Figure::CommitLimit => 9,
        Figure::Handles => 12,
        Figure::Threads => 13,
        Figure::TypeObjects(_) => 0,
        Figure::TypeHandles(_) => 1,
        Figure::TagBytes(_, pool) => of_pool(*pool),
        Figure::TagOutstanding(_, pool) => of_pool(*pool) + 1,
        Figure::TagAllocs(_, pool) => of_pool(*pool) + 2,
        Figure::ProcessHandles(_) => 0,
        Figure::ProcessThreads(_) => 1,
        Figure::ProcessPrivateBytes(_) => 2,
    }
}

/// A tag that is not listed: 0 where all tags are told.
pub(super) fn unlisted(slots: &[Slot]) -> Column {
    let zero = |slot: &Slot| {
        let complete = slot.tags.is_some_and(|tags| tags.complete);
        complete.then_some(Stat::constant(0))
    };
    Column::new(slots.iter().map(zero))
}
