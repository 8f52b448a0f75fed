//! `serve`: the server itself.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use poolwatch_model::Clock;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{parsed_settings::ParsedSettings, preflight};
use crate::{
    accounts::links,
    alerts::secrets,
    app::{App, AppParts, Settings, SharedApp},
    auth::sealing::SealingKey,
    cli::{Configuration, PrivateDatabase, ServeOptions},
    clock::{SteadyClock, SystemClock},
    connections::{self, ConnectionLimits},
    database::Database,
    jobs::RunningJobs,
    lead::Lead,
    mail_server,
    metrics::Metrics,
    otlp,
    refusals::Refusals,
    router, self_check,
    stopping::StopSignal,
    tag_names,
    tls::{self, ServerTls},
    writer::Writer,
};

/// How long requests under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    options: Box<ServeOptions>,
    configuration: Configuration,
) -> anyhow::Result<()> {
    // All that can be known to be wrong is, before anything is started or changed.
    let parsed = ParsedSettings::new(&options)?;
    if options.database.database == Some(PrivateDatabase::Embedded) {
        preflight::inspect_data_folder(&options.database.data_dir)?;
    }
    for warning in &configuration.warnings {
        warn!("{warning}");
    }
    tls::inspect(&options.tls, SystemClock.now())?;
    let database = Database::open(&options.database).await?;
    let served = serve(&options, &database, parsed, configuration).await;
    database.close(true).await?;
    served
}

/// Serves until it is told to stop. Then, one after another: requests are answered, jobs end, and
/// another server may take the lead.
async fn serve(
    options: &ServeOptions,
    database: &Database,
    parsed: ParsedSettings,
    configuration: Configuration,
) -> anyhow::Result<()> {
    let clock = Arc::new(SteadyClock::default());
    let data_dir = &options.database.data_dir;
    let tls = ServerTls::open(&options.tls, data_dir, parsed.tls_names, clock.now())?;
    let lead = Lead::wait(&database.options).await?;
    database.require_known_schema().await?;
    poolwatch_store::lead::end_leases(&mut *database.pool.acquire().await?).await?;
    let (files, permitted) = connections::raise_descriptor_limit();
    let refusals = Arc::new(Refusals::new(clock.clone()));
    let mut limits = ConnectionLimits::from_options(&options.connections, permitted);
    limits.refusals = Some(refusals.clone());
    let secure = options.public_url.starts_with("https://");
    let stop = StopSignal::default();
    let settings = Settings {
        public_url: options.public_url.trim_end_matches('/').to_owned(),
        started: clock.now(),
        configuration,
        interval_s: options.interval_s,
        tls: tls.clone(),
        data_dir: Some(data_dir.clone()),
        installers: options.installers.clone(),
        mail_server: parsed.mail_server,
        sign_in_provider: parsed.sign_in_provider,
        secure,
        standing_recipients: parsed.standing_recipients,
    };
    let app: SharedApp = Arc::new(App {
        stop: stop.clone(),
        refusals,
        retention: parsed.retention,
        ..App::new(AppParts {
            clock: clock.clone(),
            pool: database.pool.clone(),
            background_pool: database.background_pool.clone(),
            writer: Writer::start(database.writer_pool.clone()),
            sealing_key: SealingKey::open(data_dir)?,
            metrics: Metrics::install()?,
            settings,
        })
    });
    app.retention.reload(&mut *app.pool.acquire().await?).await?;
    let has_mail = app.settings.mail_server.is_some()
        || mail_server::load_view(&mut *app.pool.acquire().await?).await?.is_set();
    if !has_mail {
        warn!("No mail server is set (--smtp-url, or in the console): mails reach nobody");
    }
    let sealed = secrets::seal_plain(&app.pool, &app.sealing_key).await?;
    if sealed > 0 {
        info!(recipients = sealed, "Sealed secrets of recipients");
    }
    tag_names::load(&app.tag_names, &app.pool)
        .await
        .map_err(|error| anyhow!("names of tags: {error}"))?;
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("listening on {}", options.listen))?;
    let helpers = CancellationToken::new();
    tokio::spawn(helpers.clone().run_until_cancelled_owned(database.keep_alive()));
    if let Some(tls) = tls.clone() {
        tokio::spawn(helpers.clone().run_until_cancelled_owned(tls.keep_current(clock)));
    }
    let metrics = match options.metrics_listen {
        Some(address) => {
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("listening on {address} for /metrics"))?;
            info!(%address, "Serving /metrics to everybody");
            Some(tokio::spawn(serve_metrics(listener, app.clone(), limits.clone())))
        }
        None => None,
    };
    tokio::spawn(helpers.clone().run_until_cancelled_owned(self_check::watch(app.clone())));
    if let Some(target) = parsed.otlp {
        tokio::spawn(helpers.clone().run_until_cancelled_owned(otlp::run(app.clone(), target)));
    }
    let jobs = RunningJobs::start(&app, parsed.mailer)?;
    let lead = tokio::spawn(keep_until_stop(lead, stop.clone()));

    if let Some(link) = links::make_first(&app).await.map_err(|error| anyhow!("{error}"))? {
        info!("Nobody is administrator yet. Become the first one within three days: {link}");
    }
    info!(address = %options.listen, url = options.public_url, tls = tls.is_some(), "Serving");
    let (connections, per_address) = (limits.total, limits.per_address);
    info!(files, connections, per_address, "Takes connections within these limits");
    connections::serve(listener, tls, router::router(&app), limits, &stop, GRACE).await;
    if let Some(metrics) = metrics {
        drop(metrics.await);
    }
    jobs.finish().await;
    helpers.cancel();
    drop(lead.await);
    info!("Stopped");
    Ok(())
}

/// Connections of those who read `/metrics` on its own listener.
const METRICS_CONNECTIONS: usize = 20;

async fn serve_metrics(listener: TcpListener, app: SharedApp, limits: ConnectionLimits) {
    let (total, per_address) = (METRICS_CONNECTIONS, METRICS_CONNECTIONS);
    let limits = ConnectionLimits { total, per_address, trusted_proxies: Vec::new(), ..limits };
    connections::serve(listener, None, router::metrics(&app), limits, &app.stop, GRACE).await;
}

/// Waits for a reason to stop, and lets it begin. Returns the lead, to hold on to.
async fn keep_until_stop(mut lead: Lead, stop: StopSignal) -> Lead {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
        () = lead.lost() => {
            error!("Another server has taken over");
            stop.overdue.cancel();
        }
    }
    info!("Stopping: answering the requests under way");
    stop.begun.cancel();
    lead
}
