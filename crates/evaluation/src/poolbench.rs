//! PoolBench: diagnosers set against cases and simulated evidence of which the truth is known.

use std::{borrow::Borrow, cmp::Reverse};

use poolwatch_analysis::catalogue;
use poolwatch_evidence::CombinedEvidence;
use poolwatch_model::{Pool, Snapshot, diagnosis::Verdict};

use crate::cases::{self, Answer, Case};

/// From here on a threshold alarm rings: of a pool, and of a tag.
const ALARM_POOL: u64 = 2 << 30;
const ALARM_TAG: u64 = 512 << 20;

/// Says what is wrong with a machine.
pub type Diagnoser = fn(&CombinedEvidence) -> Answer;

/// The diagnosers that are compared, with their names.
pub const DIAGNOSERS: [(&str, Diagnoser); 4] = [
    ("Poolwatch", cases::diagnose),
    ("largest tag", largest_tag),
    ("most handles", most_handles),
    ("threshold", threshold),
];

/// How a diagnoser does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Score {
    /// Cases.
    pub cases: usize,
    /// Those judged rightly in everything.
    pub right: usize,
    /// Those in which an innocent program or driver is accused.
    pub false_blames: usize,
    /// Those that are called well and are not.
    pub false_all_clears: usize,
    /// What is wrong where it blames or clears falsely, by case.
    pub misled: Vec<(String, Vec<String>)>,
    /// What is wrong, by case.
    pub wrong: Vec<(String, Vec<String>)>,
}

/// Scores a diagnoser.
pub fn score<C: Borrow<Case>>(diagnoser: Diagnoser, cases: impl IntoIterator<Item = C>) -> Score {
    let mut score = Score::default();
    for case in cases {
        let case = case.borrow();
        score.add(case, &case.read(), diagnoser);
    }
    score
}

/// Scores all diagnosers, ours first. Each case is read once.
pub fn scores<C: Borrow<Case>>(cases: impl IntoIterator<Item = C>) -> Vec<Score> {
    let mut scores = vec![Score::default(); DIAGNOSERS.len()];
    for case in cases {
        let case = case.borrow();
        let combined = case.read();
        for (score, (_, diagnoser)) in scores.iter_mut().zip(DIAGNOSERS) {
            score.add(case, &combined, diagnoser);
        }
    }
    scores
}

impl Score {
    fn add(&mut self, case: &Case, combined: &CombinedEvidence, diagnoser: Diagnoser) {
        let is_ours = std::ptr::fn_addr_eq(diagnoser, cases::diagnose as Diagnoser);
        let answer = diagnoser(combined);
        let wrong = case.expected.wrongs(&answer, is_ours);
        let blames = case.expected.false_blames(&answer).next().is_some();
        let clears = case.expected.is_false_all_clear(&answer);
        self.cases += 1;
        self.right += usize::from(wrong.is_empty());
        self.false_blames += usize::from(blames);
        self.false_all_clears += usize::from(clears);
        if blames || clears {
            self.misled.push((case.id.clone(), wrong.clone()));
        }
        if !wrong.is_empty() {
            self.wrong.push((case.id.clone(), wrong));
        }
    }
}

/// A table of all diagnosers over all sets of cases, as Markdown. `scores` are those of a set by the
/// diagnosers in their order.
#[must_use]
pub fn table(sets: &[(&str, Vec<Score>)]) -> Vec<String> {
    let mut lines = vec![
        "| Cases | Diagnoser | Right | False blames | False all-clears |".to_owned(),
        "|---|---|---:|---:|---:|".to_owned(),
    ];
    for (set, scores) in sets {
        for ((name, _), of) in DIAGNOSERS.iter().zip(scores) {
            lines.push(format!(
                "| {set} | {name} | {} of {} | {} | {} |",
                of.right, of.cases, of.false_blames, of.false_all_clears
            ));
        }
    }
    lines
}

fn last(combined: &CombinedEvidence) -> Option<&Snapshot> {
    combined.snapshots.last().map(|moment| &moment.snapshot)
}

/// The largest tag and its pool, bytes and owner.
fn largest(snapshot: &Snapshot) -> Option<(String, Pool, u64, Option<String>)> {
    let rows = &snapshot.tags.as_ref()?.rows;
    let each =
        rows.iter().flat_map(|row| Pool::ALL.map(|pool| (row.tag, pool, row.of(pool).bytes)));
    let (tag, pool, bytes) = each.max_by_key(|(_, _, bytes)| *bytes)?;
    let owner = catalogue::entry(tag).map(|entry| entry.owner);
    let driver = owner.filter(|owner| owner.ends_with(".sys")).map(ToOwned::to_owned);
    Some((tag.to_string().trim().to_owned(), pool, bytes, driver))
}

/// Blames the owner of the largest tag, as poolmon sorted by bytes suggests.
fn largest_tag(combined: &CombinedEvidence) -> Answer {
    let Some((tag, pool, _, driver)) = last(combined).and_then(largest) else {
        return Answer::default();
    };
    let accused: Vec<String> = driver.into_iter().collect();
    Answer {
        verdict: Verdict::Leak,
        pool: Some(pool.as_str().to_owned()),
        tags: vec![tag],
        suspected: accused.clone(),
        accused,
        ..Answer::default()
    }
}

/// Blames the program with the most handles.
fn most_handles(combined: &CombinedEvidence) -> Answer {
    let processes = last(combined).and_then(|snapshot| snapshot.processes.as_deref());
    let most = processes.unwrap_or_default().iter().min_by_key(|one| Reverse(one.handles));
    let Some(most) = most.filter(|one| one.handles.is_some()) else { return Answer::default() };
    Answer {
        verdict: Verdict::Leak,
        accused: vec![most.image.clone()],
        suspected: vec![most.image.clone()],
        ..Answer::default()
    }
}

/// Rings at fixed sizes and blames nobody, as alarms of monitoring systems do.
fn threshold(combined: &CombinedEvidence) -> Answer {
    let Some(snapshot) = last(combined) else { return Answer::default() };
    let mut pools = Pool::ALL.into_iter();
    let full = pools.find(|pool| snapshot.memory.of(*pool).is_some_and(|b| b.0 >= ALARM_POOL));
    let tag = largest(snapshot).filter(|(_, _, bytes, _)| *bytes >= ALARM_TAG);
    let pool = full.or(tag.as_ref().map(|(_, pool, _, _)| *pool));
    Answer {
        verdict: if pool.is_some() { Verdict::Leak } else { Verdict::NoLeakShown },
        pool: pool.map(|pool| pool.as_str().to_owned()),
        tags: tag.into_iter().map(|(tag, ..)| tag).collect(),
        ..Answer::default()
    }
}
