//! `run`: measure and send until stopped.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use lexopt::{Error, Parser};
use poolwatch_agent::{
    agent::Agent,
    clock::SystemClock,
    events::Message,
    identity::IdentityFile,
    restart::ServiceControl,
    run,
    settings::Settings,
    spool::{Spool, SpoolLimits},
    status::UploadHealth,
    suggested::Suggested,
    survey::Survey,
    upload::Sender,
};
use tokio::sync::mpsc;
use tracing::{info, warn};
use uuid::Uuid;

use super::{arguments::Arguments, runtime, source};
#[cfg(windows)]
use poolwatch_agent::events::{self, Bookmark};

#[derive(Debug, Default)]
pub(super) struct Run {
    once: bool,
}

impl Arguments for Run {
    fn help(&self) -> &'static str {
        "\
Measure and send until stopped

Usage: poolwatch-agent run [FLAGS]

Flags:
  --once
      Measure once, send all that waits, and end; fails when not all could be sent
"
    }

    fn flag(&mut self, flag: &str, _: &mut Parser) -> Result<bool, Error> {
        self.once |= flag == "once";
        Ok(flag == "once")
    }
}

impl Run {
    pub(super) fn execute(self, replay: Option<&Path>, settings: &Settings) -> anyhow::Result<()> {
        for problem in &settings.problems {
            warn!("{problem}");
        }
        let clock = SystemClock::start();
        let mut agent = open_agent(replay, settings, clock)?;
        agent.survey = start_survey(replay)?;
        let sender = Sender::start().context("cannot start the thread that sends")?;
        runtime()?.block_on(async {
            if self.once {
                return run::run_once(agent, &sender, settings, &clock).await;
            }
            let stop = stop_signal()?;
            let events = read_events(replay, settings, clock)?;
            run::run(agent, &sender, events, settings, &clock, stop).await
        })
    }
}

/// The agent with all that it keeps in the spool's folder.
pub(super) fn open_agent(
    replay: Option<&Path>,
    settings: &Settings,
    clock: SystemClock,
) -> anyhow::Result<Agent> {
    let folder = settings.spool_dir();
    // The spool's lock also guards the identity.
    let spool = Spool::open(&folder, SpoolLimits::of_megabytes(settings.spool_max_mb()))?;
    let mut identity = IdentityFile::open(&folder, Uuid::new_v4())
        .with_context(|| format!("cannot keep the identity in {}", folder.display()))?;
    let suggested = Suggested::open(&folder)
        .with_context(|| format!("cannot keep suggestions in {}", folder.display()))?;
    let machine = source::open_lasting(replay, clock, &mut identity)?;
    Ok(Agent {
        machine,
        spool,
        identity,
        suggested,
        event_log: Ok(()),
        survey: None,
        service_control: service_control(replay),
        uploads: UploadHealth::default(),
        faults: Vec::new(),
        publish_status: None,
    })
}

/// By what services are restarted; what is replayed has none.
#[cfg(windows)]
fn service_control(replay: Option<&Path>) -> Option<Box<dyn ServiceControl>> {
    let control = poolwatch_agent::windows::WindowsServices;
    replay.is_none().then(|| Box::new(control) as Box<dyn ServiceControl>)
}

#[cfg(not(windows))]
fn service_control(_: Option<&Path>) -> Option<Box<dyn ServiceControl>> {
    None
}

/// Starts the thread that reads driver files and the registry; what is replayed has none.
#[cfg(windows)]
pub(super) fn start_survey(replay: Option<&Path>) -> anyhow::Result<Option<Arc<Survey>>> {
    if replay.is_some() {
        return Ok(None);
    }
    let folders = poolwatch_agent::windows::system_folders();
    let survey = Survey::start(folders, poolwatch_agent::windows::ask_windows);
    Ok(Some(survey.context("cannot start the thread that looks at drivers")?))
}

#[cfg(not(windows))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Windows")]
pub(super) fn start_survey(_: Option<&Path>) -> anyhow::Result<Option<Arc<Survey>>> {
    Ok(None)
}

/// Starts to read the event log of this machine; what is replayed has none.
#[cfg(windows)]
pub(super) fn read_events(
    replay: Option<&Path>,
    settings: &Settings,
    clock: SystemClock,
) -> anyhow::Result<Option<mpsc::Receiver<Message>>> {
    if replay.is_some() {
        return Ok(None);
    }
    let bookmark = Bookmark::open(&settings.spool_dir()).context("cannot keep a bookmark")?;
    let log = poolwatch_agent::windows::system_log().context("cannot read the event log")?;
    Ok(Some(events::start(log, bookmark, clock)?))
}

#[cfg(not(windows))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Windows")]
fn read_events(
    _: Option<&Path>,
    _: &Settings,
    _: SystemClock,
) -> anyhow::Result<Option<mpsc::Receiver<Message>>> {
    Ok(None)
}

/// Done when the process is told to stop.
#[cfg(unix)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("Stopping");
    })
}

/// Done when the process is told to stop.
#[cfg(windows)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
    let (mut interrupt, mut close, mut shutdown) = (ctrl_c()?, ctrl_close()?, ctrl_shutdown()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = close.recv() => {}
            _ = shutdown.recv() => {}
        }
        info!("Stopping");
    })
}
