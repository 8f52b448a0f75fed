//! Incidents (`GET /incidents`). One of them: [`page`].

mod growth;
mod page;

use askama::Template;
use poolwatch_model::{
    diagnosis::Verdict,
    host::OsVersion,
    incident::{Incident, IncidentState},
};

pub use growth::{GrowthChart, HostLine};
pub use page::{IncidentPage, IncidentReport, OtherIncident, PackPage};

use crate::{
    HostLink, Shell, assets, figures,
    level::PoolLevel,
    links,
    list::{
        Cell, Column, Filter, List, ListQuery, ListView, Parameter, Piece, SortKey,
        SortWording::{Called, Most},
        choices, plain_row,
    },
    shell::live_page,
    sparkline::Sparkline,
    words,
};

choices! {
    /// Which incidents to show.
    IncidentChoice {
        /// Those that go on.
        Open = "open", "open";
        /// Those that are over, or were reset by a reboot.
        Past = "past", "past";
        /// All.
        All = "all", "open and past";
    }
}

/// What `/incidents`, `/incidents.csv` and `/incidents.json` take as parameters.
pub type IncidentsQuery = ListQuery<IncidentRow, IncidentsFilter>;

/// Which incidents are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncidentsFilter {
    /// A number, or words of a title, a suspect or a host's name.
    pub q: String,
    /// Which.
    pub show: IncidentChoice,
}

impl Filter for IncidentsFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::text("q", "Filter by text", "Number, suspect, tag, host", &mut self.q),
            Parameter::choice("show", "Which incidents", &mut self.show),
        ]
    }
}

/// One incident in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentRow {
    /// The incident.
    pub incident: Incident,
    /// Its hosts, a count.
    pub hosts: u64,
    /// The host that is worst off; none when the incident goes on nowhere.
    pub worst: Option<IncidentHost>,
    /// Whether nobody is told of it for a while.
    pub is_silenced: bool,
}

/// Incidents, the worst first.
#[derive(Debug, Clone, Template)]
#[template(path = "incidents.html", blocks = ["live"])]
pub struct IncidentsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// How many are open.
    pub open: u64,
    /// The incidents.
    pub list: ListView<IncidentRow, IncidentsFilter>,
}

live_page!(IncidentsPage);

/// A host of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentHost {
    /// Who it is.
    pub host: HostLink,
    /// Its Windows.
    pub os: Option<OsVersion>,
    /// Its pool.
    pub level: PoolLevel,
    /// Change of that pool over the last 24 h, bytes.
    pub growth: Option<i64>,
    /// How the pool's use went in the last 24 h.
    pub trend: Sparkline,
}

impl IncidentRow {
    /// How long its first host has left, in short and in full; nothing is left of what is exhausted.
    pub(crate) fn left(&self) -> Option<(String, String)> {
        let diagnosis = self.incident.state.is_active().then_some(&self.incident.diagnosis)?;
        if diagnosis.verdict == Verdict::Exhausted {
            return Some(("none".to_owned(), "It has run out".to_owned()));
        }
        let left = diagnosis.time_left?;
        Some((figures::duration(left.likely_s), words::time_left(diagnosis)?))
    }
}

type IncidentColumn = Column<IncidentRow>;

