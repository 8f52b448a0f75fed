//! `POST /agent/v1/events`: event records of a host.

use std::sync::PoisonError;

use axum::{Extension, Json, extract::State};
use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::events::event_trigger;
use poolwatch_model::event::Event;
use poolwatch_protocol::{
    limits::{self, EVENT_DATA, EVENT_TEXT_BYTES},
    v1::messages::{EventsReply, EventsRequest, RefusedFrame},
};
use poolwatch_store::events::{self, KeptAs};
use sqlx::Connection;
use tracing::warn;

use crate::{access::hosts::SendingHost, app::SharedApp, app_error::AppError, metrics};

/// An event that comes later than this is history: it warns nobody.
const LATE: SignedDuration = SignedDuration::from_hours(24);
/// An event may be this far ahead of the server's clock.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Takes in events. What follows from them is found out afterwards.
///
/// # Errors
/// 400 for too many events, 503 when they cannot be stored now.
pub(in crate::api) async fn events(
    State(app): State<SharedApp>,
    Extension(SendingHost { key: host, arrived: now }): Extension<SendingHost>,
    Json(request): Json<EventsRequest>,
) -> Result<Json<EventsReply>, AppError> {
    if request.events.len() > limits::EVENTS {
        return Err(AppError::bad_request(format!(
            "Send at most {} events at once.",
            limits::EVENTS
        )));
    }
    let live = app.fleet.ensure_host(host.id);
    live.events_allowed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take(request.events.len(), limits::EVENTS_A_DAY, now.as_second())
        .map_err(|retry_after_s| {
            let most = limits::EVENTS_A_DAY;
            AppError::too_many(
                format!("A host may send {most} events a day. Keep the others until tomorrow."),
                retry_after_s,
            )
        })?;
    let mut awaits_diagnosis = false;
    let mut reply = EventsReply { stored: 0, known: 0, refused: Vec::new() };
    if request.gap {
        warn!(host = %host.id, "The event log lost records before they were read");
    }
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    for (index, event) in request.events.iter().enumerate() {
        if let Err(reason) = check(event) {
            reply.refused.push(RefusedFrame { index, reason });
            continue;
        }
        // How long ago it was written is reckoned by the clock that wrote it.
        let age = request.wall.duration_since(event.time);
        if -age > AHEAD {
            let reason =
                format!("written at {}, in the future of the host's own clock", event.time);
            reply.refused.push(RefusedFrame { index, reason });
            continue;
        }
        let written = now.saturating_sub(age).unwrap_or(event.time);
        let history = age > LATE || written < host.enrolled_at;
        let kept_as = match history {
            true => KeptAs::History,
            false if event_trigger(event).is_some() => KeptAs::Awaiting,
            false => KeptAs::Told,
        };
        if !events::insert(&mut transaction, host.id, event, kept_as, now).await? {
            reply.known += 1;
            continue;
        }
        reply.stored += 1;
        awaits_diagnosis |= kept_as == KeptAs::Awaiting;
    }
    if awaits_diagnosis {
        events::make_diagnosis_due(&mut transaction, host.id, now).await?;
    }
    transaction.commit().await?;
    if awaits_diagnosis {
        app.events_stored.notify_one();
    }
    metrics::events(reply.stored, reply.known, reply.refused.len());
    Ok(Json(reply))
}

fn check(event: &Event) -> Result<(), String> {
    let texts = [Some(&event.channel), Some(&event.provider), event.computer.as_ref()];
    let too_long =
        texts.into_iter().flatten().chain(&event.data).any(|t| t.len() > EVENT_TEXT_BYTES);
    if too_long || event.data.len() > EVENT_DATA {
        return Err(format!(
            "holds a text over {EVENT_TEXT_BYTES} bytes or over {EVENT_DATA} strings"
        ));
    }
    let listed = event.exhaustion.iter().flat_map(|one| &one.top_processes).map(|one| &one.image);
    if texts.into_iter().flatten().chain(&event.data).chain(listed).any(|t| t.contains('\0')) {
        return Err("holds a NUL character".to_owned());
    }
    if event.time < Timestamp::UNIX_EPOCH {
        return Err(format!("written at {}, before there were such events", event.time));
    }
    if i64::try_from(event.record_id).is_err() || i32::try_from(event.event_id).is_err() {
        return Err("record id or event id out of range".to_owned());
    }
    if let Some(exhaustion) = &event.exhaustion {
        let rows = [
            exhaustion.paged_tags.len(),
            exhaustion.nonpaged_tags.len(),
            exhaustion.top_processes.len(),
        ];
        let images = exhaustion.top_processes.iter().map(|process| process.image.len());
        if rows.into_iter().any(|rows| rows > EVENT_DATA)
            || images.into_iter().any(|bytes| bytes > EVENT_TEXT_BYTES)
        {
            return Err(format!("lists over {EVENT_DATA} tags or processes, or a long name"));
        }
    }
    Ok(())
}
