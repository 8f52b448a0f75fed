//! The tags of this host as they change: what poolmon shows, with what each tag stands for and whose
//! drivers' code allocates by it. Pictures in, lines out.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_model::{
    Pool, PoolTag, Snapshot,
    driver_scan::{DriverScan, OWNS},
    tag::{TagCounters, TagTable},
};

/// What the table is ordered by; the letters are those of poolmon where it has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    /// `b`
    #[default]
    Bytes,
    /// `c`, bytes gained since the table began
    Change,
    /// `d`
    Diff,
    /// `a`
    Allocs,
    /// `f`
    Frees,
    /// `t`
    Tag,
}

/// What a key asks of who shows the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// Draw it again.
    Draw,
    /// Scan the files of the loaded drivers.
    Scan,
    /// End.
    End,
}

/// The table.
#[derive(Debug, Default)]
pub struct LiveTable {
    order: Order,
    /// One pool alone, or both.
    pool: Option<Pool>,
    first: Option<TagTable>,
    before: Option<TagTable>,
    now: Snapshot,
    catalogue: Catalogue,
    drivers: BTreeMap<PoolTag, BTreeSet<String>>,
    note: String,
}

struct Row {
    tag: PoolTag,
    pool: Pool,
    now: TagCounters,
    frees: u64,
    /// Changes since the picture before: allocations, frees, bytes.
    since: [i64; 3],
    /// Change of bytes since the table began.
    gained: i64,
}

impl LiveTable {
    /// Takes the next picture.
    pub fn take(&mut self, snapshot: Snapshot) {
        self.before = self.now.tags.take();
        self.now = snapshot;
        if self.first.is_none() {
            self.first.clone_from(&self.now.tags);
        }
    }

    /// Takes what a scan found in a driver's file.
    pub fn take_scan(&mut self, driver: &str, scan: &DriverScan) {
        for found in scan.tags.iter().filter(|found| found.likelihood() >= OWNS) {
            self.drivers.entry(found.tag.unprotected()).or_default().insert(driver.to_owned());
        }
    }

    /// Says something below the head.
    pub fn set_note(&mut self, note: impl Into<String>) {
        self.note = note.into();
    }

    /// Does what a key stands for.
    pub fn press(&mut self, key: char) -> Pressed {
        self.order = match key.to_ascii_lowercase() {
            'b' => Order::Bytes,
            'c' => Order::Change,
            'd' => Order::Diff,
            'a' => Order::Allocs,
            'f' => Order::Frees,
            't' => Order::Tag,
            'p' => {
                self.pool = match self.pool {
                    None => Some(Pool::Nonpaged),
                    Some(Pool::Nonpaged) => Some(Pool::Paged),
                    Some(Pool::Paged) => None,
                };
                self.order
            }
            's' => return Pressed::Scan,
            'q' | '\u{1b}' | '\u{3}' => return Pressed::End,
            _ => self.order,
        };
        Pressed::Draw
    }

    /// The table in so many lines of so many characters.
    #[must_use]
    pub fn lines(&self, width: usize, height: usize) -> Vec<String> {
        let memory = &self.now.memory;
        let size = |bytes: Option<poolwatch_model::Bytes>| {
            bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string())
        };
        let pools = match self.pool {
            None => "both pools",
            Some(Pool::Nonpaged) => "nonpaged",
            Some(Pool::Paged) => "paged",
        };
        let mut lines = vec![
            format!(
                "Nonpaged {}  Paged {} ({} resident)  Commit {} of {}  Available {}",
                size(memory.nonpaged),
                size(memory.paged),
                size(memory.paged_resident),
                size(memory.committed),
                size(memory.commit_limit),
                size(memory.available),
            ),
            format!(
                "{pools} by {:?}. Keys: b c d a f t order, p pool, s scan drivers, q end. {}",
                self.order, self.note
            )
            .to_lowercase(),
            format!(
                "{:<4} {:<4} {:>10} {:>9} {:>10} {:>9} {:>9} {:>12} {:>10} {:>11}  Owner",
                "Tag", "Pool", "Allocs", "", "Frees", "", "Diff", "Bytes", "", "Since start"
            ),
        ];
        if self.now.tags.is_none() {
            lines.push("Pool tags are not available on this host.".to_owned());
        }
        let room = height.saturating_sub(lines.len());
        lines.extend(self.rows().into_iter().take(room).map(|row| self.line(&row)));
        lines.iter().map(|line| line.chars().take(width).collect()).collect()
    }

    fn line(&self, row: &Row) -> String {
        let [allocs, frees, bytes] = row.since.map(signed);
        format!(
            "{:<4} {:<4} {:>10} {:>9} {:>10} {:>9} {:>9} {:>12} {:>10} {:>11}  {}",
            row.tag.to_string(),
            match row.pool {
                Pool::Nonpaged => "Nonp",
                Pool::Paged => "Page",
            },
            row.now.allocs,
            allocs,
            row.frees,
            frees,
            row.now.outstanding,
            row.now.bytes,
            bytes,
            signed(row.gained),
            self.owner(row.tag),
        )
    }

    /// Whose a tag may be: drivers whose code holds it, then what the catalogue says.
    fn owner(&self, tag: PoolTag) -> String {
        let drivers = self.drivers.get(&tag.unprotected()).into_iter().flatten();
        let drivers: Vec<&str> = drivers.map(String::as_str).collect();
        let told = self.catalogue.describe(tag);
        let told = told.map(|told| match told.owner {
            Some(owner) => format!("{owner}: {}", told.meaning),
            None => told.meaning.to_owned(),
        });
        match (drivers.is_empty(), told) {
            (true, told) => told.unwrap_or_default(),
            (false, None) => drivers.join(", "),
            (false, Some(told)) => format!("{} ({told})", drivers.join(", ")),
        }
    }

    fn rows(&self) -> Vec<Row> {
        let Some(table) = &self.now.tags else { return Vec::new() };
        let pools = Pool::ALL.into_iter().filter(|pool| self.pool.is_none_or(|only| only == *pool));
        let mut rows: Vec<Row> = pools
            .flat_map(|pool| table.rows.iter().map(move |row| (row, pool)))
            .filter(|(row, pool)| !row.of(*pool).is_empty())
            .map(|(row, pool)| self.row(table, row.tag, pool, *row.of(pool)))
            .collect();
        rows.sort_by_key(|row| {
            let amount = match self.order {
                Order::Bytes => i128::from(row.now.bytes),
                Order::Change => i128::from(row.gained),
                Order::Diff => i128::from(row.now.outstanding),
                Order::Allocs => i128::from(row.now.allocs),
                Order::Frees => i128::from(row.frees),
                Order::Tag => 0,
            };
            (Reverse(amount), row.tag, row.pool == Pool::Paged)
        });
        rows
    }

    fn row(&self, table: &TagTable, tag: PoolTag, pool: Pool, now: TagCounters) -> Row {
        let of = |table: &Option<TagTable>| {
            let table = table.as_ref()?;
            let counters = table.get(tag).map(|row| *row.of(pool)).unwrap_or_default();
            Some((counters, table.frees(&counters).unwrap_or(0)))
        };
        let frees = table.frees(&now).unwrap_or(0);
        let since = of(&self.before).map_or([0; 3], |(then, then_frees)| {
            [
                difference(then.allocs, now.allocs),
                difference(then_frees, frees),
                difference(then.bytes, now.bytes),
            ]
        });
        let gained = of(&self.first).map_or(0, |(then, _)| difference(then.bytes, now.bytes));
        Row { tag, pool, now, frees, since, gained }
    }
}

