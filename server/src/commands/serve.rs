//! `serve`: the server itself.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use axum_server::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    alerts::deliver::Mailer,
    app::{App, Settings, SharedApp},
    auth::{hosts::HostKeys, throttle::Throttle},
    cli::ServeOptions,
    clock::SteadyClock,
    database::Database,
    fleet::Fleet,
    ingest::writer::Writer,
    jobs,
    lead::Lead,
    metrics::Metrics,
    routes, tag_names,
    tag_names::TagNames,
    tls,
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

async fn serve(
    options: &ServeOptions,
    database: &Database,
    mailer: Option<Mailer>,
) -> anyhow::Result<()> {
    let retention = options.keep.retention()?;
    let lead = Lead::wait(&database.options).await?;
    let tls = tls::config(&options.tls, &options.database.data_dir).await?;
    let secure = options.public_url.starts_with("https://");
    let app: SharedApp = Arc::new(App {
        clock: Arc::new(SteadyClock::default()),
        pool: database.pool.clone(),
        fleet: Fleet::default(),
        tag_names: TagNames::default(),
        events_stored: Default::default(),
        writer: Writer::start(database.pool.clone()),
        host_keys: HostKeys::default(),
        throttle: Throttle::default(),
        metrics: Metrics::install()?,
        settings: Settings {
            public_url: options.public_url.trim_end_matches('/').to_owned(),
            interval_s: options.interval_s,
            retention,
            secure,
        },
    });
    tag_names::load(&app).await.map_err(|error| anyhow!("names of tags: {error}"))?;
    let stop = CancellationToken::new();
    tokio::spawn(stop.clone().run_until_cancelled_owned(database.keep_alive()));
    jobs::start(&app, mailer, &stop)?;

    let handle = Handle::new();
    tokio::spawn(stop_on_signal(handle.clone(), stop.clone(), lead));
    let service = routes::router(&app).into_make_service();
    info!(address = %options.listen, url = options.public_url, tls = tls.is_some(), "Serving");
    let served = match tls {
        Some(tls) => {
            axum_server::bind_rustls(options.listen, tls).handle(handle).serve(service).await
        }
        None => axum_server::bind(options.listen).handle(handle).serve(service).await,
    };
    stop.cancel();
    served.with_context(|| format!("serving on {}", options.listen))?;
    info!("Stopped");
    Ok(())
}

/// Stops in two stages: no new connections and time for requests under way, then the rest.
async fn stop_on_signal(handle: Handle<std::net::SocketAddr>, stop: CancellationToken, lead: Lead) {
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
        () = lead.lost() => error!("Another server has taken over"),
        () = stop.cancelled() => return,
    }
    info!("Stopping");
    handle.graceful_shutdown(Some(GRACE));
    stop.cancel();
}
