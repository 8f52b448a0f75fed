//! One tag over the fleet (`GET /tags/{tag}`).

mod query;

use askama::Template;
use jiff::Timestamp;
use poolwatch_analysis::catalogue::{Certainty, KnownLeak, LeakKind, Source};
use poolwatch_model::{Bytes, Pool, incident::IncidentState};

pub use query::{TagHostSort, TagHosts, TagQuery};

use crate::{
    HostLink, Shell, assets, figures,
    histogram::SizeHistogram,
    hosts::IncidentMark,
    incidents::IncidentRow,
    links,
    shell::live_page,
    table::{self, Column, TableQuery},
    words,
};

/// Columns of the table of hosts.
const COLUMNS: [Column<TagHostSort>; 9] = [
    Column::by(TagHostSort::Host, "Host", ""),
    Column::by(TagHostSort::Group, "Group", ""),
    Column::by(TagHostSort::Bytes, "Bytes", "num"),
    Column::by(TagHostSort::Share, "Of the pool", "num"),
    Column::by(TagHostSort::Outstanding, "Outstanding", "num"),
    Column::plain("Each", "num").meaning("bytes per outstanding allocation"),
    Column::by(TagHostSort::Hour, "1 h", "num").meaning("growth in an hour"),
    Column::by(TagHostSort::Day, "24 h", "num").meaning("growth in 24 h"),
    Column::by(TagHostSort::Week, "7 days", "num").meaning("growth in seven days"),
];

/// One tag over the fleet.
#[derive(Debug, Clone, Template)]
#[template(path = "tag.html", blocks = ["live"])]
pub struct TagPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The tag, and which of its hosts are shown.
    pub query: TagHosts,
    /// What it stands for.
    pub told: Option<TagTold>,
    /// The pools that it uses, the one with most first.
    pub pools: Vec<TagInPool>,
    /// The pool whose hosts are shown.
    pub pool: Pool,
    /// How its bytes are spread over hosts.
    pub spread: SizeHistogram,
    /// Hosts that use it in this pool.
    pub total: u64,
    /// The hosts of this page.
    pub rows: Vec<TagHostRow>,
    /// Open incidents that are about it.
    pub incidents: Vec<IncidentRow>,
    /// Drivers that may own it, the likeliest first.
    pub owners: Vec<OwnerRow>,
    /// Leaks of it that are publicly known.
    pub leaks: Vec<LeakRow>,
    /// What somebody wrote of it here.
    pub note: Option<TagNoteRow>,
    /// Whether who looks may write.
    pub may_write: bool,
}

/// What somebody wrote of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagNoteRow {
    /// What it counts.
    pub meaning: String,
    /// The driver or part of Windows that owns it.
    pub owner: Option<String>,
    /// Who wrote that.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

live_page!(TagPage);

/// What a tag stands for, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTold {
    /// In words.
    pub meaning: String,
    /// The driver or part of Windows that owns it.
    pub owner: Option<String>,
    /// Who says so.
    pub source: Source,
    /// How sure that is.
    pub certainty: Certainty,
    /// The kernel object type that it counts.
    pub object_type: Option<&'static str>,
    /// Whether it is a cache, which grows after a start and then holds.
    pub cache: bool,
    /// Whether many drivers use it.
    pub shared: bool,
}

/// A tag's use of one pool over the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagInPool {
    /// Which pool.
    pub pool: Pool,
    /// Hosts that use it.
    pub hosts: u64,
    /// Bytes, all hosts together.
    pub sum: Bytes,
    /// Bytes that half of the hosts do not exceed.
    pub median: Bytes,
    /// Bytes that 95 % of the hosts do not exceed.
    pub p95: Bytes,
    /// The host that uses most.
    pub worst: Option<(HostLink, Bytes)>,
    /// Growth in 24 h, all hosts together of which a day is known.
    pub growth: Option<i64>,
    /// Hosts on which it grew by 10 MB or more in 24 h.
    pub grows_on: Option<u64>,
}

/// One host's use of the tag.
#[derive(Debug, Clone, PartialEq)]
pub struct TagHostRow {
    /// Who it is.
    pub host: HostLink,
    /// Its group.
    pub group: Option<String>,
    /// Bytes.
    pub bytes: Bytes,
    /// The same as a share of the host's pool.
    pub share: Option<f64>,
    /// Outstanding allocations.
    pub outstanding: u64,
    /// Growth in an hour, in 24 h and in seven days.
    pub growth: [Option<i64>; 3],
    /// An open incident of the host that is about the tag.
    pub incident: Option<IncidentMark>,
}

/// A driver that may own the tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRow {
    /// File name.
    pub name: String,
    /// Who says so.
    pub because: Vec<String>,
    /// Hosts that have it loaded.
    pub hosts: u64,
    /// Versions of it in the fleet.
    pub versions: u64,
}

/// A leak that is publicly known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeakRow {
    /// The leak.
    pub leak: &'static KnownLeak,
    /// Hosts that have its driver loaded or run its program.
    pub seen_on: u64,
}

impl TagHostRow {
    /// Mean size of an allocation.
    fn average(&self) -> Option<u64> {
        self.bytes.0.checked_div(self.outstanding)
    }
}

impl LeakRow {
    fn seen(&self) -> String {
        let verb = match self.leak.kind {
            LeakKind::Driver => "loaded on",
            LeakKind::Program => "running on",
        };
        match self.seen_on {
            0 => "not seen in this fleet".to_owned(),
            hosts => format!("{verb} {}", figures::counted(hosts, "host", "hosts")),
        }
    }
}

impl TagPage {
    /// The sentence that answers: how much of what, where, and does it grow?
    fn headline(&self) -> String {
        let tag = self.query.tag;
        let Some(most) = self.pools.first() else {
            return format!("No host uses {tag} now.");
        };
        let on = match &most.worst {
            Some((host, _)) if most.hosts == 1 => format!("on {}", host.name),
            Some((host, bytes)) => format!(
                "on {}, most on {} with {bytes}",
                figures::counted(most.hosts, "host", "hosts"),
                host.name
            ),
            None => format!("on {}", figures::counted(most.hosts, "host", "hosts")),
        };
        let growth = match most.grows_on {
            Some(0) => " It grew by 10 MB or more in 24 h on none.".to_owned(),
            Some(hosts) => format!(
                " It grew by 10 MB or more in 24 h on {}.",
                figures::counted(hosts, "host", "hosts")
            ),
            None => String::new(),
        };
        format!("{tag} uses {} of {} pool {on}.{growth}", most.sum, most.pool)
    }
}
