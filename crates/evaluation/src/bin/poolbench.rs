//! Prints how diagnosers do on the project's cases, on simulated evidence and on generated inputs, or on
//! the cases of the folders that it is given, and what ours gets wrong.

use std::{env, path::Path, process::ExitCode};

use anyhow::Context;
use poolwatch_evaluation::{
    cases,
    generated::generated_cases,
    poolbench::{self, Score, scores},
    simulated::simulated_cases,
};

const SEED: u64 = 20_260_511;
const SIMULATED: usize = 900;
const GENERATED: usize = 10_000;
const USAGE: &str = "usage: poolwatch-poolbench [FOLDER…] or [GENERATED INPUTS] [SEED]";
/// Wrong answers of a set that are told.
const TOLD: usize = 60;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let is_number = |text: &String| text.parse::<u64>().is_ok();
    let sets = match arguments.first() {
        Some(first) if !is_number(first) => score_folders(&arguments)?,
        _ => score_all(&arguments)?,
    };
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

type Sets<'a> = Vec<(&'a str, Vec<Score>)>;

fn score_folders(folders: &[String]) -> anyhow::Result<Sets<'_>> {
    let mut sets = Vec::new();
    for folder in folders {
        let cases = cases::read_cases(Path::new(folder)).context(USAGE)?;
        sets.push((folder.as_str(), scores(&cases)));
    }
    Ok(sets)
}

fn score_all(arguments: &[String]) -> anyhow::Result<Sets<'_>> {
    let mut numbers = arguments.iter().map(|text| text.parse::<u64>());
    let mut number = |usual: u64| numbers.next().transpose().map(|n| n.unwrap_or(usual));
    let generated = number(GENERATED as u64).context(USAGE)? as usize;
    let seed = number(SEED).context(USAGE)?;
    let cases = cases::read_cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?;
    Ok(vec![
        ("project", scores(&cases)),
        ("simulated", scores(simulated_cases(seed, SIMULATED))),
        ("generated", scores(generated_cases(seed, generated))),
    ])
}
