//! Drivers over all hosts (`GET /drivers`).

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::PoolTag;

use crate::{
    Shell, assets, figures, links,
    list::{
        Cell, Column, ColumnValue, Filter, List, ListQuery, ListView, Parameter, Piece, SortKey,
        SortWording::{By, Called, Most},
        choices, plain_row,
    },
    mark::IncidentMark,
    shell::live_page,
};

/// Tags that are shown of one driver in the list.
const TAGS: usize = 4;

/// All drivers that match a query, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "drivers.html", blocks = ["live"])]
pub struct DriversPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The drivers.
    pub list: ListView<DriverLine, DriversFilter>,
    /// The driver with most affected hosts.
    pub suspected: Option<DriverLine>,
    /// Drivers that are new or changed in seven days.
    pub changed: u64,
}

live_page!(DriversPage);

/// What `/drivers`, `/drivers.csv` and `/drivers.json` take as parameters.
pub type DriversQuery = ListQuery<DriverLine, DriversFilter>;

/// Which drivers are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriversFilter {
    /// Part of a file name, of a company, a version or a tag.
    pub q: String,
    /// Which drivers to show.
    pub show: DriverChoice,
}

impl Filter for DriversFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::text("q", "Filter by text", "Driver, company, tag", &mut self.q),
            Parameter::choice("show", "Which drivers", &mut self.show),
        ]
    }
}

choices! {
    /// Which drivers to show.
    DriverChoice {
        /// All.
        All = "all", "all drivers";
        /// Suspects of open incidents.
        Suspected = "suspected", "suspected";
        /// Those that are new or changed in seven days.
        Changed = "changed", "changed in 7 days";
    }
}

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

type DriverColumn = Column<DriverLine>;

/// All drivers.
pub static DRIVERS: List<DriverLine> = List {
    nouns: ["driver", "drivers"],
    class: "listed",
    columns: &[
        DriverColumn::page("Driver", "name", |row| &row.name, |row| links::driver(&row.name))
            .beside(|row, cell| cell.mark(row.incident)),
        DriverColumn::cell("Affected", |row| row.affected.into(), |row, _| affected(row.affected))
            .class("num")
            .meaning("hosts of open incidents that suspect it")
            .sort_by("affected", Most("affected hosts"), |row| Some(attention(row)))
            .file("affected_hosts"),
        DriverColumn::count("Hosts", |row| Some(row.hosts))
            .meaning("hosts that have it loaded")
            .sort("hosts", Most("hosts"))
            .file("hosts"),
        DriverColumn::share("Share", |row| Some(row.share))
            .meaning("of the hosts whose drivers are known")
            .file("share_of_hosts"),
        DriverColumn::cell("Versions", |row| row.versions.into(), |row, _| versions(row))
            .sort("versions", Most("versions"))
            .file("versions"),
        DriverColumn::cell(
            "Changed in 7 days",
            |row| row.changes.first().map(DriverChangeRow::told).into(),
            latest_change,
        )
        .sort_by("changed", Called("latest change first", "latest change last"), |row| {
            ColumnValue::from(row.changes.iter().map(|change| change.last).max()).sort_key()
        })
        .file("change_in_7_days"),
        DriverColumn::cell("Tags", |row| tag_names(&row.tags).into(), |row, _| tags(row))
            .meaning("pool tags that it may own")
            .file("tags"),
        DriverColumn::cut("Company", |row| row.company.clone())
            .sort("company", By("company"))
            .file("company"),
        DriverColumn::in_files("common_version", |row| {
            row.common.as_ref().map(|(version, _)| version.as_str()).into()
        }),
        DriverColumn::incident("", |row| row.incident),
        DriverColumn::in_files("changed_hosts", |row| {
            row.changes.first().map(|one| one.hosts).into()
        }),
        DriverColumn::in_files("changed_at", |row| row.changes.first().map(|one| one.last).into()),
    ],
    first: "affected",
    tie: |row| SortKey::Text(row.name.clone()),
    row_class: plain_row,
    file_name: "drivers",
    file_path: "",
    file_columns: "name company hosts share_of_hosts versions common_version affected_hosts open_incident \
        tags change_in_7_days changed_hosts changed_at",
};

/// How much attention a driver asks for: of those that nobody suspects, what changed lately on most
/// hosts is of interest, then what is not part of Windows.
fn attention(row: &DriverLine) -> SortKey {
    let changed = row.changes.first().map_or(0, |change| change.hosts + 1);
    let is_of_windows = row.company.as_ref().is_some_and(|name| name.starts_with("Microsoft"));
    let numbers = [row.affected, changed, u64::from(!is_of_windows)];
    SortKey::Several(numbers.map(SortKey::from).to_vec())
}

fn affected(hosts: u64) -> Cell {
    if hosts == 0 { Cell::default() } else { Cell::figure(figures::count(hosts)) }
}

fn versions(row: &DriverLine) -> Cell {
    let Some((version, hosts)) = &row.common else { return Cell::unknown() };
    let cell = Cell::text(version);
    if row.versions < 2 {
        return cell;
    }
    let on = format!("{version} on {}", figures::counted(hosts, "host", "hosts"));
    cell.span("dim", on, format!("and {} more", row.versions - 1))
}

fn latest_change(row: &DriverLine, now: Timestamp) -> Cell {
    let Some(change) = row.changes.first() else { return Cell::default() };
    Cell::text(change.told())
        .dim(format!("on {},", figures::counted(change.hosts, "host", "hosts")))
        .and(Piece::Figure("dim", figures::when(change.last, &now)))
}

/// Tags with spaces between.
pub(crate) fn tag_names(tags: &[PoolTag]) -> String {
    let names: Vec<String> = tags.iter().map(ToString::to_string).collect();
    names.join(" ")
}

fn tags(row: &DriverLine) -> Cell {
    let first = row.tags.iter().take(TAGS);
    let cell = first.fold(Cell::default(), |cell, tag| cell.code(links::tag(tag), tag));
    match row.tags.len().saturating_sub(TAGS) {
        0 => cell,
        more => cell.dim(format!("and {more} more")),
    }
}

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

impl DriversPage {
    /// The sentence that answers: which driver is behind it, and what changed?
    fn headline(&self) -> String {
        if self.list.all == 0 {
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
