//! What makes hosts sick: one file per cause.

mod cause;
mod classic;
mod commit;
mod driver;
mod high_use;
mod paged;

use std::sync::Arc;

use crate::{
    boots::Reason,
    hosts::{Era, Machine},
    patterns::rng::{SeededRng, Subject},
    scenario::{CLASSIC_HOST, COMMIT_HOST, DRIVER_HOST, HIGH_USE_HOST, PAGED_HOST, Scenario},
};

pub(crate) use cause::{Cause, Causes, Moment};

/// What was planted on a host.
#[derive(Debug, Default)]
pub(crate) struct Planted {
    pub(crate) causes: Vec<Arc<dyn Cause>>,
    pub(crate) foo_version: Option<&'static str>,
    /// When it starts, where that is part of the plan.
    pub(crate) starts: Option<Vec<(i64, Reason)>>,
}

/// Plants what the scenario wants on a host.
pub(crate) fn plant(scenario: &Scenario, index: usize, machine: &Machine) -> Planted {
    let plant = scenario.plant;
    let mut rng = SeededRng::of_subject(scenario.seed, Subject::Causes, index, 0);
    let mut planted = Planted::default();
    if machine.era == Era::Modern {
        let chosen = index == DRIVER_HOST || (index > COMMIT_HOST && rng.percent_chance(40));
        let shared = if plant.driver && chosen {
            driver::Foo::leaking(machine.ram, index == DRIVER_HOST, &mut rng)
        } else {
            driver::Foo::healthy()
        };
        planted.foo_version = Some(shared.version());
        planted.starts = shared.starts(&mut rng);
        planted.causes.push(Arc::new(shared));
    }
    match index {
        CLASSIC_HOST if plant.classic => {
            planted.causes.push(Arc::new(classic::ThreadLeak));
            planted.starts = Some(classic::starts());
        }
        PAGED_HOST if plant.paged => {
            planted.causes.push(Arc::new(paged::TokenLeak));
            planted.starts = Some(paged::starts());
        }
        HIGH_USE_HOST if plant.high_use => planted.causes.push(Arc::new(high_use::NetworkBuffers)),
        COMMIT_HOST if plant.commit => {
            planted.causes.push(Arc::new(commit::ReportRun));
            planted.starts = Some(commit::starts());
        }
        _ => {}
    }
    planted
}
