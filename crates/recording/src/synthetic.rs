//! Buffers as Windows would fill them, made from what they should say: for tests, for captures to
//! demonstrate with, and for fuzzing. The opposite of [`crate::raw`].

mod capture;

pub use capture::{small_capture, small_capture_from};

use std::collections::BTreeMap;

use poolwatch_model::{
    Bytes, memory::Memory, process::ProcessUse, snapshot::PoolFailures, tag::TagUse,
};

use crate::raw::{
    RawBuffer,
    handles::HandleCounts,
    layout::{self, Width, services as services_head},
    object_types::ObjectType,
    server_service::CounterNumbers,
};

/// A Windows that fills buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticWindows {
    /// Address of the buffers.
    pub base: u64,
    /// How wide its pointers are.
    pub width: Width,
}

/// A 64-bit Windows.
pub const X64: SyntheticWindows =
    SyntheticWindows { base: 0x0000_01D2_4C30_0000, width: Width::Bits64 };
/// A 32-bit Windows.
pub const X86: SyntheticWindows = SyntheticWindows { base: 0x4C30_0000, width: Width::Bits32 };
/// Both.
pub const TARGETS: [SyntheticWindows; 2] = [X64, X86];

/// Numbers of the Server service's counters.
pub const SERVER_SERVICE: CounterNumbers =
    CounterNumbers { object: 330, nonpaged: 370, paged: 376 };

impl SyntheticWindows {
    /// Class 0.
    #[must_use]
    pub fn basic(self, page_size: u32, physical_pages: u32) -> Vec<u8> {
        let at = layout::basic(self.width);
        let mut bytes = vec![0; at.size];
        put(&mut bytes, at.page_size, page_size.to_le_bytes());
        put(&mut bytes, at.physical_pages, physical_pages.to_le_bytes());
        bytes
    }

    /// Class 2, cut to `size` (312, 344 or 376).
    #[must_use]
    pub fn performance(self, memory: &Memory, page_size: u32, size: usize) -> Vec<u8> {
        let performance_at = layout::performance(self.width);
        let mut bytes = vec![0; performance_at.size];
        for (at, figure) in [
            (performance_at.paged_pool_pages, memory.paged),
            (performance_at.nonpaged_pool_pages, memory.nonpaged),
            (performance_at.resident_paged_pool_page, memory.paged_resident),
            (performance_at.available_pages, memory.available),
            (performance_at.committed_pages, memory.committed),
            (performance_at.commit_limit, memory.commit_limit),
            (performance_at.peak_commitment, memory.commit_peak),
        ] {
            put(&mut bytes, at, (pages(figure, page_size) as u32).to_le_bytes());
        }
        let ptes = memory.free_system_ptes.unwrap_or(0) as u32;
        put(&mut bytes, performance_at.free_system_ptes, ptes.to_le_bytes());
        let resident = pages(memory.resident_available, page_size);
        put(&mut bytes, performance_at.resident_available_pages, resident.to_le_bytes());
        bytes.truncate(size);
        bytes
    }

    /// The structure of `K32GetPerformanceInfo`.
    #[must_use]
    pub fn performance_info(self, memory: &Memory, page_size: u32) -> Vec<u8> {
        let info_at = layout::performance_info(self.width);
        let mut bytes = vec![0; info_at.size];
        put(&mut bytes, 0, (info_at.size as u32).to_le_bytes());
        for (at, figure) in [
            (info_at.kernel_paged, memory.paged),
            (info_at.kernel_nonpaged, memory.nonpaged),
            (info_at.physical_total, memory.physical),
            (info_at.physical_available, memory.available),
            (info_at.commit_total, memory.committed),
            (info_at.commit_limit, memory.commit_limit),
            (info_at.commit_peak, memory.commit_peak),
        ] {
            self.put_size(&mut bytes, at, pages(figure, page_size));
        }
        self.put_size(&mut bytes, info_at.page_size, page_size.into());
        for (at, count) in [
            (info_at.handle_count, memory.handles),
            (info_at.process_count, memory.processes),
            (info_at.thread_count, memory.threads),
        ] {
            put(&mut bytes, at, (count.unwrap_or(0) as u32).to_le_bytes());
        }
        bytes
    }

