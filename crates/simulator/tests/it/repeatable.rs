//! The same seed makes the same bytes.

use poolwatch_protocol::v1::{Decoder, Encoder, frame::decompress};
use poolwatch_simulator::Fleet;
use sha2::{Digest, Sha256};

use crate::{epoch, minutes_from};

/// SHA-256 over the envelopes of two hours of every third host. Envelopes, not frames: what zstd
/// makes of them may differ by version.
fn digest(seed: u64) -> String {
    let fleet = Fleet::new(seed, 9, epoch());
    let mut hash = Sha256::new();
    for index in (0..9).step_by(3) {
        let mut host = fleet.simulate(index);
        let mut encoder = Encoder::default();
        for minute in (-120..=0).step_by(5) {
            let taken = host.snapshot_at(minutes_from(epoch(), minute)).unwrap();
            hash.update(decompress(&encoder.encode(taken.stamp, taken.snapshot)).unwrap());
        }
        hash.update(serde_json::to_vec(&host.inventory()).unwrap());
    }
    hash.update(serde_json::to_vec(&fleet.truth(epoch())).unwrap());
    hex::encode(hash.finalize())
}

#[test]
fn a_seed_means_the_same_fleet_for_ever() {
    assert_eq!(digest(1), "9ca67e16c858d64648d3123c84b23904a16867ad828c8dd391d28fd7857ca1ca");
    assert_ne!(digest(1), digest(2));
}

/// SHA-256 over what all hosts show and log in the hour before and after they go live.
fn digest_live(seed: u64) -> String {
    let mut fleet = Fleet::new(seed, 16, epoch());
    let mut hosts: Vec<_> = (0..16).map(|index| fleet.simulate(index)).collect();
    let mut hash = Sha256::new();
    for minute in (-60..=60).step_by(15) {
        let now = minutes_from(epoch(), minute);
        if minute == 0 {
            fleet.go_live(now, 30);
            hosts.iter_mut().for_each(|host| fleet.bring_live(host));
        }
        for host in &mut hosts {
            if let Some(taken) = host.snapshot_at(now) {
                hash.update(format!("{taken:?}"));
            }
            hash.update(format!("{:?}", host.events_until(minutes_from(now, -4000), now)));
        }
    }
    for (host, plan) in hosts.iter().zip(fleet.hosts()) {
        hash.update(format!("{:?}{:?}{}", host.inventory(), plan.facts, plan.instance_id));
    }
    hash.update(serde_json::to_vec(&fleet.truth(epoch())).unwrap());
    hex::encode(hash.finalize())
}

#[test]
fn a_seed_means_the_same_life_and_log_for_ever() {
    assert_eq!(digest_live(1), "dd9dc03a16c8a6c527184c05467ac9a4cff785df583c91bdf1f9382bc9612919");
}

#[test]
fn what_is_seen_does_not_depend_on_how_often_one_looks() {
    let fleet = Fleet::new(4, 6, epoch());
    let (mut often, mut seldom) = (fleet.simulate(5), fleet.simulate(5));
    let start = minutes_from(epoch(), -60);
    seldom.snapshot_at(start).unwrap();
    let mut last = None;
    for minute in 0..=60 {
        last = often.snapshot_at(minutes_from(start, minute));
    }
    let (mut often, seldom) = (last.unwrap().snapshot, seldom.snapshot_at(epoch()).unwrap());
    // A peak between two looks is missed by who does not look.
    often.memory.commit_peak = seldom.snapshot.memory.commit_peak;
    assert_eq!(often, seldom.snapshot);
}

#[test]
fn frames_decode_to_what_was_generated() {
    let fleet = Fleet::new(3, 3, epoch());
    for index in 0..3 {
        let mut host = fleet.simulate(index);
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        for minute in -70..=0 {
            let taken = host.snapshot_at(minutes_from(epoch(), minute)).unwrap();
            let frame = encoder.encode(taken.stamp, taken.snapshot.clone());
            assert_eq!(decoder.decode(&frame).unwrap(), &taken);
        }
    }
}
