//! The tables of tags, processes and object types of one host.

use std::cmp::Reverse;

use poolwatch_analysis::{catalogue::Catalogue, growth::difference};
use poolwatch_model::{
    Bytes, Pool, PoolTag, Snapshot,
    diagnosis::{Diagnosis, Evidence},
    process::{ObjectTypeUse, ProcessUse},
    tag::AllocCounting,
};
use poolwatch_store::read::Figure;
use poolwatch_web::{
    host::{
        HostQuery, ProcessOrder, ProcessRow, ProcessTable, TagMeaning, TagOrder, TagRow,
        TagTableView,
    },
    sparkline::Sparkline,
};

use super::{
    judgement::Known,
    trends::{DrawnRow, day_ago},
};

/// Tags that are shown.
const TAGS: usize = 25;
/// Processes that are shown.
const PROCESSES: usize = 15;
/// Processes whose growth is compared, those with the most handles.
const COMPARED: usize = 60;
/// Object types that are shown.
const TYPES: usize = 12;

/// What the tables are made of.
pub(super) struct Tables<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) known: &'a Known,
    pub(super) query: &'a HostQuery,
    pub(super) catalogue: &'a Catalogue,
}

/// One tag's use of one pool, before it is drawn.
struct Use {
    tag: PoolTag,
    pool: Pool,
    bytes: u64,
    outstanding: u64,
    allocs: u64,
    change: Option<i64>,
}

impl Tables<'_> {
    /// Every tag in use, the first of them by the order that is asked for.
    fn uses(&self) -> Vec<Use> {
        let mut uses = self.all_uses();
        uses.sort_by_key(|one| {
            let (first, then) = match self.query.tags {
                TagOrder::Bytes | TagOrder::Poolmon => (i128::from(one.bytes), one.outstanding),
                TagOrder::Outstanding => (i128::from(one.outstanding), one.bytes),
                TagOrder::Change => (one.change.map_or(i128::MIN, i128::from), one.bytes),
            };
            (Reverse((self.query.tag == Some(one.tag), first, then)), one.tag)
        });
        uses.truncate(TAGS);
        uses
    }

    fn all_uses(&self) -> Vec<Use> {
        let rows = self.snapshot.tags.as_ref().map_or(&[][..], |table| &table.rows);
        rows.iter()
            .flat_map(|row| Pool::ALL.map(|pool| (row.tag, pool, *row.of(pool))))
            .map(|(tag, pool, of)| Use {
                tag,
                pool,
                bytes: of.bytes,
                outstanding: of.outstanding,
                allocs: of.allocs,
                change: self.change(tag, pool, of.bytes),
            })
            .filter(|one| {
                (one.bytes, one.outstanding) != (0, 0) || one.change.is_some_and(|by| by != 0)
            })
            .collect()
    }

    fn first_processes(&self) -> Vec<&ProcessUse> {
        let processes = self.snapshot.processes.as_deref().unwrap_or_default();
        let mut first: Vec<&ProcessUse> = processes.iter().collect();
        first.sort_by_key(|process| {
            let amount = match self.query.processes {
                ProcessOrder::Handles | ProcessOrder::Growth => process.handles.map(u64::from),
                ProcessOrder::Quota => {
                    let quotas = [process.nonpaged_quota, process.paged_quota];
                    quotas.into_iter().flatten().reduce(u64::saturating_add)
                }
            };
            (Reverse((self.is_asked_for(process), amount)), process.key)
        });
        first.truncate(match self.query.processes {
            ProcessOrder::Growth => COMPARED,
            ProcessOrder::Handles | ProcessOrder::Quota => PROCESSES,
        });
        first
    }

    fn is_asked_for(&self, process: &ProcessUse) -> bool {
        self.query.pid == Some(process.key.pid)
    }

    /// A row of every tag in use, without its course.
    pub(super) fn all_tags(&self) -> Vec<TagRow> {
        self.all_uses().iter().map(|one| self.tag_row(one)).collect()
    }

    /// A row of every process, without its course.
    pub(super) fn all_processes(&self) -> Vec<ProcessRow> {
        let processes = self.snapshot.processes.iter().flatten();
        processes.map(|one| self.process_row(one)).collect()
    }

    /// The table of tags, before their courses are known.
    pub(super) fn tags(&self) -> Option<TagTableView> {
        let table = self.snapshot.tags.as_ref()?;
        let unexplained = Pool::ALL.map(|pool| {
            let used = self.known.summary.memory.of(pool).filter(|_| table.complete)?;
            used.0.checked_sub(table.total(pool)).map(Bytes)
        });
        Some(TagTableView {
            total: table.rows.len() as u64,
            rows: self.uses().iter().map(|one| self.tag_row(one)).collect(),
            unexplained,
        })
    }

    /// The table of processes, before their courses are known: of growth, with those that are
    /// compared by it.
    pub(super) fn processes(&self) -> Option<ProcessTable> {
        let total = self.snapshot.processes.as_ref()?.len() as u64;
        let rows = self.first_processes().into_iter().map(|one| self.process_row(one)).collect();
        Some(ProcessTable { total, rows })
    }

    /// Orders processes by growth, once that is known, where that is asked for.
    pub(super) fn order_by_growth(&self, rows: &mut Vec<ProcessRow>) {
        if self.query.processes == ProcessOrder::Growth {
            rows.sort_by_key(|row| Reverse((row.marked, row.change)));
            rows.truncate(PROCESSES);
        }
    }

    fn change(&self, tag: PoolTag, pool: Pool, bytes: u64) -> Option<i64> {
        let before = &self.known.before.as_ref()?.tags;
        match before.get(tag) {
            Some(row) => Some(difference(row.of(pool).bytes, bytes)),
            None => before.complete.then(|| difference(0, bytes)),
        }
    }

    /// Allocations and frees, as poolmon counts them.
    fn counted(&self, one: &Use) -> Option<(u64, u64)> {
        let frees = match self.snapshot.tags.as_ref()?.counting {
            AllocCounting::OutstandingOnly => return None,
            AllocCounting::Full64 => one.allocs.wrapping_sub(one.outstanding),
            AllocCounting::Wrapping32 => {
                one.allocs.wrapping_sub(one.outstanding) & u64::from(u32::MAX)
            }
        };
        Some((one.allocs, frees))
    }

    fn tag_row(&self, one: &Use) -> TagRow {
        let suspect = self.known.diagnosis.as_ref().is_some_and(|diagnosis| {
            diagnosis.pool.is_none_or(|pool| pool == one.pool) && accuses_tag(diagnosis, one.tag)
        });
        TagRow {
            host: self.known.summary.host.id,
            tag: one.tag,
            pool: one.pool,
            bytes: Bytes(one.bytes),
            outstanding: one.outstanding,
            counted: self.counted(one),
            change: one.change,
            trend: Sparkline::bytes(Vec::new()),
            meaning: self.catalogue.own(one.tag).map(|told| TagMeaning {
                text: told.meaning.to_owned(),
                owner: told.owner.map(str::to_owned),
            }),
            suspect,
            marked: self.query.tag == Some(one.tag),
        }
    }

    fn process_row(&self, process: &ProcessUse) -> ProcessRow {
        let suspect = self.known.diagnosis.as_ref().is_some_and(|it| accuses(it, process));
        let handles = self.snapshot.handles_by_type.iter().find(|one| one.key == process.key);
        let mut by_type: Vec<(String, u32)> =
            handles.map(|one| one.by_type.clone().into_iter().collect()).unwrap_or_default();
        by_type.sort_by_key(|(_, count)| Reverse(*count));
        let activity = self.snapshot.activity.iter().find(|one| one.key == process.key);
        ProcessRow {
            host: self.known.summary.host.id,
            process: process.clone(),
            by_type,
            activity: activity.copied(),
            change: None,
            trend: Sparkline::counts(Vec::new()),
            suspect,
            marked: self.is_asked_for(process),
        }
    }
}

