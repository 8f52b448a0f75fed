//! Any sequence of snapshots survives encoding, loss, resending, reordering and decoding.

use poolwatch_protocol::v1::{Batch, Decoder, Encoder, FrameError, SenderClock, StampedSnapshot};
use proptest::{collection::vec, prelude::*};

use crate::snapshots::{any_snapshot, example, stamp};

/// What the way from host to server does to one frame.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    IsLost,
    ArrivesTwice,
    ArrivesAfterTheNext,
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Arrives),
        1 => Just(Fate::IsLost),
        1 => Just(Fate::ArrivesTwice),
        1 => Just(Fate::ArrivesAfterTheNext),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_faithful_line_gives_back_every_snapshot(
        snapshots in vec(any_snapshot(), 1..8),
        reboot_at in 0..8_usize,
    ) {
        let mut encoder = Encoder::default();
        let mut decoder = Decoder::default();
        for (at, snapshot) in snapshots.into_iter().enumerate() {
            let stamp = stamp(u128::from(at >= reboot_at), at as u64 + 1);
            let frame = encoder.encode(stamp, snapshot.clone());
            let decoded = decoder.decode(&frame).unwrap();
            prop_assert_eq!(decoded, &StampedSnapshot { stamp, snapshot });
        }
    }

    #[test]
    fn a_bad_line_gives_the_right_snapshot_or_none(
        sent in vec((any_snapshot(), any_fate()), 1..12),
    ) {
        let mut encoder = Encoder::default();
        let mut arriving: Vec<(usize, Vec<u8>)> = Vec::new();
        let mut late = None;
        for (at, (snapshot, fate)) in sent.iter().enumerate() {
            let frame = encoder.encode(stamp(7, at as u64 + 1), snapshot.clone());
            match fate {
                Fate::Arrives => arriving.push((at, frame)),
                Fate::IsLost => {}
                Fate::ArrivesTwice => arriving.extend([(at, frame.clone()), (at, frame)]),
                Fate::ArrivesAfterTheNext => {
                    arriving.extend(late.replace((at, frame)));
                    continue;
                }
            }
            arriving.extend(late.take());
        }
        let mut decoder = Decoder::default();
        for (at, frame) in arriving {
            let before = decoder.last().cloned();
            match decoder.decode(&frame) {
                Ok(decoded) => prop_assert_eq!(&decoded.snapshot, &sent[at].0),
                Err(FrameError::NeedsKey { seq, .. }) => {
                    prop_assert_eq!(seq, at as u64 + 1);
                    prop_assert_eq!(decoder.last().cloned(), before);
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
        // After a loss the sender is asked for a key frame, and all is well again.
        encoder.restart_chain();
        let frame = encoder.encode(stamp(7, 100), sent[0].0.clone());
        prop_assert_eq!(&decoder.decode(&frame).unwrap().snapshot, &sent[0].0);
    }
}

#[test]
fn a_delta_chain_is_bounded() {
    let mut encoder = Encoder::default();
    let mut decoder = Decoder::default();
    let mut keys = 0;
    for seq in 1..=121 {
        let frame = encoder.encode(stamp(1, seq), example(seq));
        decoder.decode(&frame).unwrap();
        keys += usize::from(Decoder::default().decode(&frame).is_ok());
    }
    assert_eq!(keys, 3, "one key frame, then at most 59 deltas");
}

#[test]
fn a_batch_carries_frames_and_the_senders_clocks() {
    let stamp = stamp(3, 9);
    let clock = SenderClock { boot: stamp.boot, uptime_ms: 600_000, wall: stamp.wall };
    let frames: [&[u8]; 2] = [b"one", b"the other"];
    let batch = Batch { clock, frames: frames.to_vec() };
    assert_eq!(Batch::parse(&batch.to_bytes()).unwrap(), batch);
}
