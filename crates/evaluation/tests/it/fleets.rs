//! What the fleets are made of: the same for the same seed, and what their families promise.

use poolwatch_evaluation::{
    fleet::{self, Host, Plan},
    halves::Half,
};
use poolwatch_simulator::patterns::leaks::Family;
use sha2::{Digest, Sha256};

fn plan(half: Half, group: u64, family: Option<Family>) -> Plan {
    Plan { seed: half.seed(7), group, hosts: 3, held_out: half == Half::HeldOut, family }
}

fn add(hash: &mut Sha256, values: &[u64]) {
    values.iter().for_each(|value| hash.update(value.to_le_bytes()));
}

/// Everything that chance decided about a host.
fn add_host(hash: &mut Sha256, host: &Host) {
    add(hash, &[host.ram, host.clock.0 as u64, host.clock.1 as u64, host.people.live()]);
    for run in &host.slots {
        add(hash, &run.map_or([u64::MAX; 2], |(boot, up)| [boot.into(), up as u64]));
    }
    for tag in &host.tags {
        add(hash, &[u32::from_le_bytes(tag.tag.bytes()).into(), tag.pool as u64, tag.unit]);
        add(hash, &tag.bytes);
        tag.allocs.iter().for_each(|count| add(hash, &[u64::from(*count)]));
    }
    for leak in &host.leaks {
        add(hash, &[leak.culprit as u64, leak.from as u64, leak.to as u64, leak.bytes.to_bits()]);
        add(hash, &[leak.threshold.to_bits(), leak.longest.0 as u64, leak.longest.1.to_bits()]);
        add(hash, &[leak.due.map_or(u64::MAX, |due| due as u64)]);
        leak.tags.iter().for_each(|tag| add(hash, &[u32::from_le_bytes(tag.bytes()).into()]));
        leak.held.iter().for_each(|held| add(hash, &[held.to_bits()]));
    }
    let known: Vec<(usize, u32)> =
        host.slots.iter().enumerate().filter_map(|(at, run)| Some((at, (*run)?.0))).collect();
    for program in host.people.series(&known) {
        add(hash, &[program.key.pid.into()]);
        add(hash, &program.handles);
        add(hash, &program.threads);
        hash.update(format!("{}{:?}", program.image, program.services));
    }
    for leak in &host.leaks {
        hash.update(format!("{}{:?}{:?}", leak.family.as_str(), leak.names, leak.trigger));
    }
    for program in
        host.people.operations(&known.iter().map(|(slot, _)| vec![*slot]).collect::<Vec<_>>())
    {
        hash.update(&program.image);
        add(hash, &program.operations);
    }
    hash.update(format!("{:?}", host.scans));
    hash.update(format!("{:?}{:?}{:?}", host.people.drivers, host.people.changes, host.high_use));
}

/// SHA-256 over a group without leaks and one of each family, in both halves.
fn digest() -> String {
    let mut hash = Sha256::new();
    for half in [Half::Tuning, Half::HeldOut] {
        let families = Family::TUNING.into_iter().chain(Family::HELD_OUT).map(Some);
        for (group, family) in std::iter::once(None).chain(families).enumerate() {
            let hosts = fleet::group(plan(half, group as u64, family));
            hosts.iter().for_each(|host| add_host(&mut hash, host));
        }
    }
    hex::encode(hash.finalize())
}

#[test]
fn a_seed_means_the_same_fleet_for_ever() {
    assert_eq!(digest(), "c4d738006adcab7ffb391925700136f948added1537861d0cdcfc5e816af3e82");
}
