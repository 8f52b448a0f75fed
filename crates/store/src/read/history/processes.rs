//! Processes over time: which of them are wanted, and their series.

use std::collections::BTreeMap;

use poolwatch_model::{
    Snapshot,
    history::{MISSING, ProcessFigures, ProcessSeries, WantedSeries},
    process::{ProcessKey, ProcessUse},
};

use super::look::Looked;

/// Who a process is: lists that tell no ids give them all the id 0, then names tell them apart.
type Identity<'a> = (ProcessKey, &'a str);

/// All processes of a period, each where it stands in the chunks.
pub(super) struct Processes<'a> {
    parts: &'a [Looked],
    /// Of each the parts and rows that tell of it, the latest part first.
    rows: BTreeMap<Identity<'a>, Vec<(usize, usize)>>,
    latest: BTreeMap<Identity<'a>, &'a ProcessUse>,
    moments: usize,
}

impl<'a> Processes<'a> {
    pub(super) fn new(parts: &'a [Looked], latest: Option<&'a Snapshot>, moments: usize) -> Self {
        let mut rows: BTreeMap<Identity<'a>, Vec<(usize, usize)>> = BTreeMap::new();
        for (part, looked) in parts.iter().enumerate() {
            for (row, (name, _)) in looked.processes.iter().enumerate() {
                rows.entry(identity(name.key, &name.image)).or_default().push((part, row));
            }
        }
        let list = latest.and_then(|latest| latest.processes.as_deref()).unwrap_or_default();
        let mut of_latest = BTreeMap::new();
        for process in list {
            let identity = identity(process.key, &process.image);
            rows.entry(identity).or_default();
            of_latest.insert(identity, process);
        }
        Self { parts, rows, latest: of_latest, moments }
    }

    /// The series of those that are wanted.
    pub(super) fn choose(&self, wanted: &WantedSeries) -> Vec<ProcessSeries> {
        // One at a time: all of them may be thousands.
        let known: Vec<(&Identity<'a>, ProcessFigures)> = self
            .rows
            .keys()
            .filter_map(|who| Some((who, ProcessFigures::of_series(&self.series(*who)?))))
            .collect();
        let figures: Vec<ProcessFigures> = known.iter().map(|(_, figures)| *figures).collect();
        let chosen = wanted.choose_processes(&figures);
        chosen.into_iter().filter_map(|at| self.series(*known[at].0)).collect()
    }

    /// How many there were at each moment, of those that are told.
    pub(super) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.moments];
        for looked in self.parts {
            for (_, columns) in &looked.processes {
                let is_known = |group: usize| told(columns, group).is_some();
                let known = looked.part.places().filter(|(group, _)| is_known(*group));
                known.for_each(|(_, at)| counts[at] += 1);
            }
        }
        if let Some(last) = counts.last_mut().filter(|_| !self.latest.is_empty()) {
            *last = self.latest.len();
        }
        counts
    }

    /// What is known of a process; `None` when it was at no moment.
    fn series(&self, who: Identity<'_>) -> Option<ProcessSeries> {
        let blank = || vec![MISSING; self.moments];
        let mut series = ProcessSeries {
            key: who.0,
            image: String::new(),
            services: Vec::new(),
            handles: blank(),
            threads: blank(),
            private_bytes: blank(),
            quota: [Vec::new(), Vec::new()],
        };
        let mut is_named = false;
        for (part, row) in self.rows.get(&who)?.iter().rev() {
            let looked = &self.parts[*part];
            let (name, columns) = &looked.processes[*row];
            let mut is_told = false;
            for (group, at) in looked.part.places() {
                let Some([handles, threads, private_bytes]) = told(columns, group) else {
                    continue;
                };
                is_told = true;
                series.handles[at] = handles;
                series.threads[at] = threads;
                series.private_bytes[at] = private_bytes;
            }
            if is_told && !is_named {
                series.image.clone_from(&name.image);
                is_named = true;
            }
            if is_told && series.services.is_empty() {
                series.services.clone_from(&name.services);
            }
        }
        if let (Some(process), Some(last)) = (self.latest.get(&who), self.moments.checked_sub(1)) {
            series.handles[last] = process.handles.map_or(MISSING, u64::from);
            series.threads[last] = process.threads.map_or(MISSING, u64::from);
            series.private_bytes[last] = process.private_bytes.unwrap_or(MISSING);
            if !is_named {
                series.image.clone_from(&process.image);
                is_named = true;
            }
            if series.services.is_empty() {
                series.services.clone_from(&process.services);
            }
        }
        is_named.then_some(series)
    }
}

fn identity(key: ProcessKey, image: &str) -> Identity<'_> {
    (key, if key.pid == 0 { image } else { "" })
}

/// The figures of a process; `None` when it was not there.
fn told(columns: &[Vec<u64>; 3], group: usize) -> Option<[u64; 3]> {
    let count = |value: u64| if value > u32::MAX.into() { MISSING } else { value };
    let [handles, threads, private_bytes] = columns;
    let figures = [count(handles[group]), count(threads[group]), private_bytes[group]];
    figures.iter().any(|value| *value != MISSING).then_some(figures)
}
