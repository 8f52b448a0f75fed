//! The loop: measure on time, store first, send second.

mod alarm;
mod pressure;
mod restarts;
mod schedule;

use std::{
    cell::RefCell,
    future::{self, Future},
    time::Duration,
};

use anyhow::{Context, bail};
use poolwatch_model::{memory::Memory, snapshot::Collector};
use tokio::{
    sync::{Notify, mpsc},
    time,
};
use tracing::{error, info, warn};

use crate::{
    agent::Agent,
    clock::Clock,
    collect::{CollectError, Sampler},
    events::{Kept, Message},
    restart::{RestartRecordFile, ServiceControl},
    settings::Settings,
    spool::SpoolError,
    upload::{Client, ClientOptions, Sender, Step, Uploader},
};
use alarm::Alarm;
use restarts::Restarts;
use schedule::Schedule;

/// How often the survey is looked for that is to be sent before the end.
const SURVEY_EVERY: Duration = Duration::from_millis(200);

/// Runs until `stop` is done. `sender` was made at the start; `events` come from the thread that reads the event log.
///
/// # Errors
/// When the settings name no server.
pub async fn run(
    mut agent: Agent,
    sender: &Sender,
    events: Option<mpsc::Receiver<Message>>,
    settings: &Settings,
    clock: &dyn Clock,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let mut uploader = uploader(&agent, sender, settings)?;
    let mut control = agent.service_control.take();
    let agent = RefCell::new(agent);
    let (news, alarm) = (Notify::new(), Alarm::default());
    let restarts = settings.restart_rules().map(Restarts::new);
    info!(server = settings.server_url(), "Started");
    tokio::select! {
        () = stop => {}
        () = sample_on_time(&agent, settings, clock, &news, &alarm, restarts.as_ref()) => {}
        () = restart_services(restarts.as_ref(), control.as_mut(), settings, clock) => {}
        () = store_events(&agent, events, clock, &news, &alarm) => {}
        () = upload_on_news(&agent, &mut uploader, settings, &news, &alarm) => {}
    }
    info!("Stopped");
    Ok(())
}

/// Takes one snapshot and sends all that waits.
///
/// # Errors
/// When the snapshot could not be stored, or not everything could be sent.
pub async fn run_once(
    agent: Agent,
    sender: &Sender,
    settings: &Settings,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let mut uploader = uploader(&agent, sender, settings)?;
    let agent = RefCell::new(agent);
    let mut sampler = Sampler::new(settings.collectors(), settings.list_handles_most());
    let stored = sample(&agent, &mut sampler, clock, None);
    loop {
        match uploader.step(&agent).await {
            Step::Again => {}
            Step::Idle if uploader.awaits_survey() => time::sleep(SURVEY_EVERY).await,
            Step::Idle => return Ok(stored.map(|_| ())?),
            Step::Wait(_) => bail!("could not send everything; it waits in the spool"),
        }
    }
}

fn uploader(agent: &Agent, sender: &Sender, settings: &Settings) -> anyhow::Result<Uploader> {
    let server_url = settings.server_url().context("server_url is not set")?.to_owned();
    let options = ClientOptions {
        server_url,
        ca_file: settings.ca_file(),
        allow_http: settings.allow_http(),
        proxy: settings.proxy().map(str::to_owned),
    };
    let client = Client::new(sender.clone(), options);
    let (seed, _) = agent.identity.get().instance_id.as_u64_pair();
    let token = settings.enroll_token().map(str::to_owned);
    Ok(Uploader::new(client, token, seed).with_labels(settings.labels()))
}

/// Restarts services where Group Policy says so.
async fn restart_services(
    restarts: Option<&Restarts>,
    control: Option<&mut Box<dyn ServiceControl>>,
    settings: &Settings,
    clock: &dyn Clock,
) {
    let Some(control) = control else {
        return future::pending().await;
    };
    let control = control.as_mut();
    match (RestartRecordFile::open(&settings.spool_dir()), restarts) {
        (Ok(mut record), restarts) => {
            restarts::start_left_down(control, &mut record);
            if let Some(restarts) = restarts {
                return restarts.carry_out(control, &mut record, clock).await;
            }
        }
        (Err(error), Some(_)) => {
            warn!(%error, "No service is restarted: what was restarted before is not known");
        }
        (Err(_), None) => {}
    }
    future::pending::<()>().await;
}

