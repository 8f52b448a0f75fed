//! What programs did, under construction: the operations of a slot, summed up.

use std::collections::BTreeMap;

use super::super::{Column, MAX_PROGRAMS, Stat, Table};

/// Programs that are followed in an hour at most.
const MAX_FOLLOWED: usize = 4096;

/// Operations by image and slot.
#[derive(Debug, Default)]
pub(super) struct ProgramRows {
    rows: BTreeMap<String, Vec<u64>>,
    /// Of each slot that has ended, whether its snapshots told what programs did.
    told: Vec<bool>,
    is_told: bool,
}

impl ProgramRows {
    /// Adds what a snapshot tells; nothing where it does not.
    pub(super) fn add(&mut self, operations: &BTreeMap<&str, u64>) {
        let slot = self.told.len();
        for (image, count) in operations {
            self.is_told = true;
            if self.rows.len() >= MAX_FOLLOWED && !self.rows.contains_key(*image) {
                continue;
            }
            let row = self.rows.entry((*image).to_owned()).or_default();
            row.resize(slot + 1, 0);
            row[slot] = row[slot].saturating_add(*count);
        }
    }

    /// Ends a slot.
    pub(super) fn close(&mut self) {
        self.told.push(std::mem::take(&mut self.is_told));
    }

    /// The table, with the slots in this order. Who is not among the active ones did nothing.
    pub(super) fn finish(self, order: &[usize]) -> Table<String> {
        let told = &self.told;
        let column = |row: &Vec<u64>| {
            let count = |at: &usize| Stat::constant(row.get(*at).copied().unwrap_or(0));
            vec![Column::new(order.iter().map(|at| told[*at].then(|| count(at))))]
        };
        let rows = self.rows.values().map(column).collect();
        keep_busiest(Table { rows, keys: self.rows.into_keys().collect() })
    }
}

/// Of more programs than a chunk keeps, those with the most operations.
pub(in crate::chunk) fn keep_busiest(mut table: Table<String>) -> Table<String> {
    let total = |row: &Vec<Column>| match &row[0] {
        Column::Absent => 0,
        Column::Constant(value) => *value,
        Column::Varied(values) => {
            values.iter().flatten().fold(0_u64, |sum, stat| sum.saturating_add(stat.mean))
        }
    };
    let mut order: Vec<usize> = (0..table.keys.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(total(&table.rows[*at])), *at));
    let mut kept = vec![false; order.len()];
    order.iter().take(MAX_PROGRAMS).for_each(|at| kept[*at] = true);
    let mut places = kept.iter();
    table.keys.retain(|_| places.next() == Some(&true));
    let mut places = kept.iter();
    table.rows.retain(|_| places.next() == Some(&true));
    table
}
