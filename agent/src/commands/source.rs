//! What is measured: this machine, or a capture.

use std::{fs, path::Path};

use anyhow::Context;
use jiff::SignedDuration;
use poolwatch_agent::{
    capture::Capture,
    clock::{Clock, SystemClock},
    collect::{CollectError, Sampler},
    events::EventLog,
    identity::{IdentityFile, ReplayedBoot},
    machine::{Machine, replay::Replay},
    own_use::own_use,
    settings::Settings,
};
use poolwatch_model::{BootId, Snapshot, snapshot::Collector};
use uuid::Uuid;

/// What is measured once: its boot does not matter.
pub(super) fn open(replay: Option<&Path>, clock: SystemClock) -> anyhow::Result<Box<dyn Machine>> {
    match replay {
        Some(path) => {
            let (capture, _) = read(path)?;
            let replay = Replay::new(capture, clock, BootId(Uuid::nil()), None);
            Ok(Box::new(replay.measured_by(own_use)))
        }
        None => this_machine(clock, || Ok(BootId(Uuid::nil()))),
    }
}

/// What is measured again and again: it knows its boot after a restart of the agent.
pub(super) fn open_lasting(
    replay: Option<&Path>,
    clock: SystemClock,
    identity: &mut IdentityFile,
) -> anyhow::Result<Box<dyn Machine>> {
    let Some(path) = replay else {
        return this_machine(clock, boot_id);
    };
    let (capture, checksum) = read(path)?;
    let now = clock.wall();
    let replayed = match identity.get().replay {
        Some(known) if known.capture == checksum && known.began <= now => known,
        _ => {
            let up = capture.rounds.first().map_or(0, |round| round.now.uptime_ms);
            let began = now
                .checked_sub(SignedDuration::from_millis(up as i64))
                .context("the capture's uptime cannot be")?;
            let boot = BootId(Uuid::new_v4());
            let replayed = ReplayedBoot { capture: checksum, boot, began };
            identity.change(|identity| identity.replay = Some(replayed))?;
            replayed
        }
    };
    let up = now.duration_since(replayed.began).as_millis() as u64;
    Ok(Box::new(Replay::new(capture, clock, replayed.boot, Some(up)).measured_by(own_use)))
}

/// Takes one snapshot, with a fault for the event log when that cannot be read.
pub(super) fn measure_once(
    machine: &mut dyn Machine,
    replay: Option<&Path>,
    clock: &dyn Clock,
    settings: &Settings,
) -> Snapshot {
    let mut sampler = Sampler::new(settings.collectors(), settings.list_handles_most());
    let mut snapshot = sampler.snapshot(machine, clock, 0);
    if let Some(mut log) = event_log(replay) {
        let readable = log.subscribe(None).map(|_| ()).map_err(CollectError::from);
        sampler.note(&mut snapshot, Collector::EventLog, readable);
    }
    snapshot
}

/// The event log of this machine; what is replayed has none.
#[cfg(windows)]
pub(super) fn event_log(replay: Option<&Path>) -> Option<Box<dyn EventLog>> {
    let log = poolwatch_agent::windows::system_log().ok().filter(|_| replay.is_none());
    log.map(|log| Box::new(log) as Box<dyn EventLog>)
}

#[cfg(not(windows))]
pub(super) fn event_log(_replay: Option<&Path>) -> Option<Box<dyn EventLog>> {
    None
}

/// A capture with the checksum of its file.
fn read(path: &Path) -> anyhow::Result<(Capture, u32)> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let capture = Capture::parse(&bytes).with_context(|| path.display().to_string())?;
    Ok((capture, crc32fast::hash(&bytes)))
}

#[cfg(windows)]
fn this_machine(
    clock: SystemClock,
    boot: impl FnOnce() -> anyhow::Result<BootId>,
) -> anyhow::Result<Box<dyn Machine>> {
    poolwatch_agent::windows::check_is_native()?;
    Ok(Box::new(poolwatch_agent::windows::Live::new(clock, boot()?)))
}

#[cfg(windows)]
fn boot_id() -> anyhow::Result<BootId> {
    poolwatch_agent::windows::boot_id()
        .context("cannot keep the number of this boot in the registry; run as administrator")
}

#[cfg(not(windows))]
fn this_machine(
    _clock: SystemClock,
    _boot: impl FnOnce() -> anyhow::Result<BootId>,
) -> anyhow::Result<Box<dyn Machine>> {
    anyhow::bail!("this is no Windows; measure a capture with --replay FILE")
}

#[cfg(not(windows))]
fn boot_id() -> anyhow::Result<BootId> {
    anyhow::bail!("this is no Windows; its boot has no number")
}
