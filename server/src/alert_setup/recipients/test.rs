//! A test of a recipient: a message on the way that all take.

use std::time::Duration;

use poolwatch_model::alerting::{Delivery, DeliveryState, Recipient};
use poolwatch_store::{
    deliveries::{self, DeliveryFilter},
    outbox, recipients,
};
use serde::Deserialize;
use sqlx::{Connection, PgConnection};
use utoipa::ToSchema;

use crate::{alerts::plain_message, app::App, app_error::AppError};

/// How long a test waits for what the other side says.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Deliveries among which that of a test is, the latest.
const LATEST: i64 = 100;

/// Who is tested: also one on the command line, which has no number.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TestedRecipient {
    /// How it is reached.
    kind: String,
    /// Mail address or URL.
    address: String,
}

/// Sends a test, and waits for what the other side says. Returns its delivery.
///
/// # Errors
/// 404 when there is no such recipient.
pub async fn send(app: &App, tested: &TestedRecipient, by: &str) -> Result<Delivery, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut known = app.settings.standing_recipients.clone();
    known.extend(recipients::list(&mut db).await?);
    let asked =
        known.iter().find(|one| one.kind.as_str() == tested.kind && one.address == tested.address);
    let recipient = asked.ok_or_else(|| AppError::not_found("There is no such recipient"))?;
    let now = app.clock.now();
    let words = plain_message(
        "[Poolwatch] NOTE Test",
        &format!(
            "{by} asked Poolwatch for this test. Nothing is wrong.\n\n{}\n",
            app.settings.public_url
        ),
    );
    let key = format!("test/{}/{}/{}", tested.kind, tested.address, now.as_microsecond());
    let mut transaction = db.begin().await?;
    if let Some(message) = outbox::add_words(&mut transaction, &key, &words, now).await? {
        deliveries::add(&mut transaction, message, None, &[recipient], now).await?;
    }
    transaction.commit().await?;
    let deadline = tokio::time::Instant::now() + ANSWER_WITHIN;
    loop {
        let delivery = latest_to(&mut db, recipient).await?;
        let is_over = tokio::time::Instant::now() >= deadline;
        match delivery {
            Some(delivery) if is_over || is_answered(&delivery) => return Ok(delivery),
            None if is_over => return Err(AppError::busy("The test is still on its way.")),
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

fn is_answered(delivery: &Delivery) -> bool {
    delivery.answer.is_some() || !matches!(delivery.state, DeliveryState::Waiting(_))
}

/// The latest delivery to a recipient, if it is among the latest of all.
async fn latest_to(
    db: &mut PgConnection,
    recipient: &Recipient,
) -> Result<Option<Delivery>, AppError> {
    let latest = deliveries::list(db, DeliveryFilter::default(), LATEST).await?;
    let is_to = |one: &Delivery| one.kind == recipient.kind && one.address == recipient.address;
    Ok(latest.into_iter().find(is_to))
}
