//! Programs over all hosts (`GET /applications`).

mod query;

use askama::Template;

pub use query::{ApplicationSort, ApplicationsQuery};

use crate::{
    HostLink, Shell, assets, figures,
    hosts::IncidentMark,
    links,
    shell::live_page,
    table::{self, Column, TableQuery},
    words,
};

/// Columns of the table.
const COLUMNS: [Column<ApplicationSort>; 9] = [
    Column::by(ApplicationSort::Image, "Program", ""),
    Column::by(ApplicationSort::Most, "Most handles in one process", ""),
    Column::by(ApplicationSort::Handles, "Handles", "num").meaning("all hosts together"),
    Column::by(ApplicationSort::Growth, "24 h", "num").meaning("growth of the handles in 24 h"),
    Column::by(ApplicationSort::Threads, "Threads", "num").meaning("all hosts together"),
    Column::by(ApplicationSort::Processes, "Processes", "num"),
    Column::by(ApplicationSort::Hosts, "Hosts", "num"),
    Column::plain("Most handles on", "").meaning("the host whose processes of it hold most"),
    Column::plain("Services", ""),
];

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

/// All programs that match a query, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "applications.html", blocks = ["live"])]
pub struct ApplicationsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Filter, order and page.
    pub query: ApplicationsQuery,
    /// The program with most handles in one process.
    pub most: Option<ApplicationLine>,
    /// Programs of the whole fleet.
    pub fleet: u64,
    /// Programs that match, on all pages.
    pub total: u64,
    /// The programs of this page.
    pub rows: Vec<ApplicationLine>,
}

live_page!(ApplicationsPage);

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
            figures::counted(self.fleet, "program", "programs"),
            most.image,
            figures::grouped(most.most.0),
        )
    }
}
