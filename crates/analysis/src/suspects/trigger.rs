//! Programs whose work makes grow what somebody else leaks: growth follows what they do, beyond the
//! rhythm of the day that everything on a host shares, and beyond how busy the host is as a whole.

use std::{collections::BTreeMap, f64::consts::PI};

use poolwatch_model::{
    Bytes,
    diagnosis::{Evidence, ProgramRole, Suspect, SuspectKind},
    history::{MISSING, ProgramSeries, TagSeries},
};

use crate::{
    case::{self, CaseFile},
    programs,
    span::Span,
    troughs::WARM_UP_S,
};

/// Hours of a step: one hour tells most where a tag hardly breathes, more where it does.
const WIDTHS: [i64; 3] = [1, 3, 6];
/// Fewer steps tell nothing.
const LEAST_STEPS: usize = 10;
/// Fewer objects come and go with anything.
const LEAST_OBJECTS: u64 = 1_000;
/// How closely growth has to follow the operations, as a correlation without the rhythm of the day that
/// is as good as certain (so many deviations below the one that is seen): what only shares a cause with
/// the growth, and works for itself as much, comes to 0.7.
const LEAST_CORRELATION: f64 = 0.8;
const CERTAIN: f64 = 2.33;
/// One of so many steps may be chance, and is left out to see whether the rest still says so.
const STEPS_PER_OUTLIER: usize = 12;
const LEAST_OUTLIERS: usize = 2;
/// The share of the growth that must go with the operations, and the most that it may be: a program
/// whose end would leave the growth as it is, or that does far more than grows, drives nothing.
const DRIVEN_LEAST: f64 = 0.7;
const DRIVEN_MOST: f64 = 1.4;
/// How likely a match by chance may be, over all programs and steps: hosts are looked at every hour for
/// as long as they leak.
const CHANCE: f64 = 1e-4;
/// Whoever leaves no more than so many times as much unexplained could be it as well.
const AS_CLOSE: f64 = 2.0;
/// Less is left unexplained by accident of rounding.
const LEAST_UNEXPLAINED: f64 = 0.01;
/// How sure at most, and how sure of one of several that could be it.
const SURE: f64 = 0.9;
const ONE_OF_SEVERAL: f32 = 0.4;
const MOST_TOLD: usize = 3;
/// An hour counts as one of growth, or of work, from this part of the mean on.
const WORTH: f64 = 0.1;

/// An hour of a run, without the warm-up.
#[derive(Debug, Clone, Copy)]
struct HourOfRun {
    hour: i64,
    boot: u32,
    /// The least of the tag.
    least: u64,
    /// Its moments, the last included.
    from: usize,
    to: usize,
}

/// Some hours one after the other.
#[derive(Debug, Clone, Copy)]
struct GrowthStep {
    day: i64,
    hour_of_day: i64,
    /// What the tag gained; less than nothing when it fell.
    growth: f64,
    from: usize,
    to: usize,
}

/// How growth follows a program.
#[derive(Debug, Clone, Copy)]
struct ProgramMatch {
    correlation: f64,
    /// What the correlation is at least, as good as certainly.
    least: f64,
    chance: f64,
    driven: f64,
}

impl ProgramMatch {
    fn unexplained(&self) -> f64 {
        (1.0 - self.correlation * self.correlation).max(LEAST_UNEXPLAINED)
    }

    fn is_close(&self) -> bool {
        self.least >= LEAST_CORRELATION && (DRIVEN_LEAST..=DRIVEN_MOST).contains(&self.driven)
    }
}

