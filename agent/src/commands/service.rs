//! `service`: the agent as a Windows service.

use std::{
    cell::RefCell,
    ffi::OsString,
    io::{self, Write},
    path::Path,
    sync::Mutex,
    time::Duration,
};

use anyhow::Context;
use lexopt::{Error, Parser};
use poolwatch_agent::{
    agent::{Agent, PublishStatus},
    clock::{Clock, SystemClock},
    log_file::LogFile,
    run,
    settings::{Settings, forget_no_start, keep_as_installer},
    status::AgentStatus,
    trouble::{Notice, TroubleWatch},
    upload::Sender,
    windows::{self, SERVICE_NAME, Severity, StatusAnswer, Stop},
};
use tracing::{debug, error, info, level_filters::LevelFilter, warn};

use super::{
    arguments::Arguments,
    run::{open_agent, read_events, start_survey},
    runtime,
    sources::SettingSources,
    start_logging,
};

/// How often the settings are looked at: what Group Policy says holds without a restart.
const SETTINGS_EVERY: Duration = Duration::from_secs(15);
/// How often that is looked at which keeps the agent from measuring, as another process that still ends,
/// or a full disk.
const TROUBLE_EVERY: Duration = Duration::from_secs(10);
/// The arguments by which Windows starts the service.
const STARTED_WITH: [&str; 2] = ["service", "run"];

#[derive(Debug, Default)]
pub(super) struct Service {
    action: Option<Action>,
    no_start: bool,
    purge: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Install,
    Uninstall,
    Run,
}

impl Arguments for Service {
    fn help(&self) -> &'static str {
        "\
Run as a Windows service

Usage: poolwatch-agent service <install | uninstall | run> [FLAGS]

