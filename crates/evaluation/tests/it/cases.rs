//! The project's cases and simulated evidence, judged.

use std::path::Path;

use poolwatch_evaluation::{
    cases::{self, Case},
    generated::generated_cases,
    poolbench::{DIAGNOSERS, score},
    simulated::{healthy_cases, simulated_cases},
};

fn project_cases() -> Vec<Case> {
    cases::read_cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).unwrap()
}

#[test]
fn the_projects_cases_are_judged_rightly() {
    let cases = project_cases();
    assert!(cases.len() >= 40, "{}", cases.len());
    let score = score(cases::diagnose, &cases);
    assert_eq!(score.wrong, []);
    assert_eq!((score.false_blames, score.false_all_clears), (0, 0), "{:#?}", score.wrong);
}

#[test]
fn healthy_machines_with_chance_matches_accuse_nobody() {
    let score = score(cases::diagnose, healthy_cases(7, 2_000));
    assert_eq!(score.wrong, [], "{} of {} right", score.right, score.cases);
}

#[test]
fn simulated_evidence_is_judged_rightly_and_simpler_diagnosers_are_not_better() {
    let cases = simulated_cases(11, 400);
    let ours = score(cases::diagnose, &cases);
    assert_eq!(ours.wrong, []);
    for (name, diagnoser) in &DIAGNOSERS[1..] {
        let other = score(*diagnoser, &cases);
        assert!(other.right < ours.right, "{name}: {other:?}");
    }
}

#[test]
fn generated_inputs_blame_nobody_falsely_and_call_nothing_well_that_is_not() {
    let score = score(cases::diagnose, generated_cases(3, 600));
    assert_eq!(score.misled, []);
    // What is wrong besides is not read, or not decided.
    assert!(
        score.right * 100 >= score.cases * 95,
        "{} of {}: {:#?}",
        score.right,
        score.cases,
        score.wrong
    );
}
