//! What `/metrics` tells, pushed to a collector by OTLP (protobuf over HTTP), where one is named.

mod exposition;
mod request;

use std::time::Duration;

use anyhow::{Context, ensure};
use prost::Message;
use reqwest::{Client, Url, header::HeaderMap, redirect::Policy};
use tracing::{info, warn};

use crate::{
    app::{App, SharedApp},
    host_metrics,
};

/// How long a collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Points of one request: about two megabytes.
const POINTS: usize = 10_000;

/// Where metrics go.
#[derive(Debug, Clone)]
pub struct OtlpTarget {
    /// The collector's address for metrics (`http://collector:4318/v1/metrics`).
    pub url: Url,
    /// What lets this server in there.
    pub headers: HeaderMap,
    /// How often.
    pub every: Duration,
    client: Client,
}

impl OtlpTarget {
    /// A target as options name it: headers are `name=value`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(url: &str, headers: &[String], every: Duration) -> anyhow::Result<Self> {
        let url: Url = url.parse().with_context(|| format!("--otlp-url {url} is no URL"))?;
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        ensure!(is_http, "--otlp-url begins with https:// or http://");
        let mut parsed = HeaderMap::new();
        for header in headers.iter().filter(|header| !header.trim().is_empty()) {
            let (name, value) = header.split_once('=').context("--otlp-header is name=value")?;
            let name = name.trim().parse::<reqwest::header::HeaderName>();
            let value = value.trim().parse::<reqwest::header::HeaderValue>();
            let mut value = value.context("--otlp-header: the value is no header's")?;
            value.set_sensitive(true);
            parsed.insert(name.context("--otlp-header: the name is no header's")?, value);
        }
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).timeout(TIMEOUT).build()?;
        Ok(Self { url, headers: parsed, every, client })
    }
}

/// Pushes for ever. What a collector does not take is not kept: the next push tells what holds then.
pub async fn run(app: SharedApp, target: OtlpTarget) {
    let mut every = tokio::time::interval(target.every);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_failing = false;
    loop {
        every.tick().await;
        let pushed = push(&app, &target).await;
        match &pushed {
            Ok(points) if is_failing => info!(points, "The collector takes metrics again"),
            Err(error) if !is_failing => warn!("Could not push metrics: {error:#}"),
            _ => {}
        }
        is_failing = pushed.is_err();
    }
}

/// Pushes what holds now. Returns how many points.
///
/// # Errors
/// What the collector said, or why it was not reached.
pub async fn push(app: &SharedApp, target: &OtlpTarget) -> anyhow::Result<usize> {
    let (read, now) = (app.clone(), app.clock.now());
    let text = tokio::task::spawn_blocking(move || render(&read)).await?;
    let since = app.settings.started;
    let mut sent = 0;
    for batch in request::batches(&text, POINTS, (since, now)) {
        let points = batch.points;
        let request = target
            .client
            .post(target.url.clone())
            .headers(target.headers.clone())
            .header("content-type", "application/x-protobuf")
            .body(batch.into_request(&app.settings.public_url).encode_to_vec());
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        ensure!(status.is_success(), "the collector answers {status}");
        sent += points;
    }
    Ok(sent)
}

fn render(app: &App) -> String {
    app.metrics.render() + &host_metrics::render(&app.fleet, &app.fleet.view(), app.clock.now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_makes_no_sense_is_refused_in_words() {
        let parse = |url: &str, header: &str| {
            OtlpTarget::parse(url, &[header.to_owned()], Duration::from_secs(60))
        };
        let good = parse("http://collector:4318/v1/metrics", "authorization=Bearer x=y").unwrap();
        assert_eq!(good.headers["authorization"], "Bearer x=y");
        assert!(!format!("{good:?}").contains("Bearer"), "{good:?}");
        for (url, header, words) in [
            ("collector", "", "no URL"),
            ("grpc://collector:4317", "", "begins with"),
            ("http://collector/", "secret", "name=value"),
            ("http://collector/", "a b=c", "the name"),
            ("http://collector/", "a=b\nc", "the value"),
        ] {
            let refused = format!("{:#}", parse(url, header).unwrap_err());
            assert!(refused.contains(words), "{words}: {refused}");
        }
    }
}