  install
      Make this program a service that starts with Windows, and start it; settings given as flags
      are kept
  uninstall
      Stop the service and take it away; settings and spool stay
  run
      What Windows starts; on a console use the command run

Flags of install:
  --no-start
      Do not start it now

Flags of uninstall:
  --purge
      Delete what is kept of this host: its identity, log, settings file, and what waits to be sent
"
    }

    fn flag(&mut self, flag: &str, _: &mut Parser) -> Result<bool, Error> {
        match (flag, self.action) {
            ("no-start", Some(Action::Install)) => self.no_start = true,
            ("purge", Some(Action::Uninstall)) => self.purge = true,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn word(&mut self, word: OsString) -> Result<bool, Error> {
        let action = match word.to_str() {
            Some("install") => Action::Install,
            Some("uninstall") => Action::Uninstall,
            Some("run") => Action::Run,
            _ => return Ok(false),
        };
        Ok(self.action.replace(action).is_none())
    }

    fn check(&self) -> Result<(), Error> {
        if self.action.is_none() {
            return Err("service is followed by install, uninstall or run".into());
        }
        Ok(())
    }
}

impl Service {
    /// Whether Windows started this.
    pub(super) fn is_started_by_windows(&self) -> bool {
        self.action == Some(Action::Run)
    }

    pub(super) fn execute(
        self,
        sources: SettingSources,
        log_level: LevelFilter,
    ) -> anyhow::Result<()> {
        match self.action {
            None => Ok(()),
            Some(Action::Install) => install(&sources, !self.no_start),
            Some(Action::Uninstall) => uninstall(&sources, self.purge),
            Some(Action::Run) => {
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
    windows::check_is_native()?;
    let settings = sources.read()?;
    keep_as_installer(&sources.flag_layer()).context("cannot keep the settings")?;
    let unknown = windows::install(&STARTED_WITH).context("cannot make the service")?;
    let mut out = io::stdout().lock();
    writeln!(out, "Installed the service {SERVICE_NAME}")?;
    for what in unknown {
        writeln!(out, "This system does not know: {what}")?;
    }
    // No reason to fail: an upgrade would be undone without a word. The service says it as well.
    let own_folder = windows::own_folder();
    let mut problems = settings.problems;
    problems.extend(restrict(&own_folder).err().map(|error| format!("{error:#}")));
    for problem in problems {
        writeln!(out, "Please mend: {problem}")?;
        windows::report(Severity::Warning, &problem);
    }
    if start {
        windows::start().context("cannot start the service")?;
        writeln!(out, "Started it; its log is in {}", own_folder.display())?;
    }
    Ok(())
}

fn uninstall(sources: &SettingSources, purge: bool) -> anyhow::Result<()> {
    let was_there =
        windows::uninstall().context("cannot take the service away; run this as administrator")?;
    let said = if was_there { "Took the service away" } else { "There is no service" };
    writeln!(io::stdout(), "{said}: {SERVICE_NAME}")?;
    if purge {
        forget_host(sources)?;
    }
    Ok(())
}

/// Deletes what is kept of this host.
fn forget_host(sources: &SettingSources) -> anyhow::Result<()> {
    let own_folder = windows::own_folder();
    let spool = sources.read()?.spool_dir();
    let elsewhere = !spool.starts_with(&own_folder) && windows::holds_spool(&spool);
    for folder in elsewhere.then_some(&spool).into_iter().chain([&own_folder]) {
        windows::remove_folder(folder)
            .with_context(|| format!("cannot delete {}", folder.display()))?;
        writeln!(io::stdout(), "Deleted {}", folder.display())?;
    }
    Ok(())
}

/// The service's work, until it is told to stop. The log comes first, and nothing that a setting says
/// keeps the agent from measuring.
fn serve(sources: &SettingSources, log_level: LevelFilter, mut stop: Stop) -> anyhow::Result<()> {
    let own_folder = windows::own_folder();
    restrict(&own_folder)?;
    match LogFile::open(&own_folder) {
        Ok(log) => start_logging(log_level, Mutex::new(log)),
        Err(error) => {
            windows::report(Severity::Warning, &format!("There is no log of the agent: {error}"));
        }
    }
    for (what, error) in windows::limit_own_use() {
        info!(%error, "This system does not grant the agent {what}");
    }
    if let Err(error) = forget_no_start() {
        debug!(%error, "The registry keeps that the service was not to be started");
    }
    let clock = SystemClock::start();
    let sender = Sender::start().context("cannot start the thread that sends")?;
    let survey = start_survey(None)?;
    let answer =
        windows::answer_status().context("cannot start the thread that tells the status")?;
    let mut reported = Vec::new();
    runtime()?.block_on(async {
        loop {
            let read = tokio::select! {
                () = &mut stop => return Ok(()),
                read = read_settings(sources) => read,
            };
            let settings = with_usable_folder(read.clone())?;
            let begun = begin(&settings, clock);
            let trouble = begun.as_ref().err();
            report_new(&mut reported, settings.problems.iter().chain(trouble).cloned().collect());
            let mut agent = match begun {
                Ok(agent) => agent,
                Err(trouble) => {
                    let mut status = AgentStatus::of_settings(&settings);
                    status.by_service = true;
                    status.trouble = Some(trouble);
                    tell(&answer, &status);
                    tokio::select! {
                        () = &mut stop => return Ok(()),
                        () = tokio::time::sleep(TROUBLE_EVERY) => continue,
                    }
                }
            };
            agent.survey.clone_from(&survey);
            agent.publish_status = Some(watch_uploads(answer.clone(), clock));
            let events = read_events(None, &settings, clock).unwrap_or_else(|error| {
                warn!("The event log is not read: {error:#}");
                None
            });
            let mut go_on = false;
            let end = async {
                tokio::select! {
                    () = &mut stop => {}
                    () = changed(sources, &read) => go_on = true,
                }
            };
            run::run(agent, &sender, events, &settings, &clock, end).await?;
            if !go_on {
                return Ok(());
            }
            info!("The settings have changed");
        }
    })
}

/// The agent, or what keeps it from measuring, in words.
fn begin(settings: &Settings, clock: SystemClock) -> Result<Agent, String> {
    if settings.server_url().is_none() {
        return Err(
            "server_url is not set: set it by Group Policy (Server address), by the installer \
                    (SERVER_URL) or in agent.toml"
                .to_owned(),
        );
    }
    open_agent(None, settings, clock).map_err(|error| {
        format!("nothing can be kept in {}: {error:#}", settings.spool_dir().display())
    })
}

/// Says in both logs what was not said before of what is wrong now; the service looks again and again.
fn report_new(reported: &mut Vec<String>, problems: Vec<String>) {
    for problem in problems.iter().filter(|problem| !reported.contains(problem)) {
        warn!("{problem}");
        windows::report(Severity::Warning, problem);
    }
    *reported = problems;
}

/// What tells the status on, and both logs of trouble that lasts.
fn watch_uploads(answer: StatusAnswer, clock: SystemClock) -> PublishStatus {
    let watch = RefCell::new(TroubleWatch::default());
    Box::new(move |status| {
        tell(&answer, status);
        let Some(uploads) = &status.uploads else { return };
        match watch.borrow_mut().heed(clock.monotonic(), uploads) {
            Some(Notice::Trouble(reason)) => {
                let text = format!("Nothing can be sent: {reason}");
                warn!("{text}");
                windows::report(Severity::Warning, &text);
            }
            Some(Notice::Over) => {
                const TEXT: &str = "The server takes what is sent again";
                info!("{TEXT}");
                windows::report(Severity::Information, TEXT);
            }
            None => {}
        }
    })
}

fn tell(answer: &StatusAnswer, status: &AgentStatus) {
    match serde_json::to_vec(status) {
        Ok(json) => answer.set(json),
        Err(error) => debug!(%error, "The status cannot be told"),
    }
}

/// The settings, once they can be read: a registry that cannot be read says nothing of what holds.
async fn read_settings(sources: &SettingSources) -> Settings {
    loop {
        match sources.read() {
            Ok(settings) => return settings,
            Err(error) => error!("The settings cannot be read; trying again: {error:#}"),
        }
        tokio::time::sleep(SETTINGS_EVERY).await;
    }
}

/// The settings with a folder for the spool that the agent may use: the usual one where the other is
/// refused.
fn with_usable_folder(settings: Settings) -> anyhow::Result<Settings> {
    let folder = settings.spool_dir();
    if folder.starts_with(windows::own_folder()) {
        return restrict(&folder).map(|()| settings);
    }
    match windows::claim_folder(&folder) {
        Ok(()) => Ok(settings),
        Err(error) => with_usable_folder(
            settings.without_spool_dir(&format!("{}: {error}", folder.display())),
        ),
    }
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
    windows::restrict_own_folder(folder)
        .with_context(|| format!("cannot keep others out of {}", folder.display()))
}
