//! What detection finds in a month of a group of hosts, set against what was planted.

use std::collections::BTreeSet;

use poolwatch_analysis::confidence::{NAMED, named_trigger};
use poolwatch_detection::{HostDiagnosis, case::is_wrong};
use poolwatch_model::{
    PoolTag,
    diagnosis::{Diagnosis, Suspect, SuspectKind, TagFinding, Verdict},
};

use poolwatch_simulator::patterns::{
    leaks::{Culprit, Family},
    load::DAY,
};

use crate::{
    fleet::{self, Host, Plan, Planted},
    month::pass_month,
};

/// How a planted leak was judged.
#[derive(Debug, Clone)]
pub struct LeakResult {
    /// Its family.
    pub family: Family,
    /// Longest growth in one run over what counts, as a multiple.
    pub size: f64,
    /// How long that took, days.
    pub days: f64,
    /// Whether it grew for a day by more than counts.
    pub counts: bool,
    /// Whether it was called a leak.
    pub found: bool,
    /// Whether somebody was named for it: a culprit or a trigger.
    pub named: bool,
    /// Whether it was listed as worth watching before that, or instead of it.
    pub watched: bool,
    /// Hours from when it counted until it was found; negative when earlier.
    pub delay_h: Option<f64>,
    /// What it was, for people.
    pub note: String,
}

/// Somebody who was named.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// How sure.
    pub confidence: f32,
    /// Whether it was the guilty one.
    pub right: bool,
    /// What happened, for people.
    pub note: String,
}

/// What was judged of a group.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// Months of hosts without a leak.
    pub healthy_months: u32,
    /// Months of all hosts.
    pub months: u32,
    /// Incidents that were none, one for each host and cause.
    pub false_incidents: Vec<String>,
    /// Planted leaks.
    pub leaks: Vec<LeakResult>,
    /// First suspects of right findings, with a name: programs and drivers.
    pub named: Vec<Named>,
    /// Right findings in all.
    pub findings: u32,
    /// Right findings for which somebody was accused.
    pub accused: u32,
    /// Diagnoses that were made, and how many of these looked at candidates alone.
    pub diagnoses: (u64, u64),
}

impl Results {
    /// Takes another group's in.
    pub fn extend(&mut self, other: Self) {
        self.healthy_months += other.healthy_months;
        self.months += other.months;
        self.false_incidents.extend(other.false_incidents);
        self.leaks.extend(other.leaks);
        self.named.extend(other.named);
        self.findings += other.findings;
        self.accused += other.accused;
        self.diagnoses.0 += other.diagnoses.0;
        self.diagnoses.1 += other.diagnoses.1;
    }
}

/// A cause that was found on one host.
struct Found {
    slot: usize,
    diagnosis: Diagnosis,
    tag: PoolTag,
    tags: BTreeSet<PoolTag>,
    /// Everybody who was named for it first at some time, each where most surely.
    named: Vec<Suspect>,
}

/// What was found on one host in a month.
#[derive(Default)]
struct HostFindings {
    found: Vec<Found>,
    /// When tags were listed as worth watching.
    watched: BTreeSet<(usize, PoolTag)>,
}

/// Lets a month pass over a group, and scores what was found.
#[must_use]
pub fn run(plan: Plan) -> Results {
    let hosts = fleet::group(plan);
    let mut results = Results::default();
    let mut findings: Vec<HostFindings> = hosts.iter().map(|_| HostFindings::default()).collect();
    pass_month(&hosts, |slot, at, diagnosis| {
        results.diagnoses.0 += 1;
        results.diagnoses.1 += u64::from(diagnosis.is_glance);
        findings[at].take(slot, diagnosis);
    });
    for (at, (host, findings)) in hosts.iter().zip(&findings).enumerate() {
        score_host(plan, at, host, findings, &mut results);
    }
    results
}

impl HostFindings {
    /// Takes a diagnosis in. Each cause counts once, whoever is named for it.
    fn take(&mut self, slot: usize, diagnosis: &HostDiagnosis) {
        for one in &diagnosis.diagnoses {
            let watched = one.tags.iter().filter(|tag| tag.finding == TagFinding::Watched);
            self.watched.extend(watched.map(|tag| (slot, tag.tag)));
            if !is_wrong(one) {
                continue;
            }
            let told = one
                .tags
                .iter()
                .filter(|tag| matches!(tag.finding, TagFinding::Leaks | TagFinding::HighUse));
            let tags: BTreeSet<PoolTag> = told.map(|tag| tag.tag).collect();
            let Some(tag) = one.tags.first().map(|tag| tag.tag) else { continue };
            let is_it = |known: &&mut Found| {
                known.diagnosis.verdict == one.verdict && !known.tags.is_disjoint(&tags)
            };
            if let Some(known) = self.found.iter_mut().find(is_it) {
                known.name(one);
                continue;
            }
            let diagnosis = one.clone();
            let mut found = Found { slot, diagnosis, tag, tags, named: Vec::new() };
            found.name(one);
            self.found.push(found);
        }
    }
}

