//! Sends what the outbox holds, by SMTP.
//!
//! A message is leased, sent, then marked as sent. A server killed between the last two sends it
//! again after the lease; its Message-ID is the same then, so that mail systems can tell.

use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};
use poolwatch_model::incident::IncidentId;
use poolwatch_store::outbox::{self, LeasedMessage, MessageWords};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::incident::write_message;
use crate::{
    app::{App, SharedApp},
    cli::MailOptions,
    metrics,
};

/// How often the outbox is looked into.
const EVERY: Duration = Duration::from_secs(2);
/// How long one attempt may take; after it, another server may try.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// Longest pause between attempts.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// Sends mail to those who must know.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    domain: String,
}

impl Mailer {
    /// The mailer that the options describe, if they do.
    ///
    /// # Errors
    /// When an address is malformed.
    pub fn new(options: &MailOptions) -> anyhow::Result<Option<Self>> {
        let (Some(url), Some(from)) = (&options.smtp_url, &options.mail_from) else {
            return Ok(None);
        };
        let from: Mailbox = from.parse().with_context(|| format!("sender {from}"))?;
        let to = options
            .mail_to
            .iter()
            .map(|to| to.trim().parse().with_context(|| format!("recipient {to}")))
            .collect::<anyhow::Result<_>>()?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .context("the mail server's address is not smtp://… or smtps://…")?
            .timeout(Some(Duration::from_secs(60)))
            .build();
        let domain = from.email.domain().to_owned();
        Ok(Some(Self { transport, from, to, domain }))
    }

    async fn send(&self, message: &DueMessage) -> anyhow::Result<()> {
        let DueMessage { leased, words } = message;
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(header_text(&words.subject))
            .message_id(Some(format!("<poolwatch.{}@{}>", leased.id, self.domain)));
        if let Some(IncidentId(incident)) = leased.incident {
            let thread = format!("<poolwatch.incident.{incident}@{}>", self.domain);
            builder = builder.references(thread.clone()).in_reply_to(thread);
        }
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        let body = MultiPart::alternative_plain_html(words.text.clone(), words.html.clone());
        self.transport.send(builder.multipart(body)?).await?;
        Ok(())
    }
}

/// A text on one line that no reader of mail takes for an encoded one (RFC 2047).
fn header_text(text: &str) -> String {
    let spaced = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(spaced).collect::<String>().replace("=?", "= ?")
}

/// Sends messages as they fall due, until it is told to stop.
pub async fn run(app: SharedApp, mailer: Mailer, stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        if let Err(error) = send_due(&app, &mailer, &stop).await {
            error!(%error, "Could not look into the outbox");
        }
    }
}

/// A message that is to be sent now.
#[derive(Debug, Clone, PartialEq)]
pub struct DueMessage {
    /// What the outbox holds of it.
    pub leased: LeasedMessage,
    /// What it says.
    pub words: MessageWords,
}

async fn send_due(
    app: &SharedApp,
    mailer: &Mailer,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled()
        && let Some(message) = lease_due(app, app.clock.now(), LEASE).await?
    {
        let sent = mailer.send(&message).await;
        metrics::mail(sent.is_ok());
        match sent {
            Ok(()) => {
                let (id, now) = (message.leased.id, app.clock.now());
                outbox::mark_sent(&mut *app.pool.acquire().await?, id, now).await?;
                info!(message = id, subject = message.words.subject, "Sent mail");
            }
            Err(error) => put_back(app, &message.leased, &error.to_string()).await?,
        }
    }
    Ok(())
}

/// Leases the next message that is due, put into words. Those that cannot be put into words wait and
/// are tried again.
///
/// # Errors
/// When the database fails.
pub async fn lease_due(
    app: &App,
    now: Timestamp,
    lease: SignedDuration,
) -> anyhow::Result<Option<DueMessage>> {
    loop {
        let mut db = app.pool.acquire().await?;
        let Some(leased) = outbox::lease(&mut db, now, lease).await? else { return Ok(None) };
        if let Some(words) = leased.words.clone() {
            return Ok(Some(DueMessage { leased, words }));
        }
        let Some((incident, notice)) = leased.incident.zip(leased.notice.as_ref()) else {
            put_back(app, &leased, "it says nothing").await?;
            continue;
        };
        match write_message(app, &mut db, incident, notice, now).await {
            Ok(words) => {
                outbox::set_words(&mut db, leased.id, &words).await?;
                return Ok(Some(DueMessage { leased, words }));
            }
            Err(error) => put_back(app, &leased, &error.to_string()).await?,
        }
    }
}

async fn put_back(app: &App, leased: &LeasedMessage, error: &str) -> anyhow::Result<()> {
    let (message, attempts) = (leased.id, leased.attempts);
    warn!(message, attempts, error, "Could not send mail");
    let not_before = app.clock.now().saturating_add(pause(attempts))?;
    let mut db = app.pool.acquire().await?;
    outbox::put_back(&mut db, message, not_before, error).await?;
    Ok(())
}

/// Doubles with every attempt, up to a bound.
fn pause(attempts: i32) -> SignedDuration {
    let doubled = SignedDuration::from_secs(5 << attempts.clamp(1, 8));
    doubled.min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_subject_are_read_as_they_are() {
        assert_eq!(header_text("=?utf-8?q?all_is_well?=: x"), "= ?utf-8?q?all_is_well?=: x");
        assert_eq!(header_text("a.exe\r\nBcc: x@y"), "a.exe  Bcc: x@y");
    }
}
