//! What makes the agent look closely: the kernel's conditions, low headroom, events.

use std::{cell::RefCell, time::Duration};

use jiff::SignedDuration;
use poolwatch_model::{event::EventKind, memory::Memory, snapshot::Collector};
use tokio::{sync::Notify, time};
use tracing::warn;

use super::pressure::{Pressure, Sign};
use crate::{
    agent::Agent, clock::Clock, collect::memory_conditions, settings::Settings, spool::SpooledEvent,
};

/// How often the kernel's memory conditions are looked at: four calls that take no resources.
const CONDITIONS_EVERY: Duration = Duration::from_secs(2);
/// How long ago an event may have been written to say something of now.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// What makes the agent look closely, at once.
#[derive(Default)]
pub(super) struct Alarm {
    pressure: RefCell<Pressure>,
    bell: Notify,
    urgent: Notify,
}

impl Alarm {
    /// Done when there is a new reason to look closely.
    pub(super) async fn raised(
        &self,
        agent: &RefCell<Agent>,
        settings: &Settings,
        clock: &dyn Clock,
    ) {
        if !settings.collectors().contains(Collector::MemoryConditions) {
            return self.bell.notified().await;
        }
        loop {
            tokio::select! {
                () = self.bell.notified() => return,
                () = time::sleep(CONDITIONS_EVERY) => {}
            }
            // One that cannot be read is a fault of the snapshots.
            let Ok(conditions) = memory_conditions(agent.borrow_mut().machine.as_mut()) else {
                continue;
            };
            let mut pressure = self.pressure.borrow_mut();
            let mut is_news = false;
            for (sign, is_on) in [
                (Sign::LowNonpaged, conditions.low_nonpaged),
                (Sign::LowPaged, conditions.low_paged),
                (Sign::HighCommit, conditions.high_commit),
                (Sign::MaximumCommit, conditions.maximum_commit),
            ] {
                let now = clock.monotonic();
                is_news |= is_on.is_some_and(|is_on| pressure.observe(now, sign, is_on));
            }
            if is_news {
                warn!(?conditions, "The kernel says that memory is low; looking closely");
                return;
            }
        }
    }

    /// Between two snapshots, where `usual` is what the settings say.
    pub(super) fn interval(&self, now: Duration, usual: Duration) -> Duration {
        self.pressure.borrow().interval(now, usual)
    }

    /// Takes notice of a snapshot's figures.
    pub(super) fn heed_headroom(&self, now: Duration, memory: &Memory) {
        if self.pressure.borrow_mut().observe_headroom(now, memory) {
            warn!("Little headroom is left; looking closely");
        }
    }

    /// Takes notice of events, those that were written a moment ago.
    pub(super) fn heed_events(&self, clock: &dyn Clock, events: &[SpooledEvent]) {
        let is_urgent = |each: &SpooledEvent| {
            matches!(each.event.kind(), EventKind::PoolEmpty(_) | EventKind::CommitExhausted)
                && clock.wall().duration_since(each.event.time).abs() < FRESH
        };
        let mut pressure = self.pressure.borrow_mut();
        if events.iter().any(is_urgent) && pressure.begin(clock.monotonic(), Sign::Event) {
            warn!("The event log says that memory ran out; looking closely");
            self.bell.notify_one();
            self.urgent.notify_one();
        }
    }

    /// Done when what waits in the spool should be sent now, whatever failed before: once for every
    /// time that events made the agent look closely.
    pub(super) async fn is_urgent(&self) {
        self.urgent.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{BootId, event::Event};
    use tempfile::TempDir;
    use tokio::time::{Instant, timeout};
    use uuid::Uuid;

    use super::*;
    use crate::{
        capture::OwnedBuffer,
        clock::SystemClock,
        identity::IdentityFile,
        machine::{InfoClass, replay::Replay},
        spool::{Spool, SpoolLimits},
        status::UploadHealth,
        suggested::Suggested,
        synthetic::small_capture,
    };

    const LONG: Duration = Duration::from_secs(600);

    fn agent(folder: &TempDir, conditions: [u8; 4]) -> RefCell<Agent> {
        let mut capture = small_capture();
        let answer = Ok(OwnedBuffer { bytes: conditions.to_vec(), base: 0 });
        capture.rounds[0].answers.insert(InfoClass::MemoryConditions, answer);
        let boot = BootId(Uuid::from_u128(1));
        RefCell::new(Agent {
            machine: Box::new(Replay::new(capture, SystemClock::start(), boot, None)),
            spool: Spool::open(folder.path(), SpoolLimits::of_megabytes(8)).unwrap(),
            identity: IdentityFile::open(folder.path(), Uuid::from_u128(1)).unwrap(),
            suggested: Suggested::open(folder.path()).unwrap(),
            event_log: Ok(()),
            survey: None,
            service_control: None,
            uploads: UploadHealth::default(),
            faults: Vec::new(),
            publish_status: None,
        })
    }

    fn event(event_id: u32, ago: SignedDuration) -> SpooledEvent {
        let event = Event {
            channel: "System".into(),
            record_id: 1,
            time: SystemClock::start().wall() - ago,
            provider: "Srv".into(),
            event_id,
            level: None,
            computer: None,
            data: vec![],
            exhaustion: None,
        };
        SpooledEvent { gap_before: false, event }
    }

    #[tokio::test(start_paused = true)]
    async fn a_condition_that_is_on_raises_the_alarm_within_seconds_and_once() {
        let folder = TempDir::new().unwrap();
        let (agent, settings) = (agent(&folder, [0, 1, 0, 0]), Settings::resolve(vec![]));
        let (alarm, clock) = (Alarm::default(), SystemClock::start());
        let began = Instant::now();
        timeout(LONG, alarm.raised(&agent, &settings, &clock)).await.unwrap();
        assert!(began.elapsed() <= Duration::from_secs(3));
        assert_eq!(alarm.interval(clock.monotonic(), LONG), Duration::from_secs(10));
        assert!(timeout(LONG, alarm.raised(&agent, &settings, &clock)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn only_an_event_of_now_raises_the_alarm() {
        let folder = TempDir::new().unwrap();
        let (agent, settings) = (agent(&folder, [0, 2, 0, 0]), Settings::resolve(vec![]));
        let clock = SystemClock::start();
        for (event_id, minutes_ago, raises) in
            [(2019, 1, true), (2020, -1, true), (2019, 60, false), (2017, 1, false)]
        {
            let alarm = Alarm::default();
            alarm.heed_events(&clock, &[event(event_id, SignedDuration::from_mins(minutes_ago))]);
            let raised = timeout(LONG, alarm.raised(&agent, &settings, &clock)).await;
            assert_eq!(raised.is_ok(), raises, "{event_id}, {minutes_ago} minutes ago");
            let sent = timeout(LONG, alarm.is_urgent()).await;
            assert_eq!(sent.is_ok(), raises, "{event_id}, {minutes_ago} minutes ago");
        }
    }
}
