//! What people are told of incidents: one mail for each change, put into words when it is sent, from
//! the same record that the console shows.

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::headroom::binding_ceiling;
use poolwatch_model::{
    Bytes, Pool,
    event::Event,
    incident::{IncidentChange, IncidentId, IncidentNotice, NoticeEvent},
};
use poolwatch_store::{
    hosts,
    incidents::{self, IncidentFilter},
    outbox::{self, MessageWords, WaitingMessage},
};
use poolwatch_web::{
    links,
    mail::{IncidentMail, MailProcess, MailTag, PoolChart},
    words,
};
use sqlx::PgConnection;

use crate::{app::App, app_error::AppError, judging::record::Notice};

/// A first message waits so long for what belongs to it: more hosts, a suspect, an event.
const WAITS: SignedDuration = SignedDuration::from_secs(60);
/// Tags and processes in a mail.
const ROWS: usize = 5;
/// Next steps in a mail.
const STEPS: usize = 3;

/// Puts a message into the outbox, in the transaction of what it tells of. It takes the place of one
/// of the same incident that still waits.
///
/// # Errors
/// When the database fails: what it tells of has not happened then.
pub async fn enqueue(
    db: &mut PgConnection,
    notice: &Notice,
    event: Option<&Event>,
    now: Timestamp,
) -> Result<(), AppError> {
    let incident = notice.incident;
    if notice.change == IncidentChange::Regressed {
        incidents::forget_acknowledgement(db, incident).await?;
    }
    let waiting = outbox::take_back(db, incident).await?;
    if is_over_unheard(waiting.as_ref(), notice.change) {
        return Ok(());
    }
    let not_before = not_before(notice, waiting.as_ref(), now);
    let event = event.map(|event| NoticeEvent { id: event.event_id, time: event.time });
    let joined = IncidentNotice {
        change: joined_change(waiting.as_ref(), notice.change),
        host: notice.host,
        event: event.or(waiting.and_then(|waiting| waiting.notice.event)),
    };
    let at = notice.at.as_millisecond();
    let key = format!("incident/{}/{:?}/{at}", incident.0, joined.change);
    outbox::enqueue(db, &key, incident, &joined, not_before, now).await?;
    Ok(())
}

/// Whether what is over began while a silence held the message of it: nobody heard of it.
fn is_over_unheard(waiting: Option<&WaitingMessage>, new: IncidentChange) -> bool {
    use IncidentChange::{Opened, Regressed, Resolved};
    let began = |waiting: &WaitingMessage| {
        waiting.is_held && matches!(waiting.notice.change, Opened | Regressed)
    };
    new == Resolved && waiting.is_some_and(began)
}

/// When a message goes out at the earliest. One that a silence held is looked at anew: it may be about
/// more than the silence is.
fn not_before(notice: &Notice, waiting: Option<&WaitingMessage>, now: Timestamp) -> Timestamp {
    let is_first = matches!(notice.change, IncidentChange::Opened | IncidentChange::Regressed);
    match waiting {
        _ if notice.is_urgent => now,
        Some(waiting) if !waiting.is_held => waiting.not_before,
        _ if is_first => now.saturating_add(WAITS).unwrap_or(now),
        _ => now,
    }
}

/// What happened to an incident since people were told last: who has not heard of it hears that it is
/// new, with all that is known by then.
fn joined_change(waiting: Option<&WaitingMessage>, new: IncidentChange) -> IncidentChange {
    use IncidentChange::{Named, Opened, Regressed, Worsened};
    match waiting.map(|waiting| waiting.notice.change) {
        Some(first @ (Opened | Regressed)) if matches!(new, Worsened | Named) => first,
        _ => new,
    }
}

/// Puts a message into words: what is known of the incident now.
///
/// # Errors
/// When the database fails, or the incident or its host is gone.
pub async fn write_message(
    app: &App,
    db: &mut PgConnection,
    incident: IncidentId,
    notice: &IncidentNotice,
    now: Timestamp,
) -> Result<MessageWords, AppError> {
    let mail = mail(app, db, incident, notice, now).await?;
    let chart = mail.chart.as_ref().and_then(PoolChart::draw);
    Ok(MessageWords { subject: mail.subject()?, text: mail.text()?, html: mail.html()?, chart })
}

