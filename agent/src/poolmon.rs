//! A snapshot as a table, laid out as administrators know it from poolmon.

use std::{cmp::Reverse, fmt::Write};

use poolwatch_model::{Bytes, Pool, Snapshot, tag::TagCounters};

/// What the table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// Tag, from A to Z.
    Tag,
    /// Allocations, most first.
    Allocs,
    /// Frees, most first.
    Frees,
    /// Allocations minus frees, most first.
    Diff,
    /// Bytes in use, most first.
    #[default]
    Bytes,
    /// Bytes of one allocation on average, most first.
    PerAlloc,
}

impl SortBy {
    /// All there are, for whoever asks for another.
    pub const NAMES: &str = "tag, allocs, frees, diff, bytes, per-alloc";

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "tag" => Self::Tag,
            "allocs" => Self::Allocs,
            "frees" => Self::Frees,
            "diff" => Self::Diff,
            "bytes" => Self::Bytes,
            "per-alloc" => Self::PerAlloc,
            _ => return None,
        })
    }
}

struct Line {
    tag: String,
    pool: Pool,
    counters: TagCounters,
    frees: u64,
}

impl Line {
    fn per_alloc(&self) -> u64 {
        self.counters.bytes.checked_div(self.counters.outstanding).unwrap_or(0)
    }

    fn sort_key(&self, by: SortBy) -> u64 {
        match by {
            SortBy::Tag => 0,
            SortBy::Allocs => self.counters.allocs,
            SortBy::Frees => self.frees,
            SortBy::Diff => self.counters.outstanding,
            SortBy::Bytes => self.counters.bytes,
            SortBy::PerAlloc => self.per_alloc(),
        }
    }
}

/// The memory figures and, a line per tag and pool in use, the tags. What is not known is a dash.
#[must_use]
pub fn table(snapshot: &Snapshot, by: SortBy) -> String {
    let memory = &snapshot.memory;
    let kilobytes = |bytes: Option<Bytes>| match bytes {
        Some(bytes) => format!("{}K", bytes.0 / 1024),
        None => "-".to_owned(),
    };
    let mut out = format!(
        " Memory:{:>12} Avail:{:>12}   ResAvail:{:>12}   InRam Krnl P:{:>11}\n \
         Commit:{:>12} Limit:{:>12}   Peak:    {:>12}   Pool N:{:>11} P:{:>11}\n \
         System pool information\n \
         Tag  Type {:>17} {:>17} {:>12} {:>16} {:>10}\n\n",
        kilobytes(memory.physical),
        kilobytes(memory.available),
        kilobytes(memory.resident_available),
        kilobytes(memory.paged_resident),
        kilobytes(memory.committed),
        kilobytes(memory.commit_limit),
        kilobytes(memory.commit_peak),
        kilobytes(memory.nonpaged),
        kilobytes(memory.paged),
        "Allocs",
        "Frees",
        "Diff",
        "Bytes",
        "Per Alloc",
    );
    for line in lines(snapshot, by) {
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            " {:<4} {:<5}{:>17} {:>17} {:>12} {:>16} {:>10}",
            line.tag,
            match line.pool {
                Pool::Nonpaged => "Nonp",
                Pool::Paged => "Paged",
            },
            line.counters.allocs,
            line.frees,
            line.counters.outstanding,
            line.counters.bytes,
            line.per_alloc(),
        );
    }
    if snapshot.tags.is_none() {
        out.push_str(" Pool tags are not available on this host.\n");
    }
    out
}

fn lines(snapshot: &Snapshot, by: SortBy) -> Vec<Line> {
    let Some(table) = &snapshot.tags else {
        return Vec::new();
    };
    let mut lines: Vec<Line> = table
        .rows
        .iter()
        .flat_map(|row| Pool::ALL.map(|pool| (row, pool)))
        .filter(|(row, pool)| !row.of(*pool).is_empty())
        .map(|(row, pool)| {
            let counters = *row.of(pool);
            let frees = table.frees(&counters).unwrap_or(0);
            Line { tag: row.tag.to_string(), pool, counters, frees }
        })
        .collect();
    lines.sort_by(|a, b| {
        let key = |line: &Line| Reverse(line.sort_key(by));
        key(a).cmp(&key(b)).then_with(|| a.tag.cmp(&b.tag))
    });
    lines
}

#[cfg(test)]
mod tests {
    use poolwatch_model::BootId;
    use uuid::Uuid;

    use super::*;
    use crate::{
        clock::SystemClock,
        collect::{CollectorSet, Sampler},
        machine::replay::Replay,
        synthetic::small_capture,
    };

    fn example() -> Snapshot {
        let clock = SystemClock::start();
        let mut machine = Replay::new(small_capture(), clock, BootId(Uuid::nil()), None);
        Sampler::new(CollectorSet::all(), 100_000).snapshot(&mut machine, &clock, 0)
    }

    fn tags(by: SortBy) -> Vec<String> {
        table(&example(), by)
            .lines()
            .skip(5)
            .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn tags_are_sorted_as_asked() {
        let by_bytes = tags(SortBy::Bytes);
        assert_eq!(by_bytes[..2], ["MmSt Paged", "Thre Nonp"]);
        assert_eq!(tags(SortBy::Tag)[..3], ["CM31 Paged", "File Nonp", "Fooo Nonp"]);
        assert_eq!(tags(SortBy::Diff)[0], "Thre Nonp");
        assert_eq!(tags(SortBy::Allocs)[0], "File Nonp");
        assert_eq!(tags(SortBy::Frees)[0], "File Nonp");
        assert_eq!(tags(SortBy::PerAlloc)[0], "CM31 Paged");
    }

    #[test]
    fn numbers_line_up_under_their_headings() {
        let text = table(&example(), SortBy::Bytes);
        let heading = text.lines().nth(3).unwrap();
        let row = text.lines().nth(5).unwrap();
        assert_eq!(heading.len(), row.len());
        assert_eq!(
            row,
            " MmSt Paged           700000            669000        31000        150000000       4838"
        );
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let text = table(&Snapshot::default(), SortBy::Bytes);
        assert!(text.contains("Pool N:          - P:          -"), "{text}");
        assert!(text.contains("not available"), "{text}");
    }
}
