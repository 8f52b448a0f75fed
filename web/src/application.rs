//! One program over the fleet (`GET /applications/{image}`).

use askama::Template;
use poolwatch_model::incident::IncidentState;

use crate::{
    HostLink, Shell,
    applications::ApplicationLine,
    assets, figures,
    incidents::IncidentRow,
    links,
    list::{Cell, Column, List, ListQuery, ListView, SortKey, SortWording::Most, plain_row},
    shell::live_page,
    words,
};

/// One program over the fleet.
#[derive(Debug, Clone, Template)]
#[template(path = "application.html", blocks = ["live"])]
pub struct ApplicationPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Image name.
    pub image: String,
    /// The program over all hosts; `None` when none runs it now.
    pub line: Option<ApplicationLine>,
    /// Open incidents that suspect it.
    pub incidents: Vec<IncidentRow>,
    /// Hosts that run it.
    pub list: ListView<RunningRow, ()>,
}

live_page!(ApplicationPage);

/// What `/applications/{image}` and its files take as parameters.
pub type ApplicationHostsQuery = ListQuery<RunningRow, ()>;

/// What one host runs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRow {
    /// Who it is.
    pub host: HostLink,
    /// Its name in full.
    pub full_name: String,
    /// Its group.
    pub group: Option<String>,
    /// Image name, as it was asked for.
    pub image: String,
    /// Handles of the process that has most.
    pub most_handles: u64,
    /// That process.
    pub most_pid: u32,
    /// Handles, all processes together.
    pub handles: u64,
    /// Threads, all processes together.
    pub threads: u64,
    /// Processes.
    pub processes: u64,
    /// Services that they hold.
    pub services: Vec<String>,
}

type RunningColumn = Column<RunningRow>;

/// The hosts that run a program.
pub static APPLICATION_HOSTS: List<RunningRow> = List {
    nouns: ["host", "hosts"],
    class: "listed",
    columns: &[
        RunningColumn::host(|row| &row.full_name, |row| &row.host.name, |row| row.host.url()),
        RunningColumn::group(|row| row.group.as_deref()),
        RunningColumn::count("Most in one process", |row| Some(row.most_handles))
            .sort("most", Most("handles in one process"))
            .file("most_handles"),
        RunningColumn::cell(
            "Pid",
            |row| row.most_pid.into(),
            |row, _| Cell::text(row.most_pid.to_string()).classed("dim"),
        )
        .class("num")
        .meaning("of that process")
        .file("most_handles_pid"),
        RunningColumn::count("Handles", |row| Some(row.handles))
            .sort("handles", Most("handles"))
            .file("handles"),
        RunningColumn::count("Threads", |row| Some(row.threads))
            .sort("threads", Most("threads"))
            .file("threads"),
        RunningColumn::count("Processes", |row| Some(row.processes))
            .sort("processes", Most("processes"))
            .file("processes"),
        RunningColumn::cut("Services", |row| Some(row.services.join(", ")))
            .class("dim")
            .file("services"),
        RunningColumn::former_self(|row| row.host.id),
        RunningColumn::in_files("id", |row| row.host.id.into()),
        RunningColumn::in_files("image", |row| row.image.as_str().into()),
    ],
    first: "most",
    tie: |row| SortKey::ignoring_case(&row.full_name),
    row_class: plain_row,
    file_name: "application-hosts",
    file_path: "/hosts",
    file_columns: "id host group image processes handles most_handles most_handles_pid threads services",
};

impl ApplicationPage {
    /// The sentence that answers: where does it run, and how many handles does it hold?
    fn headline(&self) -> String {
        let image = &self.image;
        let Some(line) = &self.line else {
            return format!("No host runs {image} now.");
        };
        let hosts = match &line.most.1 {
            Some(host) if line.hosts == 1 => host.name.clone(),
            _ => figures::counted(line.hosts, "host", "hosts"),
        };
        let most = match &line.most.1 {
            Some(host) if line.processes > 1 => {
                format!(", most in one process on {}: {}", host.name, figures::grouped(line.most.0))
            }
            _ => String::new(),
        };
        format!(
            "{image} holds {} on {hosts}{most}.",
            figures::counted(line.handles, "handle", "handles")
        )
    }
}
