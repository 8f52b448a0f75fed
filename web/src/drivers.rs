//! Drivers over all hosts (`GET /drivers`).

mod query;

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::PoolTag;

pub use query::{DriverChoice, DriverSort, DriversQuery};

use crate::{
    Shell, assets, figures,
    hosts::IncidentMark,
    links,
    shell::live_page,
    table::{self, Column, TableQuery},
    words,
};

/// Columns of the table.
const COLUMNS: [Column<DriverSort>; 8] = [
    Column::by(DriverSort::Name, "Driver", ""),
    Column::by(DriverSort::Affected, "Affected", "num")
        .meaning("hosts of open incidents that suspect it"),
    Column::by(DriverSort::Hosts, "Hosts", "num").meaning("hosts that have it loaded"),
    Column::plain("Share", "num").meaning("of the hosts whose drivers are known"),
    Column::by(DriverSort::Versions, "Versions", ""),
    Column::by(DriverSort::Changed, "Changed in 7 days", ""),
    Column::plain("Tags", "").meaning("pool tags that it may own"),
    Column::by(DriverSort::Company, "Company", ""),
];

/// Tags that are shown of one driver in the list.
const TAGS: usize = 4;

/// One driver over all hosts.
#[derive(Debug, Clone, PartialEq)]
pub struct DriverLine {
    /// File name, in small letters.
    pub name: String,
    /// Company that its files name.
    pub company: Option<String>,
    /// Hosts that have it loaded.
    pub hosts: u64,
    /// The same as a share of the hosts whose drivers are known.
    pub share: f64,
    /// Versions.
    pub versions: u64,
    /// The version on most hosts, with these.
    pub common: Option<(String, u64)>,
    /// Hosts of open incidents that suspect it.
    pub affected: u64,
    /// The worst open incident that suspects it.
    pub incident: Option<IncidentMark>,
    /// Tags that it may own; groups of tags are left out.
    pub tags: Vec<PoolTag>,
    /// What changed in seven days, on most hosts first.
    pub changes: Vec<DriverChangeRow>,
}

/// What changed in seven days of a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverChangeRow {
    /// Its file name.
    pub name: String,
    /// Whether it is new on these hosts.
    pub is_new: bool,
    /// Its version before.
    pub before: Option<String>,
    /// Its version after.
    pub after: Option<String>,
    /// Hosts on which it changed so.
    pub hosts: u64,
    /// When it came first.
    pub first: Timestamp,
    /// When it came last.
    pub last: Timestamp,
}

/// All drivers that match a query, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "drivers.html", blocks = ["live"])]
pub struct DriversPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Filter, order and page.
    pub query: DriversQuery,
    /// Drivers of the whole fleet.
    pub fleet: u64,
    /// Hosts whose drivers are known.
    pub hosts: u64,
    /// The driver with most affected hosts.
    pub suspected: Option<DriverLine>,
    /// Drivers that are new or changed in seven days.
    pub changed: u64,
    /// Drivers that match, on all pages.
    pub total: u64,
    /// The drivers of this page.
    pub rows: Vec<DriverLine>,
}

live_page!(DriversPage);

impl DriverChangeRow {
    /// The change in a few words: `5.0 → 5.1`.
    #[must_use]
    pub fn told(&self) -> String {
        let after = self.after.as_deref();
        match (&self.before, after) {
            (Some(before), Some(after)) => format!("{before} → {after}"),
            (_, Some(after)) if self.is_new => format!("new, {after}"),
            (_, None) if self.is_new => "new".to_owned(),
            (_, Some(after)) => format!("now {after}"),
            (Some(before), None) => format!("before {before}"),
            (None, None) => "changed".to_owned(),
        }
    }
}

impl DriverLine {
    fn first_tags(&self) -> &[PoolTag] {
        &self.tags[..self.tags.len().min(TAGS)]
    }
}

impl DriversPage {
    /// The sentence that answers: which driver is behind it, and what changed?
    fn headline(&self) -> String {
        if self.fleet == 0 {
            return "No host has sent its drivers yet.".to_owned();
        }
        let suspected = match &self.suspected {
            Some(line) => format!(
                "{} is suspected on {}",
                line.name,
                figures::counted(line.affected, "host", "hosts")
            ),
            None => "No driver is suspected".to_owned(),
        };
        let changed = match self.changed {
            0 => "none changed in 7 days".to_owned(),
            1 => "one changed in 7 days".to_owned(),
            many => format!("{} changed in 7 days", figures::grouped(many)),
        };
        format!("{suspected}; {changed}.")
    }
}
