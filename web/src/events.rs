//! Events of the fleet (`GET /events`), and the row that other pages show an event by.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{event::Event, incident::IncidentId};

use crate::{
    HostLink, Shell, assets, figures,
    links::{self, Address},
    list::{Cell, Column, Filter, List, ListQuery, ListView, Parameter, Piece, SortKey, plain_row},
    shell::live_page,
    words,
};

/// Events, latest first.
#[derive(Debug, Clone, Template)]
#[template(path = "events.html", blocks = ["live"])]
pub struct EventsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The events.
    pub list: ListView<EventRow, EventsFilter>,
}

live_page!(EventsPage);

/// What `/events` takes as parameters.
pub type EventsQuery = ListQuery<EventRow, EventsFilter>;

/// Which events are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventsFilter {
    /// Part of a host's name; empty for all.
    pub host: String,
    /// Event id as it was typed; empty for all, what is no number matches nothing.
    pub id: String,
}

impl Filter for EventsFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::text("host", "Host", "Host", &mut self.host),
            Parameter::text("id", "Event id", "Event id", &mut self.id),
        ]
    }
}

/// One event in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// The host that wrote it.
    pub host: HostLink,
    /// The record.
    pub event: Event,
    /// The incident that it is part of.
    pub incident: Option<IncidentId>,
    /// When it came, where its host's clock says that it was written after that.
    pub came: Option<Timestamp>,
}

type EventColumn = Column<EventRow>;

/// All events.
pub static EVENTS: List<EventRow> = List {
    nouns: ["event", "events"],
    class: "events",
    columns: &[
        EventColumn::cell(
            "Time",
            |row| row.event.time.into(),
            |row, now| match row.came {
                Some(came) => Cell::figure(figures::when(came, &now)).span(
                    "dim",
                    format!("by the clock of its host it was written at {}", row.event.time),
                    "clock wrong",
                ),
                None => Cell::figure(figures::when(row.event.time, &now)),
            },
        )
        .class("time")
        .file("time"),
        EventColumn::cell(
            "Host",
            |row| row.host.name.as_str().into(),
            |row, _| Cell::default().row_link(row.host.url(), &row.host.name),
        )
        .file("host"),
        EventColumn::cell(
            "Id",
            |row| row.event.event_id.into(),
            |row, _| {
                let id = row.event.event_id.to_string();
                Cell::default().link(Address::new("/events").with("id", &id).finish(), id)
            },
        )
        .class("num")
        .file("event_id"),
        EventColumn::cell(
            "Meaning",
            |row| words::event_meaning(&row.event).1.into(),
            |row, _| meaning(row),
        )
        .file("meaning"),
        EventColumn::cell(
            "Part of",
            |row| row.incident.map(|id| id.0).into(),
            |row, _| match &row.incident {
                Some(id) => Cell::default().link(links::incident(id), format!("incident {}", id.0)),
                None => Cell::default(),
            },
        )
        .file("incident"),
        EventColumn::cell(
            "Provider",
            |row| row.event.provider.as_str().into(),
            |row, _| Cell::text(&row.event.provider).classed("dim"),
        )
        .class("opt")
        .file("provider"),
        EventColumn::cell(
            "Log",
            |row| row.event.channel.as_str().into(),
            |row, _| {
                let cell = Cell::text(&row.event.channel).classed("dim");
                match row.event.record_id {
                    0 => cell,
                    record => cell.span("", "record number", record.to_string()),
                }
            },
        )
        .class("opt")
        .file("log"),
        EventColumn::cut("Data", |row| Some(row.event.data.join("; "))).class("dim").file("data"),
        EventColumn::former_self_at(
            |row| row.host.id,
            |row| Some(row.came.unwrap_or(row.event.time)),
        ),
        EventColumn::in_files("host_id", |row| row.host.id.into()),
        EventColumn::in_files("record", |row| row.event.record_id.into()),
    ],
    first: "",
    tie: |_| SortKey::Number(0),
    row_class: plain_row,
    file_name: "events",
    file_path: "",
    file_columns: "time host_id host event_id meaning incident provider log record data",
};

fn meaning(row: &EventRow) -> Cell {
    let (severity, text) = words::event_meaning(&row.event);
    let cell = Cell::default().and(Piece::Severity(severity));
    match text.is_empty() {
        true => cell.dim("not about pool by itself"),
        false => cell.and(Piece::Text(text)),
    }
}

impl EventsPage {
    fn headline(&self) -> String {
        let total = self.list.total;
        let events = figures::counted(total, "event", "events");
        match (total, self.list.query.is_filtered()) {
            (0, false) => "No event that bears on pool has come in.".to_owned(),
            (0, true) => "No event matches.".to_owned(),
            (_, false) => format!("{events} that bear on pool."),
            (_, true) => format!("{events} match."),
        }
    }
}
