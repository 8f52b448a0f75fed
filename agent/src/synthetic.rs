//! Buffers as 64-bit Windows would fill them, made from what they should say: for tests, for
//! captures to demonstrate with, and for fuzzing. The opposite of [`crate::raw`].

mod capture;

pub use capture::small_capture;

use poolwatch_model::{Bytes, memory::Memory, process::ProcessUse, tag::TagUse};

use crate::raw::{
    handles::HandleCounts,
    layout::{
        basic as basic_at, handle, handles as handles_head, module, modules as modules_head,
        object_type, performance as performance_at, performance_info as info_at, pool_tag,
        pool_tag2, pool_tags as tags_head, process, service, services as services_head, thread,
    },
    object_types::ObjectType,
};

/// Class 0.
#[must_use]
pub fn basic(page_size: u32, physical_pages: u32) -> Vec<u8> {
    let mut bytes = vec![0; basic_at::SIZE];
    put(&mut bytes, basic_at::PAGE_SIZE, page_size.to_le_bytes());
    put(&mut bytes, basic_at::PHYSICAL_PAGES, physical_pages.to_le_bytes());
    bytes
}

/// Class 2, cut to `size` (312, 344 or 376).
#[must_use]
pub fn performance(memory: &Memory, page_size: u32, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; performance_at::SIZE];
    for (at, figure) in [
        (performance_at::PAGED_POOL_PAGES, memory.paged),
        (performance_at::NONPAGED_POOL_PAGES, memory.nonpaged),
        (performance_at::RESIDENT_PAGED_POOL_PAGE, memory.paged_resident),
        (performance_at::AVAILABLE_PAGES, memory.available),
        (performance_at::COMMITTED_PAGES, memory.committed),
        (performance_at::COMMIT_LIMIT, memory.commit_limit),
        (performance_at::PEAK_COMMITMENT, memory.commit_peak),
    ] {
        put(&mut bytes, at, (pages(figure, page_size) as u32).to_le_bytes());
    }
    let ptes = memory.free_system_ptes.unwrap_or(0) as u32;
    put(&mut bytes, performance_at::FREE_SYSTEM_PTES, ptes.to_le_bytes());
    let resident = pages(memory.resident_available, page_size);
    put(&mut bytes, performance_at::RESIDENT_AVAILABLE_PAGES, resident.to_le_bytes());
    bytes.truncate(size);
    bytes
}

/// The structure of `K32GetPerformanceInfo`.
#[must_use]
pub fn performance_info(memory: &Memory, page_size: u32) -> Vec<u8> {
    let mut bytes = vec![0; info_at::SIZE];
    put(&mut bytes, 0, (info_at::SIZE as u32).to_le_bytes());
    for (at, figure) in [
        (info_at::KERNEL_PAGED, memory.paged),
        (info_at::KERNEL_NONPAGED, memory.nonpaged),
        (info_at::PHYSICAL_TOTAL, memory.physical),
        (info_at::PHYSICAL_AVAILABLE, memory.available),
        (info_at::COMMIT_TOTAL, memory.committed),
        (info_at::COMMIT_LIMIT, memory.commit_limit),
        (info_at::COMMIT_PEAK, memory.commit_peak),
    ] {
        put(&mut bytes, at, pages(figure, page_size).to_le_bytes());
    }
    put(&mut bytes, info_at::PAGE_SIZE, u64::from(page_size).to_le_bytes());
    for (at, count) in [
        (info_at::HANDLE_COUNT, memory.handles),
        (info_at::PROCESS_COUNT, memory.processes),
        (info_at::THREAD_COUNT, memory.threads),
    ] {
        put(&mut bytes, at, (count.unwrap_or(0) as u32).to_le_bytes());
    }
    bytes
}