    /// Class 22. Counts keep their low 32 bits.
    #[must_use]
    pub fn pool_tags(self, rows: &[TagUse]) -> Vec<u8> {
        let (tags_head, pool_tag) = (layout::pool_tags(self.width), layout::pool_tag(self.width));
        let mut bytes = vec![0; tags_head.entries];
        put(&mut bytes, tags_head.count, (rows.len() as u32).to_le_bytes());
        for row in rows {
            let mut entry = vec![0; pool_tag.size];
            put(&mut entry, pool_tag.tag, row.tag.bytes());
            for (counters, allocs, frees, used) in [
                (row.paged, pool_tag.paged_allocs, pool_tag.paged_frees, pool_tag.paged_used),
                (
                    row.nonpaged,
                    pool_tag.nonpaged_allocs,
                    pool_tag.nonpaged_frees,
                    pool_tag.nonpaged_used,
                ),
            ] {
                let freed = (counters.allocs as u32).wrapping_sub(counters.outstanding as u32);
                put(&mut entry, allocs, (counters.allocs as u32).to_le_bytes());
                put(&mut entry, frees, freed.to_le_bytes());
                self.put_size(&mut entry, used, counters.bytes);
            }
            bytes.append(&mut entry);
        }
        bytes
    }

    /// Class 255.
    #[must_use]
    pub fn pool_tags2(self, rows: &[TagUse]) -> Vec<u8> {
        let (tags_head, pool_tag2) =
            (layout::pool_tags2(self.width), layout::pool_tag2(self.width));
        let mut bytes = vec![0; tags_head.entries];
        put(&mut bytes, tags_head.count, (rows.len() as u32).to_le_bytes());
        for row in rows {
            let mut entry = vec![0; pool_tag2.size];
            put(&mut entry, pool_tag2.tag, row.tag.bytes());
            for (counters, allocs, frees, used) in [
                (row.paged, pool_tag2.paged_allocs, pool_tag2.paged_frees, pool_tag2.paged_used),
                (
                    row.nonpaged,
                    pool_tag2.nonpaged_allocs,
                    pool_tag2.nonpaged_frees,
                    pool_tag2.nonpaged_used,
                ),
            ] {
                self.put_size(&mut entry, allocs, counters.allocs);
                let freed = counters.allocs.wrapping_sub(counters.outstanding);
                self.put_size(&mut entry, frees, freed);
                self.put_size(&mut entry, used, counters.bytes);
            }
            bytes.append(&mut entry);
        }
        bytes
    }

    /// Class 5, with the threads each process claims.
    #[must_use]
    pub fn processes(self, processes: &[ProcessUse]) -> Vec<u8> {
        let (process, thread) = (layout::process(self.width), layout::thread(self.width));
        let mut bytes = Vec::new();
        for (index, row) in processes.iter().enumerate() {
            let start = bytes.len();
            let threads = row.threads.unwrap_or(0);
            let mut entry = vec![0; process.threads + threads as usize * thread.size];
            let created = row.key.created.map_or(0, |created| {
                (created.as_nanosecond() / 100 + 116_444_736_000_000_000) as u64
            });
            put(&mut entry, process.number_of_threads, threads.to_le_bytes());
            put(&mut entry, process.create_time, created.to_le_bytes());
            self.put_size(&mut entry, process.process_id, row.key.pid.into());
            put(&mut entry, process.handle_count, row.handles.unwrap_or(0).to_le_bytes());
            put(&mut entry, process.session_id, row.session.unwrap_or(0).to_le_bytes());
            self.put_size(&mut entry, process.quota_paged, row.paged_quota.unwrap_or(0));
            self.put_size(&mut entry, process.quota_nonpaged, row.nonpaged_quota.unwrap_or(0));
            self.put_size(&mut entry, process.pagefile_usage, row.private_bytes.unwrap_or(0));
            self.put_size(&mut entry, process.private_page_count, row.private_bytes.unwrap_or(0));
            if row.key.pid != 0 {
                let address = self.base + (start + entry.len()) as u64;
                self.put_unicode_string(&mut entry, process.image_name, &row.image, address);
            }
            if index + 1 < processes.len() {
                let next = entry.len() as u32;
                put(&mut entry, process.next_entry_offset, next.to_le_bytes());
            }
            bytes.append(&mut entry);
        }
        bytes
    }

