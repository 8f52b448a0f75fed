//! One program over the fleet (`GET /applications/{image}`).

mod query;

use askama::Template;
use poolwatch_model::incident::IncidentState;

pub use query::{ApplicationHosts, ApplicationQuery, RunningSort};

use crate::{
    HostLink, Shell,
    applications::ApplicationLine,
    assets, figures,
    incidents::IncidentRow,
    links,
    shell::live_page,
    table::{self, Column, TableQuery},
    words,
};

/// Columns of the table of hosts.
const COLUMNS: [Column<RunningSort>; 8] = [
    Column::by(RunningSort::Host, "Host", ""),
    Column::by(RunningSort::Group, "Group", ""),
    Column::by(RunningSort::Most, "Most in one process", "num"),
    Column::plain("Pid", "num").meaning("of that process"),
    Column::by(RunningSort::Handles, "Handles", "num"),
    Column::by(RunningSort::Threads, "Threads", "num"),
    Column::by(RunningSort::Processes, "Processes", "num"),
    Column::plain("Services", ""),
];

/// One program over the fleet.
#[derive(Debug, Clone, Template)]
#[template(path = "application.html", blocks = ["live"])]
pub struct ApplicationPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The program, and how its hosts are shown.
    pub query: ApplicationHosts,
    /// The program over all hosts; `None` when none runs it now.
    pub line: Option<ApplicationLine>,
    /// Open incidents that suspect it.
    pub incidents: Vec<IncidentRow>,
    /// Hosts that run it.
    pub total: u64,
    /// The hosts of this page.
    pub rows: Vec<RunningRow>,
}

live_page!(ApplicationPage);

/// What one host runs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRow {
    /// Who it is.
    pub host: HostLink,
    /// Its group.
    pub group: Option<String>,
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

impl RunningRow {
    fn services(&self) -> String {
        self.services.join(", ")
    }
}

impl ApplicationPage {
    /// The sentence that answers: where does it run, and how many handles does it hold?
    fn headline(&self) -> String {
        let image = &self.query.image;
        let Some(line) = &self.line else {
            return format!("No host runs {image} now.");
        };
        let hosts = figures::counted(line.hosts, "host", "hosts");
        let most = match &line.most.1 {
            Some(host) => {
                format!(", most in one process on {}: {}", host.name, figures::grouped(line.most.0))
            }
            None => String::new(),
        };
        format!(
            "{image} holds {} on {hosts}{most}.",
            figures::counted(line.handles, "handle", "handles")
        )
    }
}