impl DrawnRow for TagRow {
    fn figure(&self) -> Option<(Figure, u64)> {
        Some((Figure::TagBytes(self.tag, self.pool), self.bytes.0))
    }

    fn set_course(&mut self, values: Vec<Option<u64>>) {
        self.trend = drawn(values, Sparkline::bytes).marked(self.suspect);
    }
}

impl DrawnRow for ProcessRow {
    fn figure(&self) -> Option<(Figure, u64)> {
        Some((Figure::ProcessHandles(self.process.key), self.process.handles?.into()))
    }

    fn set_course(&mut self, values: Vec<Option<u64>>) {
        let now = self.process.handles.map(u64::from);
        self.change = day_ago(&values).zip(now).map(|(then, now)| difference(then, now));
        self.trend = drawn(values, Sparkline::counts).marked(self.suspect);
    }
}

/// The object types with the most handles or objects.
pub(super) fn object_types(snapshot: &Snapshot) -> Vec<ObjectTypeUse> {
    let mut types = snapshot.object_types.clone().unwrap_or_default();
    types.sort_by_key(|one| Reverse(one.handles.max(one.objects)));
    types.truncate(TYPES);
    types
}

/// A line; one moment alone makes none.
fn drawn(values: Vec<Option<u64>>, line: fn(Vec<Option<u64>>) -> Sparkline) -> Sparkline {
    let enough = values.iter().flatten().count() > 1;
    line(if enough { values } else { Vec::new() })
}

fn accuses_tag(diagnosis: &Diagnosis, tag: PoolTag) -> bool {
    let mut tags = diagnosis.suspects.iter().flat_map(|suspect| &suspect.tags);
    tags.any(|accused| accused.unprotected() == tag.unprotected())
}

fn accuses(diagnosis: &Diagnosis, process: &ProcessUse) -> bool {
    let mut facts = diagnosis.suspects.iter().flat_map(|suspect| &suspect.evidence);
    facts.any(|fact| {
        matches!(fact, Evidence::ProcessHandles { image, pid, .. }
            if *pid == process.key.pid && *image == process.image)
    })
}
