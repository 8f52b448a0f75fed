//! One driver over the fleet (`GET /drivers/{name}`).

use askama::Template;
use poolwatch_analysis::catalogue::KnownLeak;
use poolwatch_model::{PoolTag, driver_scan::FoundTag, incident::IncidentState};

use crate::{
    HostLink, Shell, assets,
    drivers::DriverChangeRow,
    figures,
    incidents::IncidentRow,
    links,
    list::{
        Column, Filter, List, ListQuery, ListView, Parameter, SortKey,
        SortWording::{By, Called},
        plain_row,
    },
    mark::IncidentMark,
    shell::live_page,
    words,
};

/// One driver over the fleet.
#[derive(Debug, Clone, Template)]
#[template(path = "driver.html", blocks = ["live"])]
pub struct DriverPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// File name, in small letters.
    pub name: String,
    /// Its versions, with most hosts first.
    pub versions: Vec<VersionRow>,
    /// What changed in seven days, on most hosts first.
    pub changes: Vec<DriverChangeRow>,
    /// Open incidents that suspect it.
    pub incidents: Vec<IncidentRow>,
    /// Tags that it may own, with what they count.
    pub tags: Vec<(PoolTag, Option<String>)>,
    /// Tags in the code of its files, the likeliest to be its own first.
    pub code_tags: Vec<CodeTagRow>,
    /// Leaks of it that are publicly known.
    pub leaks: Vec<&'static KnownLeak>,
    /// Hosts that have it loaded, of the version that is asked for.
    pub list: ListView<DriverHostRow, DriverHostsFilter>,
}

live_page!(DriverPage);

/// What `/drivers/{name}` and its files take as parameters.
pub type DriverHostsQuery = ListQuery<DriverHostRow, DriverHostsFilter>;

/// Which hosts of a driver are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriverHostsFilter {
    /// Only hosts with this version; empty for all.
    pub version: String,
}

impl Filter for DriverHostsFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![Parameter::of_links("version", &mut self.version)]
    }
}

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

/// A tag in the code of a driver's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeTagRow {
    /// The tag.
    pub tag: PoolTag,
    /// Version of the file, where it tells one.
    pub version: Option<String>,
    /// What the code does with it.
    pub found: FoundTag,
}

/// One host that has the driver loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverHostRow {
    /// Who it is.
    pub host: HostLink,
    /// Its name in full.
    pub full_name: String,
    /// The driver, as it was asked for.
    pub driver: String,
    /// Its group.
    pub group: Option<String>,
    /// The version that it has.
    pub version: Option<String>,
    /// An open incident of it that suspects the driver.
    pub incident: Option<IncidentMark>,
}

type DriverHostColumn = Column<DriverHostRow>;

/// The hosts that have a driver loaded.
pub static DRIVER_HOSTS: List<DriverHostRow> = List {
    nouns: ["host", "hosts"],
    class: "listed",
    columns: &[
        DriverHostColumn::host(|row| &row.full_name, |row| &row.host.name, |row| row.host.url()),
        DriverHostColumn::incident("Incident", |row| row.incident).sort_by(
            "affected",
            Called("affected ones first", "affected ones last"),
            |row| Some(u64::from(row.incident.is_some()).into()),
        ),
        DriverHostColumn::text("Version", |row| row.version.as_deref())
            .sort("version", By("version"))
            .file("version"),
        DriverHostColumn::group(|row| row.group.as_deref()),
        DriverHostColumn::former_self(|row| row.host.id),
        DriverHostColumn::in_files("id", |row| row.host.id.into()),
        DriverHostColumn::in_files("driver", |row| row.driver.as_str().into()),
    ],
    first: "affected",
    tie: |row| SortKey::ignoring_case(&row.full_name),
    row_class: plain_row,
    file_name: "driver-hosts",
    file_path: "/hosts",
    file_columns: "id host group driver version open_incident",
};

impl DriverPage {
    /// The version whose hosts are shown; empty for all.
    fn version(&self) -> &str {
        &self.list.query.filter.version
    }

    /// The address of the hosts with one version.
    fn of_version(&self, version: &str) -> String {
        self.list.query.with(DriverHostsFilter { version: version.to_owned() }).url()
    }

    /// The sentence that answers: where is it loaded, and which version is affected?
    fn headline(&self) -> String {
        let name = &self.name;
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
                    row.version.as_deref().unwrap_or("no version given")
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
