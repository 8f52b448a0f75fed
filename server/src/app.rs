//! What every request can reach.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::Instant,
};

use jiff::Timestamp;
use poolwatch_model::{HostId, SharedClock, Snapshot, alerting::Recipient};
use poolwatch_store::{PgPool, StoreError, check::DamagedDocument};
use poolwatch_web::settings::server::SelfCheck;
use sqlx::PgConnection;
use tokio::sync::{Mutex, Notify};

use crate::{
    auth::{
        callers::CallerCache, host_keys::HostKeys, passwords::PasswordChecks,
        personal_shares::PersonalShares, sealing::SealingKey, sign_in_limits::SignInLimits,
    },
    cli::Configuration,
    fleet::{Fleet, load},
    log_gate::LogGate,
    mail_server::MailServer,
    metrics::Metrics,
    rate_limiter::RateLimiter,
    refusals::Refusals,
    retention_setting::LiveRetention,
    rule_failures::RuleFailures,
    sign_in_provider::{ProviderCache, SignInProvider},
    stopping::StopSignal,
    tag_names::TagNames,
    tls::ServerTls,
    writer::Writer,
};

/// What every request can reach.
#[derive(Debug)]
pub struct App {
    /// Tells the time.
    pub clock: SharedClock,
    /// The database.
    pub pool: PgPool,
    /// Connections of those who work on the background thread: the thread that makes a connection
    /// serves it.
    pub background_pool: PgPool,
    /// Tells requests that the server stops.
    pub stop: StopSignal,
    /// What is known of every host now.
    pub fleet: Arc<Fleet>,
    /// What tags stand for, with what people say of them.
    pub tag_names: TagNames,
    /// Wakes those who diagnose hosts by their events.
    pub events_stored: Notify,
    /// Takes frames to the database.
    pub writer: Writer,
    /// Keys of hosts that uploaded lately.
    pub host_keys: HostKeys,
    /// People and scripts that sent requests lately.
    pub callers: CallerCache,
    /// What each of them has of what all share.
    pub personal_shares: PersonalShares,
    /// Seals secrets that the server has to read again.
    pub sealing_key: SealingKey,
    /// Slows down who guesses passwords.
    pub sign_in_limits: SignInLimits,
    /// Checks passwords.
    pub password_checks: PasswordChecks,
    /// Lets through what the log tells of requests that were told to come back.
    pub refusals_logged: LogGate,
    /// Who was refused lately.
    pub refusals: Arc<Refusals>,
    /// Hosts that wait for approval, as last counted.
    pub waiting_hosts: AtomicU64,
    /// Bounds how many refused enrolments are written down.
    pub refusals_recorded: RateLimiter,
    /// What `/metrics` tells.
    pub metrics: Metrics,
    /// How long data are kept.
    pub retention: LiveRetention,
    /// What the identity provider said of itself lately.
    pub provider_cache: ProviderCache,
    /// Rules that could not be looked after.
    pub rule_failures: RuleFailures,
    /// What the server found last when it looked at itself, and when.
    pub self_checks: Mutex<Option<(Instant, Arc<Vec<SelfCheck>>)>>,
    /// Stored rows that cannot be read, and when they were looked for.
    pub damaged_rows: Mutex<Option<(Instant, Vec<DamagedDocument>)>>,
    /// How the server was set up.
    pub settings: Settings,
}

/// How the server was set up.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Address of the console, without a slash at the end.
    pub public_url: String,
    /// When the server was started.
    pub started: Timestamp,
    /// Every setting, and where it comes from.
    pub configuration: Configuration,
    /// Seconds between snapshots that agents are asked for.
    pub interval_s: u32,
    /// What connections are encrypted by, where the server does it.
    pub tls: Option<ServerTls>,
    /// Folder for what the server keeps outside the database.
    pub data_dir: Option<PathBuf>,
    /// Folder of the agent's packages.
    pub installers: Option<PathBuf>,
    /// The mail server that the command line or environment names.
    pub mail_server: Option<MailServer>,
    /// The identity provider that the command line or environment names.
    pub sign_in_provider: Option<SignInProvider>,
    /// Whether browsers reach the console by TLS, so that cookies can insist on it.
    pub secure: bool,
    /// Recipients on the command line: they are told of everything.
    pub standing_recipients: Vec<Recipient>,
}

impl Settings {
    /// The certificate of the server's own authority, where agents need it.
    #[must_use]
    pub fn authority(&self) -> Option<PathBuf> {
        self.tls.as_ref().and_then(ServerTls::authority)
    }
}

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct AppParts {
    /// Tells the time.
    pub clock: SharedClock,
    /// The database.
    pub pool: PgPool,
    /// Connections of those who work on the background thread.
    pub background_pool: PgPool,
    /// Takes frames to the database.
    pub writer: Writer,
    /// Seals secrets that the server has to read again.
    pub sealing_key: SealingKey,
    /// What `/metrics` tells.
    pub metrics: Metrics,
    /// How the server was set up.
    pub settings: Settings,
}

impl App {
    /// An app that knows nothing of hosts and people yet.
    #[must_use]
    pub fn new(parts: AppParts) -> Self {
        let AppParts { clock, pool, background_pool, writer, sealing_key, metrics, settings } =
            parts;
        let refusals = Arc::new(Refusals::new(clock.clone()));
        Self {
            clock,
            pool,
            background_pool,
            stop: StopSignal::default(),
            fleet: Arc::default(),
            tag_names: TagNames::default(),
            events_stored: Notify::default(),
            writer,
            host_keys: HostKeys::default(),
            callers: CallerCache::default(),
            personal_shares: PersonalShares::default(),
            sealing_key,
            sign_in_limits: SignInLimits::default(),
            password_checks: PasswordChecks::default(),
            refusals_logged: LogGate::default(),
            refusals,
            waiting_hosts: AtomicU64::default(),
            refusals_recorded: RateLimiter::default(),
            metrics,
            retention: LiveRetention::default(),
            provider_cache: ProviderCache::default(),
            rule_failures: RuleFailures::default(),
            self_checks: Mutex::default(),
            damaged_rows: Mutex::default(),
            settings,
        }
    }

    /// The latest snapshot of a host: from memory, else from the database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest_snapshot(
        &self,
        db: &mut PgConnection,
        host: HostId,
        now: Timestamp,
    ) -> Result<Option<Snapshot>, StoreError> {
        let kept = self.retention.current().ten_minutes;
        load::tables(db, &self.fleet, host, kept, now).await?;
        Ok(self.fleet.known(host).and_then(|live| live.snapshot()))
    }
}

/// Shared by all requests.
pub type SharedApp = Arc<App>;
