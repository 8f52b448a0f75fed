//! Events of the fleet (`GET /events`), and the row that other pages show an event by.

use askama::Template;
use poolwatch_model::{event::Event, incident::IncidentId};
use serde::{Deserialize, Serialize};

use crate::{HostLink, Shell, assets, figures, links, links::Address, shell::live_page, words};

/// Events per page.
pub const PER_PAGE: u32 = 100;

/// One event in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// The host that wrote it.
    pub host: HostLink,
    /// The record.
    pub event: Event,
    /// The incident that it is part of.
    pub incident: Option<IncidentId>,
}

/// What `/events` takes as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EventsQuery {
    /// Part of a host's name; empty for all.
    pub host: String,
    /// Event id as it was typed; empty for all, what is no number matches nothing.
    pub id: String,
    /// Page, counted from 1 (0 is the first, too).
    pub page: u32,
}

/// Events, latest first.
#[derive(Debug, Clone, Template)]
#[template(path = "events.html", blocks = ["live"])]
pub struct EventsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Filter and page.
    pub query: EventsQuery,
    /// Events that match, on all pages.
    pub total: u64,
    /// The events of this page.
    pub rows: Vec<EventRow>,
}

live_page!(EventsPage);

impl EventRow {
    fn data(&self) -> String {
        self.event.data.join("; ")
    }
}

impl EventsQuery {
    /// The address of this view.
    #[must_use]
    pub fn url(&self) -> String {
        self.to_page(self.page)
    }

    fn to_page(&self, page: u32) -> String {
        Address::new("/events")
            .with("host", &self.host)
            .with("id", &self.id)
            .with("page", &if page > 1 { page.to_string() } else { String::new() })
            .finish()
    }

    fn is_filtered(&self) -> bool {
        !self.host.is_empty() || !self.id.is_empty()
    }
}

impl EventsPage {
    fn headline(&self) -> String {
        match (self.total, self.query.is_filtered()) {
            (0, false) => "No event that bears on pool has come in.".to_owned(),
            (0, true) => "No event matches.".to_owned(),
            (total, false) => {
                format!("{} that bear on pool.", figures::counted(total, "event", "events"))
            }
            (total, true) => format!("{} match.", figures::counted(total, "event", "events")),
        }
    }

    fn pages(&self) -> u32 {
        u32::try_from(self.total.div_ceil(u64::from(PER_PAGE))).unwrap_or(u32::MAX).max(1)
    }

    fn page(&self) -> u32 {
        self.query.page.max(1)
    }
}
