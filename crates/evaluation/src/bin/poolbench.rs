//! Prints how diagnosers do on the project's cases and on simulated evidence, or on the cases of the
//! folders that it is given, and what ours gets wrong.

use std::path::Path;

use poolwatch_evaluation::{
    cases,
    poolbench::{self, DIAGNOSERS},
    simulated::simulated_cases,
};

const SEED: u64 = 20_260_511;
const SIMULATED: usize = 800;

fn main() -> anyhow::Result<()> {
    let folders: Vec<String> = std::env::args().skip(1).collect();
    let mut sets = Vec::new();
    for folder in &folders {
        sets.push((folder.as_str(), cases::read_cases(Path::new(folder))?));
    }
    if sets.is_empty() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        sets.push(("project", cases::read_cases(&folder)?));
        sets.push(("simulated", simulated_cases(SEED, SIMULATED)));
    }
    poolbench::table(&sets).iter().for_each(|line| println!("{line}"));
    let (_, ours) = DIAGNOSERS[0];
    for (set, cases) in &sets {
        for (id, wrong) in poolbench::score(ours, cases).wrong {
            println!("{set}: {id}: {}", wrong.join("; "));
        }
    }
    Ok(())
}