impl Found {
    fn name(&mut self, diagnosis: &Diagnosis) {
        let first = diagnosis.suspects.first().filter(|first| first.name.is_some());
        // A trigger stands behind whoever leaks, and is told as well.
        let trigger = named_trigger(diagnosis);
        for one in first.into_iter().chain(trigger) {
            let is_it = |known: &&mut Suspect| (known.kind, &known.name) == (one.kind, &one.name);
            match self.named.iter_mut().find(is_it) {
                Some(known) if known.confidence >= one.confidence => {}
                Some(known) => *known = one.clone(),
                None => self.named.push(one.clone()),
            }
        }
    }
}

fn score_host(plan: Plan, at: usize, host: &Host, findings: &HostFindings, results: &mut Results) {
    results.months += 1;
    results.healthy_months += u32::from(host.leaks.is_empty());
    let mut has_name = vec![false; host.leaks.len()];
    for one in &findings.found {
        match host.leaks.iter().position(|leak| is_of(one, leak)) {
            Some(place) => {
                let leak = &host.leaks[place];
                results.findings += 1;
                let named: Vec<Named> =
                    one.named.iter().filter_map(|who| named(plan, at, host, leak, who)).collect();
                // Whoever was accused counts; of hints alone, the surest.
                let surest = named.iter().map(|one| one.confidence).fold(0.0, f32::max);
                let counts = |one: &Named| one.confidence >= NAMED.min(surest);
                results.accused += u32::from(surest >= NAMED);
                has_name[place] |= surest >= NAMED;
                results.named.extend(named.into_iter().filter(counts));
            }
            None if is_known_height(host, one) => {}
            None => results.false_incidents.push(format!(
                "seed {} group {} host {at} day {:.1}: {} {} {:?}",
                plan.seed,
                plan.group,
                one.slot as f64 / DAY as f64,
                one.diagnosis.verdict.as_str(),
                one.tag,
                one.diagnosis.evidence.first(),
            )),
        }
    }
    for (leak, named) in host.leaks.iter().zip(has_name) {
        let first = findings.found.iter().find(|one| is_of(one, leak)).map(|one| one.slot);
        results.leaks.push(LeakResult {
            family: leak.family,
            size: leak.longest.1 / leak.threshold,
            days: leak.longest.0 as f64 / DAY as f64,
            counts: leak.due.is_some(),
            found: first.is_some(),
            named,
            watched: findings.watched.iter().any(|(slot, tag)| {
                leak.tags.contains(tag)
                    && (leak.from..first.unwrap_or(leak.to + DAY)).contains(slot)
            }),
            delay_h: first.zip(leak.due).map(|(f, due)| (f as f64 - due as f64) / 6.0),
            note: note(plan, at, host, leak),
        });
    }
}

fn note(plan: Plan, at: usize, host: &Host, leak: &Planted) -> String {
    let day = |slot: usize| slot as f64 / DAY as f64;
    let runs: Vec<String> = host
        .slots
        .iter()
        .enumerate()
        .filter(|(_, run)| run.is_some_and(|(_, up)| up <= 1))
        .map(|(slot, _)| format!("{:.1}", day(slot)))
        .collect();
    format!(
        "seed {} group {} host {at}: {} {} day {:.1} to {:.1}, {:.0} MB of {:.0}, due {:.1}, restarts {runs:?}",
        plan.seed,
        plan.group,
        leak.family.as_str(),
        leak.tags[0],
        day(leak.from),
        day(leak.to),
        leak.bytes / 1e6,
        leak.threshold / 1e6,
        leak.due.map_or(f64::NAN, day),
    )
}

fn is_of(found: &Found, leak: &Planted) -> bool {
    found.tags.contains(&leak.tags[0])
        && matches!(found.diagnosis.verdict, Verdict::Leak | Verdict::Exhausted)
        && found.slot >= leak.from
}

/// Whether high use is what was planted, or what a leak that stopped has left.
fn is_known_height(host: &Host, found: &Found) -> bool {
    let left = |leak: &Planted| leak.tags.contains(&found.tag) && found.slot >= leak.from;
    found.diagnosis.verdict == Verdict::HighUse
        && (host.high_use == Some(found.tag) || host.leaks.iter().any(left))
}

/// Whether somebody was named rightly.
fn named(plan: Plan, at: usize, host: &Host, leak: &Planted, first: &Suspect) -> Option<Named> {
    let name = first.name.clone()?;
    if matches!(first.kind, SuspectKind::Component | SuspectKind::KernelReference) {
        return None;
    }
    let kind = match leak.culprit {
        Culprit::Driver | Culprit::References => SuspectKind::Driver,
        _ => SuspectKind::Process,
    };
    // Two leaks of one tag look like one; the culprit of either is a culprit.
    let mut of_tag = host.leaks.iter().filter(|one| one.tags[0] == leak.tags[0]);
    let right = match first.kind {
        SuspectKind::Trigger => of_tag.any(|one| one.trigger.as_ref() == Some(&name)),
        of => of == kind && of_tag.any(|one| one.names.contains(&name)),
    };
    let note = format!(
        "seed {} group {} host {at}: {} {:?}, named {name} {:.2}",
        plan.seed,
        plan.group,
        leak.family.as_str(),
        leak.names,
        first.confidence,
    );
    Some(Named { confidence: first.confidence, right, note })
}