/// The program whose work drives the growth of a tag; several, more weakly, when each could be it.
pub(super) fn of_growth(case: &CaseFile, series: &TagSeries, span: Span) -> Vec<Suspect> {
    if case::growth(&series.outstanding, span.from, span.to) < LEAST_OBJECTS {
        return Vec::new();
    }
    let hours = hours(case, series, span);
    let compared: Vec<&ProgramSeries> =
        case.programs.iter().filter(|program| works_for_itself(&program.image)).collect();
    let trials = (compared.len() * WIDTHS.len()) as f64;
    let best = WIDTHS.into_iter().filter_map(|width| {
        let workloads = Workloads::new(&compared, steps(&hours, width));
        let follows = (0..compared.len()).filter_map(|at| Some((at, workloads.follow(at)?)));
        let close = follows.filter(|(_, one)| one.is_close());
        let best = close.min_by(|(_, a), (_, b)| a.unexplained().total_cmp(&b.unexplained()))?;
        Some((workloads, best))
    });
    let best = best.min_by(|(_, (_, a)), (_, (_, b))| a.chance.total_cmp(&b.chance));
    let Some((workloads, (best, follows))) = best else { return Vec::new() };
    let chance = (follows.chance * trials).min(1.0);
    if chance > CHANCE {
        return Vec::new();
    }
    let as_close = compared.iter().enumerate().filter(|(at, _)| {
        let other = workloads.follow(*at);
        *at != best
            && other.is_some_and(|other| {
                other.correlation > 0.0 && other.unexplained() <= AS_CLOSE * follows.unexplained()
            })
    });
    let as_close: Vec<&ProgramSeries> = as_close.map(|(_, one)| *one).collect();
    let sure = (SURE * follows.driven.min(1.0) * follows.correlation) as f32;
    let sure = if as_close.is_empty() { sure } else { ONE_OF_SEVERAL };
    let each = std::iter::once(compared[best]).chain(as_close).take(MOST_TOLD);
    // A host of services is many programs in one.
    let each = each.filter(|one| programs::role(&one.image) != Some(ProgramRole::ServiceHost));
    each.map(|program| Suspect {
        kind: SuspectKind::Trigger,
        name: Some(program.image.clone()),
        tags: vec![series.tag],
        confidence: sure,
        evidence: vec![fact(&hours, program, series, span, (follows.correlation, chance))],
        ..Suspect::default()
    })
    .collect()
}

/// Whether a program's work is its own: what the kernel and the brokers do, they do for others.
fn works_for_itself(image: &str) -> bool {
    !image.is_empty() && !programs::is_vital(image)
}

fn fact(
    hours: &[HourOfRun],
    program: &ProgramSeries,
    series: &TagSeries,
    span: Span,
    (correlation, chance): (f64, f64),
) -> Evidence {
    let steps = steps(hours, 1);
    let known: Vec<(f64, f64)> =
        steps.iter().filter_map(|step| Some((step.growth, operations(program, step)?))).collect();
    let mean =
        |of: fn(&(f64, f64)) -> f64| known.iter().map(of).sum::<f64>() / known.len().max(1) as f64;
    let (growth, work) = (mean(|one| one.0) * WORTH, mean(|one| one.1) * WORTH);
    let grew = known.iter().filter(|(grown, _)| *grown > growth);
    let (hours, active) = grew
        .fold((0, 0), |(hours, active), (_, done)| (hours + 1, active + u32::from(*done > work)));
    let within = program.operations.get(span.from..=span.to).unwrap_or_default();
    let done = within.iter().filter(|count| **count != MISSING);
    Evidence::GrowsWithOperations {
        image: program.image.clone(),
        tag: series.tag,
        pool: series.pool,
        operations: done.fold(0, |sum, count| sum.saturating_add(*count)),
        objects: case::growth(&series.outstanding, span.from, span.to),
        bytes: Bytes(case::growth(&series.bytes, span.from, span.to)),
        hours,
        active,
        correlation: correlation as f32,
        chance: chance as f32,
        over_s: span.over_s,
    }
}

/// The hours of the latest run within a span, with the least of a tag in each.
fn hours(case: &CaseFile, series: &TagSeries, span: Span) -> Vec<HourOfRun> {
    let mut hours: Vec<HourOfRun> = Vec::new();
    for at in span.from.max(case.run_start())..=span.to.min(case.axis.len().saturating_sub(1)) {
        let moment = case.axis[at];
        let least = series.outstanding[at];
        if least == MISSING || moment.uptime_s.is_some_and(|uptime| uptime < WARM_UP_S) {
            continue;
        }
        let hour = moment.at_s.div_euclid(3600);
        match hours.last_mut() {
            // A clock that stepped back adds to the hour that it reached.
            Some(last) if hour <= last.hour => {
                (last.least, last.to) = (last.least.min(least), at);
            }
            _ => hours.push(HourOfRun { hour, boot: moment.boot, least, from: at, to: at }),
        }
    }
    hours
}

