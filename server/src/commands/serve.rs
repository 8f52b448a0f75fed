//! `serve`: the server itself.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use axum::http::Uri;
use poolwatch_model::Clock;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    alerts::deliver::Mailer,
    app::{App, Settings, SharedApp},
    auth::{host_keys::HostKeys, passwords::PasswordChecks, sign_in_limits::SignInLimits},
    cli::ServeOptions,
    clock::SteadyClock,
    connections::{self, ConnectionLimits},
    database::Database,
    jobs::RunningJobs,
    lead::Lead,
    log_gate::LogGate,
    metrics::Metrics,
    router,
    stopping::StopSignal,
    tag_names,
    tag_names::TagNames,
    tls::ServerTls,
    writer::Writer,
};

/// How long requests under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn run(options: Box<ServeOptions>) -> anyhow::Result<()> {
    let mailer = Mailer::new(&options.mail)?;
    if mailer.is_none() {
        warn!("No mail server is set (--smtp-url, --mail-from, --mail-to): warnings reach nobody");
    }
    let database = Database::open(&options.database).await?;
    let served = serve(&options, &database, mailer).await;
    database.close(true).await?;
    served
}

/// Serves until it is told to stop. Then, one after another: requests are answered, jobs end, and
/// another server may take the lead.
async fn serve(
    options: &ServeOptions,
    database: &Database,
    mailer: Option<Mailer>,
) -> anyhow::Result<()> {
    let retention = options.keep.retention()?;
    let lead = Lead::wait(&database.options).await?;
    let clock = Arc::new(SteadyClock::default());
    let names = tls_names(&options.public_url, &options.tls.tls_name)?;
    let tls = ServerTls::open(&options.tls, &options.database.data_dir, names, clock.now())?;
    let (files, permitted) = connections::raise_descriptor_limit();
    let limits = ConnectionLimits::from_options(&options.connections, permitted);
    let secure = options.public_url.starts_with("https://");
    let stop = StopSignal::default();
    let app: SharedApp = Arc::new(App {
        clock: clock.clone(),
        pool: database.pool.clone(),
        background_pool: database.background_pool.clone(),
        stop: stop.clone(),
        fleet: Arc::default(),
        tag_names: TagNames::default(),
        events_stored: Default::default(),
        writer: Writer::start(database.pool.clone()),
        host_keys: HostKeys::default(),
        sign_in_limits: SignInLimits::default(),
        password_checks: PasswordChecks::default(),
        refusals_logged: LogGate::default(),
        waiting_hosts: Default::default(),
        refusals_recorded: Default::default(),
        metrics: Metrics::install()?,
        settings: Settings {
            public_url: options.public_url.trim_end_matches('/').to_owned(),
            interval_s: options.interval_s,
            retention,
            authority: tls.as_ref().and_then(ServerTls::authority),
            installers: options.installers.clone(),
            secure,
        },
    });
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
    let jobs = RunningJobs::start(&app, mailer)?;
    let lead = tokio::spawn(keep_until_stop(lead, stop.clone()));

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

/// The names that a certificate of our own is for, beside those of this machine.
fn tls_names(public_url: &str, further: &[String]) -> anyhow::Result<Vec<String>> {
    let parsed = public_url.parse::<Uri>().ok();
    let host = parsed.as_ref().and_then(|url| url.scheme().and(url.host())).with_context(|| {
        format!(
            "--public-url {public_url} is no address such as https://poolwatch.example.com:8443"
        )
    })?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok([host.to_owned()].into_iter().chain(further.iter().cloned()).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_the_host_of_the_public_address_and_further_names() {
        for (url, host) in [
            ("https://poolwatch.example.com:8443", "poolwatch.example.com"),
            ("https://10.0.0.5/", "10.0.0.5"),
            ("https://[2001:db8::5]:8443", "2001:db8::5"),
        ] {
            assert_eq!(tls_names(url, &["pool".into()]).unwrap(), [host, "pool"]);
        }
        for url in ["poolwatch.example.com", "/", "", "https://"] {
            let error = tls_names(url, &[]).unwrap_err();
            assert!(error.to_string().contains("--public-url"), "{url}");
        }
    }
}
