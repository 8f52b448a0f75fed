//! What a tag means for blame.

use poolwatch_model::PoolTag;

use crate::{catalogue, holders};

/// What is known of a tag, as far as judgement needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagFacts {
    /// It counts kernel objects of one type, to which there are handles.
    pub objects: bool,
    /// Many drivers use it.
    pub shared: bool,
    /// It is a cache, which grows after a start and then holds.
    pub cache: bool,
    /// Driver file or part of Windows.
    pub owner: Option<&'static str>,
}

impl TagFacts {
    /// A driver file that is no part of the kernel itself, where the catalogue names one.
    #[must_use]
    pub fn driver(&self) -> Option<&'static str> {
        self.owner.filter(|owner| owner.ends_with(".sys") && !self.shared)
    }
}

/// Caches of file systems, the registry, the cache manager and the memory manager: they follow the
/// number of cached files and keys, and give back when memory is short.
const CACHES: [&[u8; 4]; 24] = [
    b"MmSt", b"MmCa", b"MmSm", b"MmSi", b"MmSg", b"CcSc", b"CcBc", b"CcVp", b"CcVa", b"NtfF",
    b"NtFC", b"NtfC", b"Ntfr", b"Ntfn", b"NtFs", b"NtFN", b"Ntf0", b"FMfn", b"FMfc", b"FMsl",
    b"CM31", b"CM25", b"CMVa", b"IoNm",
];

/// What is known of a tag.
#[must_use]
pub fn of(tag: PoolTag) -> TagFacts {
    let tag = tag.unprotected();
    let entry = catalogue::entry(tag);
    TagFacts {
        objects: holders::is_object_tag(tag),
        shared: entry.is_some_and(|entry| entry.shared),
        cache: CACHES.iter().any(|cache| **cache == tag.bytes()),
        owner: entry.map(|entry| entry.owner),
    }
}
