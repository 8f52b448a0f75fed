//! The facts of event 2004, gathered element by element.

use poolwatch_model::Bytes;
use poolwatch_model::event::{ExhaustionProcess, MemoryExhaustion};
use poolwatch_model::{Pool, PoolTag};
use quick_xml::events::BytesStart;

use super::elements::Elements;
use crate::tag_text;

// The event has three slots for tags of each pool and six for processes.
const MAX_SLOTS: usize = 64;

/// The facts so far.
#[derive(Default)]
pub(super) struct Exhaustion {
    facts: MemoryExhaustion,
    pool: Option<Pool>,
    slot: Option<Slot>,
}

/// A `Tag_n` or `Process_n` element as far as it is read.
#[derive(Default)]
struct Slot {
    name: String,
    pool_used: Option<Bytes>,
    id: Option<u32>,
    created: Option<jiff::Timestamp>,
    commit: Option<Bytes>,
    handles: Option<u32>,
}

impl Exhaustion {
    /// What was told, if anything.
    pub(super) fn into_facts(self) -> Option<MemoryExhaustion> {
        (self.facts != MemoryExhaustion::default()).then_some(self.facts)
    }

    fn system_fact(&mut self, name: &str, text: &str) {
        let Ok(number) = text.parse() else { return };
        let facts = &mut self.facts;
        let bytes = match name {
            "SystemCommitLimit" => &mut facts.commit_limit,
            "SystemCommitCharge" => &mut facts.committed,
            "PagedPoolUsage" => &mut facts.paged,
            "NonPagedPoolUsage" => &mut facts.nonpaged,
            "PhysicalMemorySize" => &mut facts.physical,
            "PhysicalMemoryUsage" => &mut facts.physical_used,
            "Processes" => {
                facts.processes = Some(number);
                return;
            }
            _ => return,
        };
        *bytes = Some(Bytes(number));
    }

    fn close_tag(&mut self) {
        let (Some(slot), Some(pool)) = (self.slot.take(), self.pool) else { return };
        let tags = match pool {
            Pool::Paged => &mut self.facts.paged_tags,
            Pool::Nonpaged => &mut self.facts.nonpaged_tags,
        };
        let found: Option<(PoolTag, Bytes)> = tag_text::tag(&slot.name).zip(slot.pool_used);
        if tags.len() < MAX_SLOTS {
            tags.extend(found);
        }
    }

    fn close_process(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        // Empty slots have an empty name.
        if slot.name.is_empty() || self.facts.top_processes.len() == MAX_SLOTS {
            return;
        }
        if let (Some(pid), Some(commit), Some(handles)) = (slot.id, slot.commit, slot.handles) {
            let (image, created) = (slot.name, slot.created);
            let process = ExhaustionProcess { image, pid, created, commit, handles };
            self.facts.top_processes.push(process);
        }
    }
}

impl Elements for Exhaustion {
    fn start(&mut self, _path: &[String], element: &BytesStart<'_>) {
        match element.local_name().into_inner() {
            "PagedPoolInfo" => self.pool = Some(Pool::Paged),
            "NonPagedPoolInfo" => self.pool = Some(Pool::Nonpaged),
            name if name.starts_with("Tag_") || name.starts_with("Process_") => {
                self.slot = Some(Slot::default());
            }
            _ => {}
        }
    }

    fn end(&mut self, _path: &[String], name: &str, text: Option<&str>) {
        match (name, &mut self.slot, text) {
            ("PagedPoolInfo" | "NonPagedPoolInfo", ..) => (self.pool, self.slot) = (None, None),
            (_, Some(slot), Some(text)) => match name {
                "Name" => text.clone_into(&mut slot.name),
                "PoolUsed" => slot.pool_used = text.parse().ok().map(Bytes),
                "ID" => slot.id = text.parse().ok(),
                "CreationTime" => slot.created = text.parse().ok(),
                "CommitCharge" => slot.commit = text.parse().ok().map(Bytes),
                "HandleCount" => slot.handles = text.parse().ok(),
                _ => {}
            },
            (_, Some(_), None) if name.starts_with("Tag_") => self.close_tag(),
            (_, Some(_), None) if name.starts_with("Process_") => self.close_process(),
            (_, None, Some(text)) => self.system_fact(name, text),
            _ => {}
        }
    }
}
