//! Prints how diagnosers do on the project's cases, on simulated evidence and on generated inputs, and
//! what ours gets wrong.

use std::{env, path::Path, process::ExitCode};

use anyhow::Context;
use poolwatch_evaluation::{
    cases::{self, Case},
    generated::generated_cases,
    poolbench::{self, DIAGNOSERS, Score},
    simulated::simulated_cases,
};

const SEED: u64 = 20_260_511;
const SIMULATED: usize = 900;
const GENERATED: usize = 10_000;

fn main() -> anyhow::Result<ExitCode> {
    let mut numbers = env::args().skip(1).map(|text| text.parse::<u64>());
    let mut number = |usual: u64| numbers.next().transpose().map(|n| n.unwrap_or(usual));
    let usage = "usage: poolwatch-poolbench [GENERATED INPUTS] [SEED]";
    let generated = number(GENERATED as u64).context(usage)? as usize;
    let seed = number(SEED).context(usage)?;
    let cases = cases::read_cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?;
    let scores = |cases: &dyn Fn() -> Box<dyn Iterator<Item = Case>>| -> Vec<Score> {
        DIAGNOSERS.iter().map(|(_, diagnoser)| poolbench::score(*diagnoser, cases())).collect()
    };
    let sets = [
        ("project", scores(&|| Box::new(cases.clone().into_iter()))),
        ("simulated", scores(&|| Box::new(simulated_cases(seed, SIMULATED).into_iter()))),
        ("generated", scores(&|| Box::new(generated_cases(seed, generated)))),
    ];
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

/// Wrong answers of a set that are told.
const TOLD: usize = 60;
