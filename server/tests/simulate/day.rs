//! A faulty day, and what has to be true after it.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{BootId, HostId};
use poolwatch_protocol::v1::Decoder;
use poolwatch_store::frames::NewFrame;
use sha2::{Digest, Sha256};
use tokio::{
    task::{LocalSet, spawn_local},
    time::{Instant, sleep},
};

use crate::{
    agents::SimulatedHost,
    chance::DayChance,
    database::{SimulatedDatabase, SimulatedTables},
    ledger::{Ledger, LedgerEntries},
    server::{SimulatedServer, SimulatedTime},
};

const BEGAN: i64 = 1_800_000_000;
const HOSTS: i32 = 3;
const DAY: Duration = Duration::from_secs(86_400);
/// How long what waits may take once nothing fails any more.
const AFTERWARDS: Duration = Duration::from_secs(2 * 3600);
/// For what was taken last.
const LAST_UPLOAD: Duration = Duration::from_secs(60);
/// Between two blows at the server or its database.
const BLOWS: [Duration; 2] = [Duration::from_secs(300), Duration::from_secs(3 * 3600)];
/// How long each lasts.
const LASTS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(1800)];
/// How wrong the server's clock may be: as far as frames are taken from ahead.
const CLOCK_OFF: Duration = Duration::from_secs(8 * 60);

/// What came of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DayReport {
    taken: u64,
    acknowledged: u64,
    dropped: u64,
    agent_kills: u64,
    server_kills: u64,
    lost_messages: u64,
    /// Of all that is stored: equal days have equal ones.
    digest: Vec<u8>,
}

impl DayReport {
    pub(crate) fn add(&mut self, other: &Self) {
        self.taken += other.taken;
        self.acknowledged += other.acknowledged;
        self.dropped += other.dropped;
        self.agent_kills += other.agent_kills;
        self.server_kills += other.server_kills;
        self.lost_messages += other.lost_messages;
    }

    /// Whether everything happened that these days are about.
    pub(crate) fn is_of_faulty_days(&self) -> bool {
        let all = [self.acknowledged, self.dropped, self.agent_kills, self.server_kills];
        all.into_iter().all(|count| count > 0) && self.lost_messages > 0
    }
}

/// Runs the day of a seed.
pub(crate) fn run(seed: u64) -> DayReport {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    LocalSet::new().block_on(&runtime.unwrap(), simulate(seed))
}

async fn simulate(seed: u64) -> DayReport {
    let (chance, ledger) = (DayChance::new(seed), Ledger::default());
    let time = SimulatedTime::new(Timestamp::from_second(BEGAN).unwrap());
    let database = SimulatedDatabase::new(chance.clone());
    let server = SimulatedServer::new(time, database.clone(), ledger.clone(), chance.clone());
    let (calm_from, is_over) = (Instant::now() + DAY, Rc::new(Cell::new(false)));
    for id in 1..=HOSTS {
        let (server, ledger, chance) = (server.clone(), ledger.clone(), chance.clone());
        let host = SimulatedHost::new(
            HostId(id),
            time,
            server,
            ledger,
            chance,
            calm_from,
            is_over.clone(),
        );
        spawn_local(host.live());
    }
    let blows = spawn_local(strike(server.clone(), database.clone(), chance));
    sleep(DAY).await;
    blows.abort();
    server.calm_down();
    sleep(AFTERWARDS).await;
    is_over.set(true);
    sleep(LAST_UPLOAD).await;
    let (tables, entries) = (database.tables(), ledger.entries());
    check_rows(&tables, &entries);
    check_chains(&tables, &entries);
    check_fleet(&server, &entries);
    report(&tables, &entries)
}

/// Kills the server, takes its database away, or sets its clock wrong, again and again.
async fn strike(server: SimulatedServer, database: SimulatedDatabase, chance: DayChance) {
    loop {
        sleep(chance.between(BLOWS[0], BLOWS[1])).await;
        let lasts = chance.between(LASTS[0], LASTS[1]);
        match chance.below(4) {
            0 | 1 => {
                server.kill();
                sleep(lasts).await;
                server.start();
            }
            2 => {
                database.set_up(false);
                sleep(lasts).await;
                database.set_up(true);
            }
            _ => {
                server.set_clock_off(SignedDuration::from_millis(chance.swing_ms(CLOCK_OFF)));
                sleep(lasts).await;
                server.set_clock_off(SignedDuration::ZERO);
            }
        }
    }
}

