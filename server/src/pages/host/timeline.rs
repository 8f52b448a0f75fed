//! What happened on a host: events, restarts, changes of drivers, incidents.

use jiff::Timestamp;
use poolwatch_model::comparison::ChangeKind;
use poolwatch_store::{
    boots,
    events::{self, EventFilter},
    expiry::DRIVER_CHANGES,
    incidents::IncidentFilter,
    inventories, pool_failures,
};
use poolwatch_web::{
    host::{HOST_TIMELINE, HostSection, TimelineChoice, TimelineRow},
    hosts::HostSource,
    links,
    list::List,
    words,
};
use sqlx::PgConnection;

use super::{
    chart,
    judgement::Known,
    lists::{Asked, HostList},
    trends::DrawnRow,
};
use crate::{
    app_error::AppError,
    pages::{presence, text_match::holds_ignoring_case},
};

/// Rows of each kind that are looked at, the latest.
const OF_A_KIND: i64 = 1_000;

/// What happened.
pub(in crate::pages) struct Timeline;

impl DrawnRow for TimelineRow {}

impl HostList for Timeline {
    type Row = TimelineRow;
    type Choice = TimelineChoice;
    const SECTION: HostSection = HostSection::Timeline;

    fn list() -> &'static List<TimelineRow> {
        &HOST_TIMELINE
    }

    async fn load(
        asked: &Asked,
        db: &mut PgConnection,
        known: &Known,
    ) -> Result<Vec<TimelineRow>, AppError> {
        let mut rows = Vec::new();
        let filter = EventFilter { host: Some(asked.host), ..EventFilter::default() };
        for found in events::list(db, &filter, OF_A_KIND, 0).await? {
            let (_, meaning) = words::event_meaning(&found.event);
            let text = match meaning.is_empty() {
                true => format!("Event {} of {}", found.event.event_id, found.event.provider),
                false => format!("Event {}: {meaning}", found.event.event_id),
            };
            rows.push(TimelineRow {
                host: asked.host,
                at: found.event.time.min(found.received_at),
                kind: TimelineChoice::Events,
                text,
                url: None,
            });
        }
        for (at, failures) in pool_failures::list(db, asked.host, OF_A_KIND).await? {
            rows.push(TimelineRow {
                host: asked.host,
                at,
                kind: TimelineChoice::Events,
                text: format!(
                    "The Server service could not allocate {} times from nonpaged and {} times from \
                     paged pool",
                    failures.nonpaged, failures.paged
                ),
                url: None,
            });
        }
        // Every import counts as a boot of its own: that is no restart.
        if presence::source(&known.summary) == HostSource::Agent {
            let numbers: Vec<i32> =
                boots::ids(db, asked.host).await?.into_iter().map(|(no, _)| no).collect();
            let begun = boots::begun(db, asked.host, &numbers).await?;
            rows.extend(begun.into_values().map(|at| TimelineRow {
                host: asked.host,
                at,
                kind: TimelineChoice::Restarts,
                text: "Windows started".to_owned(),
                url: None,
            }));
        }
        let since = asked
            .app
            .clock
            .now()
            .saturating_sub(jiff::SignedDuration::from_hours(24 * DRIVER_CHANGES));
        let since = since.unwrap_or(Timestamp::MIN);
        for change in inventories::changes_of(db, asked.host, since, OF_A_KIND).await? {
            let what = chart::driver_change(&change);
            rows.push(TimelineRow {
                host: asked.host,
                at: change.at,
                kind: TimelineChoice::Drivers,
                text: match change.kind {
                    ChangeKind::Added => format!("New driver {what}"),
                    ChangeKind::Removed => format!("Driver {what} is gone"),
                    ChangeKind::Changed => format!("Driver {what}"),
                },
                url: links::attribute(&change.attribute),
            });
        }
        let filter = IncidentFilter { host: Some(asked.host), ..IncidentFilter::default() };
        for incident in asked.visible.incidents(db, filter, OF_A_KIND).await? {
            let title = words::title(&incident.diagnosis);
            let url = Some(links::incident(&incident.id));
            let entry = |at, text| TimelineRow {
                host: asked.host,
                at,
                kind: TimelineChoice::Incidents,
                text,
                url: url.clone(),
            };
            rows.push(entry(
                incident.opened,
                format!("Incident {} opened: {title}", incident.id.0),
            ));
            if !incident.state.is_active() {
                let state = words::incident_state(&incident.state);
                let text = format!("Incident {} last seen, {state} now: {title}", incident.id.0);
                rows.push(entry(incident.last_seen, text));
            }
        }
        Ok(rows)
    }

    fn is_wanted(choice: TimelineChoice, text: &str, row: &TimelineRow) -> bool {
        let is_shown = choice == TimelineChoice::All || choice == row.kind;
        is_shown && holds_ignoring_case(&row.text, text)
    }
}
