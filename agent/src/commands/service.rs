//! `service`: the agent as a Windows service.

use std::{
    io::{self, Write},
    path::Path,
    sync::Mutex,
    time::Duration,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use poolwatch_agent::{
    clock::SystemClock,
    log_file::LogFile,
    run,
    settings::{Settings, keep_as_installer},
    windows::{self, SERVICE_NAME, Stop},
};
use tracing::{debug, info, level_filters::LevelFilter, warn};

use super::{
    run::{open_agent, read_events},
    runtime,
    sources::SettingSources,
    start_logging,
};

/// How often the settings are looked at: what Group Policy says holds without a restart.
const SETTINGS_EVERY: Duration = Duration::from_secs(60);
/// The arguments by which Windows starts the service.
const STARTED_WITH: [&str; 2] = ["service", "run"];

#[derive(Debug, Args)]
pub(super) struct Service {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make this program a service that starts with Windows, and start it; settings given as flags
    /// are kept
    Install {
        /// Do not start it now
        #[arg(long)]
        no_start: bool,
    },
    /// Stop the service and take it away; settings and spool stay
    Uninstall,
    /// What Windows starts; on a console use the command run
    Run,
}

impl Service {
    /// Whether Windows started this.
    pub(super) fn is_started_by_windows(&self) -> bool {
        matches!(self.action, Action::Run)
    }

    pub(super) fn execute(
        self,
        sources: SettingSources,
        log_level: LevelFilter,
    ) -> anyhow::Result<()> {
        match self.action {
            Action::Install { no_start } => install(&sources, !no_start),
            Action::Uninstall => uninstall(),
            Action::Run => {
                let work = move |stop| serve(&sources, log_level, stop);
                windows::run_as_service(work).inspect_err(|_| {
                    // Somebody is at a console after all.
                    start_logging(log_level, io::stderr);
                })?;
                Ok(())
            }
        }
    }
}

fn install(sources: &SettingSources, start: bool) -> anyhow::Result<()> {
    let settings = sources.read()?;
    restrict(&settings.spool_dir())?;
    keep_as_installer(&sources.flag_layer()).context("cannot keep the settings")?;
    let unknown = windows::install(&STARTED_WITH).context("cannot make the service")?;
    let mut out = io::stdout().lock();
    writeln!(out, "Installed the service {SERVICE_NAME}")?;
    for what in unknown {
        writeln!(out, "This system does not know: {what}")?;
    }
    if start {
        windows::start().context("cannot start the service")?;
        writeln!(out, "Started it; its log is in {}", settings.spool_dir().display())?;
    }
    Ok(())
}

fn uninstall() -> anyhow::Result<()> {
    let was_there =
        windows::uninstall().context("cannot take the service away; run this as administrator")?;
    let said = if was_there { "Took the service away" } else { "There is no service" };
    writeln!(io::stdout(), "{said}: {SERVICE_NAME}")?;
    Ok(())
}

/// The service's work, until it is told to stop.
fn serve(sources: &SettingSources, log_level: LevelFilter, mut stop: Stop) -> anyhow::Result<()> {
    let settings = sources.read()?;
    restrict(&settings.spool_dir())?;
    start_logging(log_level, Mutex::new(LogFile::open(&settings.spool_dir())?));
    let clock = SystemClock::start();
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let mut settings = settings;
        loop {
            let mut go_on = false;
            let end = async {
                tokio::select! {
                    () = &mut stop => {}
                    () = changed(sources, &settings) => go_on = true,
                }
            };
            if settings.server_url().is_some() {
                let agent = open_agent(None, &settings, clock)?;
                let events = read_events(None, &settings)?;
                run::run(agent, events, &settings, &clock, end).await?;
            } else {
                warn!("server_url is not set; waiting for settings");
                end.await;
            }
            if !go_on {
                return Ok(());
            }
            info!("The settings have changed");
            settings = sources.read()?;
            restrict(&settings.spool_dir())?;
        }
    });
    // Not to be held up by a name that is being looked up.
    runtime.shutdown_background();
    result
}

/// Done when the settings are others. A registry that cannot be read has not changed.
async fn changed(sources: &SettingSources, settings: &Settings) {
    loop {
        tokio::time::sleep(SETTINGS_EVERY).await;
        match sources.read() {
            Ok(read) if read.effective() != settings.effective() => return,
            Ok(_) => {}
            Err(error) => debug!("The settings cannot be read now: {error:#}"),
        }
    }
}

fn restrict(folder: &Path) -> anyhow::Result<()> {
    windows::restrict_folder(folder)
        .with_context(|| format!("cannot keep others out of {}", folder.display()))
}