/// Class 22. Counts keep their low 32 bits.
#[must_use]
pub fn pool_tags(rows: &[TagUse]) -> Vec<u8> {
    let mut bytes = vec![0; tags_head::ENTRIES];
    put(&mut bytes, tags_head::COUNT, (rows.len() as u32).to_le_bytes());
    for row in rows {
        let mut entry = vec![0; pool_tag::SIZE];
        put(&mut entry, pool_tag::TAG, row.tag.bytes());
        for (counters, allocs, frees, used) in [
            (row.paged, pool_tag::PAGED_ALLOCS, pool_tag::PAGED_FREES, pool_tag::PAGED_USED),
            (
                row.nonpaged,
                pool_tag::NONPAGED_ALLOCS,
                pool_tag::NONPAGED_FREES,
                pool_tag::NONPAGED_USED,
            ),
        ] {
            let freed = (counters.allocs as u32).wrapping_sub(counters.outstanding as u32);
            put(&mut entry, allocs, (counters.allocs as u32).to_le_bytes());
            put(&mut entry, frees, freed.to_le_bytes());
            put(&mut entry, used, counters.bytes.to_le_bytes());
        }
        bytes.append(&mut entry);
    }
    bytes
}

/// Class 255.
#[must_use]
pub fn pool_tags2(rows: &[TagUse]) -> Vec<u8> {
    let mut bytes = vec![0; tags_head::ENTRIES];
    put(&mut bytes, tags_head::COUNT, (rows.len() as u32).to_le_bytes());
    for row in rows {
        let mut entry = vec![0; pool_tag2::SIZE];
        put(&mut entry, pool_tag2::TAG, row.tag.bytes());
        for (counters, allocs, frees, used) in [
            (row.paged, pool_tag2::PAGED_ALLOCS, pool_tag2::PAGED_FREES, pool_tag2::PAGED_USED),
            (
                row.nonpaged,
                pool_tag2::NONPAGED_ALLOCS,
                pool_tag2::NONPAGED_FREES,
                pool_tag2::NONPAGED_USED,
            ),
        ] {
            put(&mut entry, allocs, counters.allocs.to_le_bytes());
            let freed = counters.allocs.wrapping_sub(counters.outstanding);
            put(&mut entry, frees, freed.to_le_bytes());
            put(&mut entry, used, counters.bytes.to_le_bytes());
        }
        bytes.append(&mut entry);
    }
    bytes
}

/// Class 5, as filled at address `base`, with the threads each process claims.
#[must_use]
pub fn processes(processes: &[ProcessUse], base: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, row) in processes.iter().enumerate() {
        let start = bytes.len();
        let threads = row.threads.unwrap_or(0);
        let mut entry = vec![0; process::THREADS + threads as usize * thread::SIZE];
        let created = row
            .key
            .created
            .map_or(0, |created| (created.as_nanosecond() / 100 + 116_444_736_000_000_000) as u64);
        put(&mut entry, process::NUMBER_OF_THREADS, threads.to_le_bytes());
        put(&mut entry, process::CREATE_TIME, created.to_le_bytes());
        put(&mut entry, process::PROCESS_ID, u64::from(row.key.pid).to_le_bytes());
        put(&mut entry, process::HANDLE_COUNT, row.handles.unwrap_or(0).to_le_bytes());
        put(&mut entry, process::SESSION_ID, row.session.unwrap_or(0).to_le_bytes());
        put(&mut entry, process::QUOTA_PAGED, row.paged_quota.unwrap_or(0).to_le_bytes());
        put(&mut entry, process::QUOTA_NONPAGED, row.nonpaged_quota.unwrap_or(0).to_le_bytes());
        put(&mut entry, process::PAGEFILE_USAGE, row.private_bytes.unwrap_or(0).to_le_bytes());
        put(&mut entry, process::PRIVATE_PAGE_COUNT, row.private_bytes.unwrap_or(0).to_le_bytes());
        if row.key.pid != 0 {
            let address = base + (start + entry.len()) as u64;
            put_unicode_string(&mut entry, process::IMAGE_NAME, &row.image, address);
        }
        if index + 1 < processes.len() {
            let next = entry.len() as u32;
            put(&mut entry, process::NEXT_ENTRY_OFFSET, next.to_le_bytes());
        }
        bytes.append(&mut entry);
    }
    bytes
}

