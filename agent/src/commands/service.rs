//! `service`: the agent as a Windows service.

use std::{
    cell::RefCell,
    env,
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
    settings::{Settings, await_change, forget_no_start, keep_as_installer, settle},
    status::AgentStatus,
    trouble::{Notice, TroubleWatch},
    upload::Sender,
    windows::{self, SERVICE_NAME, Severity, StatusAnswer, Stop},
};
use tracing::{debug, info, level_filters::LevelFilter, warn};

use super::{
    arguments::Arguments,
    run::{open_agent, read_events, start_survey},
    runtime,
    sources::SettingSources,
    start_logging,
};

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
    check_program(&env::current_exe()?)?;
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

/// Refuses a program that others could replace: Windows would run theirs as the system.
fn check_program(program: &Path) -> anyhow::Result<()> {
    for path in [Some(program), program.parent()].into_iter().flatten() {
        windows::believe(path).with_context(|| {
            format!(
                "the service would run {} as the system; copy the program to a folder that only \
                 administrators may write, as below C:\\Program Files: {} cannot be trusted",
                program.display(),
                path.display()
            )
        })?;
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

/// The service's work, until it is told to stop. Nothing that a setting says, and no folder that cannot be
/// used, keeps it from going on: it tells what is wrong, and looks again.
fn serve(sources: &SettingSources, log_level: LevelFilter, mut stop: Stop) -> anyhow::Result<()> {
    let own_folder = windows::own_folder();
    let answer =
        windows::answer_status().context("cannot start the thread that tells the status")?;
    let runtime = runtime()?;
    let mut reporter = TroubleReporter { answer, reported: Vec::new() };
    // The log lies in it.
    while let Err(error) = restrict(&own_folder) {
        let settings = sources.read().unwrap_or_else(|_| Settings::resolve(Vec::new()));
        if !runtime.block_on(reporter.wait_out(format!("{error:#}"), &settings, &mut stop)) {
            return Ok(());
        }
    }
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
    runtime.block_on(async {
        loop {
            let read = tokio::select! {
                () = &mut stop => return Ok(()),
                read = settle(|| sources.read()) => read,
            };
            let begun = with_usable_folder(read.clone())
                .and_then(|settings| Ok((begin(&settings, clock)?, settings)));
            let (mut agent, settings) = match begun {
                Ok(begun) => begun,
                Err((trouble, settings)) => {
                    if reporter.wait_out(trouble, &settings, &mut stop).await {
                        continue;
                    }
                    return Ok(());
                }
            };
            reporter.report_new(settings.problems.clone());
            agent.survey.clone_from(&survey);
            agent.publish_status = Some(watch_uploads(reporter.answer.clone(), clock));
            let events = read_events(None, &settings, clock).unwrap_or_else(|error| {
                warn!("The event log is not read: {error:#}");
                None
            });
            let mut go_on = false;
            let end = async {
                tokio::select! {
                    () = &mut stop => {}
                    _ = await_change(&read, || sources.read()) => go_on = true,
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

/// What keeps the agent from measuring, in words, and the settings that it is so with.
type Trouble = (String, Settings);

/// The agent, or what keeps it from measuring.
fn begin(settings: &Settings, clock: SystemClock) -> Result<Agent, Trouble> {
    if settings.server_url().is_none() {
        let trouble = "server_url is not set: set it by Group Policy (Server address), by the installer \
             (SERVER_URL) or in agent.toml";
        return Err((trouble.to_owned(), settings.clone()));
    }
    open_agent(None, settings, clock).map_err(|error| nothing_kept(settings, &error))
}

fn nothing_kept(settings: &Settings, error: &anyhow::Error) -> Trouble {
    let folder = settings.spool_dir();
    (format!("nothing can be kept in {}: {error:#}", folder.display()), settings.clone())
}

/// Who hears what is wrong: both logs, and whoever asks for the status.
struct TroubleReporter {
    answer: StatusAnswer,
    reported: Vec<String>,
}

impl TroubleReporter {
    /// Says in both logs what was not said before of what is wrong now; the service looks again and again.
    fn report_new(&mut self, problems: Vec<String>) {
        for problem in problems.iter().filter(|problem| !self.reported.contains(problem)) {
            warn!("{problem}");
            windows::report(Severity::Warning, problem);
        }
        self.reported = problems;
    }

    /// Tells what keeps the agent from measuring, and waits a while; false when the service is to stop.
    async fn wait_out(&mut self, trouble: String, settings: &Settings, stop: &mut Stop) -> bool {
        self.report_new(settings.problems.iter().chain([&trouble]).cloned().collect());
        let mut status = AgentStatus::of_settings(settings);
        status.by_service = true;
        status.trouble = Some(trouble);
        tell(&self.answer, &status);
        tokio::select! {
            () = stop => false,
            () = tokio::time::sleep(TROUBLE_EVERY) => true,
        }
    }
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

/// The settings with a folder for the spool that the agent may use: the usual one where another is refused.
/// One that cannot be had now, as on a full disk or a volume that is not there yet, is waited for: in
/// another folder this host would be another one.
fn with_usable_folder(settings: Settings) -> Result<Settings, Trouble> {
    let folder = settings.spool_dir();
    let taken = if folder.starts_with(windows::own_folder()) {
        windows::restrict_own_folder(&folder)
    } else {
        windows::claim_folder(&folder)
    };
    let Err(error) = taken else { return Ok(settings) };
    if settings.has_usual_spool_dir() || !windows::is_refusal(&error) {
        return Err(nothing_kept(&settings, &error.into()));
    }
    with_usable_folder(settings.without_spool_dir(&format!("{}: {error}", folder.display())))
}

fn restrict(folder: &Path) -> anyhow::Result<()> {
    windows::restrict_own_folder(folder)
        .with_context(|| format!("cannot keep others out of {}", folder.display()))
}