fn difference(then: u64, now: u64) -> i64 {
    now.wrapping_sub(then) as i64
}

/// A change, empty where there is none.
fn signed(change: i64) -> String {
    if change == 0 { String::new() } else { format!("{change:+}") }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        driver_scan::{FileHash, FoundTag},
        tag::{AllocCounting, TagUse},
    };

    use super::*;

    fn picture(thread_bytes: u64) -> Snapshot {
        let row = |tag: &[u8; 4], nonpaged: u64, paged: u64| {
            let counters =
                |bytes| TagCounters { bytes, outstanding: bytes / 100, allocs: bytes / 50 };
            TagUse { tag: PoolTag::new(*tag), paged: counters(paged), nonpaged: counters(nonpaged) }
        };
        let rows =
            vec![row(b"Thre", thread_bytes, 0), row(b"Zzzq", 90_000, 500), row(b"CM31", 0, 70_000)];
        Snapshot {
            tags: Some(TagTable::new(AllocCounting::Full64, true, rows)),
            ..Snapshot::default()
        }
    }

    fn tags(table: &LiveTable) -> Vec<String> {
        table.lines(200, 40)[3..].iter().map(|line| line[..9].trim().to_owned()).collect()
    }

    #[test]
    fn rows_are_ordered_and_filtered_by_keys() {
        let mut table = LiveTable::default();
        table.take(picture(10_000));
        assert_eq!(tags(&table), ["Zzzq Nonp", "CM31 Page", "Thre Nonp", "Zzzq Page"]);
        table.take(picture(60_000));
        assert_eq!(table.press('c'), Pressed::Draw);
        assert_eq!(tags(&table)[0], "Thre Nonp");
        let line = table.lines(200, 40)[3].clone();
        assert!(line.contains("+50000") && line.contains("+1000"), "{line}");
        table.press('P');
        table.press('t');
        assert_eq!(tags(&table), ["Thre Nonp", "Zzzq Nonp"]);
        table.press('p');
        assert_eq!(tags(&table), ["CM31 Page", "Zzzq Page"]);
        assert_eq!((table.press('s'), table.press('q')), (Pressed::Scan, Pressed::End));
    }

    #[test]
    fn meanings_and_drivers_whose_code_allocates_stand_beside_a_tag() {
        let mut table = LiveTable::default();
        table.take(picture(10_000));
        let mut found = FoundTag::new(PoolTag::new(*b"Zzzq"));
        found.allocations = 3;
        let scan =
            DriverScan { sha256: FileHash::new([1; 32]), tags: vec![found], is_partial: false };
        table.take_scan("leaky.sys", &scan);
        let lines = table.lines(200, 40);
        let of = |tag: &str| lines.iter().find(|line| line.starts_with(tag)).unwrap();
        assert!(of("Zzzq").ends_with("leaky.sys"), "{}", of("Zzzq"));
        assert!(of("Thre").contains("hread"), "{}", of("Thre"));
    }

    #[test]
    fn it_fits_every_console() {
        let mut table = LiveTable::default();
        for (width, height) in [(0, 0), (1, 1), (40, 4), (80, 25)] {
            let lines = table.lines(width, height);
            assert!(lines.iter().all(|line| line.chars().count() <= width));
            table.take(picture(10_000));
            assert!(table.lines(width, height).len() <= height.max(3));
        }
    }
}