    /// `NtQueryObject` class 3.
    #[must_use]
    pub fn object_types(self, types: &[ObjectType]) -> Vec<u8> {
        let object_type = layout::object_type(self.width);
        let mut bytes = vec![0; self.width.bytes()];
        put(&mut bytes, 0, (types.len() as u32).to_le_bytes());
        for each in types {
            let mut entry = vec![0; object_type.size];
            put(&mut entry, object_type.objects, each.totals.objects.to_le_bytes());
            put(&mut entry, object_type.handles, each.totals.handles.to_le_bytes());
            put(&mut entry, object_type.peak_objects, each.totals.peak_objects.to_le_bytes());
            put(&mut entry, object_type.peak_handles, each.totals.peak_handles.to_le_bytes());
            entry[object_type.type_index] = each.index as u8;
            let address = self.base + (bytes.len() + object_type.size) as u64;
            self.put_unicode_string(&mut entry, object_type.type_name, &each.totals.name, address);
            bytes.append(&mut entry);
        }
        bytes
    }

    /// Class 11, of these paths.
    #[must_use]
    pub fn modules(self, paths: &[&str]) -> Vec<u8> {
        let (modules_head, module) = (layout::modules(self.width), layout::module(self.width));
        let mut bytes = vec![0; modules_head.entries];
        put(&mut bytes, modules_head.count, (paths.len() as u32).to_le_bytes());
        for path in paths {
            let mut entry = vec![0; module.size];
            let name = path.rfind('\\').map_or(0, |at| at + 1);
            put(&mut entry, module.offset_to_file_name, (name as u16).to_le_bytes());
            entry[module.full_path_name..][..path.len()].copy_from_slice(path.as_bytes());
            bytes.append(&mut entry);
        }
        bytes
    }

    /// Class 64.
    #[must_use]
    pub fn handles(self, counts: &HandleCounts) -> Vec<u8> {
        let (handles_head, handle) = (layout::handles(self.width), layout::handle(self.width));
        let total: u32 = counts.values().sum();
        let mut bytes = vec![0; handles_head.entries];
        self.put_size(&mut bytes, handles_head.count, total.into());
        for ((pid, type_index), count) in counts {
            for _ in 0..*count {
                let mut entry = vec![0; handle.size];
                self.put_size(&mut entry, handle.process_id, (*pid).into());
                put(&mut entry, handle.type_index, type_index.to_le_bytes());
                bytes.append(&mut entry);
            }
        }
        bytes
    }

    /// Running services with their processes, as `raw::services` reads them.
    #[must_use]
    pub fn services(self, services: &[(&str, u32)]) -> Vec<u8> {
        let service = layout::service(self.width);
        let mut bytes = vec![0; services_head::ENTRIES + services.len() * service.size];
        put(&mut bytes, services_head::COUNT, (services.len() as u64).to_le_bytes());
        for (index, (name, pid)) in services.iter().enumerate() {
            let entry = services_head::ENTRIES + index * service.size;
            let address = self.base + bytes.len() as u64;
            self.put_size(&mut bytes, entry + service.service_name, address);
            put(&mut bytes, entry + service.process_id, pid.to_le_bytes());
            bytes.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        }
        bytes
    }