/// `NtQueryObject` class 3, as filled at address `base`.
#[must_use]
pub fn object_types(types: &[ObjectType], base: u64) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    put(&mut bytes, 0, (types.len() as u32).to_le_bytes());
    for each in types {
        let mut entry = vec![0; object_type::SIZE];
        put(&mut entry, object_type::OBJECTS, each.totals.objects.to_le_bytes());
        put(&mut entry, object_type::HANDLES, each.totals.handles.to_le_bytes());
        put(&mut entry, object_type::PEAK_OBJECTS, each.totals.peak_objects.to_le_bytes());
        put(&mut entry, object_type::PEAK_HANDLES, each.totals.peak_handles.to_le_bytes());
        entry[object_type::TYPE_INDEX] = each.index as u8;
        let address = base + (bytes.len() + object_type::SIZE) as u64;
        put_unicode_string(&mut entry, object_type::TYPE_NAME, &each.totals.name, address);
        bytes.append(&mut entry);
    }
    bytes
}

/// Class 11, of these paths.
#[must_use]
pub fn modules(paths: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0; modules_head::ENTRIES];
    put(&mut bytes, modules_head::COUNT, (paths.len() as u32).to_le_bytes());
    for path in paths {
        let mut entry = vec![0; module::SIZE];
        let name = path.rfind('\\').map_or(0, |at| at + 1);
        put(&mut entry, module::OFFSET_TO_FILE_NAME, (name as u16).to_le_bytes());
        entry[module::FULL_PATH_NAME..][..path.len()].copy_from_slice(path.as_bytes());
        bytes.append(&mut entry);
    }
    bytes
}

/// Class 64.
#[must_use]
pub fn handles(counts: &HandleCounts) -> Vec<u8> {
    let total: u32 = counts.values().sum();
    let mut bytes = vec![0; handles_head::ENTRIES];
    put(&mut bytes, handles_head::COUNT, u64::from(total).to_le_bytes());
    for ((pid, type_index), count) in counts {
        for _ in 0..*count {
            let mut entry = vec![0; handle::SIZE];
            put(&mut entry, handle::PROCESS_ID, u64::from(*pid).to_le_bytes());
            put(&mut entry, handle::TYPE_INDEX, type_index.to_le_bytes());
            bytes.append(&mut entry);
        }
    }
    bytes
}

/// Running services with their processes, as `raw::services` reads them, at address `base`.
#[must_use]
pub fn services(services: &[(&str, u32)], base: u64) -> Vec<u8> {
    let mut bytes = vec![0; services_head::ENTRIES + services.len() * service::SIZE];
    put(&mut bytes, services_head::COUNT, (services.len() as u64).to_le_bytes());
    for (index, (name, pid)) in services.iter().enumerate() {
        let entry = services_head::ENTRIES + index * service::SIZE;
        let address = base + bytes.len() as u64;
        put(&mut bytes, entry + service::SERVICE_NAME, address.to_le_bytes());
        put(&mut bytes, entry + service::PROCESS_ID, pid.to_le_bytes());
        bytes.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
    bytes
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..][..N].copy_from_slice(&value);
}

fn pages(figure: Option<Bytes>, page_size: u32) -> u64 {
    figure.map_or(0, |bytes| bytes.0 / u64::from(page_size))
}

/// A UNICODE_STRING at `at` whose text is appended to the entry, which then lies at `address`,
/// ended by a NUL and padded to the size of a pointer.
fn put_unicode_string(entry: &mut Vec<u8>, at: usize, text: &str, address: u64) {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = units.len() as u16;
    put(entry, at, length.to_le_bytes());
    put(entry, at + 2, (length + 2).to_le_bytes());
    put(entry, at + 8, address.to_le_bytes());
    entry.extend(units);
    entry.resize((entry.len() + 2).next_multiple_of(8), 0);
}
