//! Prints how diagnosers do on the project's cases, on simulated evidence and on generated inputs, or on
//! the cases of the folders that it is given, and what ours gets wrong. A number instead of folders is
//! that of the generated inputs.

use std::{env, path::Path, process::ExitCode};

use poolwatch_evaluation::{
    cases::{self, Case},
    generated::generated_cases,
    poolbench::{self, DIAGNOSERS, Score},
    simulated::simulated_cases,
};

const SEED: u64 = 20_260_511;
const SIMULATED: usize = 900;
const GENERATED: usize = 10_000;
/// Wrong answers of a set that are told.
const TOLD: usize = 60;

fn main() -> anyhow::Result<ExitCode> {
    let (numbers, folders): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|text| text.parse::<usize>().is_ok());
    let generated = numbers.first().and_then(|text| text.parse().ok()).unwrap_or(GENERATED);
    let mut sets = Vec::new();
    for folder in &folders {
        let cases = cases::read_cases(Path::new(folder))?;
        sets.push((folder.as_str(), scores(&|| Box::new(cases.clone().into_iter()))));
    }
    if folders.is_empty() {
        let cases = cases::read_cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?;
        sets.push(("project", scores(&|| Box::new(cases.clone().into_iter()))));
        let simulated = || -> Cases { Box::new(simulated_cases(SEED, SIMULATED).into_iter()) };
        sets.push(("simulated", scores(&simulated)));
        sets.push(("generated", scores(&|| Box::new(generated_cases(SEED, generated)))));
    }
    poolbench::table(&sets).iter().for_each(|line| println!("{line}"));
    let mut misleads = false;
    for (set, scores) in &sets {
        let ours = &scores[0];
        misleads |= !ours.misled.is_empty();
        for (id, wrong) in &ours.misled {
            println!("{set}: MISLEADS: {id}: {}", wrong.join("; "));
        }
        for (id, wrong) in ours.wrong.iter().take(TOLD) {
            println!("{set}: {id}: {}", wrong.join("; "));
        }
    }
    Ok(if misleads { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

type Cases = Box<dyn Iterator<Item = Case>>;

/// The scores of all diagnosers on some cases, which are made anew for each.
fn scores(cases: &dyn Fn() -> Cases) -> Vec<Score> {
    DIAGNOSERS.iter().map(|(_, diagnoser)| poolbench::score(*diagnoser, cases())).collect()
}
