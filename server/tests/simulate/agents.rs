//! An agent on a simulated Windows: it takes snapshots, is killed with its disk as it is, and goes on;
//! Windows is restarted, and its wall clock jumps.

use std::{
    cell::{Cell, RefCell},
    fs::{self, File},
    io::{BufReader, Seek, SeekFrom, Write},
    path::Path,
    rc::Rc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_agent::{
    agent::Agent,
    identity::IdentityFile,
    machine::{InfoClass, Machine, Now, RawBuffer, Status},
    spool::{
        Spool, SpoolLimits,
        segment::{Next, RECORD_HEAD, SegmentReader},
    },
    status::UploadHealth,
    suggested::Suggested,
    upload::{Step, Uploader},
};
use poolwatch_model::{
    BootId, Bytes, HostId, PoolTag, Snapshot,
    host::HostFacts,
    memory::Memory,
    process::ProcessUse,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use tempfile::TempDir;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use crate::{
    chance::DayChance,
    ledger::Ledger,
    server::{SimulatedConnection, SimulatedServer, SimulatedTime},
};

/// Between two snapshots.
const INTERVAL: Duration = Duration::from_secs(300);
/// How long an agent runs before something ends it.
const LIFE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(8 * 3600)];
/// The last life of a day.
const FOR_GOOD: Duration = Duration::from_secs(30 * 86_400);
/// Until it runs again.
const DOWN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(1200)];
/// How far a wall clock jumps. Frames of an earlier boot go by it: after farther jumps some would be too
/// old to be kept.
const WALL_JUMP: Duration = Duration::from_secs(10 * 86_400);
/// One life in so many ends with Windows, and with a clock that jumps.
const RESTARTS_ONE_IN: u64 = 3;
const JUMPS_ONE_IN: u64 = 4;
/// One life in so many ends while something is written.
const TEARS_ONE_IN: u64 = 2;
/// A disk on which some outages fit, and one on which none does.
const ROOMY: SpoolLimits = SpoolLimits { total_bytes: 4 << 20, segment_bytes: 8 << 10 };
const TIGHT: SpoolLimits = SpoolLimits { total_bytes: 1 << 10, segment_bytes: 300 };
const TIGHT_ONE_IN: u64 = 4;

/// A boot of Windows with its clocks.
#[derive(Debug, Clone)]
struct SimulatedWindows {
    time: SimulatedTime,
    boot: BootId,
    booted_at: Timestamp,
    /// How wrong the wall clock is, in milliseconds.
    wall_off_ms: Rc<Cell<i64>>,
}

impl Machine for SimulatedWindows {
    fn query(&mut self, _: InfoClass) -> Result<RawBuffer<'_>, Status> {
        Err(Status::INVALID_INFO_CLASS)
    }

    fn boot(&self) -> BootId {
        self.boot
    }

    fn now(&self) -> Now {
        let now = self.time.now();
        let uptime = now.duration_since(self.booted_at);
        let wall = now.as_millisecond() + self.wall_off_ms.get();
        Now {
            uptime_ms: uptime.as_millis() as u64,
            wall: Timestamp::from_millisecond(wall).unwrap(),
        }
    }

    fn facts(&self) -> HostFacts {
        HostFacts { fqdn: "simulated".into(), ..HostFacts::default() }
    }
}

/// A host, for the whole of a day.
pub(crate) struct SimulatedHost {
    id: HostId,
    folder: TempDir,
    limits: SpoolLimits,
    windows: SimulatedWindows,
    /// Snapshots so far, of all boots.
    step: u64,
    server: SimulatedServer,
    ledger: Ledger,
    chance: DayChance,
    /// When nothing fails any more.
    calm_from: Instant,
    /// Whether no more snapshots are taken.
    is_over: Rc<Cell<bool>>,
}

impl SimulatedHost {
    pub(crate) fn new(
        id: HostId,
        time: SimulatedTime,
        server: SimulatedServer,
        ledger: Ledger,
        chance: DayChance,
        calm_from: Instant,
        is_over: Rc<Cell<bool>>,
    ) -> Self {
        let folder = match Path::new("/dev/shm") {
            memory if memory.is_dir() => TempDir::new_in(memory).unwrap(),
            _ => TempDir::new().unwrap(),
        };
        let up = SignedDuration::from_secs(chance.below(90 * 86_400) as i64);
        let windows = SimulatedWindows {
            time,
            boot: BootId(chance.uuid()),
            booted_at: time.now() - up,
            wall_off_ms: Rc::new(Cell::new(chance.swing_ms(Duration::from_secs(100)))),
        };
        let limits = if chance.one_in(TIGHT_ONE_IN) { TIGHT } else { ROOMY };
        Self { id, folder, limits, windows, step: 0, server, ledger, chance, calm_from, is_over }
    }

