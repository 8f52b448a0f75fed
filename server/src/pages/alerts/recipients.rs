//! Who is told: added, removed, and asked by a test.

use std::time::Duration;

use axum::{Extension, extract::State, response::Redirect};
use jiff::tz::TimeZone;
use lettre::Address;
use poolwatch_model::alerting::{
    AlertLevel, ChannelKind, Delivery, DeliveryState, DigestEvery, DigestSchedule, HostScope,
    Recipient, RecipientId,
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
    alerts::{plain_message, secrets, syslog, webhook},
    app::SharedApp,
    app_error::AppError,
    parameters::{Form, Path},
};

/// How long a test waits for what the other side says.
const ANSWER_WITHIN: Duration = Duration::from_secs(12);
/// Messages in an hour that a recipient can be given.
const PER_HOUR: std::ops::RangeInclusive<u32> = 1..=10_000;
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
    per_hour: Option<u32>,
    #[serde(default)]
    digest: String,
    hour: Option<u32>,
    #[serde(default)]
    zone: String,
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
    let seal = |secret: &String| secrets::seal(&app.sealing_key, secret);
    let sealed = secret.as_ref().map(seal).transpose().map_err(AppError::internal)?;
    let now = app.clock.now();
    let added = recipients::add(&mut db, &recipient, sealed.as_deref(), &person.name, now);
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
        ChannelKind::Syslog => {
            let (_, host, _) =
                syslog::read_address(&address).map_err(|words| refuse(words + "."))?;
            let ip: Option<std::net::IpAddr> = host.parse().ok();
            match ip.filter(|ip| !allows_private && webhook::is_private(*ip)) {
                Some(ip) => return Err(refuse(webhook::refusal(ip) + ".")),
                None => address,
            }
        }
        _ => read_url(&address, allows_private)?,
    };
    let secret = Some(one_line(&form.secret)).filter(|secret| !secret.is_empty());
    let needed = match kind {
        ChannelKind::PagerDuty => Some("PagerDuty takes events only with a routing key."),
        ChannelKind::Opsgenie => Some("Opsgenie takes alerts only with an API key."),
        ChannelKind::ServiceNow => Some("ServiceNow takes events only from a user:password."),
        _ => None,
    };
    if let Some(words) = needed.filter(|_| secret.is_none()) {
        return Err(refuse(words.into()));
    }
    let per_hour = form.per_hour.unwrap_or(Recipient::PER_HOUR);
    if !PER_HOUR.contains(&per_hour) {
        return Err(refuse(format!(
            "A recipient gets {} to {} messages in an hour.",
            PER_HOUR.start(),
            PER_HOUR.end()
        )));
    }
    let digest = read_digest(form, kind)?;
    let scope = HostScope::from_typed(&one_line(&form.group), &one_line(&form.pattern));
    let recipient =
        Recipient { id: None, kind, name, address, scope, least, per_hour, digest, by: None };
    Ok((recipient, secret))
}

/// When a recipient gets a digest, if it gets one.
fn read_digest(
    form: &RecipientForm,
    kind: ChannelKind,
) -> Result<Option<DigestSchedule>, AppError> {
    if form.digest.is_empty() {
        return Ok(None);
    }
    let every = DigestEvery::from_name(&form.digest)
        .ok_or_else(|| AppError::bad_request("There is no such digest."))?;
    let pages = [ChannelKind::PagerDuty, ChannelKind::Opsgenie, ChannelKind::ServiceNow];
    if pages.contains(&kind) {
        return Err(AppError::bad_request(
            "A digest would open an alert there: choose mail, a chat, a webhook or syslog.",
        ));
    }
    let hour = form.hour.unwrap_or(8);
    if hour > 23 {
        return Err(AppError::bad_request("An hour of the day is 0 to 23."));
    }
    let zone = one_line(&form.zone);
    TimeZone::get(&zone).map_err(|_| {
        AppError::bad_request(format!(
            "{zone} is no time zone: name one like Europe/Berlin or UTC."
        ))
    })?;
    Ok(Some(DigestSchedule { every, hour, zone }))
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
            per_hour: None,
            digest: String::new(),
            hour: None,
            zone: String::new(),
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
            ("opsgenie", "https://api.opsgenie.com/v2/alerts", "API key"),
            ("servicenow", "https://x.service-now.com/api/global/em/jsonv2", "user:password"),
            ("syslog", "https://logs.example.com/", "looks like udp://"),
            ("syslog", "udp://10.0.0.5:514", "private network"),
            ("fax", "1", "no such channel"),
        ] {
            let refused = read_form(&form(kind, address), false).unwrap_err();
            assert!(refused.detail.contains(words), "{address}: {}", refused.detail);
        }
        assert!(read_form(&form("slack", "http://127.0.0.1:8080/"), true).is_ok());
        let (recipient, _) = read_form(&form("mail", " ops@example.com "), false).unwrap();
        assert_eq!(recipient.address, "ops@example.com");
        assert!(read_form(&form("syslog", "tls://logs.example.com"), false).is_ok());
    }

    #[test]
    fn a_digest_has_an_hour_of_a_zone_that_there_is() {
        let with = |digest: &str, hour, zone: &str, kind: &str| {
            let mut form = form(kind, if kind == "mail" { "a@b.cd" } else { "https://b.cd/" });
            (form.digest, form.hour, form.zone) = (digest.into(), hour, zone.into());
            form.secret = "key".into();
            read_form(&form, false).map(|(recipient, _)| recipient.digest)
        };
        let berlin = "Europe/Berlin";
        for (digest, hour, zone, kind, words) in [
            ("hourly", Some(8), berlin, "mail", "no such digest"),
            ("daily", Some(24), berlin, "mail", "0 to 23"),
            ("daily", Some(8), "Mars/Base", "mail", "no time zone"),
            ("daily", Some(8), berlin, "opsgenie", "would open an alert"),
        ] {
            let refused = with(digest, hour, zone, kind).unwrap_err();
            assert!(refused.detail.contains(words), "{}", refused.detail);
        }
        let weekly = with("weekly", Some(7), berlin, "slack").unwrap().unwrap();
        assert_eq!(
            (weekly.every, weekly.hour, weekly.zone.as_str()),
            (DigestEvery::Week, 7, berlin)
        );
    }
}
