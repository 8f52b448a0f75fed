//! A server that takes frames in as the real one does, is killed and started again, and is reached by a
//! network that delays, loses and repeats.

use std::{cell::RefCell, rc::Rc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use poolwatch_agent::upload::{AgentServer, UploadError};
use poolwatch_model::HostId;
use poolwatch_protocol::v1::{
    Batch, Envelope,
    frame::decompress,
    messages::{
        EnrolReply, EnrolRequest, EventsReply, EventsRequest, FramesReply, InventoryReply,
        InventoryRequest, ScansRequest, Suggestions, TagListRequest,
    },
};
use poolwatch_server::{
    app_error::AppError,
    fleet::Fleet,
    ingest::{Intake, accept_into},
    writer::upload_permit::UploadMemory,
};
use tokio::{
    task::{AbortHandle, spawn_local},
    time::{Instant, sleep, timeout},
};

use crate::{chance::DayChance, database::SimulatedDatabase, ledger::Ledger};

pub(crate) const URL: &str = "http://simulated";
const INTERVAL_S: u32 = 300;
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// As the agent's HTTP client has it.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a message takes, mostly, and when the network stalls.
const TRAVEL: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(300)];
const STALL: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(90)];
/// One message in so many is held up, lost, or comes twice.
const STALLS_ONE_IN: u64 = 20;
const LOST_ONE_IN: u64 = 20;
const TWICE_ONE_IN: u64 = 15;

/// The time of a day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimulatedTime {
    began: Instant,
    began_at: Timestamp,
}

impl SimulatedTime {
    pub(crate) fn new(began_at: Timestamp) -> Self {
        Self { began: Instant::now(), began_at }
    }

