//! An anchor that the database keeps though its answer is lost: a frame has one time all the same.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{BootId, HostId, Snapshot};
use poolwatch_protocol::v1::{Batch, Encoder, SenderClock, Stamp};
use poolwatch_server::{
    app_error::AppError,
    fleet::Fleet,
    ingest::{Intake, accept_into},
    writer::upload_permit::UploadMemory,
};
use uuid::Uuid;

use crate::{chance::DayChance, database::SimulatedDatabase};

const HOST: HostId = HostId(1);
const BOOT: BootId = BootId(Uuid::from_u128(7));
const BEGAN: i64 = 1_800_000_000;

/// A frame a minute, each in an upload of its own.
struct Sender {
    encoder: Encoder,
    memory: UploadMemory,
    database: SimulatedDatabase,
}

impl Sender {
    fn upload(&mut self, seq: u64) -> Vec<u8> {
        let wall = at(seq, 0);
        let stamp = Stamp { boot: BOOT, seq, uptime_ms: seq * 60_000, wall };
        let frame = self.encoder.encode(stamp, Snapshot::default());
        let clock = SenderClock { boot: BOOT, uptime_ms: stamp.uptime_ms, wall };
        Batch { clock, frames: vec![&frame] }.to_bytes()
    }

    async fn send(&self, fleet: &Fleet, body: &[u8], arrived: Timestamp) -> Result<(), AppError> {
        let kept = SignedDuration::from_hours(48);
        let intake = Intake { fleet, store: self.database.clone(), interval_s: 60, kept };
        let permit = self.memory.permit(HOST)?;
        accept_into(&intake, HOST, body, permit, arrived).await.map(|_| ())
    }
}

/// When a frame is taken, by a clock that is so many minutes off.
fn at(seq: u64, off_min: i64) -> Timestamp {
    Timestamp::from_second(BEGAN + (seq.cast_signed() + off_min) * 60).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_frame_has_one_time_though_the_answer_to_its_anchor_is_lost() {
    let database = SimulatedDatabase::new(DayChance::new(1));
    database.calm_down();
    let memory = UploadMemory::new(64 << 10);
    let mut sender = Sender { encoder: Encoder::default(), memory, database: database.clone() };
    let fleet = Fleet::default();
    let (first, second) = (sender.upload(1), sender.upload(2));
    sender.send(&fleet, &first, at(1, 0)).await.unwrap();
    // By a clock that is seven minutes behind the boot began earlier than it was taken to.
    database.set_loses_answers(true);
    let lost = sender.send(&fleet, &second, at(2, -7)).await;
    assert_eq!(lost.unwrap_err().status(), 503);
    database.set_loses_answers(false);
    sender.send(&fleet, &second, at(2, 0)).await.unwrap();
    // The server starts again, and the upload comes once more.
    sender.send(&Fleet::default(), &second, at(2, 0)).await.unwrap();
    let numbers: Vec<u64> = database.tables().frames.values().map(|frame| frame.seq).collect();
    assert_eq!(numbers, [1, 2]);
}
