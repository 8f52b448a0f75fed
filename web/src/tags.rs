//! All tags of the fleet (`GET /tags`), common offenders first.

mod query;

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{Bytes, Pool, PoolTag};

pub use query::{KnownChoice, PoolChoice, TagSort, TagsQuery};

use crate::{
    HostLink, Shell, assets, figures,
    host::TagMeaning,
    hosts::IncidentMark,
    links,
    shell::live_page,
    table::{self, Column, TableQuery},
    words,
};

/// Columns of the table.
const COLUMNS: [Column<TagSort>; 11] = [
    Column::by(TagSort::Tag, "Tag", ""),
    Column::plain("Pool", ""),
    Column::by(TagSort::Grows, "Grows on", "num")
        .meaning("hosts on which it grew by 10 MB or more in 24 h"),
    Column::by(TagSort::Growth, "24 h", "num").meaning("growth in 24 h, all hosts together"),
    Column::by(TagSort::Hosts, "Hosts", "num"),
    Column::by(TagSort::Sum, "Sum", "num"),
    Column::by(TagSort::Median, "Median", "num opt").meaning("half of the hosts use no more"),
    Column::by(TagSort::P95, "p95", "num opt").meaning("95 % of the hosts use no more"),
    Column::by(TagSort::Worst, "Most on one host", ""),
    Column::by(TagSort::Owner, "Owner", ""),
    Column::plain("Meaning", ""),
];

/// One tag's use of one pool over the fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct TagLine {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Hosts that use it.
    pub hosts: u64,
    /// Hosts on which it grew by 10 MB or more in 24 h; `None` when of no host a day is known.
    pub grows_on: Option<u64>,
    /// Growth in 24 h, all hosts together of which a day is known.
    pub growth: Option<i64>,
    /// Bytes, all hosts together.
    pub sum: Bytes,
    /// Bytes that half of the hosts do not exceed.
    pub median: Bytes,
    /// Bytes that 95 % of the hosts do not exceed.
    pub p95: Bytes,
    /// The host that uses most.
    pub worst: Option<(HostLink, Bytes)>,
    /// What it stands for.
    pub meaning: Option<TagMeaning>,
    /// An open incident that is about it.
    pub incident: Option<IncidentMark>,
}

/// What the page says of the fleet before its table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TagsSummary {
    /// Tags and pools in use.
    pub total: u64,
    /// Those that grow on some host.
    pub growing: u64,
    /// The one that grows most.
    pub fastest: Option<TagLine>,
    /// The one that uses most.
    pub largest: Option<TagLine>,
}

/// All tags that match a query, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "tags.html", blocks = ["live"])]
pub struct TagsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Filter, order and page.
    pub query: TagsQuery,
    /// Groups to choose from.
    pub groups: Vec<String>,
    /// The fleet, or the chosen group, in short.
    pub summary: TagsSummary,
    /// Lines that match, on all pages.
    pub total: u64,
    /// The lines of this page.
    pub rows: Vec<TagLine>,
    /// What people say of tags here; none in parts that are asked for again.
    pub said: Option<TagsSaid>,
}

/// What people say of tags here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagsSaid {
    /// Tags with a note.
    pub notes: u64,
    /// Entries of the imported pooltag.txt.
    pub entries: u64,
    /// Who imported it, and when.
    pub imported: Option<(String, Timestamp)>,
    /// Whether who looks may import one.
    pub may_import: bool,
}

live_page!(TagsPage);

impl TagsPage {
    fn headline(&self) -> String {
        let of = match self.query.group.as_str() {
            "" => String::new(),
            group => format!(" in {group}"),
        };
        match &self.summary {
            TagsSummary { fastest: None, largest: None, .. } => {
                format!("No host{of} has sent its pool tags yet.")
            }
            TagsSummary { fastest: Some(line), growing, .. } => {
                let by = line.growth.map_or_else(String::new, |bytes| {
                    format!(", by {} in 24 h", Bytes(bytes.unsigned_abs()))
                });
                format!(
                    "{}{of}; {} grows most, on {}{by}.",
                    figures::counted(*growing, "tag grows", "tags grow"),
                    line.tag,
                    figures::counted(line.grows_on, "host", "hosts"),
                )
            }
            TagsSummary { largest: Some(line), total, .. } => {
                // Without a day of history there is no saying what grew in it.
                let growth = match line.growth {
                    Some(_) => "No tag grew by 10 MB or more in 24 h on any host".to_owned(),
                    None => figures::counted(*total, "tag is in use", "tags are in use"),
                };
                format!(
                    "{growth}{of}; {} uses most: {} on {}.",
                    line.tag,
                    line.sum,
                    figures::counted(line.hosts, "host", "hosts"),
                )
            }
        }
    }
}
