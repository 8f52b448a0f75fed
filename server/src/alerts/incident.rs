//! What people are told of incidents: one mail for each change, with its diagnosis.

use jiff::Timestamp;
use poolwatch_analysis::headroom::binding_ceiling;
use poolwatch_model::{Bytes, Pool, event::Event};
use poolwatch_store::{
    hosts::Host,
    outbox::{self, NewMessage},
};
use poolwatch_web::{
    links,
    mail::{IncidentMail, MailEvent, MailProcess, MailTag},
    words,
};
use sqlx::PgConnection;

use crate::{
    app::App, app_error::AppError, fleet::load, judging::record::Notice, pages::next_steps,
};

/// Tags and processes in a mail.
const ROWS: usize = 5;
/// Next steps in a mail.
const STEPS: usize = 3;

/// Puts a mail into the outbox, in the transaction of what it tells of.
///
/// # Errors
/// When the database fails: what it tells of has not happened then.
pub async fn enqueue(
    app: &App,
    db: &mut PgConnection,
    host: &Host,
    notice: &Notice,
    event: Option<&Event>,
    now: Timestamp,
) -> Result<(), AppError> {
    let mail = mail(app, db, host, notice, event, now).await?;
    let message = NewMessage {
        dedup_key: format!(
            "incident/{}/{}/{}",
            notice.incident.0,
            serde_json::to_value(notice.told).map_err(AppError::internal)?,
            notice.at.as_second(),
        ),
        subject: mail.subject()?,
        text: mail.text()?,
        html: mail.html()?,
    };
    outbox::enqueue(db, &message, now).await?;
    Ok(())
}

async fn mail(
    app: &App,
    db: &mut PgConnection,
    host: &Host,
    notice: &Notice,
    event: Option<&Event>,
    now: Timestamp,
) -> Result<IncidentMail, AppError> {
    let snapshot = load::snapshot(app, db, host.id, now).await?.unwrap_or_default();
    let console_url = app.settings.public_url.clone();
    let catalogue = app.tag_names.catalogue();
    let pool = notice.diagnosis.pool;
    let listed = pool.unwrap_or(Pool::Nonpaged);
    let mut tags: Vec<_> = snapshot.tags.iter().flat_map(|table| &table.rows).collect();
    tags.sort_by_key(|row| std::cmp::Reverse(row.of(listed).bytes));
    let mut processes: Vec<_> = snapshot.processes.iter().flatten().collect();
    processes.sort_by_key(|process| std::cmp::Reverse(process.handles));
    let mut steps = next_steps::of(&notice.diagnosis, host.facts.os.as_ref());
    steps.truncate(STEPS);
    Ok(IncidentMail {
        told: notice.told,
        host: host.name.clone(),
        others: notice.hosts.saturating_sub(1) as u64,
        os: host.facts.os.clone(),
        group: words::group(&host.facts),
        pool,
        event: event.map(|event| MailEvent { id: event.event_id, time: event.time }),
        used: pool.and_then(|pool| snapshot.memory.of(pool)),
        ceiling: pool
            .and_then(|pool| binding_ceiling(&snapshot.memory, host.facts.os.as_ref(), pool)),
        diagnosis: notice.diagnosis.clone(),
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
        host_url: format!("{console_url}{}", links::host(host.id)),
        incident_url: format!("{console_url}{}", links::incident(&notice.incident)),
        console_url,
    })
}
