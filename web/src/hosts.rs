//! All hosts (`GET /hosts`), and the row that other pages show a host by.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{Bytes, Presence, host::OsVersion, memory::CeilingSource};

use crate::{
    HostLink, Shell, assets, figures,
    level::PoolLevel,
    links,
    list::{
        Cell, Choice, Column, Filter, List, ListQuery, ListView, Parameter, Piece, SortKey,
        SortWording::{By, Called, Most},
        choices,
    },
    mark::IncidentMark,
    shell::live_page,
    words,
};

/// All hosts that match a query, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "hosts.html", blocks = ["live"])]
pub struct HostsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The hosts.
    pub list: ListView<HostRow, HostsFilter>,
    /// Whether who looks may label hosts.
    pub may_label: bool,
    /// Whether who looks may silence hosts.
    pub may_operate: bool,
}

live_page!(HostsPage);

/// What `/hosts`, `/hosts.csv` and `/hosts.json` take as parameters.
pub type HostsQuery = ListQuery<HostRow, HostsFilter>;

/// Which hosts are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostsFilter {
    /// Part of a name, a group, a Windows version or a program.
    pub q: String,
    /// Only this group; empty for all.
    pub group: String,
    /// Only hosts in this state.
    pub state: HostState,
    /// Only hosts that run a program of this name; empty for all.
    pub program: String,
    /// Only hosts that have a driver of this name loaded; empty for all.
    pub driver: String,
    /// Only hosts that have it in this version; empty for any.
    pub version: String,
}

impl Filter for HostsFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::text("q", "Filter by text", "Name, group, Windows, program", &mut self.q),
            Parameter::group(&mut self.group),
            Parameter::choice("state", "State", &mut self.state),
            Parameter::text("program", "Runs program", "Runs program", &mut self.program).extra(),
            Parameter::text("driver", "Has driver", "Has driver", &mut self.driver).extra(),
            Parameter::text("version", "Driver version", "in version", &mut self.version).extra(),
        ]
    }
}

choices! {
    /// Which hosts to show.
    HostState {
        /// All.
        All = "all", "all states";
        /// Those whose agent reports.
        Reporting = "reporting", "reporting";
        /// Those whose agent fell silent.
        Silent = "silent", "silent";
        /// Those with an open incident.
        Incident = "incident", "with an incident";
        /// Those of imported evidence.
        Imported = "imported", "imported evidence";
    }
}

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

/// One host in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRow {
    /// Who it is.
    pub host: HostLink,
    /// Its name in full.
    pub full_name: String,
    /// Its Windows.
    pub os: Option<OsVersion>,
    /// Its group, see [`words::group`].
    pub group: Option<String>,
    /// Whether it can be heard.
    pub presence: Presence,
    /// When it started.
    pub booted: Option<Timestamp>,
    /// Use of nonpaged pool.
    pub nonpaged: PoolLevel,
    /// Use of paged pool.
    pub paged: PoolLevel,
    /// Commit charge.
    pub committed: Option<Bytes>,
    /// Commit limit.
    pub commit_limit: Option<Bytes>,
    /// Change of nonpaged pool in 24 h, bytes.
    pub nonpaged_growth: Option<i64>,
    /// Change of paged pool in 24 h, bytes.
    pub paged_growth: Option<i64>,
    /// The process with the most handles.
    pub top_process: Option<TopProcess>,
    /// When its latest data were taken.
    pub taken: Option<Timestamp>,
    /// When data last came.
    pub received: Option<Timestamp>,
    /// Its worst open incident.
    pub incident: Option<IncidentMark>,
    /// How long it has left, seconds; 0 when something is exhausted.
    pub left_s: Option<u64>,
}

/// The class of a host's presence in the style sheet.
#[must_use]
pub const fn presence_class(presence: Presence) -> &'static str {
    match presence {
        Presence::Live => "reporting",
        Presence::Late => "late",
        Presence::Silent => "silent",
        Presence::Imported => "imported",
        Presence::Waiting => "waiting",
    }
}

/// The word for a host's presence.
#[must_use]
pub const fn presence_word(presence: Presence) -> &'static str {
    match presence {
        Presence::Live => "reporting",
        Presence::Late => "late",
        Presence::Silent => "silent",
        Presence::Imported => "imported",
        Presence::Waiting => "nothing yet",
    }
}

