//! Offsets of the structures of 64-bit and 32-bit Windows, in bytes.
//!
//! Source: the System Informer project's open headers (phnt) and the documented `winternl.h`,
//! `psapi.h` and `winsvc.h`. A test compares them with a table computed from those headers by a C
//! compiler.

/// How wide pointers are on the Windows that filled a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 4 bytes: x86.
    Bits32,
    /// 8 bytes: x64 and ARM64.
    Bits64,
}

impl Width {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Bits32, Self::Bits64];

    /// That of this program.
    pub const OWN: Self = if size_of::<usize>() == 4 { Self::Bits32 } else { Self::Bits64 };

    /// Bytes of a pointer.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bits32 => 4,
            Self::Bits64 => 8,
        }
    }
}

/// Declares the offsets of one structure on 64-bit and on 32-bit Windows, and for the tests a table of
/// them.
macro_rules! layout {
    ($(#[$doc:meta])* $function:ident $layout:ident: $structure:literal, $size:literal | $size_x86:literal bytes {
        $($field:ident = $name:literal at $offset:literal | $offset_x86:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $layout {
            /// Size of the structure.
            pub size: usize,
            $(
                #[doc = concat!("Offset of `", $name, "`.")]
                pub $field: usize,
            )*
        }

        #[doc = concat!("The offsets of `", $structure, "`.")]
        #[must_use]
        pub const fn $function(width: Width) -> $layout {
            match width {
                Width::Bits64 => $layout { size: $size, $($field: $offset,)* },
                Width::Bits32 => $layout { size: $size_x86, $($field: $offset_x86,)* },
            }
        }

        #[cfg(test)]
        impl $layout {
            fn table(width: Width) -> Table {
                let layout = $function(width);
                ($structure, layout.size, vec![$(($name, layout.$field)),*])
            }
        }
    };
}

/// Name of a structure, its size, and the offsets of its fields.
#[cfg(test)]
type Table = (&'static str, usize, Vec<(&'static str, usize)>);

layout! {
    /// Class 0.
    basic BasicLayout: "SYSTEM_BASIC_INFORMATION", 64 | 44 bytes {
        page_size = "PageSize" at 8 | 8,
        physical_pages = "NumberOfPhysicalPages" at 12 | 12,
    }
}

layout! {
    /// Class 2. Its size here is the newest (Windows 11 24H2); earlier ones end sooner.
    performance PerformanceLayout: "SYSTEM_PERFORMANCE_INFORMATION", 376 | 376 bytes {
        available_pages = "AvailablePages" at 44 | 44,
        committed_pages = "CommittedPages" at 48 | 48,
        commit_limit = "CommitLimit" at 52 | 52,
        peak_commitment = "PeakCommitment" at 56 | 56,
        paged_pool_pages = "PagedPoolPages" at 112 | 112,
        nonpaged_pool_pages = "NonPagedPoolPages" at 116 | 116,
        free_system_ptes = "FreeSystemPtes" at 136 | 136,
        resident_paged_pool_page = "ResidentPagedPoolPage" at 168 | 168,
        resident_available_pages = "ResidentAvailablePages" at 328 | 328,
    }
}

layout! {
    /// Class 5, followed by its threads.
    process ProcessLayout: "SYSTEM_PROCESS_INFORMATION", 336 | 248 bytes {
        next_entry_offset = "NextEntryOffset" at 0 | 0,
        number_of_threads = "NumberOfThreads" at 4 | 4,
        create_time = "CreateTime" at 32 | 32,
        image_name = "ImageName" at 56 | 56,
        process_id = "UniqueProcessId" at 80 | 68,
        handle_count = "HandleCount" at 96 | 76,
        session_id = "SessionId" at 100 | 80,
        quota_paged = "QuotaPagedPoolUsage" at 160 | 112,
        quota_nonpaged = "QuotaNonPagedPoolUsage" at 176 | 120,
        pagefile_usage = "PagefileUsage" at 184 | 124,
        private_page_count = "PrivatePageCount" at 200 | 132,
        read_operations = "ReadOperationCount" at 208 | 136,
        write_operations = "WriteOperationCount" at 216 | 144,
        other_operations = "OtherOperationCount" at 224 | 152,
        threads = "Threads" at 256 | 184,
    }
}

layout! {
    /// One thread of class 5.
    thread ThreadLayout: "SYSTEM_THREAD_INFORMATION", 80 | 64 bytes {
        kernel_time = "KernelTime" at 0 | 0,
        start_address = "StartAddress" at 32 | 28,
    }
}

layout! {
    /// Head of class 11; its size includes one entry.
    modules ModulesLayout: "RTL_PROCESS_MODULES", 304 | 288 bytes {
        count = "NumberOfModules" at 0 | 0,
        entries = "Modules" at 8 | 4,
    }
}

layout! {
    /// One module of class 11.
    module ModuleLayout: "RTL_PROCESS_MODULE_INFORMATION", 296 | 284 bytes {
        image_base = "ImageBase" at 16 | 8,
        image_size = "ImageSize" at 24 | 12,
        offset_to_file_name = "OffsetToFileName" at 38 | 26,
        full_path_name = "FullPathName" at 40 | 28,
    }
}

layout! {
    /// Head of class 22; its size includes one entry.
    pool_tags PoolTagsLayout: "SYSTEM_POOLTAG_INFORMATION", 48 | 32 bytes {
        count = "Count" at 0 | 0,
        entries = "TagInfo" at 8 | 4,
    }
}

layout! {
    /// One tag of class 22.
    pool_tag PoolTagLayout: "SYSTEM_POOLTAG", 40 | 28 bytes {
        tag = "Tag" at 0 | 0,
        paged_allocs = "PagedAllocs" at 4 | 4,
        paged_frees = "PagedFrees" at 8 | 8,
        paged_used = "PagedUsed" at 16 | 12,
        nonpaged_allocs = "NonPagedAllocs" at 24 | 16,
        nonpaged_frees = "NonPagedFrees" at 28 | 20,
        nonpaged_used = "NonPagedUsed" at 32 | 24,
    }
}

layout! {
    /// Head of class 255; its size includes one entry.
    pool_tags2 PoolTags2Layout: "SYSTEM_POOLTAG_INFORMATION2", 64 | 32 bytes {
        count = "Count" at 0 | 0,
        entries = "TagInfo" at 8 | 4,
    }
}

layout! {
    /// One tag of class 255.
    pool_tag2 PoolTag2Layout: "SYSTEM_POOLTAG2", 56 | 28 bytes {
        tag = "Tag" at 0 | 0,
        paged_allocs = "PagedAllocs" at 8 | 4,
        paged_frees = "PagedFrees" at 16 | 8,
        paged_used = "PagedUsed" at 24 | 12,
        nonpaged_allocs = "NonPagedAllocs" at 32 | 16,
        nonpaged_frees = "NonPagedFrees" at 40 | 20,
        nonpaged_used = "NonPagedUsed" at 48 | 24,
    }
}

layout! {
    /// Head of class 64; its size includes one entry.
    handles HandlesLayout: "SYSTEM_HANDLE_INFORMATION_EX", 56 | 36 bytes {
        count = "NumberOfHandles" at 0 | 0,
        entries = "Handles" at 16 | 8,
    }
}

layout! {
    /// One handle of class 64.
    handle HandleLayout: "SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX", 40 | 28 bytes {
        object = "Object" at 0 | 0,
        process_id = "UniqueProcessId" at 8 | 4,
        type_index = "ObjectTypeIndex" at 30 | 18,
    }
}

layout! {
    /// One type of NtQueryObject class 3, followed by its name.
    object_type ObjectTypeLayout: "OBJECT_TYPE_INFORMATION", 104 | 96 bytes {
        type_name = "TypeName" at 0 | 0,
        objects = "TotalNumberOfObjects" at 16 | 8,
        handles = "TotalNumberOfHandles" at 20 | 12,
        peak_objects = "HighWaterNumberOfObjects" at 40 | 32,
        peak_handles = "HighWaterNumberOfHandles" at 44 | 36,
        type_index = "TypeIndex" at 90 | 82,
    }
}

layout! {
    /// What `K32GetPerformanceInfo` fills (documented in `psapi.h`): pages, and a page's bytes.
    performance_info PerformanceInfoLayout: "PERFORMANCE_INFORMATION", 104 | 56 bytes {
        commit_total = "CommitTotal" at 8 | 4,
        commit_limit = "CommitLimit" at 16 | 8,
        commit_peak = "CommitPeak" at 24 | 12,
        physical_total = "PhysicalTotal" at 32 | 16,
        physical_available = "PhysicalAvailable" at 40 | 20,
        kernel_paged = "KernelPaged" at 64 | 32,
        kernel_nonpaged = "KernelNonpaged" at 72 | 36,
        page_size = "PageSize" at 80 | 40,
        handle_count = "HandleCount" at 88 | 44,
        process_count = "ProcessCount" at 92 | 48,
        thread_count = "ThreadCount" at 96 | 52,
    }
}

layout! {
    /// One service of `EnumServicesStatusExW` (documented in `winsvc.h`).
    service ServiceLayout: "ENUM_SERVICE_STATUS_PROCESSW", 56 | 44 bytes {
        service_name = "lpServiceName" at 0 | 0,
        process_id = "dwProcessId" at 44 | 36,
    }
}

layout! {
    /// One handle of `NtQueryInformationProcess` class 51.
    process_handle ProcessHandleLayout: "PROCESS_HANDLE_TABLE_ENTRY_INFO", 40 | 28 bytes {
        type_index = "ObjectTypeIndex" at 28 | 16,
    }
}

layout! {
    /// Head of class 51; its size includes one entry.
    process_handles ProcessHandlesLayout: "PROCESS_HANDLE_SNAPSHOT_INFORMATION", 56 | 36 bytes {
        count = "NumberOfHandles" at 0 | 0,
        entries = "Handles" at 16 | 8,
    }
}

/// Our own head of a list of services.
pub mod services {
    /// Offset of the count, 8 bytes.
    pub const COUNT: usize = 0;
    /// Offset of the first service.
    pub const ENTRIES: usize = 8;
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// What a C compiler made of the headers: a structure with its size, then its fields with their
    /// offsets, on x64 and on x86.
    const COMPUTED: &str = include_str!("../../tests/fixtures/struct-offsets.txt");

    fn tables(width: Width) -> Vec<Table> {
        vec![
            BasicLayout::table(width),
            PerformanceLayout::table(width),
            ProcessLayout::table(width),
            ThreadLayout::table(width),
            ModulesLayout::table(width),
            ModuleLayout::table(width),
            PoolTagsLayout::table(width),
            PoolTagLayout::table(width),
            PoolTags2Layout::table(width),
            PoolTag2Layout::table(width),
            HandlesLayout::table(width),
            HandleLayout::table(width),
            ObjectTypeLayout::table(width),
        ]
    }

    #[test]
    fn offsets_are_those_that_a_compiler_computed() {
        for (column, width) in [(0, Width::Bits64), (1, Width::Bits32)] {
            let mut structure = "";
            let mut computed = HashMap::new();
            for line in COMPUTED.lines().filter(|line| !line.starts_with('#')) {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [name, on_x64, on_x86] = words[..] else { panic!("{line}") };
                let number: usize = [on_x64, on_x86][column].parse().unwrap();
                if line.starts_with(' ') {
                    computed.insert((structure, name), number);
                } else {
                    structure = name;
                    computed.insert((name, ""), number);
                }
            }
            for (name, size, fields) in tables(width) {
                assert_eq!(computed.get(&(name, "")), Some(&size), "{name} {width:?}");
                for (field, offset) in fields {
                    let expected = computed.get(&(name, field));
                    assert_eq!(expected, Some(&offset), "{name}.{field} {width:?}");
                }
            }
        }
    }

    #[test]
    fn fields_lie_inside_their_structures() {
        for width in Width::ALL {
            let mut all = tables(width);
            all.push(PerformanceInfoLayout::table(width));
            all.push(ServiceLayout::table(width));
            all.push(ProcessHandlesLayout::table(width));
            all.push(ProcessHandleLayout::table(width));
            for (name, size, fields) in all {
                for (field, offset) in fields {
                    assert!(offset < size, "{name}.{field}");
                }
            }
        }
    }
}
