//! What is read of a chunk whole: all but its tags.

use super::{
    axis::{Group, Part},
    tags::HeldTags,
};
use crate::{
    chunk::{
        BLOCK_ROWS, Blocks, Extreme, MAX_PROCESSES, MEMORY_FIGURES, Malformed, Numbers,
        PROCESS_FIGURES, PROGRAM_FIGURES, ProcessName, TYPE_FIGURES,
        head::{BlockOf, Head},
    },
    chunks::Packed,
    read::whole::Whole,
};

/// Rows of a table by what they are of: for each figure its values.
type Rows<K, const FIGURES: usize> = Vec<(K, [Vec<u64>; FIGURES])>;

/// A part of the axis with what its chunk tells beside tags, one value for each of its groups.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) part: Part,
    pub(super) found: Whole,
    /// Its tags, unless they are to be read again.
    pub(super) held: Option<HeldTags>,
    pub(super) memory: Vec<Vec<u64>>,
    pub(super) types: Rows<String, TYPE_FIGURES>,
    pub(super) processes: Rows<ProcessName, PROCESS_FIGURES>,
    pub(super) programs: Rows<String, PROGRAM_FIGURES>,
    pub(super) lacks_processes: bool,
}

/// What a group of slots makes of their values.
type Merge = fn(&Group, &[u64]) -> u64;

impl Looked {
    pub(super) fn new(part: Part, found: Whole, packed: &Packed) -> Result<Self, Malformed> {
        let blocks = Blocks { head: &part.head, bytes: &packed.encoded.blocks };
        let names = blocks.process_names()?;
        let type_names = packed.types().map_err(|_| Malformed)?;
        if type_names.len() != part.head.types {
            return Err(Malformed);
        }
        let mut memory: Vec<Vec<u64>> = vec![Vec::new(); MEMORY_FIGURES];
        let slots = part.head.slots.len();
        let figures = Numbers::read(blocks.bytes(BlockOf::Memory)?, 1, MEMORY_FIGURES, slots)?;
        let mut values = Vec::new();
        for (figure, column) in memory.iter_mut().enumerate() {
            figures.values(0, figure, Extreme::Least, &mut values)?;
            *column = part.groups.iter().map(|group| group.least(&values)).collect();
        }
        let images = blocks.program_names()?;
        let types = table(&part, &blocks, type_names, BlockOf::Type, Group::least)?;
        let processes = table(&part, &blocks, names, BlockOf::Process, Group::least)?;
        let programs = table(&part, &blocks, images, BlockOf::Program, Group::sum)?;
        let lacks_processes = part.head.processes >= MAX_PROCESSES;
        Ok(Self { part, found, held: None, memory, types, processes, programs, lacks_processes })
    }

    /// Lets go of its processes and programs when their series are made: tags take their room.
    pub(super) fn forget_processes(&mut self) {
        (self.processes, self.programs) = (Vec::new(), Vec::new());
    }
}

/// Every row of a table, what `merge` makes of it for each group.
fn table<K, const FIGURES: usize>(
    part: &Part,
    blocks: &Blocks<'_>,
    keys: Vec<K>,
    of: fn(usize) -> BlockOf,
    merge: Merge,
) -> Result<Rows<K, FIGURES>, Malformed> {
    let count = keys.len();
    let slots = part.head.slots.len();
    let mut rows = Vec::with_capacity(count);
    let mut block = None;
    let mut values = Vec::new();
    for (row, key) in keys.into_iter().enumerate() {
        let within = row % BLOCK_ROWS;
        if within == 0 {
            let beside = Head::rows_beside(count, row);
            block = Some(Numbers::read(blocks.bytes(of(row))?, beside, FIGURES, slots)?);
        }
        let mut columns = [const { Vec::new() }; FIGURES];
        if let Some(block) = &block {
            for (figure, column) in columns.iter_mut().enumerate() {
                block.values(within, figure, Extreme::Least, &mut values)?;
                *column = part.groups.iter().map(|group| merge(group, &values)).collect();
            }
        }
        rows.push((key, columns));
    }
    Ok(rows)
}
