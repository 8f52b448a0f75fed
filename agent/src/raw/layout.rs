//! Offsets of the structures of 64-bit Windows, in bytes.
//!
//! Source: the System Informer project's open headers (phnt) and the documented `winternl.h` and
//! `psapi.h`. A test compares them with a table computed from those headers by a C compiler.

/// Declares the offsets of one structure, and for the tests a table of them.
macro_rules! layout {
    ($(#[$doc:meta])* $module:ident: $name:literal, $size:literal bytes {
        $($constant:ident = $field:literal at $offset:literal,)*
    }) => {
        $(#[$doc])*
        pub mod $module {
            /// Size of the structure.
            pub const SIZE: usize = $size;
            $(
                #[doc = concat!("Offset of `", $field, "`.")]
                pub const $constant: usize = $offset;
            )*
            #[cfg(test)]
            pub(crate) const TABLE: super::Table = ($name, SIZE, &[$(($field, $constant)),*]);
        }
    };
}

/// Name of a structure, its size, and the offsets of its fields.
#[cfg(test)]
pub(crate) type Table = (&'static str, usize, &'static [(&'static str, usize)]);

layout! {
    /// Class 0.
    basic: "SYSTEM_BASIC_INFORMATION", 64 bytes {
        PAGE_SIZE = "PageSize" at 8,
        PHYSICAL_PAGES = "NumberOfPhysicalPages" at 12,
    }
}

layout! {
    /// Class 2. Its size here is the newest (Windows 11 24H2); earlier ones end sooner.
    performance: "SYSTEM_PERFORMANCE_INFORMATION", 376 bytes {
        AVAILABLE_PAGES = "AvailablePages" at 44,
        COMMITTED_PAGES = "CommittedPages" at 48,
        COMMIT_LIMIT = "CommitLimit" at 52,
        PEAK_COMMITMENT = "PeakCommitment" at 56,
        PAGED_POOL_PAGES = "PagedPoolPages" at 112,
        NONPAGED_POOL_PAGES = "NonPagedPoolPages" at 116,
        FREE_SYSTEM_PTES = "FreeSystemPtes" at 136,
        RESIDENT_PAGED_POOL_PAGE = "ResidentPagedPoolPage" at 168,
        RESIDENT_AVAILABLE_PAGES = "ResidentAvailablePages" at 328,
    }
}

layout! {
    /// Class 5, followed by its threads.
    process: "SYSTEM_PROCESS_INFORMATION", 336 bytes {
        NEXT_ENTRY_OFFSET = "NextEntryOffset" at 0,
        NUMBER_OF_THREADS = "NumberOfThreads" at 4,
        CREATE_TIME = "CreateTime" at 32,
        IMAGE_NAME = "ImageName" at 56,
        PROCESS_ID = "UniqueProcessId" at 80,
        HANDLE_COUNT = "HandleCount" at 96,
        SESSION_ID = "SessionId" at 100,
        QUOTA_PAGED = "QuotaPagedPoolUsage" at 160,
        QUOTA_NONPAGED = "QuotaNonPagedPoolUsage" at 176,
        PAGEFILE_USAGE = "PagefileUsage" at 184,
        PRIVATE_PAGE_COUNT = "PrivatePageCount" at 200,
        THREADS = "Threads" at 256,
    }
}

layout! {
    /// One thread of class 5.
    thread: "SYSTEM_THREAD_INFORMATION", 80 bytes {
        KERNEL_TIME = "KernelTime" at 0,
        START_ADDRESS = "StartAddress" at 32,
    }
}

layout! {
    /// Head of class 11; its size includes one entry.
    modules: "RTL_PROCESS_MODULES", 304 bytes {
        COUNT = "NumberOfModules" at 0,
        ENTRIES = "Modules" at 8,
    }
}

layout! {
    /// One module of class 11.
    module: "RTL_PROCESS_MODULE_INFORMATION", 296 bytes {
        IMAGE_BASE = "ImageBase" at 16,
        IMAGE_SIZE = "ImageSize" at 24,
        OFFSET_TO_FILE_NAME = "OffsetToFileName" at 38,
        FULL_PATH_NAME = "FullPathName" at 40,
    }
}

layout! {
    /// Head of class 22; its size includes one entry.
    pool_tags: "SYSTEM_POOLTAG_INFORMATION", 48 bytes {
        COUNT = "Count" at 0,
        ENTRIES = "TagInfo" at 8,
    }
}

layout! {
    /// One tag of class 22.
    pool_tag: "SYSTEM_POOLTAG", 40 bytes {
        TAG = "Tag" at 0,
        PAGED_ALLOCS = "PagedAllocs" at 4,
        PAGED_FREES = "PagedFrees" at 8,
        PAGED_USED = "PagedUsed" at 16,
        NONPAGED_ALLOCS = "NonPagedAllocs" at 24,
        NONPAGED_FREES = "NonPagedFrees" at 28,
        NONPAGED_USED = "NonPagedUsed" at 32,
    }
}

layout! {
    /// Head of class 255; its size includes one entry.
    pool_tags2: "SYSTEM_POOLTAG_INFORMATION2", 64 bytes {
        COUNT = "Count" at 0,
        ENTRIES = "TagInfo" at 8,
    }
}

layout! {
    /// One tag of class 255.
    pool_tag2: "SYSTEM_POOLTAG2", 56 bytes {
        TAG = "Tag" at 0,
        PAGED_ALLOCS = "PagedAllocs" at 8,
        PAGED_FREES = "PagedFrees" at 16,
        PAGED_USED = "PagedUsed" at 24,
        NONPAGED_ALLOCS = "NonPagedAllocs" at 32,
        NONPAGED_FREES = "NonPagedFrees" at 40,
        NONPAGED_USED = "NonPagedUsed" at 48,
    }
}

layout! {
    /// Head of class 64; its size includes one entry.
    handles: "SYSTEM_HANDLE_INFORMATION_EX", 56 bytes {
        COUNT = "NumberOfHandles" at 0,
        ENTRIES = "Handles" at 16,
    }
}

layout! {
    /// One handle of class 64.
    handle: "SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX", 40 bytes {
        OBJECT = "Object" at 0,
        PROCESS_ID = "UniqueProcessId" at 8,
        TYPE_INDEX = "ObjectTypeIndex" at 30,
    }
}

layout! {
    /// One type of NtQueryObject class 3, followed by its name.
    object_type: "OBJECT_TYPE_INFORMATION", 104 bytes {
        TYPE_NAME = "TypeName" at 0,
        OBJECTS = "TotalNumberOfObjects" at 16,
        HANDLES = "TotalNumberOfHandles" at 20,
        PEAK_OBJECTS = "HighWaterNumberOfObjects" at 40,
        PEAK_HANDLES = "HighWaterNumberOfHandles" at 44,
        TYPE_INDEX = "TypeIndex" at 90,
    }
}

/// `PERFORMANCE_INFORMATION` as `K32GetPerformanceInfo` fills it (documented in `psapi.h`).
pub mod performance_info {
    /// Size of the structure.
    pub const SIZE: usize = 104;
    /// Offset of `CommitTotal`, pages.
    pub const COMMIT_TOTAL: usize = 8;
    /// Offset of `CommitLimit`, pages.
    pub const COMMIT_LIMIT: usize = 16;
    /// Offset of `CommitPeak`, pages.
    pub const COMMIT_PEAK: usize = 24;
    /// Offset of `PhysicalTotal`, pages.
    pub const PHYSICAL_TOTAL: usize = 32;
    /// Offset of `PhysicalAvailable`, pages.
    pub const PHYSICAL_AVAILABLE: usize = 40;
    /// Offset of `KernelPaged`, pages.
    pub const KERNEL_PAGED: usize = 64;
    /// Offset of `KernelNonpaged`, pages.
    pub const KERNEL_NONPAGED: usize = 72;
    /// Offset of `PageSize`, bytes.
    pub const PAGE_SIZE: usize = 80;
    /// Offset of `HandleCount`.
    pub const HANDLE_COUNT: usize = 88;
    /// Offset of `ProcessCount`.
    pub const PROCESS_COUNT: usize = 92;
    /// Offset of `ThreadCount`.
    pub const THREAD_COUNT: usize = 96;
}

/// Our own head of a list of services.
pub mod services {
    /// Offset of the count, 8 bytes.
    pub const COUNT: usize = 0;
    /// Offset of the first service.
    pub const ENTRIES: usize = 8;
}

/// `ENUM_SERVICE_STATUS_PROCESSW` (documented in `winsvc.h`).
pub mod service {
    /// Size of the structure.
    pub const SIZE: usize = 56;
    /// Offset of `lpServiceName`.
    pub const SERVICE_NAME: usize = 0;
    /// Offset of `ServiceStatusProcess.dwProcessId`.
    pub const PROCESS_ID: usize = 44;
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, fs, path::Path};

    use super::*;

    const TABLES: &[Table] = &[
        basic::TABLE,
        performance::TABLE,
        process::TABLE,
        thread::TABLE,
        modules::TABLE,
        module::TABLE,
        pool_tags::TABLE,
        pool_tag::TABLE,
        pool_tags2::TABLE,
        pool_tag2::TABLE,
        handles::TABLE,
        handle::TABLE,
        object_type::TABLE,
    ];

    #[test]
    fn offsets_are_those_that_a_compiler_computed() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../shared/data/windows-struct-offsets.txt");
        let Ok(text) = fs::read_to_string(&path) else {
            println!("skipped: {} is not here", path.display());
            return;
        };
        let mut structure = "";
        let mut sizes = HashMap::new();
        let mut offsets = HashMap::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["==", name, "x64", "size/align", size, ..] => {
                    structure = name;
                    sizes.insert(name, size.trim_matches(['[', ',']).parse::<usize>().unwrap());
                }
                [field, "x64", offset, ..] => {
                    offsets.insert((structure, field), offset.parse::<usize>().unwrap());
                }
                _ => {}
            }
        }
        for (name, size, fields) in TABLES {
            assert_eq!(sizes.get(name), Some(size), "{name}");
            for (field, offset) in *fields {
                assert_eq!(offsets.get(&(*name, *field)), Some(offset), "{name}.{field}");
            }
        }
    }

    #[test]
    fn fields_lie_inside_their_structures() {
        for (name, size, fields) in TABLES {
            for (field, offset) in *fields {
                assert!(offset < size, "{name}.{field}");
            }
        }
    }
}
