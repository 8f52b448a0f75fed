//! Prints what the judgement is worth, and fails when it is worth too little.

use std::{env, path::Path, process::ExitCode};

use anyhow::Context;
use poolwatch_analysis::confidence::NAMED;
use poolwatch_detection::bounds::{
    AGAIN_AFTER, DIAGNOSED_EVERY, FINE_WINDOW, SCREENED_EVERY, WINDOW,
};
use poolwatch_evaluation::{
    cases,
    halves::{self, Half},
    poolbench,
    report::{self, Figures},
    tag_scans,
};
use serde_json::json;

/// Groups of twenty healthy hosts, and of each family, in each half.
const HEALTHY_GROUPS: usize = 100;
const OF_FAMILY: usize = 4;
const SEED: u64 = 20_260_304;

fn main() -> anyhow::Result<ExitCode> {
    let mut numbers = env::args().skip(1).map(|text| text.parse::<u64>());
    let mut number = |usual: u64| numbers.next().transpose().map(|n| n.unwrap_or(usual));
    let usage = "usage: poolwatch-eval [HEALTHY GROUPS] [GROUPS OF EACH FAMILY] [SEED]";
    let healthy = number(HEALTHY_GROUPS as u64).context(usage)? as usize;
    let of_family = number(OF_FAMILY as u64).context(usage)? as usize;
    let seed = number(SEED).context(usage)?;
    println!(
        "detection: {WINDOW:#} back, {FINE_WINDOW:#} of them by ten minutes; screened every \
         {SCREENED_EVERY:#}, diagnosed every {DIAGNOSED_EVERY:#} with news, else every {AGAIN_AFTER:#}"
    );
    let mut told = serde_json::Map::new();
    let mut missed = Vec::new();
    for (half, name) in [(Half::Tuning, "tuning"), (Half::HeldOut, "held_out")] {
        let results = halves::run(&half.plans(seed, healthy, of_family));
        let figures = Figures::of(&results);
        let (all, glances) = results.diagnoses;
        println!(
            "\n{name}: {} months of hosts, {all} diagnoses, {glances} of them of candidates alone",
            results.months
        );
        figures.lines().iter().for_each(|line| println!("{line}"));
        println!();
        report::recall_table(&results).iter().for_each(|line| println!("{line}"));
        println!();
        report::by_family(&results, half.families()).iter().for_each(|line| println!("{line}"));
        if half == Half::HeldOut {
            missed = figures.missed();
        }
        // What went wrong in the tuning half may be looked at.
        if half == Half::Tuning {
            results.false_incidents.iter().for_each(|one| println!("false: {one}"));
            let missing = results.leaks.iter().filter(|leak| leak.counts && !leak.found);
            missing.for_each(|leak| println!("missed: {}", leak.note));
            let wrong = results.named.iter().filter(|one| !one.right);
            wrong.filter(|one| one.confidence >= NAMED).for_each(|one| {
                println!("wrong: {}", one.note);
            });
        }
        told.insert(name.into(), json!(figures));
    }
    let (lines, all_right, summary) = real_cases()?;
    lines.iter().for_each(|line| println!("{line}"));
    if !all_right {
        missed.push("a case misleads".into());
    }
    told.insert("cases".into(), summary);
    let scans = tag_scans::score(seed);
    println!(
        "\ntag scan: of {} tags of drivers, {} have theirs first, {} among the first three",
        scans.tags, scans.first, scans.among_three
    );
    missed.extend(scans.missed());
    told.insert("tag_scans".into(), json!(scans));
    told.insert("missed".into(), json!(missed));
    println!();
    for target in &missed {
        println!("MISSED: {target}");
    }
    println!("{}", serde_json::Value::Object(told));
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The project's cases.
fn real_cases() -> anyhow::Result<(Vec<String>, bool, serde_json::Value)> {
    let cases = cases::read_cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))?;
    let score = poolbench::score(cases::diagnose, &cases);
    let mut lines = vec![format!("\ncases: {} of {} right", score.right, score.cases)];
    lines.extend(score.wrong.iter().map(|(id, wrong)| format!("{id}: {}", wrong.join("; "))));
    // Some are not read yet; nobody may be misled by any.
    let misleads = score.false_blames + score.false_all_clears > 0;
    let summary = json!({
        "right": score.right,
        "of": score.cases,
        "false_blames": score.false_blames,
        "false_all_clears": score.false_all_clears,
    });
    Ok((lines, !misleads, summary))
}
