//! One driver over the fleet (`GET /drivers/{name}`).

mod query;

use askama::Template;
use poolwatch_analysis::catalogue::KnownLeak;
use poolwatch_model::{PoolTag, incident::IncidentState};

pub use query::{DriverHostSort, DriverHosts, DriverQuery};

use crate::{
    HostLink, Shell, assets,
    drivers::DriverChangeRow,
    figures,
    hosts::IncidentMark,
    incidents::IncidentRow,
    links,
    shell::live_page,
    table::{self, Column, TableQuery},
    words,
};

/// Columns of the table of hosts.
const COLUMNS: [Column<DriverHostSort>; 4] = [
    Column::by(DriverHostSort::Host, "Host", ""),
    Column::by(DriverHostSort::Affected, "Incident", ""),
    Column::by(DriverHostSort::Version, "Version", ""),
    Column::by(DriverHostSort::Group, "Group", ""),
];

/// One driver over the fleet.
#[derive(Debug, Clone, Template)]
#[template(path = "driver.html", blocks = ["live"])]
pub struct DriverPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The driver, and how its hosts are shown.
    pub query: DriverHosts,
    /// Its versions, with most hosts first.
    pub versions: Vec<VersionRow>,
    /// What changed in seven days, on most hosts first.
    pub changes: Vec<DriverChangeRow>,
    /// Open incidents that suspect it.
    pub incidents: Vec<IncidentRow>,
    /// Tags that it may own, with what they count.
    pub tags: Vec<(PoolTag, Option<String>)>,
    /// Leaks of it that are publicly known.
    pub leaks: Vec<&'static KnownLeak>,
    /// Hosts that have it loaded, of the version that is asked for.
    pub total: u64,
    /// The hosts of this page.
    pub rows: Vec<DriverHostRow>,
}

live_page!(DriverPage);

/// One version of the driver.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionRow {
    /// The version, where the file tells one.
    pub version: Option<String>,
    /// The company that it names.
    pub company: Option<String>,
    /// Hosts that have it loaded.
    pub hosts: u64,
    /// The same as a share of the hosts that have the driver.
    pub share: f64,
    /// Those of them on which an open incident suspects the driver.
    pub affected: u64,
}

/// One host that has the driver loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverHostRow {
    /// Who it is.
    pub host: HostLink,
    /// Its group.
    pub group: Option<String>,
    /// The version that it has.
    pub version: Option<String>,
    /// An open incident of it that suspects the driver.
    pub incident: Option<IncidentMark>,
}

impl DriverPage {
    /// The sentence that answers: where is it loaded, and which version is affected?
    fn headline(&self) -> String {
        let name = &self.query.name;
        let hosts: u64 = self.versions.iter().map(|row| row.hosts).sum();
        if hosts == 0 {
            return format!("No host has {name} loaded.");
        }
        let loaded = format!(
            "{name} is loaded on {} in {}",
            figures::counted(hosts, "host", "hosts"),
            figures::counted(self.versions.len(), "version", "versions")
        );
        let affected: Vec<String> = self
            .versions
            .iter()
            .filter(|row| row.affected > 0)
            .map(|row| {
                format!(
                    "{} of {} with {} are affected",
                    figures::grouped(row.affected),
                    figures::grouped(row.hosts),
                    row.version.as_deref().unwrap_or("no version told")
                )
            })
            .collect();
        if affected.is_empty() {
            format!("{loaded}; no open incident suspects it.")
        } else {
            format!("{loaded}; {}.", affected.join(", "))
        }
    }
}
