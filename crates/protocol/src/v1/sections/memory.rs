//! Section 1: a bitmap of the figures that are known (varint, bit 0 first), then each as a varint.

use poolwatch_model::{Bytes, memory::Memory};

use crate::v1::wire::{Malformed, Reader, put_varint};

/// Figures in the order of their bits.
fn figures(memory: &Memory) -> [Option<u64>; 15] {
    let bytes = |figure: Option<Bytes>| figure.map(|bytes| bytes.0);
    [
        bytes(memory.paged),
        bytes(memory.nonpaged),
        bytes(memory.paged_limit),
        bytes(memory.nonpaged_limit),
        bytes(memory.paged_resident),
        bytes(memory.physical),
        bytes(memory.available),
        bytes(memory.resident_available),
        bytes(memory.committed),
        bytes(memory.commit_limit),
        bytes(memory.commit_peak),
        memory.free_system_ptes,
        memory.handles,
        memory.threads,
        memory.processes,
    ]
}

pub(super) fn encode(memory: &Memory) -> Vec<u8> {
    let figures = figures(memory);
    let known =
        figures.iter().enumerate().fold(0, |bits, (at, f)| bits | u64::from(f.is_some()) << at);
    let mut out = Vec::with_capacity(80);
    put_varint(&mut out, known);
    for figure in figures.into_iter().flatten() {
        put_varint(&mut out, figure);
    }
    out
}

pub(in crate::v1) fn decode(bytes: &[u8]) -> Result<Memory, Malformed> {
    let mut reader = Reader(bytes);
    let known = reader.varint()?;
    let mut figures = [None; 15];
    if known >> figures.len() != 0 {
        return Err(Malformed);
    }
    for (at, figure) in figures.iter_mut().enumerate() {
        if known >> at & 1 == 1 {
            *figure = Some(reader.varint()?);
        }
    }
    if !reader.is_empty() {
        return Err(Malformed);
    }
    let [
        paged,
        nonpaged,
        paged_limit,
        nonpaged_limit,
        paged_resident,
        physical,
        available,
        resident_available,
        committed,
        commit_limit,
        commit_peak,
        free_system_ptes,
        handles,
        threads,
        processes,
    ] = figures;
    let bytes = |figure: Option<u64>| figure.map(Bytes);
    Ok(Memory {
        paged: bytes(paged),
        nonpaged: bytes(nonpaged),
        paged_limit: bytes(paged_limit),
        nonpaged_limit: bytes(nonpaged_limit),
        paged_resident: bytes(paged_resident),
        physical: bytes(physical),
        available: bytes(available),
        resident_available: bytes(resident_available),
        committed: bytes(committed),
        commit_limit: bytes(commit_limit),
        commit_peak: bytes(commit_peak),
        free_system_ptes,
        handles,
        threads,
        processes,
    })
}