/// The frames of each boot of each host, by number.
fn by_boot(tables: &SimulatedTables) -> BTreeMap<(HostId, BootId), Vec<&NewFrame>> {
    let mut boots: BTreeMap<(HostId, BootId), Vec<&NewFrame>> = BTreeMap::new();
    for frame in tables.frames.values() {
        let boot = tables.boot_id(frame.host, frame.boot_no);
        boots.entry((frame.host, boot)).or_default().push(frame);
    }
    boots.values_mut().for_each(|frames| frames.sort_by_key(|frame| frame.seq));
    boots
}

/// What is acknowledged is there once, as it came, and in order; what was taken is there, was dropped
/// for want of room, or was refused with a reason.
fn check_rows(tables: &SimulatedTables, entries: &LedgerEntries) {
    let mut stored = HashMap::new();
    for ((host, boot), frames) in by_boot(tables) {
        for pair in frames.windows(2) {
            let (earlier, later) = (pair[0], pair[1]);
            assert!(earlier.seq < later.seq, "{host} {boot:?}: {} is there twice", later.seq);
            assert!(
                earlier.at < later.at,
                "{host} {boot:?}: {} at {} comes after {} at {}",
                earlier.seq,
                earlier.at,
                later.seq,
                later.at
            );
        }
        for frame in frames {
            stored.insert((host, boot, frame.seq), &frame.payload);
        }
    }
    for (key, payload) in &entries.acknowledged {
        assert_eq!(stored.get(key), Some(&payload), "{key:?} was acknowledged");
    }
    let mut missing: BTreeMap<HostId, u64> = BTreeMap::new();
    for key in entries.taken.keys().filter(|key| !stored.contains_key(key)) {
        assert!(!entries.refused.contains_key(key), "{key:?}: {}", entries.refused[key]);
        *missing.entry(key.0).or_default() += 1;
    }
    for (host, missing) in missing {
        let dropped = entries.dropped[&host];
        assert!(missing <= dropped, "of {host} {missing} frames are missing, {dropped} dropped");
    }
}

/// Every frame can be read, and says what was taken.
fn check_chains(tables: &SimulatedTables, entries: &LedgerEntries) {
    for ((host, boot), frames) in by_boot(tables) {
        let mut decoder = Decoder::default();
        for frame in frames {
            let key = (host, boot, frame.seq);
            let decoded = decoder.decode(&frame.payload);
            let decoded = decoded.unwrap_or_else(|error| panic!("{key:?}: {error}"));
            assert_eq!(decoded.snapshot, entries.taken[&key], "{key:?}");
        }
    }
}

/// The server's memory shows the latest of every host.
fn check_fleet(server: &SimulatedServer, entries: &LedgerEntries) {
    let fleet = server.fleet();
    for id in (1..=HOSTS).map(HostId) {
        let newest = fleet.known(id).and_then(|host| host.snapshot());
        let newest = newest.unwrap_or_else(|| panic!("nothing is known of {id}"));
        let latest = entries.taken.iter().filter(|(key, _)| key.0 == id);
        let latest = latest.map(|(_, snapshot)| snapshot).max_by_key(|one| one.memory.nonpaged);
        let latest = latest.unwrap();
        assert_eq!((&newest.memory, &newest.tags), (&latest.memory, &latest.tags), "{id}");
    }
}

fn report(tables: &SimulatedTables, entries: &LedgerEntries) -> DayReport {
    let mut digest = Sha256::new();
    for ((host, at, boot_no, seq), frame) in &tables.frames {
        digest.update(format!("{host} {at} {boot_no} {seq}"));
        digest.update(&frame.payload);
    }
    DayReport {
        taken: entries.taken.len() as u64,
        acknowledged: entries.acknowledged.len() as u64,
        dropped: entries.dropped.values().sum(),
        agent_kills: entries.agent_kills,
        server_kills: entries.server_kills,
        lost_messages: entries.lost_messages,
        digest: digest.finalize().to_vec(),
    }
}
