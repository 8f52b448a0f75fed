//! A whole chunk to bytes and back.

use jiff::Timestamp;
use poolwatch_model::{PoolTag, process::ProcessKey};

use super::{
    BLOCK_ROWS, Chunk, Column, MAX_PROCESSES, MAX_PROGRAMS, MEMORY_FIGURES, Malformed,
    PROCESS_FIGURES, PROGRAM_FIGURES, ProcessName, TAG_FIGURES, TYPE_FIGURES, Table,
    block::{self, BlockWriter},
    head::{BlockOf, Head},
    wire::{Reader, put, put_text, text},
};

/// Services of a process that are kept.
const MAX_SERVICES: usize = 512;

/// A chunk as it is stored, without the lists of tags and object types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The head.
    pub head: Vec<u8>,
    /// The blocks, one after the other.
    pub blocks: Vec<u8>,
}

/// Encodes a chunk.
///
/// # Errors
/// When it is larger than one can be.
pub fn encode(chunk: &Chunk) -> Result<Encoded, Malformed> {
    let mut writer = BlockWriter::new()?;
    let mut blocks = Vec::new();
    let mut head = Head {
        step_s: chunk.step_s,
        slots: chunk.slots.clone(),
        types: chunk.types.keys.len(),
        tags: chunk.tags.keys.len(),
        processes: chunk.processes.keys.len(),
        programs: chunk.programs.keys.len(),
        lengths: Vec::new(),
    };
    let mut begin = 0;
    let mut end = |blocks: &Vec<u8>| {
        head.lengths.push(blocks.len() - begin);
        begin = blocks.len();
    };
    writer.rows(&mut blocks, std::slice::from_ref(&chunk.memory))?;
    end(&blocks);
    writer.raw(&mut blocks, &put_names(&chunk.processes.keys))?;
    end(&blocks);
    let tables = [&chunk.types.rows, &chunk.tags.rows, &chunk.processes.rows];
    for rows in tables.into_iter().flat_map(|rows| rows.chunks(BLOCK_ROWS)) {
        writer.rows(&mut blocks, rows)?;
        end(&blocks);
    }
    if !chunk.programs.keys.is_empty() {
        writer.raw(&mut blocks, &put_images(&chunk.programs.keys))?;
        end(&blocks);
        for rows in chunk.programs.rows.chunks(BLOCK_ROWS) {
            writer.rows(&mut blocks, rows)?;
            end(&blocks);
        }
    }
    Ok(Encoded { head: head.encode(), blocks })
}

/// Reads a whole chunk.
///
/// # Errors
/// When it is none, or the lists are not its own.
pub fn decode(
    start: Timestamp,
    head: &[u8],
    blocks: &[u8],
    types: Vec<String>,
    tags: Vec<PoolTag>,
) -> Result<Chunk, Malformed> {
    let head = Head::decode(head)?;
    let blocks = Blocks { head: &head, bytes: blocks };
    let counts = (head.types, head.tags);
    if counts != (types.len(), tags.len()) {
        return Err(Malformed);
    }
    let names = blocks.process_names()?;
    let images = blocks.program_names()?;
    Ok(Chunk {
        start,
        step_s: head.step_s,
        memory: blocks.memory()?,
        types: blocks.table(types, TYPE_FIGURES, BlockOf::Type)?,
        tags: blocks.table(tags, TAG_FIGURES, BlockOf::Tag)?,
        processes: blocks.table(names, PROCESS_FIGURES, BlockOf::Process)?,
        programs: blocks.table(images, PROGRAM_FIGURES, BlockOf::Program)?,
        slots: head.slots,
    })
}

/// The blocks of a chunk, to be read one by one.
#[derive(Debug)]
pub struct Blocks<'a> {
    /// The head.
    pub head: &'a Head,
    /// All blocks.
    pub bytes: &'a [u8],
}

