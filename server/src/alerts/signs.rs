//! Signs of life: who waits for them learns that Poolwatch is dead when none comes.

use jiff::Timestamp;
use poolwatch_model::alerting::{AlertLevel, AlertSettings, ChannelKind, Heartbeat, Recipient};
use poolwatch_store::{
    alert_settings, deliveries,
    outbox::{self, MessageWords},
    recipients,
};
use sqlx::{Connection, PgConnection};
use tracing::warn;

use super::webhook;
use crate::{app::App, app_error::AppError};

/// Gives a sign of life if one is due.
///
/// # Errors
/// When the database fails. A URL that does not answer is noted, and asked again when the next is due.
pub async fn heartbeat(app: &App, now: Timestamp) -> Result<(), AppError> {
    let mut db = app.pool.acquire().await?;
    let settings = alert_settings::load(&mut db).await?;
    if !is_due(&settings, now) {
        return Ok(());
    }
    match &settings.heartbeat {
        Heartbeat::Off => {}
        Heartbeat::Mail => {
            let mut transaction = db.begin().await?;
            let count = send_mail(app, &mut transaction, now).await?;
            let answer = format!("a mail to {count} recipients");
            alert_settings::note_heartbeat(&mut transaction, &answer, now).await?;
            transaction.commit().await?;
        }
        Heartbeat::Url(url) => {
            drop(db);
            let answer = match webhook::call(url, settings.allows_private).await {
                Ok(answer) => answer,
                Err(failure) => {
                    warn!(answer = failure.answer, "A sign of life was not taken");
                    failure.answer
                }
            };
            let mut db = app.pool.acquire().await?;
            alert_settings::note_heartbeat(&mut db, &answer, now).await?;
        }
    }
    Ok(())
}

fn is_due(settings: &AlertSettings, now: Timestamp) -> bool {
    let last = settings.heartbeat_at;
    settings.heartbeat != Heartbeat::Off
        && last.is_none_or(|last| now.duration_since(last) >= settings.heartbeat_every)
}

async fn send_mail(app: &App, db: &mut PgConnection, now: Timestamp) -> Result<usize, AppError> {
    let view = app.fleet.view();
    let (reporting, silent) = view.heard(now);
    let open = view.incidents.iter().filter(|one| one.state.is_active()).count();
    let (_, given_up) = deliveries::count_unsent(db).await?;
    let console = &app.settings.public_url;
    let text = format!(
        "Poolwatch is alive.\n\nHosts that report: {reporting}\nHosts that are silent: {silent}\n\
         Open incidents: {open}\nMessages that could not be delivered: {given_up}\n\n{console}\n",
    );
    let words = plain_message("[Poolwatch] NOTE Poolwatch is alive", &text);
    let key = format!("heartbeat/{}", now.as_second());
    let Some(message) = outbox::add_words(db, &key, &words, now).await? else { return Ok(0) };
    let mut everybody = app.settings.standing_recipients.clone();
    everybody.extend(recipients::list(db).await?);
    let takes = |one: &&Recipient| {
        one.kind == ChannelKind::Mail && one.scope.is_all() && one.least == AlertLevel::Note
    };
    let recipients: Vec<&Recipient> = everybody.iter().filter(takes).collect();
    deliveries::add(db, message, None, &recipients, now).await?;
    Ok(recipients.len())
}

/// A message without more than lines of text.
#[must_use]
pub fn plain_message(subject: &str, text: &str) -> MessageWords {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    MessageWords {
        subject: subject.to_owned(),
        html: format!(
            "<!doctype html><html lang=\"en\"><body style=\"font-family:'Segoe UI',sans-serif;\">\
             <p>{}</p></body></html>",
            escaped.trim_end().replace('\n', "<br>"),
        ),
        text: text.to_owned(),
        chart: None,
    }
}
