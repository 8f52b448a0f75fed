//! Incidents (`GET /incidents`) and one incident (`GET /incidents/{id}`).

use askama::Template;
use poolwatch_model::{
    comparison::AttributeCounts,
    diagnosis::Evidence,
    host::OsVersion,
    incident::{Incident, IncidentState, Picture},
};
use serde::{Deserialize, Serialize};

use crate::{
    HostLink, Shell, assets, events::EventRow, figures, level::PoolLevel, links, shell::live_page,
    sparkline::Sparkline, steps::NextStep, words,
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

/// One incident.
#[derive(Debug, Clone, Template)]
#[template(path = "incident.html", blocks = ["live"])]
pub struct IncidentPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The incident.
    pub incident: Incident,
    /// The hosts on which it goes on, the worst first.
    pub hosts: Vec<IncidentHost>,
    /// Hosts on which it was ever found, a count.
    pub seen_on: u64,
    /// What was seen around its latest event or silence.
    pub picture: Option<Picture>,
    /// What tells affected hosts from healthy ones, the most telling first.
    pub comparison: Vec<AttributeCounts>,
    /// What to do next.
    pub steps: Vec<NextStep>,
    /// The events that it rests on, latest first.
    pub events: Vec<EventRow>,
}

live_page!(IncidentPage);

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

impl IncidentPage {
    /// All evidence: the suspects' first, then what was observed beyond them.
    fn evidence(&self) -> Vec<&Evidence> {
        let diagnosis = &self.incident.diagnosis;
        (diagnosis.suspects.iter().flat_map(|suspect| &suspect.evidence))
            .chain(&diagnosis.evidence)
            .collect()
    }

    fn is_active(&self) -> bool {
        self.incident.state.is_active()
    }

    /// How long the pool lasts, while the incident goes on.
    fn time_left(&self) -> Option<String> {
        let left = self.incident.diagnosis.time_left.filter(|_| self.is_active())?;
        Some(words::time_left(&left))
    }

    /// The address that compares the worst hosts with a healthy one.
    fn compare_url(&self) -> Option<String> {
        let first = self.hosts.first()?;
        let mut query = links::Address::new("/compare").with("host", &first.host.id.to_string());
        if let Some(second) = self.hosts.get(1) {
            query = query.with("host", &second.host.id.to_string());
        }
        Some(query.with("with", "healthy").finish())
    }

    fn affected(&self) -> u64 {
        self.hosts.len() as u64
    }
}