    /// Lives from one kill to the next.
    pub(crate) async fn live(mut self) {
        loop {
            let life = self.chance.between(LIFE[0], LIFE[1]);
            let is_last = Instant::now() + life > self.calm_from;
            let life = if is_last { FOR_GOOD } else { life };
            let agent = RefCell::new(self.start());
            let _ = timeout(life, self.work(&agent)).await;
            drop(agent);
            self.ledger.entries().agent_kills += 1;
            if self.chance.one_in(TEARS_ONE_IN) {
                tear(self.folder.path(), &self.chance);
            }
            sleep(self.chance.between(DOWN[0], DOWN[1])).await;
            if self.chance.one_in(RESTARTS_ONE_IN) {
                self.windows.boot = BootId(self.chance.uuid());
                self.windows.booted_at = self.windows.time.now();
            }
            if self.chance.one_in(JUMPS_ONE_IN) {
                self.windows.wall_off_ms.set(self.chance.swing_ms(WALL_JUMP));
            }
        }
    }

    fn start(&self) -> Agent {
        let folder = self.folder.path();
        Agent {
            machine: Box::new(self.windows.clone()),
            spool: Spool::open(folder, self.limits).unwrap(),
            identity: IdentityFile::open(folder, Uuid::from_u128(5)).unwrap(),
            suggested: Suggested::open(folder).unwrap(),
            event_log: Ok(()),
            survey: None,
            service_control: None,
            uploads: UploadHealth::default(),
            faults: Vec::new(),
            publish_status: None,
        }
    }

    async fn work(&mut self, agent: &RefCell<Agent>) {
        let news = Notify::new();
        let connection = SimulatedConnection { server: self.server.clone(), host: self.id };
        let mut uploader = Uploader::new(connection, Some("token".into()), self.chance.below(99));
        let upload = async {
            loop {
                match uploader.step(agent).await {
                    Step::Again => {}
                    Step::Idle => news.notified().await,
                    Step::Wait(wait) => sleep(wait).await,
                }
            }
        };
        tokio::select! {
            biased;
            () = self.sample(agent, &news) => {}
            () = upload => {}
        }
    }

    async fn sample(&mut self, agent: &RefCell<Agent>, news: &Notify) {
        while !self.is_over.get() {
            {
                let Agent { machine, spool, .. } = &mut *agent.borrow_mut();
                let snapshot = self.snapshot();
                let stamp = spool.push(machine.boot(), machine.now(), snapshot.clone()).unwrap();
                spool.prepare();
                let mut entries = self.ledger.entries();
                let key = (self.id, stamp.boot, stamp.seq);
                let before = entries.taken.insert(key, snapshot);
                assert!(before.is_none(), "{key:?} is used twice");
                entries.dropped.insert(self.id, spool.dropped());
            }
            self.step += 1;
            news.notify_one();
            let jitter = self.chance.between(Duration::ZERO, Duration::from_secs(20));
            sleep(INTERVAL + jitter).await;
        }
        std::future::pending::<()>().await;
    }

    fn snapshot(&self) -> Snapshot {
        let tag = |number: u64| TagUse {
            tag: PoolTag::new([b'T', b'a', b'g', b'0' + number as u8]),
            paged: TagCounters::default(),
            nonpaged: TagCounters {
                bytes: 4096 * (self.step % (3 + number) + number),
                outstanding: self.step % (3 + number) + number,
                allocs: self.step * number,
            },
        };
        // Some come and go.
        let tags = (0..8).filter(|number| self.step % 5 != *number).map(tag).collect();
        let mut process = ProcessUse::new(416, None, "simulated.exe");
        process.handles = Some(self.step as u32 % 7);
        Snapshot {
            memory: Memory {
                nonpaged: Some(Bytes(1 << 28 | self.step << 12)),
                paged: Some(Bytes(1 << 27)),
                ..Memory::default()
            },
            tags: Some(TagTable::new(AllocCounting::Wrapping32, true, tags)),
            processes: Some(vec![process]),
            ..Snapshot::default()
        }
    }
}

/// Leaves behind the newest record what a write leaves that was not finished.
fn tear(folder: &Path, chance: &DayChance) {
    let segments = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> =
        segments.filter(|path| path.extension().is_some_and(|is| is == "seg")).collect();
    segments.sort();
    for path in segments.iter().rev() {
        let number = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let file = BufReader::new(File::open(path).unwrap());
        let mut reader = SegmentReader::new(file, path, number, 0).unwrap();
        let mut entries = 0;
        while let Next::Entry(_) = reader.next_entry().unwrap() {
            entries += 1;
        }
        if entries > 0 {
            let mut torn = vec![0x5A; chance.below(200) as usize + RECORD_HEAD];
            torn[..4].copy_from_slice(&500_u32.to_le_bytes());
            let mut file = File::options().write(true).open(path).unwrap();
            file.seek(SeekFrom::Start(reader.offset())).unwrap();
            file.write_all(&torn).unwrap();
            return;
        }
    }
}
