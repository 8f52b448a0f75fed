//! The rule for Event 2019 and 2020: one incident per host and pool, and one mail when it opens.

use jiff::Timestamp;
use poolwatch_analysis::{Observation, catalogue, ceilings, diagnose};
use poolwatch_model::{
    HostId, Pool, Snapshot,
    event::{Event, EventKind},
    incident::{Cause, Finding, IncidentId},
};
use poolwatch_store::{
    hosts::{self, Host},
    incidents::{self, Recorded},
    outbox::{self, NewMessage},
};
use poolwatch_web::{
    links,
    mail::{MailProcess, MailTag, PoolEmptyMail},
    words,
};
use sqlx::PgConnection;
use tracing::info;

use crate::{app::App, failure::Failure, fleet::load, pages::next_steps};

/// Tags and processes in a mail.
const ROWS: usize = 5;
/// Next steps in a mail.
const STEPS: usize = 3;

/// Acts on a new event that is no history, in the transaction that stores it.
///
/// # Errors
/// When the database fails; the event is not stored either then.
pub async fn on_event(
    app: &App,
    db: &mut PgConnection,
    host: HostId,
    event: &Event,
    now: Timestamp,
) -> Result<(), Failure> {
    let EventKind::PoolEmpty(pool) = event.kind() else { return Ok(()) };
    let Some(host) = hosts::find(db, host).await? else { return Ok(()) };
    let snapshot = load::snapshot(app, db, host.id, now).await?.unwrap_or_default();
    let diagnosis = diagnose(&Observation {
        now: event.time,
        os: host.facts.os.as_ref(),
        snapshot: &snapshot,
        earlier: None,
        events: std::slice::from_ref(event),
    });
    let cause = Cause::PoolEmpty { host: host.id, pool };
    let finding = Finding { host: host.id, cause, at: event.time, diagnosis };
    if let Recorded::Opened(incident) = incidents::record(db, &finding).await? {
        info!(host = %host.id, name = host.name, %pool, incident = incident.0, "Opened incident");
        let mail = mail(app, &host, pool, event, &snapshot, incident, finding);
        let message = NewMessage {
            dedup_key: format!("incident/{}/opened", incident.0),
            subject: mail.subject()?,
            text: mail.text()?,
            html: mail.html()?,
        };
        outbox::enqueue(db, &message, now).await?;
    }
    Ok(())
}

fn mail(
    app: &App,
    host: &Host,
    pool: Pool,
    event: &Event,
    snapshot: &Snapshot,
    incident: IncidentId,
    finding: Finding,
) -> PoolEmptyMail {
    let console_url = app.settings.public_url.clone();
    let mut tags: Vec<_> = snapshot.tags.iter().flat_map(|table| &table.rows).collect();
    tags.sort_by_key(|row| std::cmp::Reverse(row.of(pool).bytes));
    let mut processes: Vec<_> = snapshot.processes.iter().flatten().collect();
    processes.sort_by_key(|process| std::cmp::Reverse(process.handles));
    let mut steps = next_steps::of(&finding.diagnosis, host.facts.os.as_ref(), Some(snapshot));
    steps.truncate(STEPS);
    PoolEmptyMail {
        host: host.name.clone(),
        os: host.facts.os.clone(),
        group: words::group(&host.facts),
        pool,
        event_id: event.event_id,
        event_time: event.time,
        used: snapshot.memory.of(pool),
        ceiling: ceilings::ceiling(&snapshot.memory, host.facts.os.as_ref(), pool),
        diagnosis: Some(finding.diagnosis),
        tags: tags
            .into_iter()
            .filter(|row| row.of(pool).bytes > 0)
            .take(ROWS)
            .map(|row| MailTag {
                tag: row.tag,
                bytes: poolwatch_model::Bytes(row.of(pool).bytes),
                outstanding: row.of(pool).outstanding,
                meaning: catalogue::entry(row.tag).map(|entry| entry.meaning.to_owned()),
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
        host_url: format!("{console_url}{}", links::host(host.id)),
        incident_url: Some(format!("{console_url}{}", links::incident(&incident))),
        console_url,
    }
}
