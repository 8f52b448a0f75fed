//! The parts of the Poolwatch server. `docs/ARCHITECTURE.md` tells how they fit.

pub mod access;
pub mod accounts;
pub mod alert_setup;
pub mod alerts;
pub mod answer_words;
pub mod api;
pub mod app;
pub mod app_error;
pub mod auth;
mod background;
pub mod bundles;
pub mod cli;
pub mod client_address;
pub mod clock;
mod commands;
pub mod connections;
pub mod database;
pub mod deploy_kit;
pub mod diagnosing;
mod disk_space;
pub mod enrolment;
pub mod evidence_uploads;
pub mod fleet;
mod held_body;
pub mod history;
pub mod host_metrics;
pub mod import;
pub mod incident_actions;
pub mod ingest;
pub mod installers;
pub mod jobs;
pub mod judging;
pub mod lead;
pub mod log_gate;
pub mod mail_server;
pub mod mcp;
pub mod metrics;
pub mod oauth;
pub mod otlp;
pub mod pages;
pub mod parameters;
mod rate_limiter;
pub mod refusals;
pub mod retention_setting;
pub mod router;
pub mod routes;
pub mod rule_failures;
pub mod scoped_host;
pub mod self_check;
mod shares;
pub mod sign_in_provider;
pub mod stopping;
pub mod tag_names;
pub mod tls;
pub mod writer;

use std::{
    env,
    io::{IsTerminal, stderr},
};

use anyhow::Context;
use cli::{Command, Invocation, LogFormat, LogOptions};
use tracing_subscriber::EnvFilter;

/// Does what the command line says.
///
/// # Errors
/// When that fails; the message says what to do.
pub async fn run(invocation: Invocation) -> anyhow::Result<()> {
    let Invocation { cli, configuration } = invocation;
    start_log(&cli.log)?;
    // One provider for all TLS of the process; an earlier installation is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match cli.command {
        Command::Serve(options) => commands::serve::run(options, configuration).await,
        Command::Migrate(options) => commands::migrate::run(&options).await,
        Command::Config(options) => commands::config::run(options.command, &configuration).await,
        Command::Health(options) => commands::health::run(&options).await,
        Command::Admin(options) => commands::admin::run(options).await,
        Command::Check(options) => commands::check::run(options).await,
        Command::Import(options) => commands::import::run(options).await,
        Command::Diagnose(options) => commands::diagnose::run(&options),
    }
}

/// Starts the log, to standard error. Each line of a request bears its id.
fn start_log(options: &LogOptions) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&options.log).context("the setting log")?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal() && env::var_os("NO_COLOR").is_none())
        .with_writer(stderr);
    match options.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).init(),
    }
    Ok(())
}