async fn sample_on_time(
    agent: &RefCell<Agent>,
    settings: &Settings,
    clock: &dyn Clock,
    news: &Notify,
    alarm: &Alarm,
    restarts: Option<&Restarts>,
) {
    let mut sampler = Sampler::new(settings.collectors(), settings.list_handles_most());
    let mut schedule = Schedule::starting(clock.monotonic());
    loop {
        match sample(agent, &mut sampler, clock, restarts) {
            Ok(memory) => alarm.heed_headroom(clock.monotonic(), &memory),
            Err(error) => error!("A snapshot is lost: {error:#}"),
        }
        // What takes resources comes after what must not fail.
        agent.borrow_mut().spool.prepare();
        agent.borrow().publish(settings);
        news.notify_one();
        let usual = settings.interval_s(agent.borrow().suggested.get().interval_s);
        let now = clock.monotonic();
        let interval = alarm.interval(now, Duration::from_secs(usual.into()));
        let next = schedule.next(now, interval);
        if next.skipped > 0 {
            warn!(snapshots = next.skipped, "Too late for some snapshots; they are left out");
        }
        tokio::select! {
            () = time::sleep(next.wait) => {}
            () = alarm.raised(agent, settings, clock) => schedule.hurry(clock.monotonic()),
        }
    }
}

/// Takes a snapshot and stores it. Returns its system-wide figures.
fn sample(
    agent: &RefCell<Agent>,
    sampler: &mut Sampler,
    clock: &dyn Clock,
    restarts: Option<&Restarts>,
) -> Result<Memory, SpoolError> {
    let Agent { machine, spool, event_log, survey, faults, .. } = &mut *agent.borrow_mut();
    let now = machine.now();
    let mut snapshot = sampler.snapshot(machine.as_mut(), clock, spool.bytes());
    sampler.note(&mut snapshot, Collector::EventLog, event_log.map_err(CollectError::from));
    if let Some(survey) = survey {
        survey.heed_shortage(sampler.is_short());
    }
    if let Some(restarts) = restarts {
        restarts.heed(clock.monotonic(), &snapshot);
    }
    faults.clone_from(&snapshot.faults);
    let memory = snapshot.memory.clone();
    let pushed = spool.push(machine.boot(), now, snapshot);
    sampler.end_cycle(clock.monotonic());
    pushed.map(|_| memory)
}

/// Brings to the disk what is read from the event log.
async fn store_events(
    agent: &RefCell<Agent>,
    events: Option<mpsc::Receiver<Message>>,
    clock: &dyn Clock,
    news: &Notify,
    alarm: &Alarm,
) {
    let Some(mut events) = events else {
        return future::pending().await;
    };
    while let Some(message) = events.recv().await {
        match message {
            Message::State(state) => agent.borrow_mut().event_log = state,
            Message::Events(events, kept) => {
                let pushed = agent.borrow_mut().spool.push_events(events.clone());
                alarm.heed_events(clock, &events);
                if let Err(error) = &pushed {
                    warn!(%error, "Events could not be stored; they are tried again");
                }
                // The reader has ended if nobody hears it.
                let _ = kept.send(if pushed.is_ok() { Kept::Yes } else { Kept::No });
                news.notify_one();
            }
        }
    }
    // There is no log; the others go on.
    future::pending::<()>().await;
}

async fn upload_on_news(
    agent: &RefCell<Agent>,
    uploader: &mut Uploader,
    settings: &Settings,
    news: &Notify,
    alarm: &Alarm,
) {
    loop {
        let step = uploader.step(agent).await;
        if step != Step::Again {
            agent.borrow().publish(settings);
        }
        match step {
            Step::Again => {}
            Step::Idle => news.notified().await,
            Step::Wait(wait) => tokio::select! {
                () = time::sleep(wait) => {}
                () = alarm.is_urgent() => {}
            },
        }
    }
}
