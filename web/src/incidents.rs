//! Incidents (`GET /incidents`). One of them: [`page`].

mod growth;
mod page;

use askama::Template;
use poolwatch_model::{
    diagnosis::Verdict,
    host::OsVersion,
    incident::{Incident, IncidentState},
};
use serde::{Deserialize, Serialize};

pub use growth::{GrowthChart, HostLine};
pub use page::{IncidentPage, IncidentReport};

use crate::{
    HostLink, Shell, assets, figures, level::PoolLevel, links, shell::live_page,
    sparkline::Sparkline, words,
};

/// Which incidents to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentFilter {
    /// Those that go on.
    #[default]
    Open,
    /// Those that are over, or were reset by a reboot.
    Past,
    /// All.
    All,
}

/// What `/incidents` takes as parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentsQuery {
    /// Which.
    pub show: IncidentFilter,
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
    /// Which are shown.
    pub show: IncidentFilter,
    /// How many are open.
    pub open: u64,
    /// The incidents.
    pub rows: Vec<IncidentRow>,
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

impl IncidentFilter {
    const ALL: [Self; 3] = [Self::Open, Self::Past, Self::All];

    const fn label(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Past => "Past",
            Self::All => "All",
        }
    }

    const fn url(self) -> &'static str {
        match self {
            Self::Open => "/incidents",
            Self::Past => "/incidents?show=past",
            Self::All => "/incidents?show=all",
        }
    }
}

impl IncidentsPage {
    fn headline(&self) -> String {
        match self.open {
            0 => "No incident is open.".to_owned(),
            open => format!("{} open.", figures::counted(open, "incident is", "incidents are")),
        }
    }
}