    pub(crate) fn now(self) -> Timestamp {
        self.began_at + self.began.elapsed()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct SimulatedServer(Rc<RefCell<ServerState>>);

#[derive(Debug)]
struct ServerState {
    fleet: Rc<Fleet>,
    memory: UploadMemory,
    requests: Vec<AbortHandle>,
    is_up: bool,
    is_calm: bool,
    /// How wrong its clock is.
    clock_off: SignedDuration,
    time: SimulatedTime,
    database: SimulatedDatabase,
    ledger: Ledger,
    chance: DayChance,
}

impl SimulatedServer {
    pub(crate) fn new(
        time: SimulatedTime,
        database: SimulatedDatabase,
        ledger: Ledger,
        chance: DayChance,
    ) -> Self {
        Self(Rc::new(RefCell::new(ServerState {
            fleet: Rc::default(),
            memory: UploadMemory::new(64 << 10),
            requests: Vec::new(),
            is_up: true,
            is_calm: false,
            clock_off: SignedDuration::ZERO,
            time,
            database,
            ledger,
            chance,
        })))
    }

    pub(crate) fn fleet(&self) -> Rc<Fleet> {
        self.0.borrow().fleet.clone()
    }

    pub(crate) fn set_clock_off(&self, off: SignedDuration) {
        self.0.borrow_mut().clock_off = off;
    }

    /// It is gone, with all that it was about to answer and all that it knew.
    pub(crate) fn kill(&self) {
        let mut state = self.0.borrow_mut();
        state.requests.drain(..).for_each(|request| request.abort());
        state.is_up = false;
        state.fleet = Rc::default();
        state.database.lose_server();
        state.ledger.entries().server_kills += 1;
    }

    pub(crate) fn start(&self) {
        self.0.borrow_mut().is_up = true;
    }

    /// Nothing fails from now on.
    pub(crate) fn calm_down(&self) {
        let mut state = self.0.borrow_mut();
        state.is_calm = true;
        state.clock_off = SignedDuration::ZERO;
        state.is_up = true;
        state.database.calm_down();
    }

    /// A message is under way. Whether it arrives.
    async fn travel(&self) -> bool {
        let (is_calm, chance) = {
            let state = self.0.borrow();
            (state.is_calm, state.chance.clone())
        };
        let stalls = !is_calm && chance.one_in(STALLS_ONE_IN);
        let [least, most] = if stalls { STALL } else { TRAVEL };
        sleep(chance.between(least, most)).await;
        let is_lost = !is_calm && chance.one_in(LOST_ONE_IN);
        self.0.borrow().ledger.entries().lost_messages += u64::from(is_lost);
        !is_lost
    }

    /// Answers an upload, unless it is killed meanwhile.
    async fn answer(&self, host: HostId, body: Rc<Vec<u8>>) -> Result<FramesReply, UploadError> {
        let gone = || UploadError::Unreachable("the connection was closed".into());
        if !self.0.borrow().is_up {
            return Err(gone());
        }
        let (server, request) = (self.clone(), body);
        let task = spawn_local(async move { server.take_in(host, &request).await });
        {
            let mut state = self.0.borrow_mut();
            state.requests.retain(|request| !request.is_finished());
            state.requests.push(task.abort_handle());
        }
        let answered = task.await.map_err(|_| gone())?;
        answered.map_err(|error| match error.status().as_u16() {
            400 | 413 => UploadError::Content(error.to_string()),
            _ => UploadError::Wait {
                reason: error.to_string(),
                retry_after: Some(Duration::from_secs(5)),
            },
        })
    }

    async fn take_in(&self, host: HostId, body: &[u8]) -> Result<FramesReply, AppError> {
        let (fleet, database, ledger, permit, arrived) = {
            let state = self.0.borrow();
            let arrived = state.time.now() + state.clock_off;
            let permit = state.memory.permit(host)?;
            (state.fleet.clone(), state.database.clone(), state.ledger.clone(), permit, arrived)
        };
        let intake = Intake { fleet: &fleet, store: database, interval_s: INTERVAL_S, kept: KEPT };
        let reply = accept_into(&intake, host, body, permit, arrived).await?;
        let frames = Batch::parse(body).unwrap().frames;
        let mut entries = ledger.entries();
        for (index, frame) in frames.into_iter().enumerate() {
            let stamp = Envelope::parse(&decompress(frame).unwrap()).unwrap().stamp;
            let key = (host, stamp.boot, stamp.seq);
            match reply.refused.iter().find(|refused| refused.index == index) {
                Some(refused) => drop(entries.refused.insert(key, refused.reason.clone())),
                None => {
                    let before = entries.acknowledged.insert(key, frame.to_vec());
                    assert!(before.is_none_or(|before| before == frame), "{key:?} is two frames");
                }
            }
        }
        Ok(reply)
    }
}

/// The server as one agent reaches it.
#[derive(Debug, Clone)]
pub(crate) struct SimulatedConnection {
    pub(crate) server: SimulatedServer,
    pub(crate) host: HostId,
}

impl AgentServer for SimulatedConnection {
    fn base(&self) -> &str {
        URL
    }

    async fn enrol(&self, _: &EnrolRequest) -> Result<EnrolReply, UploadError> {
        Ok(EnrolReply {
            host_id: self.host,
            host_key: "key".into(),
            pending: false,
            suggestions: Suggestions::default(),
        })
    }

    async fn frames(&self, _: &str, batch: Vec<u8>) -> Result<FramesReply, UploadError> {
        let (server, host, body) = (self.server.clone(), self.host, Rc::new(batch));
        let exchange = async {
            let is_repeated = {
                let state = server.0.borrow();
                !state.is_calm && state.chance.one_in(TWICE_ONE_IN)
            };
            if is_repeated {
                let (server, body) = (server.clone(), body.clone());
                // By whatever way, and whenever, it comes again.
                spawn_local(async move {
                    if server.travel().await {
                        let _ = server.answer(host, body).await;
                    }
                });
            }
            if !server.travel().await {
                std::future::pending::<()>().await;
            }
            let answer = server.answer(host, body.clone()).await?;
            if !server.travel().await {
                std::future::pending::<()>().await;
            }
            Ok(answer)
        };
        let late = |_| UploadError::Unreachable("no answer in time".into());
        timeout(PATIENCE, exchange).await.map_err(late)?
    }

    async fn events(&self, _: &str, _: &EventsRequest) -> Result<EventsReply, UploadError> {
        Err(UploadError::Strange("no events here".into()))
    }

    async fn inventory(
        &self,
        _: &str,
        _: &InventoryRequest,
    ) -> Result<InventoryReply, UploadError> {
        Ok(InventoryReply::default())
    }

    async fn scans(&self, _: &str, _: &ScansRequest) -> Result<(), UploadError> {
        Ok(())
    }

    async fn tag_list(&self, _: &str, _: &TagListRequest) -> Result<(), UploadError> {
        Ok(())
    }
}
