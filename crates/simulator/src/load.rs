//! Frames for load tests: what a snapshot says is encoded once for many hosts, and becomes a host's
//! own by the header put before it.

mod figures;
mod host;
mod splice;
mod template;

use jiff::Timestamp;
use poolwatch_model::host::{Arch, HostFacts, OsVersion};
use poolwatch_protocol::limits::DELTA_CHAIN;
use uuid::Uuid;

pub use self::host::{Disorder, LoadHost};
use self::{figures::Figures, host::Timing, template::Template};

/// Hosts of one template measure the same figures. There are as many templates as a chain of frames
/// has places, and each begins its chains at another step: at any time the same share of hosts
/// sends key frames, as in a fleet that has run for long.
const TEMPLATES: usize = DELTA_CHAIN as usize + 1;

/// A fleet that sends as many frames as a server can take.
#[derive(Debug)]
pub struct LoadFleet {
    seed: u64,
    hosts: u32,
    interval_ms: u32,
    templates: Vec<Template>,
}

impl LoadFleet {
    /// A fleet of `hosts`, each of which takes a frame per interval.
    #[must_use]
    pub fn new(seed: u64, hosts: u32, interval_ms: u32) -> Self {
        let templates = (0..TEMPLATES).map(|at| Template::new(Figures::new(seed, at))).collect();
        Self { seed, hosts, interval_ms, templates }
    }

    /// Values in a snapshot: counters of tags and of processes.
    #[must_use]
    pub const fn values_per_snapshot() -> u64 {
        figures::VALUES
    }

    /// One of its hosts, whose first frame is taken during the interval after `first`: another
    /// boot for every such time.
    #[must_use]
    pub fn host(&self, index: u32, first: Timestamp) -> LoadHost {
        let timing = Timing { hosts: self.hosts, interval_ms: self.interval_ms, first };
        LoadHost::new(self.seed, index, timing)
    }

    /// Who a host says it is: the same in every run of a seed.
    #[must_use]
    pub fn identity(&self, index: u32) -> (Uuid, HostFacts) {
        let facts = HostFacts {
            fqdn: format!("load-{}-{index:06}.contoso.test", self.seed),
            os: Some(OsVersion {
                product: "Windows Server 2022".into(),
                major: 10,
                minor: 0,
                build: 20_348,
                revision: 2762,
                arch: Arch::X64,
            }),
            physical: Some(figures::PHYSICAL),
            site: Some(["Berlin", "London", "Boston", "Singapore"][index as usize % 4].into()),
            agent_version: Some(env!("CARGO_PKG_VERSION").into()),
            ..HostFacts::default()
        };
        (host::instance_id(self.seed, index), facts)
    }

    /// The next frame of a host.
    pub fn next_frame(&mut self, host: &mut LoadHost) -> Vec<u8> {
        let place = host.index() as usize % TEMPLATES;
        let is_key = host.needs_key() || host.step() % TEMPLATES as u64 == place as u64;
        let sections = self.templates[place].sections(host.step(), is_key);
        host.frame(&sections, is_key)
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_protocol::v1::{Decoder, Envelope, frame::decompress};

    use super::*;

    fn first() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    #[test]
    fn every_host_sends_chains_that_decode_to_what_its_template_measured() {
        let mut fleet = LoadFleet::new(1, 200, 60_000);
        for index in [0, 1, 59, 60, 199] {
            let mut host = fleet.host(index, first());
            let mut decoder = Decoder::default();
            let mut keys = Vec::new();
            for step in 0..130 {
                let frame = fleet.next_frame(&mut host);
                if Envelope::parse(&decompress(&frame).unwrap()).unwrap().base.is_none() {
                    keys.push(step);
                }
                let taken = decoder.decode(&frame).unwrap();
                assert_eq!(taken.stamp.seq, step + 1);
                let template = &fleet.templates[index as usize % TEMPLATES];
                assert_eq!(taken.snapshot, template.snapshot(step));
            }
            let place = u64::from(index) % 60;
            let expected: Vec<u64> = (0..130).filter(|s| *s == 0 || s % 60 == place).collect();
            assert_eq!(keys, expected);
        }
    }

    #[test]
    fn a_snapshot_has_ten_thousand_values_of_which_a_quarter_changes() {
        let fleet = LoadFleet::new(1, 60, 60_000);
        let template = &fleet.templates[3];
        let (one, two) = (template.snapshot(7), template.snapshot(8));
        let (one, two) = (one.tags.unwrap().rows, two.tags.unwrap().rows);
        assert_eq!(one.len() as u64 * 6 + 200 * 5, LoadFleet::values_per_snapshot());
        let changed = one.iter().zip(&two).filter(|(one, two)| one != two).count();
        assert!((330..=420).contains(&changed), "{changed}");
    }

    #[test]
    fn frames_are_as_large_as_those_of_agents() {
        let mut fleet = LoadFleet::new(1, 60, 60_000);
        let mut host = fleet.host(30, first());
        let key = fleet.next_frame(&mut host).len();
        let deltas: usize = (1..30).map(|_| fleet.next_frame(&mut host).len()).sum();
        let delta = deltas / 29;
        println!("key frame {key} bytes, delta frame {delta} bytes");
        assert!((12_000..30_000).contains(&key), "{key}");
        assert!((1500..2600).contains(&delta), "{delta}");
    }
}
