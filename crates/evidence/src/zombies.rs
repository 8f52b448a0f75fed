//! What FindZombieHandles prints: processes that have ended, and who holds them. Each is held by a
//! handle at least, so that the holder has as many, and the tag of processes counts as many objects.

use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::{AllocCounting, TagTable, TagUse};
use poolwatch_model::{Pool, PoolTag};

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::source::Fact;
use crate::text::Line;
use crate::{image_names, quantities};

const MAX_HOLDERS: usize = 100_000;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    (holder(line).is_some() || total(line).is_some())
        .then(|| Box::new(List::default()) as Box<dyn Section>)
}

#[derive(Default)]
struct List {
    holders: Vec<ProcessUse>,
    /// All, and the line that tells it.
    total: Option<(u64, u32)>,
}

impl Section for List {
    fn read_line(&mut self, line: Line<'_>, out: &mut ReadingBuilder) -> Verdict {
        if let Some(total) = total(line.text) {
            self.total = Some((total, line.number));
            return Verdict::Used;
        }
        if let Some((image, pid, count)) = holder(line.text) {
            if self.holders.len() == MAX_HOLDERS {
                return Verdict::Ignored(IgnoredReason::TooMany);
            }
            let mut process = ProcessUse::new(pid, None, image_names::image(image));
            process.handles = Some(count);
            out.note(Fact::of_process(&process), line.number);
            self.holders.push(process);
            return Verdict::Used;
        }
        let is_member = line.text.contains(" zombies of ") || line.text.contains(" zombie of ");
        if is_member { Verdict::Used } else { Verdict::Foreign }
    }

    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        let Self { mut holders, total } = *self;
        if holders.is_empty() && total.is_none() {
            return Err(IgnoredReason::NotUnderstood);
        }
        let most = holders.iter().filter_map(|one| one.handles).map(u64::from).max();
        let (objects, line) = total.unwrap_or((most.unwrap_or(0), lines.0));
        let mut row = TagUse::empty(PoolTag::of_object_type("Process"));
        row.of_mut(Pool::Nonpaged).outstanding = objects;
        out.note_tag(&row, line);
        let table = TagTable::new(AllocCounting::OutstandingOnly, false, vec![row]);
        out.piece(PieceKind::Table, lines, PieceContent::Tags(table));
        if !holders.is_empty() {
            holders.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.image.cmp(&b.image)));
            holders.dedup_by_key(|one| one.key);
            out.piece(PieceKind::HandleTable, lines, PieceContent::Processes(holders));
        }
        Ok(())
    }
}

/// `339424 zombies held by synergyd.exe(4076)`: who, its id, and how many.
fn holder(line: &str) -> Option<(&str, u32, u32)> {
    let (count, rest) = line.trim().split_once(' ')?;
    let rest =
        rest.strip_prefix("zombies held by ").or_else(|| rest.strip_prefix("zombie held by "))?;
    let (image, pid) = rest.trim().strip_suffix(')')?.rsplit_once('(')?;
    let count = u32::try_from(quantities::count(count)?).ok()?;
    Some((image.trim(), pid.parse().ok()?, count))
}

/// `341592 total zombie processes.`
fn total(line: &str) -> Option<u64> {
    let (count, rest) = line.trim().split_once(' ')?;
    rest.starts_with("total zombie processes").then(|| quantities::count(count))?
}

#[cfg(test)]
mod tests {
    use crate::{combine, read};

    #[test]
    fn ended_processes_and_their_holder_are_read() {
        let text = "341592 total zombie processes.\n    339424 zombies held by qagent.exe(4076)\n\
                    \x20       339424 zombies of tool.exe\n    1410 zombies held by svchost.exe(6876)\n";
        let combined = combine([read("", text.as_bytes())]);
        let [moment] = &combined.snapshots[..] else { panic!("{combined:?}") };
        let proc = moment.snapshot.tags.as_ref().unwrap().rows[0];
        assert_eq!((proc.tag.to_string(), proc.nonpaged.outstanding), ("Proc".into(), 341_592));
        let handles: Vec<_> =
            moment.snapshot.processes.iter().flatten().map(|p| p.handles).collect();
        assert_eq!(handles, [Some(339_424), Some(1410)]);
    }
}
