//! All hosts (`GET /hosts`), and the row that other pages show a host by.

mod query;

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{Bytes, Pool, diagnosis::Verdict, host::OsVersion, incident::IncidentId};

pub use query::{HostSort, HostState, HostsQuery};

use crate::{
    HostLink, Shell, assets, figures,
    level::PoolLevel,
    links,
    shell::live_page,
    table::{self, Column, TableQuery},
    words,
};

/// Columns of the table.
const COLUMNS: [Column<HostSort>; 13] = [
    Column::by(HostSort::Name, "Host", ""),
    Column::by(HostSort::Os, "Windows", "opt"),
    Column::by(HostSort::Group, "Group", "opt"),
    Column::by(HostSort::Uptime, "Up", "num opt"),
    Column::plain("Nonpaged", "num"),
    Column::by(HostSort::Nonpaged, "Share", ""),
    Column::by(HostSort::NonpagedGrowth, "24 h", "num"),
    Column::plain("Paged", "num"),
    Column::by(HostSort::Paged, "Share", ""),
    Column::by(HostSort::PagedGrowth, "24 h", "num"),
    Column::by(HostSort::Commit, "Commit", "num opt"),
    Column::by(HostSort::Handles, "Most handles", ""),
    Column::by(HostSort::Seen, "Seen", "num"),
];

/// All hosts that match a query, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "hosts.html", blocks = ["live"])]
pub struct HostsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Filter, order and page.
    pub query: HostsQuery,
    /// Groups to choose from.
    pub groups: Vec<String>,
    /// Hosts that match, on all pages.
    pub total: u64,
    /// Hosts of the whole fleet.
    pub fleet: u64,
    /// The hosts of this page.
    pub rows: Vec<HostRow>,
}

live_page!(HostsPage);

/// Where a host's data come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostSource {
    /// An agent sends them.
    Agent,
    /// Somebody imported evidence.
    Imported,
}

/// The process with the most handles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopProcess {
    /// Image name.
    pub image: String,
    /// Process id.
    pub pid: u32,
    /// Open handles.
    pub handles: u32,
}

/// An open incident of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentMark {
    /// Which.
    pub id: IncidentId,
    /// Its verdict.
    pub verdict: Verdict,
}

/// One host in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRow {
    /// Who it is.
    pub host: HostLink,
    /// Its Windows.
    pub os: Option<OsVersion>,
    /// Its group, see [`words::group`].
    pub group: Option<String>,
    /// Where its data come from.
    pub source: HostSource,
    /// When it started.
    pub booted: Option<Timestamp>,
    /// Use of nonpaged pool.
    pub nonpaged: PoolLevel,
    /// Use of paged pool.
    pub paged: PoolLevel,
    /// Commit charge and commit limit.
    pub commit: Option<(Bytes, Bytes)>,
    /// Change of nonpaged pool in 24 h, bytes.
    pub nonpaged_growth: Option<i64>,
    /// Change of paged pool in 24 h, bytes.
    pub paged_growth: Option<i64>,
    /// The process with the most handles.
    pub top_process: Option<TopProcess>,
    /// When data last came.
    pub last_seen: Option<Timestamp>,
    /// Its worst open incident.
    pub incident: Option<IncidentMark>,
}

/// Whether a host can be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Its agent reports.
    Reporting,
    /// Its agent does not report any more.
    Silent,
    /// Its data were imported: they do not age by themselves.
    Imported,
    /// It is enrolled and has sent nothing yet.
    Waiting,
}

impl Presence {
    /// The presence of a host that was last seen then: silent after [`SILENT_AFTER_S`].
    #[must_use]
    pub fn of(source: HostSource, last_seen: Option<Timestamp>, now: Timestamp) -> Self {
        match (source, last_seen) {
            (HostSource::Imported, _) => Self::Imported,
            (HostSource::Agent, None) => Self::Waiting,
            (HostSource::Agent, Some(at)) if figures::seconds_between(at, now) > SILENT_AFTER_S => {
                Self::Silent
            }
            (HostSource::Agent, Some(_)) => Self::Reporting,
        }
    }

    /// Its class in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Reporting => "reporting",
            Self::Silent => "silent",
            Self::Imported => "imported",
            Self::Waiting => "waiting",
        }
    }

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reporting => "reporting",
            Self::Silent => "silent",
            Self::Imported => "imported",
            Self::Waiting => "nothing yet",
        }
    }
}

/// After this long without a word an agent is called silent: five times its usual interval.
pub const SILENT_AFTER_S: u64 = 300;

impl HostRow {
    /// Whether it can be heard.
    #[must_use]
    pub fn presence(&self, now: &Timestamp) -> Presence {
        Presence::of(self.source, self.last_seen, *now)
    }

    pub(crate) fn level(&self, pool: Pool) -> &PoolLevel {
        match pool {
            Pool::Nonpaged => &self.nonpaged,
            Pool::Paged => &self.paged,
        }
    }

    pub(crate) fn commit_share(&self) -> Option<f64> {
        self.commit.map(|(charge, limit)| charge.share_of(limit))
    }
}

impl HostsPage {
    fn headline(&self) -> String {
        let hosts = figures::counted(self.total, "host", "hosts");
        if self.fleet == 0 {
            "No host is enrolled yet.".to_owned()
        } else if self.query.is_filtered() {
            format!("{hosts} of {} match.", figures::grouped(self.fleet))
        } else {
            format!("{hosts}, {}.", self.query.in_words())
        }
    }
}
