//! Recipients: who is told.

pub mod test;

use jiff::Timestamp;
use lettre::Address;
use poolwatch_model::alerting::{
    AlertLevel, ChannelKind, DigestEvery, DigestSchedule, HostScope, Recipient, RecipientId,
};
use poolwatch_store::{
    alert_settings,
    recipients::{self, Added, RECIPIENTS},
};
use reqwest::Url;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{one_line, read_zone};
use crate::{
    alerts::{secrets, syslog, webhook},
    app::App,
    app_error::AppError,
};

/// Messages in an hour that a recipient can be given.
const PER_HOUR: std::ops::RangeInclusive<u32> = 1..=10_000;

/// A recipient as somebody types it.
#[derive(Deserialize, ToSchema)]
pub struct RecipientDraft {
    /// Name of the person or team.
    name: String,
    /// `mail`, `webhook`, `teams`, `slack`, `pagerduty`, `opsgenie`, `servicenow` or `syslog`.
    kind: String,
    /// Mail address or URL.
    address: String,
    /// What signs a webhook or lets one in.
    #[serde(default)]
    secret: String,
    /// Of hosts of a group alone.
    #[serde(default)]
    group: String,
    /// Of hosts of such a name alone.
    #[serde(default)]
    pattern: String,
    /// From which level on: `note`, `warning` or `critical`.
    least: String,
    /// Messages in an hour that are not critical.
    per_hour: Option<u32>,
    /// `daily` or `weekly`; empty for none.
    #[serde(default)]
    digest: String,
    /// The hour of a digest.
    hour: Option<u32>,
    /// Time zone of that hour.
    #[serde(default)]
    zone: String,
}

impl RecipientDraft {
    /// What the audit log keeps of it.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { name, kind, address, least, .. } = self;
        one_line(&format!("{name}: {kind} {address}, from {least} on"))
    }
}

/// Adds a recipient.
///
/// # Errors
/// 400 for what makes no sense, for an address that is there, and where there are too many.
pub async fn add(
    app: &App,
    draft: &RecipientDraft,
    by: &str,
    now: Timestamp,
) -> Result<RecipientId, AppError> {
    let mut db = app.pool.acquire().await?;
    let allows_private = alert_settings::load(&mut db).await?.allows_private;
    let (recipient, secret) = read_draft(draft, allows_private)?;
    let seal = |secret: &String| secrets::seal(&app.sealing_key, secret);
    let sealed = secret.as_ref().map(seal).transpose().map_err(AppError::internal)?;
    match recipients::add(&mut db, &recipient, sealed.as_deref(), by, now).await? {
        Added::Done(id) => Ok(id),
        Added::Known => {
            Err(AppError::bad_request("There is a recipient with this address already."))
        }
        Added::Full => Err(AppError::bad_request(format!(
            "There are {RECIPIENTS} recipients: remove one, or add the address of a team."
        ))),
    }
}

/// Takes a recipient away.
///
/// # Errors
/// 404 when there is none.
pub async fn remove(app: &App, id: RecipientId) -> Result<(), AppError> {
    match recipients::remove(&mut *app.pool.acquire().await?, id).await? {
        true => Ok(()),
        false => Err(AppError::not_found("There is no such recipient")),
    }
}

fn read_draft(
    form: &RecipientDraft,
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
    form: &RecipientDraft,
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
    let (zone, _) = read_zone(&form.zone)?;
    Ok(Some(DigestSchedule { every, hour, zone }))
}

/// A URL that may be asked: over HTTP, and of another machine.
///
/// # Errors
/// 400 that says what is wrong with it.
pub fn read_url(address: &str, allows_private: bool) -> Result<String, AppError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: &str, address: &str) -> RecipientDraft {
        RecipientDraft {
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
            let refused = read_draft(&form(kind, address), false).unwrap_err();
            assert!(refused.detail.contains(words), "{address}: {}", refused.detail);
        }
        assert!(read_draft(&form("slack", "http://127.0.0.1:8080/"), true).is_ok());
        let (recipient, _) = read_draft(&form("mail", " ops@example.com "), false).unwrap();
        assert_eq!(recipient.address, "ops@example.com");
        assert!(read_draft(&form("syslog", "tls://logs.example.com"), false).is_ok());
    }

    #[test]
    fn a_digest_has_an_hour_of_a_zone_that_there_is() {
        let with = |digest: &str, hour, zone: &str, kind: &str| {
            let mut form = form(kind, if kind == "mail" { "a@b.cd" } else { "https://b.cd/" });
            (form.digest, form.hour, form.zone) = (digest.into(), hour, zone.into());
            form.secret = "key".into();
            read_draft(&form, false).map(|(recipient, _)| recipient.digest)
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
