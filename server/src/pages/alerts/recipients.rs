//! Who is told: added, removed, and asked by a test.

use std::time::Duration;

use axum::{Extension, extract::State, response::Redirect};
use lettre::Address;
use poolwatch_model::alerting::{
    AlertLevel, ChannelKind, Delivery, DeliveryState, HostScope, Recipient, RecipientId,
};
use poolwatch_store::{
    alert_settings,
    deliveries::{self, DeliveryFilter},
    outbox,
    recipients::{self, Added, RECIPIENTS},
};
use reqwest::Url;
use serde::Deserialize;
use sqlx::{Connection, PgConnection};

use super::{back_to, one_line};
use crate::{
    access::people::Person,
    alerts::{plain_message, webhook},
    app::SharedApp,
    app_error::AppError,
    parameters::{Form, Path},
};

/// How long a test waits for what the other side says.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What `POST /alerts/recipients` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct RecipientForm {
    name: String,
    kind: String,
    address: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    pattern: String,
    least: String,
}

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
    Form(form): Form<RecipientForm>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    let allows_private = alert_settings::load(&mut db).await?.allows_private;
    let (recipient, secret) = read_form(&form, allows_private)?;
    let added =
        recipients::add(&mut db, &recipient, secret.as_deref(), &person.name, app.clock.now());
    match added.await? {
        Added::Done(_) => Ok(back_to("recipients")),
        Added::Known => {
            Err(AppError::bad_request("There is a recipient with this address already."))
        }
        Added::Full => Err(AppError::bad_request(format!(
            "There are {RECIPIENTS} recipients: remove one, or add the address of a team."
        ))),
    }
}

fn read_form(
    form: &RecipientForm,
    allows_private: bool,
) -> Result<(Recipient, Option<String>), AppError> {
    let refuse = |words: String| AppError::bad_request(words);
    let name = one_line(&form.name);
    if name.is_empty() || name.chars().count() > 100 {
        return Err(refuse("A recipient has a name of 1 to 100 characters.".into()));
    }
    let kind = ChannelKind::from_name(&form.kind)
        .ok_or_else(|| refuse("There is no such channel.".into()))?;
    let least = AlertLevel::from_name(&form.least)
        .ok_or_else(|| refuse("There is no such level.".into()))?;
    let address = one_line(&form.address);
    let address = match kind {
        ChannelKind::Mail => address
            .parse::<Address>()
            .map_err(|error| refuse(format!("{address} is no mail address: {error}.")))?
            .to_string(),
        _ => read_url(&address, allows_private)?,
    };
    let secret = Some(one_line(&form.secret)).filter(|secret| !secret.is_empty());
    if kind == ChannelKind::PagerDuty && secret.is_none() {
        return Err(refuse("PagerDuty takes events only with a routing key.".into()));
    }
    let scope = HostScope::from_typed(&one_line(&form.group), &one_line(&form.pattern));
    Ok((Recipient { id: None, kind, name, address, scope, least, by: None }, secret))
}

/// A URL that may be asked: over HTTP, and of another machine.
pub(super) fn read_url(address: &str, allows_private: bool) -> Result<String, AppError> {
    let url: Url = address
        .parse()
        .map_err(|error| AppError::bad_request(format!("{address} is no URL: {error}.")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(AppError::bad_request("A URL of a webhook begins with https:// or http://."));
    }
    match webhook::private_host(&url) {
        Some(address) if !allows_private => Err(AppError::bad_request(format!(
            "{address} is an address of this machine or of a private network. Allow those under \
             Settings first, if that is meant."
        ))),
        _ => Ok(url.into()),
    }
}

/// Takes a recipient away.
pub(in crate::pages) async fn remove(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    match recipients::remove(&mut db, RecipientId(id)).await? {
        true => Ok(back_to("recipients")),
        false => Err(AppError::not_found("There is no such recipient")),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: &str, address: &str) -> RecipientForm {
        RecipientForm {
            name: "ops".into(),
            kind: kind.into(),
            address: address.into(),
            secret: String::new(),
            group: String::new(),
            pattern: String::new(),
            least: "note".into(),
        }
    }

    #[test]
    fn addresses_that_lead_nowhere_or_inward_are_refused_in_words() {
        for (kind, address, words) in [
            ("mail", "ops", "no mail address"),
            ("mail", "ops@example.com\r\nBcc: x@y.z", "no mail address"),
            ("webhook", "ftp://example.com/", "begins with https://"),
            ("webhook", "hooks.example.com", "is no URL"),
            ("slack", "http://127.0.0.1:8080/", "private network"),
            ("teams", "http://[fe80::1]/", "private network"),
            ("pagerduty", "https://events.pagerduty.com/v2/enqueue", "routing key"),
            ("fax", "1", "no such channel"),
        ] {
            let refused = read_form(&form(kind, address), false).unwrap_err();
            assert!(refused.detail.contains(words), "{address}: {}", refused.detail);
        }
        assert!(read_form(&form("slack", "http://127.0.0.1:8080/"), true).is_ok());
        let (recipient, _) = read_form(&form("mail", " ops@example.com "), false).unwrap();
        assert_eq!(recipient.address, "ops@example.com");
    }
}
