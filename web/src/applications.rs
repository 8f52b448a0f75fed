//! Programs over all hosts (`GET /applications`).

use askama::Template;

use crate::{
    HostLink, Shell, assets, figures, links,
    list::{
        Cell, Column, Filter, List, ListQuery, ListView, Parameter, SortKey, SortWording::Most,
        plain_row,
    },
    mark::IncidentMark,
    shell::live_page,
};

/// All programs that match a query, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "applications.html", blocks = ["live"])]
pub struct ApplicationsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The programs.
    pub list: ListView<ApplicationLine, ApplicationsFilter>,
    /// The program with most handles in one process.
    pub most: Option<ApplicationLine>,
}

live_page!(ApplicationsPage);

/// What `/applications`, `/applications.csv` and `/applications.json` take as parameters.
pub type ApplicationsQuery = ListQuery<ApplicationLine, ApplicationsFilter>;

/// Which programs are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApplicationsFilter {
    /// Part of an image's name or of a service.
    pub q: String,
}

impl Filter for ApplicationsFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![Parameter::text("q", "Filter by text", "Program, service", &mut self.q)]
    }
}

/// One program over all hosts.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationLine {
    /// Image name.
    pub image: String,
    /// Hosts that run it.
    pub hosts: u64,
    /// Processes, all hosts together.
    pub processes: u64,
    /// Open handles, all processes together.
    pub handles: u64,
    /// Handles more, or less, than 24 h ago, where that is known.
    pub growth: Option<i64>,
    /// Threads, all processes together.
    pub threads: u64,
    /// Handles of the process that has most, and where it runs.
    pub most: (u64, Option<HostLink>),
    /// The host whose processes of it have most handles together, with their handles.
    pub worst: Option<(HostLink, u64)>,
    /// Services that its processes hold.
    pub services: Vec<String>,
    /// An open incident that suspects it.
    pub incident: Option<IncidentMark>,
}

type ApplicationColumn = Column<ApplicationLine>;

/// All programs.
pub static APPLICATIONS: List<ApplicationLine> = List {
    nouns: ["program", "programs"],
    class: "listed",
    columns: &[
        ApplicationColumn::page(
            "Program",
            "image",
            |row| &row.image,
            |row| links::application(&row.image),
        )
        .beside(|row, cell| cell.mark(row.incident)),
        ApplicationColumn::cell(
            "Most handles in one process",
            |row| row.most.0.into(),
            |row, _| Cell::amount_on(figures::count(row.most.0), row.most.1.as_ref()),
        )
        .sort("most", Most("handles in one process"))
        .file("most_handles"),
        ApplicationColumn::count("Handles", |row| Some(row.handles))
            .meaning("all hosts together")
            .sort("handles", Most("handles"))
            .file("handles"),
        ApplicationColumn::count_change("24 h", |row| row.growth)
            .meaning("growth of the handles in 24 h")
            .sort("growth", Most("growth of handles"))
            .file("change_24h_handles"),
        ApplicationColumn::count("Threads", |row| Some(row.threads))
            .meaning("all hosts together")
            .sort("threads", Most("threads"))
            .file("threads"),
        ApplicationColumn::count("Processes", |row| Some(row.processes))
            .sort("processes", Most("processes"))
            .file("processes"),
        ApplicationColumn::count("Hosts", |row| Some(row.hosts))
            .sort("hosts", Most("hosts"))
            .file("hosts"),
        ApplicationColumn::shown("Most handles on", |row, _| match &row.worst {
            Some((host, handles)) => Cell::amount_on(figures::count(handles), Some(host)),
            None => Cell::unknown(),
        })
        .meaning("the host whose processes of it hold most"),
        ApplicationColumn::cut("Services", |row| Some(row.services()))
            .class("dim")
            .file("services"),
        ApplicationColumn::in_files("most_handles_host", |row| {
            row.most.1.as_ref().map(|host| host.name.as_str()).into()
        }),
        ApplicationColumn::incident("", |row| row.incident),
    ],
    first: "most",
    tie: |row| SortKey::Text(row.image.clone()),
    row_class: plain_row,
    file_name: "applications",
    file_path: "",
    file_columns: "image hosts processes handles change_24h_handles threads most_handles most_handles_host \
        services open_incident",
};

impl ApplicationLine {
    pub(crate) fn services(&self) -> String {
        self.services.join(", ")
    }
}

impl ApplicationsPage {
    /// The sentence that answers: who holds the handles?
    fn headline(&self) -> String {
        let Some(most) = &self.most else {
            return "No host has sent its processes yet.".to_owned();
        };
        let on = most.most.1.as_ref().map_or_else(String::new, |host| format!(" on {}", host.name));
        format!(
            "Of {}, {} holds most handles in one process: {}{on}.",
            figures::counted(self.list.all, "program", "programs"),
            most.image,
            figures::grouped(most.most.0),
        )
    }
}
