//! The head of a chunk: its points, and where each block begins.

use poolwatch_model::tag::AllocCounting;

use super::{
    BLOCK_ROWS, MAX_PROCESSES, MAX_PROGRAMS, MAX_SLOTS, Malformed, Slot, TagCoverage,
    wire::{Reader, put, unzigzag, zigzag},
};

/// Rows of a table at most.
const MAX_ROWS: usize = 65_536;

/// What is read of a chunk before its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Seconds of a slot.
    pub step_s: u32,
    /// Its points, oldest first.
    pub slots: Vec<Slot>,
    /// Object types.
    pub types: usize,
    /// Tags.
    pub tags: usize,
    /// Processes.
    pub processes: usize,
    /// Programs; 0 in chunks of before these were kept.
    pub programs: usize,
    /// Bytes of each block: the memory figures, the names of the processes, then blocks of object
    /// types, of tags and of processes, and, where there are programs, their names and blocks.
    pub lengths: Vec<usize>,
}

/// Which block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockOf {
    /// The system-wide figures, one row.
    Memory,
    /// Who the processes are.
    ProcessNames,
    /// The object type of that place.
    Type(usize),
    /// The tag of that place.
    Tag(usize),
    /// The process of that place.
    Process(usize),
    /// What the programs are called.
    ProgramNames,
    /// The program of that place.
    Program(usize),
}

impl Head {
    /// Where a block is: its first byte, counted from 0, and its length.
    #[must_use]
    pub fn place(&self, of: BlockOf) -> Option<(usize, usize)> {
        let after_types = 2 + self.types.div_ceil(BLOCK_ROWS);
        let index = match of {
            BlockOf::Memory => 0,
            BlockOf::ProcessNames => 1,
            BlockOf::Type(row) => 2 + row / BLOCK_ROWS,
            BlockOf::Tag(row) => after_types + row / BLOCK_ROWS,
            BlockOf::Process(row) => {
                after_types + self.tags.div_ceil(BLOCK_ROWS) + row / BLOCK_ROWS
            }
            BlockOf::ProgramNames => self.blocks(),
            BlockOf::Program(row) => self.blocks() + 1 + row / BLOCK_ROWS,
        };
        let length = *self.lengths.get(index)?;
        Some((self.lengths[..index].iter().sum(), length))
    }

    /// Rows in the block that holds `row` of a table of `rows`.
    #[must_use]
    pub fn rows_beside(rows: usize, row: usize) -> usize {
        (rows - (row / BLOCK_ROWS * BLOCK_ROWS).min(rows)).min(BLOCK_ROWS)
    }

    /// Blocks before those of programs.
    fn blocks(&self) -> usize {
        let blocks = |rows: usize| rows.div_ceil(BLOCK_ROWS);
        2 + blocks(self.types) + blocks(self.tags) + blocks(self.processes)
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32 + self.slots.len() * 4 + self.lengths.len() * 2);
        put(&mut out, self.step_s.into());
        put(&mut out, self.slots.len() as u64);
        let (mut offset_s, mut boot_no) = (0, 0);
        for slot in &self.slots {
            put(&mut out, u64::from(slot.offset_s - offset_s));
            put(&mut out, zigzag(boot_no, i64::from(slot.boot_no) as u64));
            put(&mut out, slot.samples.into());
            out.push(coverage_byte(slot.tags));
            (offset_s, boot_no) = (slot.offset_s, i64::from(slot.boot_no) as u64);
        }
        for count in [self.types, self.tags, self.processes] {
            put(&mut out, count as u64);
        }
        let (lengths, of_programs) = self.lengths.split_at(self.blocks().min(self.lengths.len()));
        lengths.iter().for_each(|length| put(&mut out, *length as u64));
        if self.programs > 0 {
            put(&mut out, self.programs as u64);
            of_programs.iter().for_each(|length| put(&mut out, *length as u64));
        }
        out
    }

    /// Reads a head.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes);
        let step_s = reader.small()?;
        if step_s == 0 {
            return Err(Malformed);
        }
        let count = reader.count(MAX_SLOTS)?;
        let mut slots = Vec::with_capacity(count);
        let (mut offset_s, mut boot_no) = (0_u32, 0);
        for _ in 0..count {
            offset_s = offset_s.checked_add(reader.small()?).ok_or(Malformed)?;
            boot_no = unzigzag(boot_no, reader.varint()?);
            slots.push(Slot {
                offset_s,
                boot_no: i32::try_from(boot_no as i64).map_err(|_| Malformed)?,
                samples: reader.small()?,
                tags: coverage(reader.byte()?)?,
            });
        }
        let types = reader.count(MAX_ROWS)?;
        let tags = reader.count(MAX_ROWS)?;
        let processes = reader.count(MAX_PROCESSES)?;
        let (programs, lengths) = (0, Vec::new());
        let mut head = Self { step_s, slots, types, tags, processes, programs, lengths };
        for _ in 0..head.blocks() {
            head.lengths.push(reader.count(i32::MAX as usize)?);
        }
        if !reader.0.is_empty() {
            head.programs = reader.count(MAX_PROGRAMS)?;
            for _ in 0..=head.programs.div_ceil(BLOCK_ROWS) {
                head.lengths.push(reader.count(i32::MAX as usize)?);
            }
        }
        reader.end()?;
        Ok(head)
    }
}

fn coverage_byte(tags: Option<TagCoverage>) -> u8 {
    let Some(tags) = tags else { return 0 };
    let counting = match tags.counting {
        AllocCounting::Wrapping32 => 1,
        AllocCounting::Full64 => 2,
        AllocCounting::OutstandingOnly => 3,
    };
    counting | u8::from(tags.complete) << 2
}

fn coverage(byte: u8) -> Result<Option<TagCoverage>, Malformed> {
    let counting = match byte & 3 {
        0 if byte == 0 => return Ok(None),
        1 => AllocCounting::Wrapping32,
        2 => AllocCounting::Full64,
        3 => AllocCounting::OutstandingOnly,
        _ => return Err(Malformed),
    };
    if byte > 7 {
        return Err(Malformed);
    }
    Ok(Some(TagCoverage { counting, complete: byte & 4 != 0 }))
}