type HostColumn = Column<HostRow>;

/// All hosts.
pub static HOSTS: List<HostRow> = List {
    class: "hosts all",
    columns: &columns(|row, _| {
        let host = row.host.clone();
        name(Cell::default().and(Piece::Checkbox { host, form: "compare", label: "Compare" }), row)
    }),
    ..HOSTS_IN_SHORT
};

/// Hosts on pages about something else.
pub(crate) const HOSTS_IN_SHORT: List<HostRow> = List {
    nouns: ["host", "hosts"],
    class: "hosts",
    columns: &columns(|row, _| name(Cell::default(), row)),
    first: "left",
    tie: |row| SortKey::ignoring_case(&row.full_name),
    row_class: |row| presence_class(row.presence),
    file_name: "hosts",
    file_path: "",
    file_columns: "id name group windows state booted_at taken_at received_at time_left_s nonpaged_bytes \
        nonpaged_limit_bytes nonpaged_limit_source nonpaged_change_24h_bytes paged_bytes \
        paged_limit_bytes paged_limit_source paged_change_24h_bytes commit_bytes \
        commit_limit_bytes physical_bytes most_handles_image most_handles_pid most_handles \
        open_incident",
};

const fn columns(name: fn(&HostRow, Timestamp) -> Cell) -> [HostColumn; 28] {
    [
        HostColumn::name("Host", |row| row.full_name.as_str().into(), name)
            .sort("name", By("name"))
            .file("name"),
        HostColumn::cell(
            "Windows",
            |row| row.os.as_ref().map(ToString::to_string).into(),
            |row, _| windows(row),
        )
        .class("opt")
        .sort_by("os", By("Windows version"), |row| row.os.as_ref().map(windows_order))
        .file("windows"),
        HostColumn::group(|row| row.group.as_deref()).class("opt"),
        HostColumn::since("Up", |row| row.booted)
            .class("num opt")
            .sort("uptime", Most("uptime"))
            .file("booted_at"),
        HostColumn::cell("Left", |row| row.left_s.into(), |row, _| left(row))
            .meaning("until the nearest bound is reached, if growth goes on")
            .class("num")
            .sort_by("left", By("time left"), soonest_first)
            .file("time_left_s"),
        HostColumn::size("Nonpaged", |row| row.nonpaged.used).file("nonpaged_bytes"),
        HostColumn::level("Share", |row| Some(row.nonpaged))
            .sort("nonpaged", Most("nonpaged pressure")),
        HostColumn::size_change("24 h", |row| row.nonpaged_growth)
            .sort("nonpaged_growth", Most("nonpaged growth"))
            .file("nonpaged_change_24h_bytes"),
        HostColumn::size("Paged", |row| row.paged.used).file("paged_bytes"),
        HostColumn::level("Share", |row| Some(row.paged)).sort("paged", Most("paged pressure")),
        HostColumn::size_change("24 h", |row| row.paged_growth)
            .sort("paged_growth", Most("paged growth"))
            .file("paged_change_24h_bytes"),
        HostColumn::share("Commit", |row| Some(row.committed?.share_of(row.commit_limit?)))
            .class("num opt")
            .sort("commit", Most("commit")),
        HostColumn::cell(
            "Most handles",
            |row| row.top_process.as_ref().map(|top| top.handles).into(),
            |row, _| top_process(row),
        )
        .class("roomy")
        .sort("handles", Most("handles in one process"))
        .file("most_handles"),
        HostColumn::cell("Seen", |row| row.last_seen().into(), seen)
            .class("num roomy")
            .sort("seen", Called("latest data first", "latest data last")),
        HostColumn::in_files("id", |row| row.host.id.into()),
        HostColumn::in_files("state", |row| presence_word(row.presence).into()),
        HostColumn::in_files("received_at", |row| row.received.into()),
        HostColumn::in_files("taken_at", |row| row.taken.into()),
        HostColumn::in_files("nonpaged_limit_bytes", |row| limit(&row.nonpaged).into()),
        HostColumn::in_files("nonpaged_limit_source", |row| limit_source(&row.nonpaged).into()),
        HostColumn::in_files("paged_limit_bytes", |row| limit(&row.paged).into()),
        HostColumn::in_files("paged_limit_source", |row| limit_source(&row.paged).into()),
        HostColumn::in_files("commit_bytes", |row| row.committed.into()),
        HostColumn::in_files("commit_limit_bytes", |row| row.commit_limit.into()),
        HostColumn::in_files("physical_bytes", |row| row.nonpaged.physical.into()),
        HostColumn::in_files("most_handles_image", |row| {
            row.top_process.as_ref().map(|top| top.image.as_str()).into()
        }),
        HostColumn::in_files("most_handles_pid", |row| {
            row.top_process.as_ref().map(|top| top.pid).into()
        }),
        HostColumn::incident("", |row| row.incident),
    ]
}

