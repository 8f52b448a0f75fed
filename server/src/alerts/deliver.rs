//! Makes deliveries: each is leased, made, then marked as made.
//!
//! A server killed between the last two makes it again after the lease; the message has the same
//! number then, by which the other side can tell (`Message-ID`, `Idempotency-Key`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::alerting::ChannelKind;
use poolwatch_store::{
    StoreError, alert_settings,
    deliveries::{self, LeasedDelivery},
    patience::Patience,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    answer::DeliveryFailure, kept_mailer::KeptMailer, mailer::Mailer, secrets, syslog, webhook,
};
use crate::{
    app::{App, SharedApp},
    metrics,
};

/// How often a worker looks for a delivery.
const EVERY: Duration = Duration::from_secs(1);
/// How long one attempt may take; after it, another server may try.
const LEASE: SignedDuration = SignedDuration::from_mins(2);
/// How long an attempt may go on, whatever the other side does: its lease ends after that.
const SENT_WITHIN: Duration = Duration::from_secs(100);
/// What became of an attempt is noted so long after it at the latest, when the database is away.
const NOTED_WITHIN: Duration = Duration::from_secs(90);
/// Shortest and longest pause between attempts.
const PAUSES: [SignedDuration; 2] = [SignedDuration::from_secs(10), SignedDuration::from_mins(15)];
/// What could not be delivered for so many attempts, about three days, is given up.
const ATTEMPTS: i32 = 300;
/// Letters of what the other side says that are kept.
const ANSWER_CHARS: usize = 500;

/// Sends messages of one kind of channel.
#[derive(Debug, Clone)]
pub enum Courier {
    /// Mails, by the mail server of the command line.
    Mail(Mailer),
    /// Mails, by the mail server that the console sets.
    KeptMail(KeptMailer),
    /// Webhooks and syslog.
    Webhook,
}

impl Courier {
    const fn kinds(&self) -> &'static [ChannelKind] {
        match self {
            Self::Mail(_) | Self::KeptMail(_) => &[ChannelKind::Mail],
            Self::Webhook => &[
                ChannelKind::Webhook,
                ChannelKind::Teams,
                ChannelKind::Slack,
                ChannelKind::PagerDuty,
                ChannelKind::Opsgenie,
                ChannelKind::ServiceNow,
                ChannelKind::Syslog,
            ],
        }
    }

    async fn send(&self, app: &App, delivery: &LeasedDelivery) -> Result<String, DeliveryFailure> {
        let failed = |error: &dyn std::fmt::Display| DeliveryFailure {
            is_final: false,
            answer: error.to_string(),
        };
        match self {
            Self::Mail(mailer) => mailer.send(delivery).await,
            Self::KeptMail(kept) => {
                let mut db = app.pool.acquire().await.map_err(|error| failed(&error))?;
                let mailer = kept.current(app, &mut db).await;
                drop(db);
                match mailer.map_err(|error| failed(&error))? {
                    Some(mailer) => mailer.send(delivery).await,
                    None => Err(failed(&"no mail server is set")),
                }
            }
            Self::Webhook => {
                let mut db = app.pool.acquire().await.map_err(|error| failed(&error))?;
                let settings = alert_settings::load(&mut db).await;
                drop(db);
                let allows_private = settings.map_err(|error| failed(&error))?.allows_private;
                let (console, now) = (&app.settings.public_url, app.clock.now());
                if delivery.kind == ChannelKind::Syslog {
                    return syslog::send(delivery, console, allows_private, now).await;
                }
                let secret = secrets::open_secret(&app.sealing_key, delivery)?;
                webhook::send(delivery, secret.as_deref(), console, allows_private, now).await
            }
        }
    }
}

/// Makes deliveries as they fall due, one at a time, until it is told to stop.
pub async fn run(app: SharedApp, courier: Courier, stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        loop {
            match deliver_due(&app, &courier).await {
                Ok(true) if !stop.is_cancelled() => {}
                Ok(_) => break,
                Err(error) => {
                    error!(%error, "Could not look for deliveries");
                    break;
                }
            }
        }
    }
}

/// Makes the next delivery that is due. Returns whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn deliver_due(app: &App, courier: &Courier) -> anyhow::Result<bool> {
    let mut db = app.pool.acquire().await?;
    // What waits for a mail server counts no attempts.
    if let Courier::KeptMail(kept) = courier
        && kept.current(app, &mut db).await?.is_none()
    {
        return Ok(false);
    }
    let leased = deliveries::lease(&mut db, courier.kinds(), app.clock.now(), LEASE).await?;
    drop(db);
    let Some(delivery) = leased else { return Ok(false) };
    let sent = match timeout(SENT_WITHIN, courier.send(app, &delivery)).await {
        Ok(sent) => sent,
        Err(_) => Err(DeliveryFailure {
            is_final: false,
            answer: format!("it went on for over {} s", SENT_WITHIN.as_secs()),
        }),
    };
    metrics::mail(sent.is_ok());
    let (id, attempts) = (delivery.id.0, delivery.attempts);
    match &sent {
        Ok(answer) => info!(delivery = id, to = delivery.kind.as_str(), answer, "Delivered"),
        Err(DeliveryFailure { is_final, answer }) => {
            warn!(delivery = id, attempts, is_final, answer, "Could not deliver");
        }
    }
    // What is not noted is sent again.
    let patience = Patience::lasting(NOTED_WITHIN);
    while let Err(error) = note(app, &delivery, &sent).await {
        if !patience.allows_another_try(&error).await {
            return Err(error.into());
        }
    }
    Ok(true)
}

/// Notes what became of an attempt.
async fn note(
    app: &App,
    delivery: &LeasedDelivery,
    sent: &Result<String, DeliveryFailure>,
) -> Result<(), StoreError> {
    let mut db = app.pool.acquire().await?;
    let (id, attempts, now) = (delivery.id, delivery.attempts, app.clock.now());
    match sent {
        Ok(answer) => deliveries::mark_sent(&mut db, id, &cut(answer), now).await,
        Err(DeliveryFailure { is_final, answer }) if *is_final || attempts >= ATTEMPTS => {
            deliveries::give_up(&mut db, id, &cut(answer), now).await
        }
        Err(DeliveryFailure { answer, .. }) => {
            deliveries::put_back(&mut db, id, retry_at(attempts, now), &cut(answer)).await
        }
    }
}

/// The pause doubles with every attempt, up to a bound.
fn retry_at(attempts: i32, now: Timestamp) -> Timestamp {
    let [shortest, longest] = PAUSES;
    let doubled = shortest.saturating_mul(1 << (attempts - 1).clamp(0, 10));
    now.saturating_add(doubled.min(longest)).unwrap_or(now)
}

/// What the other side said, without what is no text.
fn cut(answer: &str) -> String {
    let words = answer.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    words.take(ANSWER_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_an_hour() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let pause = |attempts| retry_at(attempts, now).duration_since(now).as_secs();
        assert_eq!([1, 2, 3, 7, 8, 300].map(pause), [10, 20, 40, 640, 900, 900]);
    }

    #[test]
    fn what_the_other_side_says_is_kept_as_one_line_of_bounded_length() {
        assert_eq!(cut("550 no\r\nsuch\0user"), "550 no  such user");
        assert_eq!(cut(&"é".repeat(10_000)).chars().count(), ANSWER_CHARS);
    }
}