async fn mail(
    app: &App,
    db: &mut PgConnection,
    id: IncidentId,
    notice: &IncidentNotice,
    now: Timestamp,
) -> Result<IncidentMail, AppError> {
    let gone = || AppError::not_found("The incident or its host is gone");
    let filter = IncidentFilter { id: Some(id), ..IncidentFilter::default() };
    let incident = incidents::list(db, filter, 1).await?.pop().ok_or_else(gone)?;
    let worst = incident.worst.unwrap_or(notice.host);
    let host = hosts::find(db, worst).await?.ok_or_else(gone)?;
    let hosts = match incident.hosts.len() {
        0 => incidents::details(db, id).await?.seen_on.len(),
        hosts => hosts,
    };
    let snapshot = app.latest_snapshot(db, host.id, now).await?.unwrap_or_default();
    let console_url = app.settings.public_url.clone();
    let catalogue = app.tag_names.catalogue();
    let diagnosis = incident.diagnosis;
    let pool = diagnosis.pool;
    let listed = pool.unwrap_or(Pool::Nonpaged);
    let mut tags: Vec<_> = snapshot.tags.iter().flat_map(|table| &table.rows).collect();
    tags.sort_by_key(|row| std::cmp::Reverse(row.of(listed).bytes));
    let mut processes: Vec<_> = snapshot.processes.iter().flatten().collect();
    processes.sort_by_key(|process| std::cmp::Reverse(process.handles));
    let view = app.fleet.view();
    let chart = pool.zip(view.host(worst)).map(|(pool, summary)| PoolChart {
        hours: match pool {
            Pool::Nonpaged => summary.nonpaged_trend.clone(),
            Pool::Paged => summary.paged_trend.clone(),
        },
        limit: summary.ceiling(pool).map(|ceiling| ceiling.bytes.0),
    });
    let mut steps = words::next_steps(&diagnosis, host.facts.os.as_ref());
    steps.truncate(STEPS);
    Ok(IncidentMail {
        change: notice.change,
        host: host.name.clone(),
        hosts: hosts.max(1) as u64,
        os: host.facts.os.clone(),
        group: words::group(&host.facts),
        pool,
        event: notice.event,
        used: pool.and_then(|pool| snapshot.memory.of(pool)),
        ceiling: pool
            .and_then(|pool| binding_ceiling(&snapshot.memory, host.facts.os.as_ref(), pool)),
        commit: snapshot.memory.committed.zip(snapshot.memory.commit_limit),
        diagnosis,
        tags: tags
            .into_iter()
            .filter(|row| row.of(listed).bytes > 0)
            .take(ROWS)
            .map(|row| MailTag {
                tag: row.tag,
                bytes: Bytes(row.of(listed).bytes),
                outstanding: row.of(listed).outstanding,
                meaning: catalogue.own(row.tag).map(|told| told.meaning.to_owned()),
            })
            .collect(),
        processes: processes
            .into_iter()
            .filter_map(|process| Some((process, process.handles?)))
            .take(ROWS)
            .map(|(process, handles)| MailProcess {
                image: process.image.clone(),
                pid: process.key.pid,
                handles,
                services: process.services.clone(),
            })
            .collect(),
        steps,
        chart: chart.filter(PoolChart::is_drawn),
        host_url: format!("{console_url}{}", links::host(host.id)),
        incident_url: format!("{console_url}{}", links::incident(&id)),
        console_url,
    })
}

#[cfg(test)]
mod tests {
    use poolwatch_model::HostId;

    use super::*;

    #[test]
    fn what_belongs_to_a_message_that_waits_joins_it_and_an_empty_pool_does_not_wait() {
        use IncidentChange::{Named, Opened, Regressed, Resolved, Worsened};
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let later = |seconds| now + SignedDuration::from_secs(seconds);
        let notice = |change, is_urgent| Notice {
            incident: IncidentId(1),
            change,
            host: HostId(1),
            at: now,
            is_urgent,
        };
        let waits = |change| WaitingMessage {
            notice: IncidentNotice { change, host: HostId(1), event: None },
            not_before: later(60),
            is_held: false,
        };
        for (waiting, new, is_urgent, change, at) in [
            (None, Opened, false, Opened, 130),
            (None, Regressed, false, Regressed, 130),
            (None, Opened, true, Opened, 70),
            (None, Worsened, false, Worsened, 70),
            (Some(Opened), Named, false, Opened, 60),
            (Some(Opened), Worsened, true, Opened, 70),
            (Some(Regressed), Worsened, false, Regressed, 60),
            (Some(Opened), Resolved, false, Resolved, 60),
        ] {
            let waiting = waiting.map(waits);
            let notice = notice(new, is_urgent);
            assert_eq!(joined_change(waiting.as_ref(), new), change, "{notice:?}");
            let due = not_before(&notice, waiting.as_ref(), later(70));
            assert_eq!(due, later(at), "{notice:?}");
        }
    }

    #[test]
    fn what_a_silence_held_is_looked_at_anew_and_what_ended_under_it_is_never_said() {
        use IncidentChange::{Opened, Resolved, Worsened};
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let host = HostId(1);
        let held = |change| WaitingMessage {
            notice: IncidentNotice { change, host, event: None },
            not_before: now + SignedDuration::from_hours(4),
            is_held: true,
        };
        let worse =
            Notice { incident: IncidentId(1), change: Worsened, host, at: now, is_urgent: false };
        assert_eq!(not_before(&worse, Some(&held(Opened)), now), now);
        assert!(is_over_unheard(Some(&held(Opened)), Resolved));
        assert!(!is_over_unheard(Some(&held(Worsened)), Resolved), "it was said that it began");
        assert!(!is_over_unheard(None, Resolved));
    }
}
