//! A short evaluation: enough to notice a rule that broke, too little to prove a figure.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod cases;
mod fleets;
mod numbers;
mod tag_scans;

use poolwatch_evaluation::{
    fleet::Plan,
    halves::{Half, run},
    report::Figures,
};
use poolwatch_simulator::patterns::leaks::Family;

fn plans(half: Half, families: &[Option<Family>]) -> Vec<Plan> {
    families
        .iter()
        .enumerate()
        .map(|(group, family)| Plan {
            seed: half.seed(7),
            group: group as u64,
            hosts: 6,
            held_out: half == Half::HeldOut,
            family: *family,
        })
        .collect()
}

#[test]
fn healthy_hosts_have_no_incidents() {
    for half in [Half::Tuning, Half::HeldOut] {
        let results = run(&plans(half, &[None, None]));
        assert_eq!(results.false_incidents, Vec::<String>::new());
        assert_eq!(results.healthy_months, 12);
    }
}

#[test]
fn leaks_are_found_and_only_the_guilty_are_named() {
    let families = [Family::Handles, Family::Threads, Family::Fast].map(Some);
    let figures = Figures::of(&run(&plans(Half::Tuning, &families)));
    assert!(figures.recall.of >= 3, "{figures:?}");
    assert!(figures.recall.value() >= 0.7, "{figures:?}");
    assert!(figures.precision.of >= 3, "{figures:?}");
    assert_eq!(figures.precision.count, figures.precision.of, "{figures:?}");
}

#[test]
fn triggers_are_named_and_programs_that_merely_work_then_are_not() {
    let results =
        run(&plans(Half::Tuning, &[Family::TriggerInSessions, Family::Coincidence].map(Some)));
    let of = |family| results.leaks.iter().filter(move |leak| leak.family == family && leak.found);
    assert!(of(Family::TriggerInSessions).any(|leak| leak.named), "{:#?}", results.leaks);
    assert!(of(Family::Coincidence).count() > 0, "{:#?}", results.leaks);
    assert!(!of(Family::Coincidence).any(|leak| leak.named), "{:#?}", results.named);
    assert!(results.named.iter().all(|named| named.right), "{:?}", results.named);
}

#[test]
fn brokers_are_not_accused() {
    let results = run(&plans(Half::HeldOut, &[Some(Family::Broker)]));
    assert!(results.findings > 0);
    assert!(results.named.iter().all(|named| named.confidence < 0.5), "{:?}", results.named);
}

#[test]
fn the_same_seed_gives_the_same_fleet() {
    let plans = plans(Half::Tuning, &[Some(Family::Slow)]);
    let note = |results: &poolwatch_evaluation::study::Results| {
        results.leaks.iter().map(|leak| leak.note.clone()).collect::<Vec<_>>()
    };
    assert_eq!(note(&run(&plans)), note(&run(&plans)));
}
