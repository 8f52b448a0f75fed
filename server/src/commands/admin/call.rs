//! `admin call`: what `/api/v1` can do, without a running server.

use std::{io, sync::Arc};

use anyhow::{Context, anyhow, bail, ensure};
use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, header},
};
use tower::ServiceExt;

use crate::{
    access::people::CommandLineCall,
    app::{App, AppParts, Settings, SharedApp},
    auth::sealing::SealingKey,
    cli::DatabaseOptions,
    clock::SystemClock,
    database::Database,
    fleet::{
        load,
        refresh::{Keeper, refresh},
    },
    metrics::Metrics,
    router, tag_names,
    writer::Writer,
};

/// Bytes of an answer at most.
const ANSWER_BYTES: usize = 256 << 20;
/// What is suggested to agents, where nobody says so.
const INTERVAL_S: u32 = 60;

pub(super) async fn run(
    options: &DatabaseOptions,
    public_url: String,
    method: &str,
    path: &str,
    body: Option<String>,
) -> anyhow::Result<()> {
    ensure!(path.starts_with("/api/v1/"), "the path begins with /api/v1/");
    let method: Method = method.to_uppercase().parse().context("the method")?;
    let body = match body.as_deref() {
        Some("-") => io::read_to_string(io::stdin()).context("reading what is to be sent")?,
        body => body.unwrap_or_default().to_owned(),
    };
    let database = Database::open(options).await?;
    let called = call(options, &database, public_url, method, path, body).await;
    database.close(false).await?;
    called
}

async fn call(
    options: &DatabaseOptions,
    database: &Database,
    public_url: String,
    method: Method,
    path: &str,
    body: String,
) -> anyhow::Result<()> {
    let app: SharedApp = Arc::new(App::new(AppParts {
        clock: Arc::new(SystemClock),
        pool: database.pool.clone(),
        background_pool: database.background_pool.clone(),
        writer: Writer::start(database.writer_pool.clone()),
        sealing_key: SealingKey::open(&options.data_dir)?,
        metrics: Metrics::install()?,
        settings: Settings {
            public_url: public_url.trim_end_matches('/').to_owned(),
            interval_s: INTERVAL_S,
            ..Settings::default()
        },
    }));
    app.retention.reload(&mut *app.pool.acquire().await?).await?;
    tag_names::load(&app.tag_names, &app.pool).await.map_err(|error| anyhow!("{error}"))?;
    let now = app.clock.now();
    load::run(&app.pool, &app.fleet, app.retention.current().ten_minutes, now).await?;
    let (_, made) = refresh(&app.pool, &app.fleet, Keeper::default(), INTERVAL_S, now).await;
    made?;
    let mut request = Request::builder().method(method).uri(path);
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.extension(CommandLineCall).body(Body::from(body)).context("the path")?;
    let response = router::router(&app).oneshot(request).await?;
    let status = response.status();
    let answer = to_bytes(response.into_body(), ANSWER_BYTES).await?;
    let answer = String::from_utf8_lossy(&answer);
    if !status.is_success() {
        bail!("{status}: {answer}");
    }
    if !answer.is_empty() {
        println!("{answer}");
    }
    Ok(())
}