    /// Class 51 of `NtQueryInformationProcess`: handles of one process by type number.
    #[must_use]
    pub fn handles_of_process(self, counts: &BTreeMap<u16, u32>) -> Vec<u8> {
        let head = layout::process_handles(self.width);
        let handle = layout::process_handle(self.width);
        let mut bytes = vec![0; head.entries];
        self.put_size(&mut bytes, head.count, counts.values().copied().map(u64::from).sum());
        for (type_index, count) in counts {
            let mut entry = vec![0; handle.size];
            put(&mut entry, handle.type_index, u32::from(*type_index).to_le_bytes());
            bytes.extend(entry.repeat(*count as usize));
        }
        bytes
    }

    /// What the performance library of the network gives: one object of another service, then the
    /// Server service.
    #[must_use]
    pub fn server_service(self, failures: PoolFailures) -> Vec<u8> {
        let CounterNumbers { object, nonpaged, paged } = SERVER_SERVICE;
        let mut bytes: Vec<u8> =
            SERVER_SERVICE.head().into_iter().flat_map(u64::to_le_bytes).collect();
        bytes.extend(performance_object(262, &[(370, 1), (388, 2)]));
        let counters = [(388, 5_000), (nonpaged, failures.nonpaged), (paged, failures.paged)];
        bytes.extend(performance_object(object, &counters));
        bytes
    }

    /// The bytes as a buffer that it filled.
    #[must_use]
    pub const fn buffer(self, bytes: &[u8]) -> RawBuffer<'_> {
        RawBuffer { bytes, base: self.base, width: self.width }
    }

    /// A number as wide as a pointer.
    fn put_size(self, bytes: &mut [u8], at: usize, value: u64) {
        match self.width {
            Width::Bits32 => put(bytes, at, (value as u32).to_le_bytes()),
            Width::Bits64 => put(bytes, at, value.to_le_bytes()),
        }
    }

    /// A UNICODE_STRING at `at` whose text is appended to the entry, which then lies at `address`,
    /// ended by a NUL and padded to the size of a pointer.
    fn put_unicode_string(self, entry: &mut Vec<u8>, at: usize, text: &str, address: u64) {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = units.len() as u16;
        put(entry, at, length.to_le_bytes());
        put(entry, at + 2, (length + 2).to_le_bytes());
        self.put_size(entry, at + self.width.bytes(), address);
        entry.extend(units);
        entry.resize((entry.len() + 2).next_multiple_of(self.width.bytes()), 0);
    }
}

/// A `PERF_OBJECT_TYPE` without instances: its counters by number, each of 4 bytes.
fn performance_object(number: u32, counters: &[(u32, u32)]) -> Vec<u8> {
    const HEAD: usize = 64;
    const DEFINITION: usize = 40;
    let definitions = HEAD + DEFINITION * counters.len();
    let size = (definitions + 4 + 4 * counters.len()).next_multiple_of(8);
    let mut bytes = vec![0; size];
    let mut set = |at: usize, value: usize| put(&mut bytes, at, (value as u32).to_le_bytes());
    set(0, size);
    set(4, definitions);
    set(8, HEAD);
    set(12, number as usize);
    set(32, counters.len());
    set(40, u32::MAX as usize);
    set(definitions, size - definitions);
    for (place, (number, value)) in counters.iter().enumerate() {
        let at = HEAD + DEFINITION * place;
        let offset = 4 + 4 * place;
        set(at, DEFINITION);
        set(at + 4, *number as usize);
        set(at + 32, 4);
        set(at + 36, offset);
        set(definitions + offset, *value as usize);
    }
    bytes
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..][..N].copy_from_slice(&value);
}

fn pages(figure: Option<Bytes>, page_size: u32) -> u64 {
    figure.map_or(0, |bytes| bytes.0 / u64::from(page_size))
}