/// Steps of so many hours, all of which are known, with the hour behind them.
fn steps(hours: &[HourOfRun], width: i64) -> Vec<GrowthStep> {
    let starts = hours.iter().enumerate().filter(|(_, hour)| hour.hour.rem_euclid(width) == 0);
    let step = |(at, first): (usize, &HourOfRun)| {
        let next = hours.get(at + usize::try_from(width).ok()?)?;
        let follows = next.hour == first.hour + width && next.boot == first.boot;
        follows.then(|| GrowthStep {
            day: first.hour.div_euclid(24),
            hour_of_day: first.hour.rem_euclid(24),
            growth: next.least as f64 - first.least as f64,
            from: first.from,
            to: next.from - 1,
        })
    };
    starts.filter_map(step).collect()
}

/// What a program did in a step; `None` where that is not known.
fn operations(program: &ProgramSeries, step: &GrowthStep) -> Option<f64> {
    let within = program.operations.get(step.from..=step.to)?;
    let is_known = within.iter().all(|count| *count != MISSING);
    is_known.then(|| within.iter().map(|count| *count as f64).sum())
}

/// What programs did in each step.
struct Workloads {
    steps: Vec<GrowthStep>,
    /// By program and step; `None` where it is not known.
    done: Vec<Vec<Option<f64>>>,
    /// By program, its mean.
    usual: Vec<f64>,
    /// By step, what all programs did together, each as a multiple of what is usual of it.
    busy: Vec<f64>,
}

/// A step as it is compared: what a program did, what was gained, and how busy the others were.
#[derive(Debug, Clone, Copy, Default)]
struct ComparedStep {
    day: i64,
    hour_of_day: i64,
    done: f64,
    grown: f64,
    others: f64,
}

impl Workloads {
    fn new(programs: &[&ProgramSeries], steps: Vec<GrowthStep>) -> Self {
        let of_steps =
            |program: &&ProgramSeries| steps.iter().map(|step| operations(program, step)).collect();
        let done: Vec<Vec<Option<f64>>> = programs.iter().map(of_steps).collect();
        let mean = |done: &Vec<Option<f64>>| {
            let known = done.iter().flatten();
            known.clone().sum::<f64>() / known.count().max(1) as f64
        };
        let usual: Vec<f64> = done.iter().map(mean).collect();
        let mut busy = vec![0.0; steps.len()];
        for (done, usual) in done.iter().zip(&usual).filter(|(_, usual)| **usual > 0.0) {
            let known = busy.iter_mut().zip(done);
            known.for_each(|(busy, done)| *busy += done.unwrap_or(0.0) / usual);
        }
        Self { steps, done, usual, busy }
    }

    /// How growth follows a program. `None` where too little is known or nothing varies.
    fn follow(&self, at: usize) -> Option<ProgramMatch> {
        let usual = self.usual[at];
        let known = self.done[at].iter().zip(&self.steps).zip(&self.busy);
        let known: Vec<ComparedStep> = known
            .filter_map(|((done, step), busy)| {
                let done = (*done)?;
                let GrowthStep { day, hour_of_day, growth: grown, .. } = *step;
                Some(ComparedStep { day, hour_of_day, done, grown, others: busy - done / usual })
            })
            .collect();
        if known.len() < LEAST_STEPS || usual <= 0.0 {
            return None;
        }
        let (_, slope) = line(known.iter().map(|one| (one.done, one.grown)))?;
        let sum = |of: fn(&ComparedStep) -> f64| known.iter().map(of).sum::<f64>();
        let driven = slope * sum(|one| one.done) / sum(|one| one.grown);
        let (mut apart, usual) = without_rhythm(&known);
        let all = correlation(&apart)?;
        let product = |(done, grown): &(f64, f64)| (done * grown).abs();
        apart.sort_by(|a, b| product(b).total_cmp(&product(a)));
        let outliers = (apart.len() / STEPS_PER_OUTLIER).max(LEAST_OUTLIERS);
        let rest = correlation(apart.get(outliers..)?)?;
        let correlation = all.min(rest);
        // Few large steps are few witnesses, however many small ones there are.
        let free = known.len().saturating_sub(usual + 1) as f64;
        let witnesses =
            witnesses(&apart, |one| one.0).min(witnesses(&apart, |one| one.1)).min(free);
        // Fisher's transformation makes it nearly normal.
        let (seen, certainty) =
            (correlation.clamp(-0.999, 0.999).atanh(), (witnesses - 2.0).max(0.0).sqrt());
        let least = (seen - CERTAIN / certainty).tanh();
        Some(ProgramMatch { correlation, least, chance: upper_tail(seen * certainty), driven })
    }
}

