//! The hosts of a fleet as chance decides them, with what is planted on each.

mod machine;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    boots::{Boots, DAY_S, HOUR_S, Reason},
    causes::{self, Causes},
    hosts::{HostPlan, Role},
    patterns::load::Rhythm,
    patterns::rng::{SeededRng, Subject},
    scenario::Scenario,
};

/// A host whose place in the fleet is settled: it is where a cause is planted.
struct Reserved {
    role: Role,
    number: usize,
}

/// The first hosts of every fleet.
const RESERVED: [Reserved; 5] = [
    Reserved { role: Role::FileServer, number: 2 },
    Reserved { role: Role::App, number: 11 },
    Reserved { role: Role::Sql, number: 7 },
    Reserved { role: Role::Hypervisor, number: 3 },
    Reserved { role: Role::RemoteDesktop, number: 5 },
];

/// Roles of a hundred other hosts, in shares.
const ROLES: [(Role, u64); 7] = [
    (Role::App, 28),
    (Role::Web, 22),
    (Role::Sql, 16),
    (Role::FileServer, 12),
    (Role::RemoteDesktop, 10),
    (Role::Hypervisor, 8),
    (Role::DomainController, 4),
];

/// A host and what is planted on it.
pub(crate) struct PlannedHost {
    pub(crate) plan: Arc<HostPlan>,
    pub(crate) causes: Causes,
}

/// The hosts of a fleet, in order.
pub(crate) fn plan_hosts(scenario: &Scenario) -> Vec<PlannedHost> {
    let mut numbers = BTreeMap::new();
    (0..scenario.hosts)
        .map(|index| {
            let mut rng = SeededRng::of_subject(scenario.seed, Subject::Host, index, 0);
            let (role, number) = match RESERVED.get(index) {
                Some(reserved) => (reserved.role, reserved.number),
                None => {
                    let role = draw_role(&mut rng);
                    (role, next_number(numbers.entry(role).or_insert(0), role))
                }
            };
            plan_host(scenario, index, role, number, &mut rng)
        })
        .collect()
}

fn draw_role(rng: &mut SeededRng) -> Role {
    let mut lot = rng.integer_below(ROLES.iter().map(|(_, share)| share).sum());
    for (role, share) in ROLES {
        if lot < share {
            return role;
        }
        lot -= share;
    }
    Role::App
}

fn next_number(last: &mut usize, role: Role) -> usize {
    *last += 1;
    while RESERVED.iter().any(|taken| taken.role == role && taken.number == *last) {
        *last += 1;
    }
    *last
}

fn plan_host(
    scenario: &Scenario,
    index: usize,
    role: Role,
    number: usize,
    rng: &mut SeededRng,
) -> PlannedHost {
    let name = format!("{}-{number:02}", role.prefix());
    let machine = machine::draw_machine(scenario, index, role, &name, rng);
    let rhythm = Rhythm::new(scenario.epoch, machine.utc_offset_h);
    let planted = causes::plant(scenario, index, &machine);
    let starts = match planted.starts {
        Some(starts) => starts,
        None => starts(scenario, index, rhythm),
    };
    let skew_ms = if rng.percent_chance(6) {
        rng.integer_between(-90_000, 90_000)
    } else {
        rng.integer_between(-400, 400)
    };
    let mut identity = SeededRng::of_subject(scenario.seed, Subject::Identity, index, 0);
    let mut facts = machine.facts;
    facts.machine_guid = Some(identity.uuid());
    let plan = HostPlan {
        index,
        role,
        name,
        facts,
        instance_id: identity.uuid(),
        foo_version: planted.foo_version,
        era: machine.era,
        ram: machine.ram,
        page_file: machine.page_file,
        skew_ms,
        rhythm,
        boots: Boots::new(scenario.seed, index, starts),
    };
    PlannedHost { plan: Arc::new(plan), causes: planted.causes.into() }
}

/// Starts of a host without planted ones: updates by the week or the month, and a rare crash.
fn starts(scenario: &Scenario, index: usize, rhythm: Rhythm) -> Vec<(i64, Reason)> {
    let mut rng = SeededRng::of_subject(scenario.seed, Subject::Boots, index, 0);
    let weeks = if rng.percent_chance(15) { 1 } else { rng.integer_between(4, 6) };
    let (weekday, hour) = (rng.integer_between(5, 6), rng.integer_between(1, 4));
    let oldest = -rng.integer_between(3, weeks * 7) * DAY_S - rng.integer_between(0, 7 * DAY_S);
    let mut starts = Vec::new();
    let mut next = rhythm.next_weekday_hour(oldest, weekday, hour) - weeks * 7 * DAY_S;
    while next < 90 * DAY_S {
        starts.push((next + rng.integer_between(0, 40 * 60), Reason::Update));
        next += weeks * 7 * DAY_S;
    }
    if rng.percent_chance(8) {
        starts.push((-rng.integer_between(3 * HOUR_S, 44 * HOUR_S), Reason::Crash));
    }
    starts
}
