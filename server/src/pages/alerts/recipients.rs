//! Who is told: added, removed, and asked by a test.

use std::time::Duration;

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::alerting::{Delivery, DeliveryState, Recipient, RecipientId};
use poolwatch_store::{
    deliveries::{self, DeliveryFilter},
    outbox, recipients,
};
use serde::Deserialize;
use sqlx::{Connection, PgConnection};

use super::back_to;
use crate::{
    access::people::Person,
    alert_setup::recipients::{self as setup, RecipientDraft},
    alerts::plain_message,
    app::SharedApp,
    app_error::AppError,
    parameters::{Form, Path},
};

/// How long a test waits for what the other side says.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What `POST /alerts/recipients/test` takes: also one on the command line has no number.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct TestForm {
    kind: String,
    address: String,
}

/// Adds a recipient.
pub(in crate::pages) async fn add(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(draft): Form<RecipientDraft>,
) -> Result<Redirect, AppError> {
    setup::add(&app, &draft, &person.name, app.clock.now()).await?;
    Ok(back_to("recipients"))
}

/// Takes a recipient away.
pub(in crate::pages) async fn remove(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    setup::remove(&app, RecipientId(id)).await?;
    Ok(back_to("recipients"))
}

/// Sends a test on the way that every message goes, and waits for what the other side says.
pub(in crate::pages) async fn test(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(form): Form<TestForm>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut known = app.settings.standing_recipients.clone();
    known.extend(recipients::list(&mut db).await?);
    let asked =
        known.iter().find(|one| one.kind.as_str() == form.kind && one.address == form.address);
    let recipient = asked.ok_or_else(|| AppError::not_found("There is no such recipient"))?;
    let now = app.clock.now();
    let words = plain_message(
        "[Poolwatch] NOTE Test",
        &format!(
            "{} asked Poolwatch for this test. Nothing is wrong.\n\n{}\n",
            person.name, app.settings.public_url
        ),
    );
    let key = format!("test/{}/{}/{}", form.kind, form.address, now.as_microsecond());
    let mut transaction = db.begin().await?;
    if let Some(message) = outbox::add_words(&mut transaction, &key, &words, now).await? {
        deliveries::add(&mut transaction, message, None, &[recipient], now).await?;
    }
    transaction.commit().await?;
    let deadline = tokio::time::Instant::now() + ANSWER_WITHIN;
    while !is_answered(latest_to(&mut db, recipient).await?.as_ref())
        && tokio::time::Instant::now() < deadline
    {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(back_to("recipients"))
}

fn is_answered(delivery: Option<&Delivery>) -> bool {
    delivery
        .is_some_and(|one| one.answer.is_some() || !matches!(one.state, DeliveryState::Waiting(_)))
}

/// The latest delivery to a recipient, if it is among the latest of all.
async fn latest_to(
    db: &mut PgConnection,
    recipient: &Recipient,
) -> Result<Option<Delivery>, AppError> {
    let latest = deliveries::list(db, DeliveryFilter::default(), 100).await?;
    let is_to = |one: &Delivery| one.kind == recipient.kind && one.address == recipient.address;
    Ok(latest.into_iter().find(is_to))
}