/// What is done and gained in each step beyond what is usual at its hour of the day, as much as that is
/// on its day (a weekend or a holiday has less of it), and beyond what goes with how busy all other
/// programs are then; and how many numbers that takes.
fn without_rhythm(known: &[ComparedStep]) -> (Vec<(f64, f64)>, usize) {
    let values = known.iter().map(|one| [one.done, one.grown, one.others]);
    let mut usual: BTreeMap<i64, (f64, [f64; 3])> = BTreeMap::new();
    for (one, values) in known.iter().zip(values.clone()) {
        let (count, sums) = usual.entry(one.hour_of_day).or_default();
        *count += 1.0;
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    let at_hour = |one: &ComparedStep, at: usize| {
        let (count, sums) = &usual[&one.hour_of_day];
        sums[at] / count
    };
    let mut apart: Vec<[f64; 3]> = values.collect();
    let mut days = 0;
    let mut from = 0;
    for of_day in known.chunk_by(|a, b| a.day == b.day) {
        let to = from + of_day.len();
        for at in 0..3 {
            let points = of_day.iter().zip(&apart[from..to]);
            let points: Vec<(f64, f64)> =
                points.map(|(one, values)| (at_hour(one, at), values[at])).collect();
            let mean = points.iter().map(|one| one.0).sum::<f64>() / points.len() as f64;
            let (level, slope) = line(points.iter().copied()).unwrap_or_else(|| {
                (points.iter().map(|one| one.1).sum::<f64>() / points.len() as f64, 0.0)
            });
            for (values, (usual, _)) in apart[from..to].iter_mut().zip(&points) {
                values[at] -= level + slope * (usual - mean);
            }
        }
        days += 1;
        from = to;
    }
    let sum = |at: usize| apart.iter().map(|one| one[at] * one[2]).sum::<f64>();
    let spread = sum(2);
    let goes_along = |at: usize| if spread > 0.0 { sum(at) / spread } else { 0.0 };
    let (done, grown) = (goes_along(0), goes_along(1));
    let apart = apart.iter().map(|one| (one[0] - done * one[2], one[1] - grown * one[2]));
    (apart.collect(), usual.len() + 2 * days)
}

/// Mean and slope of the line through points; `None` when all have one place.
fn line(points: impl Iterator<Item = (f64, f64)> + Clone) -> Option<(f64, f64)> {
    let n = points.clone().count() as f64;
    let (sum_x, sum_y) = points.clone().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let (mean_x, mean_y) = (sum_x / n, sum_y / n);
    let spread: f64 = points.clone().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let common: f64 = points.map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (spread > 0.0).then(|| (mean_y, common / spread))
}

/// Pearson's correlation of pairs about 0; `None` where one of them does not vary.
fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let sum = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>();
    let spread = sum(|one| one.0 * one.0) * sum(|one| one.1 * one.1);
    (spread > 0.0).then(|| sum(|one| one.0 * one.1) / spread.sqrt())
}

/// How many steps tell something, by how evenly what they tell is spread: two thirds of them when it is
/// spread as chance does, few when a few tell it all.
fn witnesses(pairs: &[(f64, f64)], of: fn(&(f64, f64)) -> f64) -> f64 {
    let squares = pairs.iter().map(|pair| of(pair).powi(2));
    let (sum, of_squares) = squares.fold((0.0, 0.0), |(sum, of), one| (sum + one, of + one * one));
    if of_squares > 0.0 { 2.0 * sum * sum / of_squares } else { 0.0 }
}

/// The chance that a standard normal value is at least so large; of small ones an upper bound.
fn upper_tail(score: f64) -> f64 {
    if score < 1.0 {
        return 0.5;
    }
    (-score * score / 2.0).exp() / (score * (2.0 * PI).sqrt())
}
