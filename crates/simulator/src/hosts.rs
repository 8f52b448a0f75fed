//! Who the hosts of the fleet are.

mod facts;

pub(crate) use facts::Machine;

use std::sync::Arc;

use poolwatch_model::{Bytes, Pool, host::HostFacts};
use uuid::Uuid;

use crate::{
    boots::{Boots, DAY_S, HOUR_S, Reason},
    causes::{self, Cause},
    fleet::Scenario,
    random::{Dice, Subject},
    rhythm::Rhythm,
};

/// What a host is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Serves files.
    FileServer,
    /// Runs SQL Server.
    Sql,
    /// Serves web pages.
    Web,
    /// Runs an application.
    App,
    /// People work on it remotely.
    RemoteDesktop,
    /// Runs virtual machines.
    Hypervisor,
    /// Knows the domain's accounts.
    DomainController,
}

impl Role {
    /// How the names of its hosts begin.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::FileServer => "FS",
            Self::Sql => "SQL",
            Self::Web => "WEB",
            Self::App => "APP",
            Self::RemoteDesktop => "RDS",
            Self::Hypervisor => "HV",
            Self::DomainController => "DC",
        }
    }
}

/// The two kinds of Windows in the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 32-bit Windows Server 2003.
    Legacy,
    /// 64-bit Windows Server 2016 and later.
    Modern,
}

/// Everything about a host that chance decided before it runs.
#[derive(Debug)]
pub struct HostPlan {
    pub(crate) index: usize,
    /// What it is for.
    pub role: Role,
    /// Short name (`SQL-07`).
    pub name: String,
    /// What it tells about itself.
    pub facts: HostFacts,
    /// The agent's instance, the same for every run with this seed.
    pub instance_id: Uuid,
    /// Version of `foo.sys` that it ended up with.
    pub foo_version: Option<&'static str>,
    pub(crate) era: Era,
    pub(crate) ram: u64,
    pub(crate) page_file: u64,
    /// How wrong its wall clock is.
    pub(crate) skew_ms: i64,
    pub(crate) rhythm: Rhythm,
    pub(crate) boots: Boots,
    pub(crate) causes: Vec<Arc<dyn Cause>>,
}

impl HostPlan {
    /// What its tags use of a pool when warm.
    pub(crate) fn budget(&self, pool: Pool) -> u64 {
        if self.era == Era::Legacy {
            return match pool {
                Pool::Nonpaged => causes::CLASSIC_OTHER_NONPAGED,
                Pool::Paged => 62 << 20,
            };
        }
        let gigabytes = self.ram as f64 / f64::from(1 << 30);
        let of_16_gb = match pool {
            Pool::Nonpaged => 330 << 20,
            Pool::Paged => 420 << 20,
        };
        (f64::from(of_16_gb) * (gigabytes / 16.0).sqrt()) as u64
    }

    /// Physical memory.
    #[must_use]
    pub fn ram(&self) -> Bytes {
        Bytes(self.ram)
    }
}

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
pub(crate) const CLASSIC_HOST: usize = 0;
pub(crate) const PAGED_HOST: usize = 1;
pub(crate) const DRIVER_HOST: usize = 2;
pub(crate) const HIGH_USE_HOST: usize = 3;
pub(crate) const COMMIT_HOST: usize = 4;

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

/// The hosts of a fleet, in order.
pub(crate) fn plan(scenario: &Scenario) -> Vec<Arc<HostPlan>> {
    let mut numbers = std::collections::BTreeMap::new();
    (0..scenario.hosts)
        .map(|index| {
            let mut dice = Dice::new(scenario.seed, Subject::Host, index, 0);
            let (role, number) = match RESERVED.get(index) {
                Some(reserved) => (reserved.role, reserved.number),
                None => {
                    let role = draw_role(&mut dice);
                    (role, next_number(numbers.entry(role).or_insert(0), role))
                }
            };
            Arc::new(plan_host(scenario, index, role, number, &mut dice))
        })
        .collect()
}

fn draw_role(dice: &mut Dice) -> Role {
    let mut lot = dice.below(ROLES.iter().map(|(_, share)| share).sum());
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
    dice: &mut Dice,
) -> HostPlan {
    let name = format!("{}-{number:02}", role.prefix());
    let machine = facts::draw(scenario, index, role, &name, dice);
    let rhythm = Rhythm::new(scenario.epoch, machine.utc_offset_h);
    let planted = causes::plant(scenario, index, &machine);
    let starts = match planted.starts {
        Some(starts) => starts,
        None => starts(scenario, index, rhythm),
    };
    let skew_ms =
        if dice.chance(6) { dice.between(-90_000, 90_000) } else { dice.between(-400, 400) };
    let mut identity = Dice::new(scenario.seed, Subject::Identity, index, 0);
    let mut facts = machine.facts;
    facts.machine_guid = Some(identity.uuid());
    HostPlan {
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
        causes: planted.causes,
    }
}

/// Starts of a host without planted ones: updates by the week or the month, and a rare crash.
fn starts(scenario: &Scenario, index: usize, rhythm: Rhythm) -> Vec<(i64, Reason)> {
    let mut dice = Dice::new(scenario.seed, Subject::Boots, index, 0);
    let weeks = if dice.chance(15) { 1 } else { dice.between(4, 6) };
    let (weekday, hour) = (dice.between(5, 6), dice.between(1, 4));
    let oldest = -dice.between(3, weeks * 7) * DAY_S - dice.between(0, 7 * DAY_S);
    let mut starts = Vec::new();
    let mut next = rhythm.next_weekday_hour(oldest, weekday, hour) - weeks * 7 * DAY_S;
    while next < 90 * DAY_S {
        starts.push((next + dice.between(0, 40 * 60), Reason::Update));
        next += weeks * 7 * DAY_S;
    }
    if dice.chance(8) {
        starts.push((-dice.between(3 * HOUR_S, 44 * HOUR_S), Reason::Crash));
    }
    starts
}
