//! One incident (`GET /incidents/{id}`): would I bet on it?

use askama::Template;
use poolwatch_model::{
    HostId,
    alerting::{DeliveryState, Silence},
    comparison::AttributeCounts,
    diagnosis::{Evidence, TagObservation},
    incident::{
        Acknowledgement, Confirmation, Incident, IncidentId, IncidentState, Note, Noted, Picture,
    },
};

use super::IncidentHost;
use crate::{
    HostLink, RenderError, Shell, alerts::DeliveryRow, assets, drivers::DriverChangeRow,
    events::EventRow, figures, links, shell::live_page, steps::Steps, words,
};

/// A difference this unlikely to be an accident tells something.
const TELLING: f64 = 0.05;

/// One incident.
#[derive(Debug, Clone, Template)]
#[template(path = "incident.html", blocks = ["live"])]
pub struct IncidentPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The incident.
    pub incident: Incident,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Who knows of it and is at it.
    pub acknowledged: Option<Acknowledgement>,
    /// Silences of it alone that go on.
    pub silences: Vec<Silence>,
    /// What people were told of it, latest first.
    pub deliveries: Vec<DeliveryRow>,
    /// People whom it can be given to.
    pub people: Vec<String>,
    /// What people found of its suspect.
    pub confirmation: Option<Confirmation>,
    /// The incident that it was made part of.
    pub merged_into: Option<IncidentId>,
    /// Incidents that go on, which it can be made part of.
    pub others: Vec<OtherIncident>,
    /// Whether who looks may change anything.
    pub may_act: bool,
    /// Hosts on which it goes on, the worst first: the first of them. Of an incident that goes on
    /// nowhere those on which it was found.
    pub hosts: Vec<IncidentHost>,
    /// Hosts on which it was ever found, a count.
    pub seen_on: u64,
    /// The host that is worst off: the evidence is of there.
    pub worst_on: Option<HostLink>,
    /// What was seen around its latest event or silence.
    pub picture: Option<Picture>,
    /// What tells affected hosts from healthy ones, the most telling first.
    pub comparison: Vec<AttributeCounts>,
    /// What to do next.
    pub steps: Steps,
    /// Drivers that changed on affected hosts around the beginning, on most hosts first.
    pub changes: Vec<DriverChangeRow>,
    /// The events that it rests on, latest first.
    pub events: Vec<EventRow>,
    /// What became of it and what people say, latest first.
    pub notes: Vec<Note>,
}

live_page!(IncidentPage);

/// The page to read of an evidence pack: it stands alone, without a server.
#[derive(Debug, Template)]
#[template(path = "pack.html")]
pub struct PackPage<'a> {
    /// The incident.
    pub page: &'a IncidentPage,
    /// The full address of its page.
    pub url: &'a str,
    /// Its chart, SVG.
    pub chart: &'a str,
    /// Names of the hosts whose snapshots go along, as their files have them.
    pub raw: Vec<String>,
}

/// Another incident, to be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherIncident {
    /// Its number.
    pub id: IncidentId,
    /// What it is about.
    pub title: String,
}

/// An incident as a plain text, to be handed on.
#[derive(Debug, Template)]
#[template(path = "incident_report.txt")]
pub struct IncidentReport<'a> {
    /// The incident.
    pub page: &'a IncidentPage,
    /// The full address of its page.
    pub url: &'a str,
}

impl IncidentReport<'_> {
    /// The text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn text(&self) -> Result<String, RenderError> {
        self.render()
    }
}

impl IncidentPage {
    fn facts(&self) -> Vec<&Evidence> {
        words::facts(&self.incident.diagnosis)
    }

    fn is_active(&self) -> bool {
        self.incident.state.is_active()
    }

    /// How long the pool lasts, while the incident goes on.
    fn time_left(&self) -> Option<String> {
        words::time_left(&self.incident.diagnosis).filter(|_| self.is_active())
    }

    /// The host whose page a fact leads to.
    fn fact_host(&self) -> Option<HostId> {
        self.worst_on.as_ref().map(|host| host.id)
    }

    /// What the chart draws.
    fn growth_of(&self) -> String {
        let cause = &self.incident.cause;
        match (cause.tag(), cause.pool()) {
            (Some(tag), Some(pool)) => format!("tag {tag} in {pool} pool"),
            (_, Some(pool)) => format!("{pool} pool"),
            (_, None) => "commit charge".to_owned(),
        }
    }

    /// A page of this incident, or what its forms are sent to.
    fn below(&self, what: &str) -> String {
        format!("{}/{what}", links::incident(&self.incident.id))
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
        self.incident.hosts.len() as u64
    }

    /// What tells affected hosts from healthy ones.
    fn telling(&self) -> Vec<&AttributeCounts> {
        self.comparison.iter().filter(|row| row.p <= TELLING).collect()
    }

    /// Differences that may be an accident.
    fn doubtful(&self) -> Vec<&AttributeCounts> {
        self.comparison.iter().filter(|row| row.p > TELLING).collect()
    }

    /// How many hosts it is about: where it goes on, else where it was found.
    fn shown_on(&self) -> u64 {
        if self.affected() > 0 { self.affected() } else { self.seen_on }
    }

    fn tags(&self) -> &[TagObservation] {
        &self.incident.diagnosis.tags
    }

    fn is_mine(&self) -> bool {
        self.owner.as_ref() == Some(&self.shell.person)
    }
}