impl Blocks<'_> {
    pub(crate) fn bytes(&self, of: BlockOf) -> Result<&[u8], Malformed> {
        let (from, length) = self.head.place(of).ok_or(Malformed)?;
        let to = from.checked_add(length).ok_or(Malformed)?;
        self.bytes.get(from..to).ok_or(Malformed)
    }

    fn memory(&self) -> Result<Vec<Column>, Malformed> {
        memory(self.bytes(BlockOf::Memory)?, self.head.slots.len())
    }

    pub(crate) fn process_names(&self) -> Result<Vec<ProcessName>, Malformed> {
        let names = process_names(self.bytes(BlockOf::ProcessNames)?)?;
        if names.len() == self.head.processes { Ok(names) } else { Err(Malformed) }
    }

    pub(crate) fn program_names(&self) -> Result<Vec<String>, Malformed> {
        if self.head.programs == 0 {
            return Ok(Vec::new());
        }
        let plain = block::unpack(self.bytes(BlockOf::ProgramNames)?)?;
        let mut reader = Reader(&plain);
        let names: Vec<String> =
            (0..self.head.programs).map(|_| text(&mut reader)).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(names)
    }

    fn table<K>(
        &self,
        keys: Vec<K>,
        figures: usize,
        of: fn(usize) -> BlockOf,
    ) -> Result<Table<K>, Malformed> {
        let mut rows = Vec::with_capacity(keys.len());
        for first in (0..keys.len()).step_by(BLOCK_ROWS) {
            let count = Head::rows_beside(keys.len(), first);
            let block = self.bytes(of(first))?;
            rows.extend(block::rows(block, count, figures, self.head.slots.len())?);
        }
        Ok(Table { keys, rows })
    }
}

/// The system-wide figures of their block.
pub(crate) fn memory(block: &[u8], slots: usize) -> Result<Vec<Column>, Malformed> {
    Ok(block::rows(block, 1, MEMORY_FIGURES, slots)?.swap_remove(0))
}

/// One row of a block: `row` of a table that has `rows`.
pub(crate) fn row(
    block: &[u8],
    rows: usize,
    row: usize,
    figures: usize,
    slots: usize,
) -> Result<Vec<Column>, Malformed> {
    block::row(block, Head::rows_beside(rows, row), row % BLOCK_ROWS, figures, slots)
}

fn put_images(images: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    images.iter().take(MAX_PROGRAMS).for_each(|image| put_text(&mut out, image));
    out
}

fn put_names(names: &[ProcessName]) -> Vec<u8> {
    let mut out = Vec::with_capacity(names.len() * 32);
    put(&mut out, names.len() as u64);
    for name in names {
        put(&mut out, name.key.pid.into());
        // In steps of 100 ns; 0 when it is not known.
        let created = name.key.created.map(|at| (at.as_nanosecond() / 100) as i64 as u64);
        put(&mut out, created.map_or(0, |created| created.wrapping_add(1)));
        put_text(&mut out, &name.image);
        put(&mut out, name.services.len().min(MAX_SERVICES) as u64);
        for service in name.services.iter().take(MAX_SERVICES) {
            put_text(&mut out, service);
        }
    }
    out
}

/// The processes that a chunk knows, sorted.
pub(crate) fn process_names(block: &[u8]) -> Result<Vec<ProcessName>, Malformed> {
    let plain = block::unpack(block)?;
    let mut reader = Reader(&plain);
    let count = reader.count(MAX_PROCESSES)?;
    let mut names = Vec::with_capacity(count);
    for _ in 0..count {
        let pid = reader.small()?;
        let created = match reader.varint()? {
            0 => None,
            steps => {
                let steps = i128::from(steps.wrapping_sub(1) as i64);
                Some(Timestamp::from_nanosecond(steps * 100).map_err(|_| Malformed)?)
            }
        };
        let image = text(&mut reader)?;
        let services = reader.count(MAX_SERVICES)?;
        let services = (0..services).map(|_| text(&mut reader)).collect::<Result<_, _>>()?;
        names.push(ProcessName { key: ProcessKey { pid, created }, image, services });
    }
    reader.end()?;
    Ok(names)
}