fn name(cell: Cell, row: &HostRow) -> Cell {
    cell.row_link(row.host.url(), &row.host.name).mark(row.incident)
}

fn windows(row: &HostRow) -> Cell {
    let Some(os) = &row.os else { return Cell::unknown() };
    Cell::default().span("", os.to_string(), words::os_short(os))
}

fn windows_order(os: &OsVersion) -> SortKey {
    let numbers =
        [os.major, os.minor, os.build, os.revision].map(|one| SortKey::from(u64::from(one)));
    let product = SortKey::ignoring_case(&os.product);
    SortKey::Several(numbers.into_iter().chain([product]).collect())
}

fn left(row: &HostRow) -> Cell {
    match row.left_s {
        None => Cell::unknown(),
        Some(0) => Cell::default().span("severity critical", "It has run out", "none"),
        Some(left_s) => Cell::default().span("", "", figures::duration(left_s)),
    }
}

/// Those that run out, the first of them first, then by the pressure on nonpaged pool.
fn soonest_first(row: &HostRow) -> Option<SortKey> {
    let share = |share: f64| SortKey::Number(-(share * 1e9) as i64);
    match row.left_s {
        Some(left_s) => Some(SortKey::Several(vec![SortKey::Number(0), left_s.into()])),
        None => Some(SortKey::Several(vec![SortKey::Number(1), share(row.nonpaged.share()?)])),
    }
}

fn top_process(row: &HostRow) -> Cell {
    let Some(top) = &row.top_process else { return Cell::unknown().classed("process") };
    Cell::default()
        .span("", format!("pid {}", top.pid), top.image.as_str())
        .and(Piece::Figure("num", figures::count(top.handles)))
        .classed("process")
}

fn seen(row: &HostRow, now: Timestamp) -> Cell {
    let mut cell = Cell::default().classed("seen");
    if row.presence != Presence::Live {
        let class = format!("presence {}", presence_class(row.presence));
        cell = cell.span(class, "", presence_word(row.presence));
    }
    match row.last_seen() {
        Some(at) => cell.and(Piece::Figure("", figures::when(at, &now))),
        None => cell,
    }
}

fn limit(level: &PoolLevel) -> Option<Bytes> {
    Some(level.ceiling?.bytes)
}

fn limit_source(level: &PoolLevel) -> Option<&'static str> {
    Some(match level.ceiling?.source {
        CeilingSource::Measured => "measured",
        CeilingSource::Documented => "documented",
    })
}

impl HostRow {
    /// When its data were taken or came: imported data are as old as they say themselves.
    fn last_seen(&self) -> Option<Timestamp> {
        if self.presence == Presence::Imported { self.taken } else { self.received }
    }
}

impl HostsPage {
    fn state_word(&self) -> &'static str {
        let state = self.list.query.filter.state;
        let found = HostState::ALL.iter().find(|(one, ..)| *one == state);
        found.map_or("all", |(_, word, _)| word)
    }

    fn headline(&self) -> String {
        let list = &self.list;
        let hosts = figures::counted(list.total, "host", "hosts");
        if list.all == 0 {
            "No host is enrolled yet.".to_owned()
        } else if list.query.is_filtered() {
            format!("{hosts} of {} match.", figures::grouped(list.all))
        } else {
            format!("{hosts}, {}.", list.query.in_words())
        }
    }
}