/// All incidents.
pub static INCIDENTS: List<IncidentRow> = List {
    nouns: ["incident", "incidents"],
    class: "causes",
    columns: &[
        IncidentColumn::cell(
            "Verdict",
            |row| words::verdict(&row.incident.diagnosis.verdict).into(),
            |row, _| {
                let verdict = &row.incident.diagnosis.verdict;
                let severity = words::severity(verdict);
                Cell::default().span(
                    format!("severity {}", severity.class()),
                    "",
                    format!("{} {}", severity.glyph(), words::verdict(verdict)),
                )
            },
        )
        .file("verdict"),
        IncidentColumn::name(
            "Cause",
            |row| words::title(&row.incident.diagnosis).as_str().into(),
            |row, _| cause(row),
        )
        .class("wide")
        .file("cause"),
        IncidentColumn::cell(
            "No.",
            |row| row.incident.id.0.into(),
            |row, _| Cell::text(row.incident.id.0.to_string()),
        )
        .class("num opt")
        .sort("number", Called("latest number first", "first number first"))
        .file("id"),
        IncidentColumn::share("Confidence", confidence).class("num roomy").file("confidence"),
        IncidentColumn::count("Hosts", |row| Some(row.hosts))
            .sort("hosts", Most("hosts"))
            .file("hosts"),
        IncidentColumn::shown("24 h", |row, _| match &row.worst {
            Some(worst) => Cell::default().and(Piece::Line(worst.trend.clone())),
            None => Cell::default(),
        })
        .class("roomy"),
        IncidentColumn::cell(
            "Worst",
            |row| row.worst.as_ref().map(|worst| worst.host.name.as_str()).into(),
            |row, _| match &row.worst {
                Some(worst) => Cell::default().link(worst.host.url(), &worst.host.name),
                None => Cell::unknown(),
            },
        )
        .file("worst_host"),
        IncidentColumn::size("Pool", |row| row.worst.as_ref()?.level.used)
            .file("worst_host_pool_bytes"),
        IncidentColumn::level("Share", |row| Some(row.worst.as_ref()?.level)),
        IncidentColumn::cell(
            "Left",
            |row| row.left().and_then(|_| row.incident.diagnosis.left_s()).into(),
            |row, _| match row.left() {
                Some((left, explained)) => Cell::default().span("", explained, left),
                None => Cell::unknown(),
            },
        )
        .meaning("until the nearest bound is reached, on the host that reaches it first")
        .class("num")
        .sort_by("left", Called("most time left first", "least time left first"), |row| {
            row.left()?;
            row.incident.diagnosis.left_s().map(SortKey::from)
        })
        .file("time_left_s"),
        IncidentColumn::when("Seen", |row| Some(row.incident.last_seen))
            .class("num time opt")
            .sort("seen", Called("latest first", "oldest first"))
            .file("last_seen_at"),
        IncidentColumn::in_files("state", |row| row.incident.state.as_str().into()),
        IncidentColumn::in_files("opened_at", |row| row.incident.opened.into()),
        IncidentColumn::in_files("pool", |row| {
            row.incident.cause.pool().map(poolwatch_model::Pool::as_str).into()
        }),
        IncidentColumn::in_files("tag", |row| {
            row.incident.cause.tag().map(|tag| tag.to_string()).into()
        }),
        IncidentColumn::in_files("suspect", |row| {
            words::leading_suspect(&row.incident.diagnosis).map(words::suspect_name).into()
        }),
    ],
    first: "",
    tie: |row| SortKey::Number(-row.incident.id.0),
    row_class: plain_row,
    file_name: "incidents",
    file_path: "",
    file_columns: "id state verdict cause pool tag suspect confidence hosts worst_host \
        worst_host_pool_bytes opened_at last_seen_at time_left_s",
};

fn cause(row: &IncidentRow) -> Cell {
    let incident = &row.incident;
    let title = words::title(&incident.diagnosis);
    let mut cell = Cell::default().row_link(links::incident(&incident.id), title);
    if incident.state != IncidentState::Open {
        let explained = words::incident_state_explained(&incident.state);
        cell = cell.span("state", explained, words::incident_state(&incident.state));
    }
    if row.is_silenced {
        cell = cell.span("state", "Nobody is notified of it for now: see Alerts", "silenced");
    }
    cell
}

fn confidence(row: &IncidentRow) -> Option<f64> {
    words::leading_suspect(&row.incident.diagnosis).map(|suspect| suspect.confidence.into())
}

impl IncidentsPage {
    fn headline(&self) -> String {
        let open = match self.open {
            0 => "No incident is open".to_owned(),
            open => format!("{} open", figures::counted(open, "incident is", "incidents are")),
        };
        match self.list.query.is_filtered() {
            true => {
                let shown = figures::counted(self.list.total, "matches", "match");
                format!("{shown}; {}{}.", open[..1].to_lowercase(), &open[1..])
            }
            false => format!("{open}."),
        }
    }
}
