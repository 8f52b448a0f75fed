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
    /// A driver file that is no part of Windows, where the catalogue names one.
    #[must_use]
    pub fn driver(&self) -> Option<&'static str> {
        self.owner.filter(|owner| owner.ends_with(".sys") && !self.shared && !is_inbox(owner))
    }
}

/// Frameworks of Windows through which other drivers allocate: to own the tag is not to leak it.
const INBOX: [&str; 28] = [
    "acpi.sys",
    "afd.sys",
    "bindflt.sys",
    "cldflt.sys",
    "cng.sys",
    "classpnp.sys",
    "dxgkrnl.sys",
    "dxgmms2.sys",
    "fltmgr.sys",
    "fwpkclnt.sys",
    "http.sys",
    "ksecdd.sys",
    "luafv.sys",
    "mrxsmb.sys",
    "ndis.sys",
    "netio.sys",
    "ntfs.sys",
    "pci.sys",
    "rdbss.sys",
    "srv.sys",
    "srv2.sys",
    "srvnet.sys",
    "storport.sys",
    "tcpip.sys",
    "usbport.sys",
    "volsnap.sys",
    "wcifs.sys",
    "wdf01000.sys",
];

/// Whether a driver file is a framework of Windows.
#[must_use]
pub fn is_inbox(driver: &str) -> bool {
    INBOX.iter().any(|inbox| inbox.eq_ignore_ascii_case(driver))
}

/// What is known of a tag.
#[must_use]
pub fn tag_facts(tag: PoolTag) -> TagFacts {
    let tag = tag.unprotected();
    let entry = catalogue::entry(tag);
    TagFacts {
        objects: holders::is_object_tag(tag),
        shared: entry.is_some_and(|entry| entry.shared),
        cache: entry.is_some_and(|entry| entry.cache),
        // A guess accuses nobody.
        owner: entry
            .filter(|entry| entry.certainty > catalogue::Certainty::Guess)
            .map(|entry| entry.owner),
    }
}
