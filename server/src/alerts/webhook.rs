//! Webhooks: a message as JSON, in the form that the other side takes.

mod addresses;
mod payload;

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use poolwatch_model::alerting::ChannelKind;
use poolwatch_store::deliveries::LeasedDelivery;
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect::Policy};
use sha2::Sha256;

use self::addresses::CheckedResolver;
use super::answer::DeliveryFailure;
use crate::answer_words::error_in_words;

pub use addresses::{is_private, private_host, refusal};

/// How long the other side may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const ANSWER_BYTES: usize = 2000;

/// Sends a message. Returns what the other side said.
///
/// # Errors
/// What it said, or why it was not reached.
pub async fn send(
    delivery: &LeasedDelivery,
    secret: Option<&str>,
    console_url: &str,
    allows_private: bool,
    now: Timestamp,
) -> Result<String, DeliveryFailure> {
    let (client, mut url) = client(&delivery.address, allows_private)?;
    let body = payload::make(delivery, secret, console_url).to_string();
    if delivery.kind == ChannelKind::Opsgenie && payload::is_over(&delivery.subject) {
        url = payload::opsgenie_close(url, &delivery.subject, delivery.message);
    }
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header("idempotency-key", format!("poolwatch.{}", delivery.message));
    if let Some(secret) = secret {
        request = match delivery.kind {
            ChannelKind::Webhook => {
                request.header("x-poolwatch-signature", signature(secret, &body, now))
            }
            ChannelKind::Opsgenie => request.header("authorization", format!("GenieKey {secret}")),
            ChannelKind::ServiceNow => {
                let (user, password) = secret.split_once(':').unwrap_or((secret, ""));
                request.basic_auth(user, Some(password))
            }
            _ => request,
        };
    }
    answer(request.body(body)).await
}

/// Calls a URL by GET. Returns what the other side said.
///
/// # Errors
/// What it said, or why it was not reached.
pub async fn call(url: &str, allows_private: bool) -> Result<String, DeliveryFailure> {
    let (client, url) = client(url, allows_private)?;
    answer(client.get(url)).await
}

/// `t=<seconds>,v1=<hex>`: HMAC-SHA256 of the seconds, a dot and the body.
fn signature(secret: &str, body: &str, now: Timestamp) -> String {
    let seconds = now.as_second();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is a key");
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

fn client(url: &str, allows_private: bool) -> Result<(Client, Url), DeliveryFailure> {
    let refuse = |answer: String| DeliveryFailure { is_final: true, answer };
    let url: Url = url.parse().map_err(|error| refuse(format!("no URL: {error}")))?;
    if !allows_private && let Some(address) = private_host(&url) {
        return Err(refuse(refusal(address)));
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .dns_resolver(CheckedResolver { allows_private })
        .build()
        .map_err(|error| refuse(error.to_string()))?;
    Ok((client, url))
}

async fn answer(request: RequestBuilder) -> Result<String, DeliveryFailure> {
    let mut response = request.send().await.map_err(|error| DeliveryFailure {
        is_final: false,
        answer: error_in_words(&error.without_url()),
    })?;
    let status = response.status();
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES
        && let Ok(Some(piece)) = response.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    body.truncate(ANSWER_BYTES);
    let answer = format!("{status} {}", String::from_utf8_lossy(&body).trim());
    let answer = answer.trim_end().to_owned();
    match status {
        _ if status.is_success() => Ok(answer),
        _ if status.is_redirection() => Err(DeliveryFailure {
            is_final: true,
            answer: format!("{answer} (a redirect is not followed: enter where it leads)"),
        }),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Err(DeliveryFailure { is_final: false, answer })
        }
        _ => Err(DeliveryFailure { is_final: status.is_client_error(), answer }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_can_be_checked_by_who_has_the_secret() {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        // printf '1800000000.{}' | openssl dgst -sha256 -hmac secret
        let expected =
            "t=1800000000,v1=bb7079132825ac793cea8c013c1dd24d926b9b02132245b10588d9e5c0df70d7";
        assert_eq!(signature("secret", "{}", at), expected);
    }
}
