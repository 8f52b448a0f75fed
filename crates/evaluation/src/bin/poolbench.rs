//! Prints how diagnosers do on the project's cases and on simulated evidence, and what ours gets wrong.

use std::path::Path;

use poolwatch_evaluation::{
    cases,
    poolbench::{self, DIAGNOSERS},
    simulated::simulated_cases,
};

const SEED: u64 = 20_260_511;
const SIMULATED: usize = 800;

fn main() -> anyhow::Result<()> {
    let cases = cases::read_cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?;
    let sets = [("project", cases), ("simulated", simulated_cases(SEED, SIMULATED))];
    poolbench::table(&sets).iter().for_each(|line| println!("{line}"));
    let (_, ours) = DIAGNOSERS[0];
    for (set, cases) in &sets {
        for (id, wrong) in poolbench::score(ours, cases).wrong {
            println!("{set}: {id}: {}", wrong.join("; "));
        }
    }
    Ok(())
}
