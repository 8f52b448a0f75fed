//! `serve`: the server itself.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use axum::http::Uri;
use poolwatch_model::{Clock, alerting::Recipient};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    accounts::links,
    alerts::{
        mailer::{self, Mailer, standing_recipients},
        secrets,
    },
    app::{App, Settings, SharedApp},
    auth::{
        callers::CallerCache, host_keys::HostKeys, passwords::PasswordChecks, sealing::SealingKey,
        sign_in_limits::SignInLimits,
    },
    cli::{MailOptions, ServeOptions, SignInOptions},
    clock::SteadyClock,
    connections::{self, ConnectionLimits},
    database::Database,
    jobs::RunningJobs,
    lead::Lead,
    log_gate::LogGate,
    mail_server::{self, MailServer},
    metrics::Metrics,
    refusals::Refusals,
    retention_setting::{LiveRetention, RetentionDays},
    router,
    sign_in_provider::{ProviderCache, SignInProvider, parse_rule},
    stopping::StopSignal,
    tag_names,
    tag_names::TagNames,
    tls::ServerTls,
    writer::Writer,
};

/// How long requests under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn run(options: Box<ServeOptions>) -> anyhow::Result<()> {
    let standing = standing_recipients(&options.mail)?;
    let database = Database::open(&options.database).await?;
    let mailer = Mailer::new(&options.mail, options.public_url.trim_end_matches('/'))?;
    let served = serve(&options, &database, mailer, standing).await;
    database.close(true).await?;
    served
}

/// The mail server that the command line or environment names.
fn named_mail_server(options: &MailOptions) -> anyhow::Result<Option<MailServer>> {
    let named = options.smtp_url.clone().zip(options.mail_from.clone());
    let Some((smtp_url, from)) = named else { return Ok(None) };
    Ok(Some(MailServer { smtp_url, from, oauth: mailer::oauth_client(options)? }))
}

/// The identity provider that the command line or environment names.
fn named_provider(options: &SignInOptions) -> anyhow::Result<Option<SignInProvider>> {
    let named = options.oidc_issuer.clone().zip(options.oidc_client_id.clone());
    let Some((issuer, client_id)) = named else { return Ok(None) };
    let rules = options.oidc_role.iter().filter(|rule| !rule.trim().is_empty());
    let rules: Result<Vec<_>, String> = rules.map(|rule| parse_rule(rule)).collect();
    let provider = SignInProvider {
        issuer,
        client_id,
        secret: options.oidc_client_secret.clone(),
        scopes: options.oidc_scopes.clone(),
        groups_claim: options.oidc_groups_claim.clone(),
        rules: rules.map_err(|error| anyhow!("--oidc-role: {error}"))?,
    };
    Ok(Some(provider.checked().map_err(|error| anyhow!("--oidc-…: {error}"))?))
}

/// Serves until it is told to stop. Then, one after another: requests are answered, jobs end, and
/// another server may take the lead.
async fn serve(
    options: &ServeOptions,
    database: &Database,
    mailer: Option<Mailer>,
    standing: Vec<Recipient>,
) -> anyhow::Result<()> {
    let keep = &options.keep;
    let fixed = RetentionDays {
        full_hours: keep.keep_full_hours,
        ten_minute_days: keep.keep_10min_days,
        hourly_days: keep.keep_hourly_days,
    };
    let retention = LiveRetention::new(fixed).map_err(|error| anyhow!("{error}"))?;
    let sign_in_provider = named_provider(&options.sign_in)?;
    let lead = Lead::wait(&database.options).await?;
    poolwatch_store::lead::end_leases(&mut *database.pool.acquire().await?).await?;
    let clock = Arc::new(SteadyClock::default());
    let names = tls_names(&options.public_url, &options.tls.tls_name)?;
    let tls = ServerTls::open(&options.tls, &options.database.data_dir, names, clock.now())?;
    let (files, permitted) = connections::raise_descriptor_limit();
    let refusals = Arc::new(Refusals::new(clock.clone()));
    let mut limits = ConnectionLimits::from_options(&options.connections, permitted);
    limits.refusals = Some(refusals.clone());
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
        callers: CallerCache::default(),
        sealing_key: SealingKey::open(&options.database.data_dir)?,
        sign_in_limits: SignInLimits::default(),
        password_checks: PasswordChecks::default(),
        refusals_logged: LogGate::default(),
        refusals,
        waiting_hosts: Default::default(),
        refusals_recorded: Default::default(),
        metrics: Metrics::install()?,
        retention,
        provider_cache: ProviderCache::default(),
        settings: Settings {
            public_url: options.public_url.trim_end_matches('/').to_owned(),
            interval_s: options.interval_s,
            certificate: tls.as_ref().map(ServerTls::certificate),
            data_dir: Some(options.database.data_dir.clone()),
            authority: tls.as_ref().and_then(ServerTls::authority),
            installers: options.installers.clone(),
            mail_server: named_mail_server(&options.mail)?,
            sign_in_provider,
            secure,
            standing_recipients: standing,
        },
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
    let jobs = RunningJobs::start(&app, mailer)?;
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
