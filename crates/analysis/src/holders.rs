//! Method 1: which process holds the objects that a tag counts.

use poolwatch_model::{
    Pool, PoolTag, Snapshot,
    diagnosis::{Evidence, Suspect, SuspectKind},
    process::ProcessUse,
};

/// Object types whose tags count one object each, so that handles can be set against them.
const OBJECT_TYPES: [&str; 16] = [
    "Thread",
    "Process",
    "File",
    "Event",
    "Mutant",
    "Semaphore",
    "Token",
    "Key",
    "Section",
    "Timer",
    "ALPC Port",
    "EtwRegistration",
    "Desktop",
    "Job",
    "Directory",
    "SymbolicLink",
];

/// Below this many handles nobody is suspected: the number at which experts start to wonder.
const MANY_HANDLES: u32 = 5_000;
/// Tags of a pool that are looked at, by bytes.
const TAGS: usize = 3;
/// The process of the kernel itself: its handles belong to drivers.
const SYSTEM_PID: u32 = 4;

/// Processes that hold about as many handles as one of the pool's largest object tags has objects
/// outstanding. Empty when the numbers do not match: no suspect beats a wrong one.
#[must_use]
pub fn suspects(snapshot: &Snapshot, pool: Pool) -> Vec<Suspect> {
    let (Some(tags), Some(processes)) = (&snapshot.tags, &snapshot.processes) else {
        return Vec::new();
    };
    let mut rows: Vec<_> = tags.rows.iter().filter(|row| row.of(pool).bytes > 0).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.of(pool).bytes));
    let mut suspects: Vec<Suspect> = Vec::new();
    for row in rows.into_iter().take(TAGS) {
        let tag = row.tag.unprotected();
        let of = row.of(pool);
        if !is_object_tag(tag) || of.outstanding < u64::from(MANY_HANDLES) {
            continue;
        }
        let Some((process, handles)) = holder(processes, of.outstanding) else { continue };
        if suspects.iter().any(|suspect| suspect.name.as_deref() == Some(&process.image)) {
            continue;
        }
        let image = process.image.clone();
        suspects.push(Suspect {
            kind: SuspectKind::Process,
            name: Some(image.clone()),
            tags: vec![tag],
            confidence: confidence(handles, of.outstanding),
            evidence: vec![
                Evidence::ProcessHandles { image: image.clone(), pid: process.key.pid, handles },
                Evidence::HandlesMatchObjects { image, tag, handles, outstanding: of.outstanding },
            ],
            ..Suspect::default()
        });
    }
    suspects
}

/// Whether the tag counts kernel objects of one type, to which there are handles.
#[must_use]
pub fn is_object_tag(tag: PoolTag) -> bool {
    OBJECT_TYPES.iter().any(|name| PoolTag::of_object_type(name) == tag)
}

/// The process whose handles could be most of the objects, if it stands out from all others.
fn holder(processes: &[ProcessUse], outstanding: u64) -> Option<(&ProcessUse, u32)> {
    let mut by_handles: Vec<_> = processes
        .iter()
        .filter(|process| process.key.pid != SYSTEM_PID && !process.image.is_empty())
        .filter_map(|process| process.handles.map(|handles| (process, handles)))
        .collect();
    by_handles.sort_by_key(|(_, handles)| std::cmp::Reverse(*handles));
    let (process, most) = by_handles.first().copied()?;
    let second = by_handles.get(1).map_or(0, |(_, handles)| *handles);
    let stands_out = most >= MANY_HANDLES && most / 4 >= second;
    let matches = u64::from(most) * 2 >= outstanding && u64::from(most) <= outstanding * 5 / 4;
    (stands_out && matches).then_some((process, most))
}

/// The closer to one handle per object, the surer; never certain from numbers alone.
fn confidence(handles: u32, outstanding: u64) -> f32 {
    let ratio = f64::from(handles) / outstanding.max(1) as f64;
    (0.95 - (1.0 - ratio).abs() * 0.4).clamp(0.5, 0.95) as f32
}

#[cfg(test)]
mod tests {
    use poolwatch_model::tag::{AllocCounting, TagCounters, TagTable, TagUse};

    use super::*;

    fn snapshot(tag: &[u8; 4], outstanding: u64, processes: &[(u32, &str, u32)]) -> Snapshot {
        let nonpaged = TagCounters { bytes: outstanding * 640, outstanding, allocs: 0 };
        let row = TagUse { tag: PoolTag::new(*tag), paged: TagCounters::default(), nonpaged };
        let processes = processes
            .iter()
            .map(|(pid, image, handles)| {
                let mut process = ProcessUse::new(*pid, None, *image);
                process.handles = Some(*handles);
                process
            })
            .collect();
        Snapshot {
            tags: Some(TagTable::new(AllocCounting::OutstandingOnly, false, vec![row])),
            processes: Some(processes),
            ..Snapshot::default()
        }
    }

    #[test]
    fn ninety_thousand_handles_beside_as_many_threads_name_the_process() {
        let processes =
            [(4, "System", 900), (416, "mybadapp.exe", 90_472), (700, "lsass.exe", 1500)];
        let suspects = suspects(&snapshot(b"Thre", 120_145, &processes), Pool::Nonpaged);
        assert_eq!(suspects.len(), 1);
        assert_eq!(suspects[0].name.as_deref(), Some("mybadapp.exe"));
        assert!(suspects[0].confidence > 0.8);
    }

    #[test]
    fn nobody_is_suspected_where_the_numbers_do_not_match() {
        for (tag, outstanding, processes) in [
            // Handles of another order of size.
            (b"Thre", 120_145, vec![(416, "busy.exe", 9_000)]),
            // Two alike: neither stands out.
            (b"Even", 65_905, vec![(1, "a.exe", 36_252), (2, "b.exe", 18_539)]),
            // The kernel's own handles belong to drivers.
            (b"File", 20_000, vec![(4, "System", 20_000)]),
            // Not an object type.
            (b"Fooo", 50_000, vec![(9, "c.exe", 50_000)]),
            // Nothing to wonder about.
            (b"Thre", 3_000, vec![(9, "c.exe", 3_000)]),
        ] {
            let found = suspects(&snapshot(tag, outstanding, &processes), Pool::Nonpaged);
            assert_eq!(found, [], "{processes:?}");
        }
    }
}
