//! A diagnosis in a sentence or two.

use poolwatch_analysis::{confidence::leading_suspect, headroom::FULL};
use poolwatch_model::{
    Bytes, Pool,
    diagnosis::{Bound, Diagnosis, Evidence, Measure, Suspect, SuspectKind, TagFinding, Verdict},
};

use super::{
    confidence,
    evidence::{of_physical, pace, pool_of},
    objects_of, pool_title,
    titles::{driven_by, is_ahead, lower, tags_of},
};
use crate::figures::{counted, duration, grouped, percent_text};

/// The sentence in large type: what is wrong, how bad, and who is behind it.
#[must_use]
pub fn headline(diagnosis: &Diagnosis) -> String {
    let state = state(diagnosis);
    match (diagnosis.verdict, leading_suspect(diagnosis)) {
        (
            Verdict::NoLeakShown | Verdict::InsufficientEvidence | Verdict::CommitExhaustion,
            None,
        ) => state,
        (_, None) => format!("{state} Nothing measured names the culprit."),
        (_, Some(suspect)) => {
            let driven = driven_by(diagnosis, suspect).map(|name| {
                format!(" It grows with the work of {name}: stopping that stops growth.")
            });
            format!("{state} {}{}", accusation(suspect), driven.unwrap_or_default())
        }
    }
}

/// All that a diagnosis rests on: the suspects' evidence first, each fact once.
#[must_use]
pub fn facts(diagnosis: &Diagnosis) -> Vec<&Evidence> {
    let of_suspects = diagnosis.suspects.iter().flat_map(|suspect| &suspect.evidence);
    let mut facts: Vec<&Evidence> = Vec::new();
    for fact in of_suspects.chain(&diagnosis.evidence) {
        if !facts.contains(&fact) {
            facts.push(fact);
        }
    }
    facts
}

/// How long a pool lasts if growth goes on, and what then runs out:
/// `about 38 min (31 min to 50 min) until commit runs out`.
#[must_use]
pub fn time_left(diagnosis: &Diagnosis) -> Option<String> {
    let left = diagnosis.time_left.filter(|_| diagnosis.verdict != Verdict::Exhausted)?;
    let [likely, least] = [left.likely_s, left.least_s].map(duration);
    let interval = match left.most_s.map(duration) {
        Some(most) if most == least => String::new(),
        Some(most) => format!(" ({least} to {most})"),
        None => format!(" ({least} at the least)"),
    };
    let until = diagnosis.headroom.map_or("", |headroom| until(headroom.bound));
    Some(format!("about {likely}{interval}{until}"))
}

const fn until(bound: Bound) -> &'static str {
    match bound {
        Bound::MeasuredLimit => " until its limit is reached",
        Bound::DocumentedCeiling => " until its documented ceiling is reached",
        Bound::ResidentAvailable => " until physical memory runs out",
        Bound::Commit => " until commit runs out",
    }
}

fn state(diagnosis: &Diagnosis) -> String {
    let pool = diagnosis.pool.map_or("Pool", pool_title);
    let level = diagnosis.pool.and_then(|pool| level(diagnosis, pool));
    match diagnosis.verdict {
        Verdict::Exhausted => exhausted(diagnosis, pool),
        Verdict::Leak => match level {
            Some(level) => format!("{pool} leaks: {level}."),
            None => format!("{pool} leaks: something allocates and never frees."),
        },
        Verdict::HighUse if is_one_picture(diagnosis) => {
            let used = format!("Much {} is used", lower(pool));
            let used = level.map_or(used.clone(), |level| format!("{used}: {level}"));
            format!("{used}. One snapshot cannot show growth; take another in an hour.")
        }
        Verdict::HighUse => match level {
            Some(level) => format!("Much {} is used, but it does not grow: {level}.", lower(pool)),
            None => format!("Much {} is used, but it does not grow.", lower(pool)),
        },
        Verdict::CommitExhaustion if is_ahead(diagnosis) => {
            "Windows is about to run out of commit (virtual memory), not of pool: no tag is to blame."
                .to_owned()
        }
        Verdict::CommitExhaustion => {
            "Windows ran out of commit (virtual memory), not of pool: no tag is to blame."
                .to_owned()
        }
        Verdict::NoLeakShown => {
            format!("Neither pool shows a leak.{}", worth_watching(diagnosis))
        }
        Verdict::InsufficientEvidence => {
            let state = match level {
                Some(level) => {
                    format!("It is not clear yet what is wrong with {}: {level}.", lower(pool))
                }
                None => "It is not clear yet whether anything is wrong.".to_owned(),
            };
            format!("{state}{}", worth_watching(diagnosis))
        }
    }
}

/// Whether high use was seen in a picture or a few, which show no course: their tags are merely large, or
/// what they leave open is told.
fn is_one_picture(diagnosis: &Diagnosis) -> bool {
    let is = |finding| diagnosis.tags.iter().any(|tag| tag.finding == finding);
    let leaves_open = |fact: &Evidence| {
        matches!(fact, Evidence::TagsExplain { .. } | Evidence::PoolTotalUnknown { .. })
    };
    !is(TagFinding::HighUse)
        && (is(TagFinding::Large) || diagnosis.evidence.iter().any(leaves_open))
}

/// ` Worth watching: tag Abcd, 40 MB more per day.`
fn worth_watching(diagnosis: &Diagnosis) -> String {
    let watched = diagnosis.tags.iter().filter(|tag| tag.finding == TagFinding::Watched);
    let tags: Vec<String> = watched
        .map(|one| match one.bytes_per_day {
            Some(per_day) => format!("tag {}, {per_day} more per day", one.tag),
            None => format!("tag {}", one.tag),
        })
        .collect();
    if tags.is_empty() { String::new() } else { format!(" Worth watching: {}.", tags.join("; ")) }
}

/// What ran out, named by its bound: the pool's own limit, commit, or physical memory.
fn exhausted(diagnosis: &Diagnosis, pool: &str) -> String {
    let facts = || diagnosis.evidence.iter();
    let fell_silent = facts().any(|fact| matches!(fact, Evidence::Silence { .. }));
    let of_bound = facts().find_map(|fact| match (fact, diagnosis.headroom?.bound) {
        (Evidence::CommitUse { committed, limit }, Bound::Commit) => Some(format!(
            "{pool} cannot grow: commit (virtual memory) is exhausted, {}.",
            share(*committed, *limit)
        )),
        (Evidence::ResidentAvailable { left, physical }, Bound::ResidentAvailable) => {
            let left = of_physical(*left, *physical);
            Some(format!("{pool} cannot grow: only {left} can still be locked."))
        }
        _ => None,
    });
    let of_pool = facts().find_map(|fact| match fact {
        Evidence::PoolUse { used, ceiling: Some(ceiling), .. }
            if pool_of(fact) == diagnosis.pool && used.share_of(ceiling.bytes) >= FULL =>
        {
            Some(format!("{pool} is exhausted: {}.", share(*used, ceiling.bytes)))
        }
        _ => None,
    });
    let by_bound = diagnosis.headroom.is_some_and(|one| one.bound == Bound::Commit);
    match of_bound.or(of_pool) {
        Some(words) => words,
        None if fell_silent => {
            format!("{pool} has probably run out: the host fell silent under pressure.")
        }
        None if by_bound => format!("{pool} cannot grow: commit (virtual memory) is exhausted."),
        None => format!("{pool} was found empty."),
    }
}

/// How full a pool is: `205 MB of 212 MB, 97 %`, or, where its limit tells nothing, what it holds.
fn level(diagnosis: &Diagnosis, pool: Pool) -> Option<String> {
    let suspects = diagnosis.suspects.iter().flat_map(|suspect| &suspect.evidence);
    diagnosis.evidence.iter().chain(suspects).find_map(|fact| match fact {
        Evidence::PoolUse { used, ceiling, .. } if pool_of(fact) == Some(pool) => {
            Some(match ceiling {
                Some(ceiling) => share(*used, ceiling.bytes),
                None => format!("it holds {used}"),
            })
        }
        _ => None,
    })
}

fn share(used: Bytes, of: Bytes) -> String {
    format!("{used} of {of}, {}", percent_text(used.share_of(of)))
}

fn accusation(suspect: &Suspect) -> String {
    let sure = confidence(suspect.confidence);
    let tags = tags_of(suspect);
    let tags = if tags.is_empty() { tags } else { format!(" (tag {tags})") };
    let sentence = match (suspect.kind, &suspect.name) {
        (SuspectKind::Process, Some(name)) => format!("{name} is {sure} the cause"),
        (SuspectKind::Driver, Some(name)) => format!("Driver {name} is {sure} the cause{tags}"),
        (SuspectKind::Component, Some(name)) => {
            format!("It {sure} belongs to {name}, a part of Windows{tags}")
        }
        (SuspectKind::KernelReference, Some(name)) => {
            format!("A kernel reference held by {name} is {sure} the cause{tags}")
        }
        (SuspectKind::KernelReference, None) => format!(
            "A kernel reference without any handle, a driver's doing, is {sure} the cause{tags}"
        ),
        (SuspectKind::Trigger, Some(name)) => {
            format!("The work of {name} {sure} makes it grow, whoever leaks it{tags}")
        }
        (SuspectKind::Unknown, Some(name)) => format!("{name} is {sure} involved{tags}"),
        (_, None) => format!("Its owner is not known{tags}"),
    };
    match strongest(suspect) {
        Some(why) => format!("{sentence}: {why}."),
        None => format!("{sentence}."),
    }
}

/// The fact that convinces most, in a clause.
fn strongest(suspect: &Suspect) -> Option<String> {
    let clause = |fact: &Evidence| match fact {
        Evidence::HandlesMatchObjects { tag, handles, outstanding, .. } => Some((
            0,
            format!(
                "{} handles against {} outstanding {} objects",
                grouped(u64::from(*handles)),
                grouped(*outstanding),
                objects_of(*tag).map_or_else(|| tag.to_string(), ToOwned::to_owned)
            ),
        )),
        Evidence::ProcessHandles { handles, .. } => {
            Some((1, format!("it holds {} handles", grouped(u64::from(*handles)))))
        }
        Evidence::TagGrowth { tag, grown, over_s, .. } => {
            Some((2, format!("{tag} grew by {grown} in {}", duration(*over_s))))
        }
        Evidence::TagUse { tag, bytes, .. } => Some((3, format!("{tag} holds {bytes}"))),
        _ => more_telling(fact),
    };
    suspect.evidence.iter().filter_map(clause).min_by_key(|(rank, _)| *rank).map(|(_, text)| text)
}

/// Clauses for facts that need a process, a driver or a fleet to be compared with.
fn more_telling(fact: &Evidence) -> Option<(u8, String)> {
    match fact {
        Evidence::Release { before, after, tag, confirms: true, .. } => {
            Some((0, format!("when it went, {tag} fell from {before} to {after}")))
        }
        Evidence::GrowsWithObjects { grown, measure, objects, tag, .. } => {
            let what = match measure {
                Measure::Threads => "threads",
                Measure::Handles | Measure::PrivateBytes => "handles",
            };
            Some((
                0,
                format!(
                    "{} more {what} against {} more {tag} objects",
                    grouped(*grown),
                    grouped(*objects)
                ),
            ))
        }
        Evidence::MoreObjectsThanLive { tag, outstanding, live } => Some((
            1,
            format!(
                "{} {tag} objects, of which {} are alive",
                grouped(*outstanding),
                grouped(*live)
            ),
        )),
        Evidence::NoHandlesFor { tag, objects, handles } => Some((
            1,
            format!("{} {tag} objects, but {} handles", grouped(*objects), grouped(*handles)),
        )),
        Evidence::Differs(counts) => Some((
            1,
            format!(
                "{} of {} affected hosts have it, {} of {} healthy ones",
                counts.affected, counts.affected_of, counts.healthy, counts.healthy_of
            ),
        )),
        Evidence::GrowsWithOperations {
            tag, operations, objects, bytes, hours, active, ..
        } => {
            let pace = pace(*operations, *objects, *bytes);
            let hours = format!("{active} of {}", counted(u64::from(*hours), "hour", "hours"));
            Some((0, format!("{tag} grew by {pace}, in {hours}")))
        }
        Evidence::EndedWithoutReturn { tag, .. } => {
            Some((0, format!("when it ended, {tag} stopped growing and gave nothing back")))
        }
        Evidence::CommitHolder { commit, handles, .. } => Some((
            1,
            format!("it had {commit} of commit and {} handles", grouped(u64::from(*handles))),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        PoolTag,
        diagnosis::{Headroom, TagObservation, TimeLeft},
        memory::{Ceiling, CeilingSource},
    };

    use super::{super::title, *};

    fn suspect(kind: SuspectKind, name: Option<&str>, sure: f32, fact: Evidence) -> Suspect {
        Suspect {
            kind,
            name: name.map(Into::into),
            tags: vec![PoolTag::new(*b"Thre")],
            confidence: sure,
            evidence: vec![fact],
            ..Suspect::default()
        }
    }

    fn diagnosis(verdict: Verdict, suspects: Vec<Suspect>, evidence: Vec<Evidence>) -> Diagnosis {
        Diagnosis {
            verdict,
            pool: Some(Pool::Nonpaged),
            suspects,
            evidence,
            ..Diagnosis::default()
        }
    }

    fn full() -> Evidence {
        let ceiling = Ceiling { bytes: Bytes::from_kib(217_112), source: CeilingSource::Measured };
        Evidence::PoolUse {
            pool: Pool::Nonpaged,
            used: Bytes::from_kib(209_844),
            ceiling: Some(ceiling),
        }
    }

    fn handles() -> Evidence {
        Evidence::HandlesMatchObjects {
            image: "mybadapp.exe".into(),
            tag: PoolTag::new(*b"Thre"),
            handles: 90_472,
            outstanding: 120_145,
        }
    }

    fn works() -> Evidence {
        Evidence::GrowsWithOperations {
            image: "git.exe".into(),
            tag: PoolTag::new(*b"NtFC"),
            pool: Pool::Nonpaged,
            operations: 3_000_000,
            objects: 1_000_000,
            bytes: Bytes(96_000_000),
            hours: 41,
            active: 41,
            correlation: 0.97,
            chance: 1e-9,
            over_s: 3 * 86_400,
        }
    }

    fn growth() -> Evidence {
        Evidence::TagGrowth {
            tag: PoolTag::new(*b"Thre"),
            pool: Pool::Nonpaged,
            grown: Bytes(64 << 20),
            over_s: 86_400,
        }
    }

    #[test]
    fn high_use_in_one_picture_says_nothing_of_growth() {
        let pool = Pool::Nonpaged;
        let unknown = Evidence::PoolTotalUnknown { pool: Pool::Paged };
        let (verdict, evidence) = (Verdict::HighUse, vec![unknown]);
        let diagnosis = Diagnosis { verdict, pool: Some(pool), evidence, ..Diagnosis::default() };
        let told = state(&diagnosis);
        assert_eq!(
            told,
            "Much nonpaged pool is used. One snapshot cannot show growth; take another in an hour."
        );
    }

    #[test]
    fn every_verdict_and_suspect_has_a_headline() {
        use SuspectKind::{Component, Driver, KernelReference, Process, Trigger, Unknown};
        for (diagnosis, words) in [
            (
                diagnosis(
                    Verdict::Leak,
                    vec![
                        suspect(KernelReference, None, 0.8, growth()),
                        suspect(Trigger, Some("git.exe"), 0.85, works()),
                    ],
                    vec![],
                ),
                "Nonpaged pool leaks: something allocates and never frees. A kernel reference without any handle, a driver's doing, is very likely the cause (tag Thre): Thre grew by 64 MB in 24 h. It grows with the work of git.exe: stopping that stops growth.",
            ),
            (
                diagnosis(
                    Verdict::Leak,
                    vec![suspect(Trigger, Some("git.exe"), 0.85, works())],
                    vec![],
                ),
                "Nonpaged pool leaks: something allocates and never frees. The work of git.exe very likely makes it grow, whoever leaks it (tag Thre): NtFC grew by 96 B for every third operation, in 41 of 41 hours.",
            ),
            (
                diagnosis(
                    Verdict::Exhausted,
                    vec![suspect(Process, Some("mybadapp.exe"), 0.95, handles())],
                    vec![full()],
                ),
                "Nonpaged pool is exhausted: 205 MB of 212 MB, 97 %. mybadapp.exe is almost certainly the cause: 90,472 handles against 120,145 outstanding thread objects.",
            ),
            (
                diagnosis(Verdict::Exhausted, vec![], vec![]),
                "Nonpaged pool was found empty. Nothing measured names the culprit.",
            ),
            (
                diagnosis(
                    Verdict::Leak,
                    vec![suspect(Driver, Some("foo.sys"), 0.75, growth())],
                    vec![],
                ),
                "Nonpaged pool leaks: something allocates and never frees. Driver foo.sys is very likely the cause (tag Thre): Thre grew by 64 MB in 24 h.",
            ),
            (
                diagnosis(
                    Verdict::Leak,
                    vec![suspect(KernelReference, None, 0.5, growth())],
                    vec![full()],
                ),
                "Nonpaged pool leaks: 205 MB of 212 MB, 97 %. A kernel reference without any handle, a driver's doing, is likely the cause (tag Thre): Thre grew by 64 MB in 24 h.",
            ),
            (
                diagnosis(
                    Verdict::HighUse,
                    vec![suspect(Component, Some("the memory manager"), 0.3, full())],
                    vec![],
                ),
                "Much nonpaged pool is used, but it does not grow: 205 MB of 212 MB, 97 %. It possibly belongs to the memory manager, a part of Windows (tag Thre).",
            ),
            (
                diagnosis(Verdict::Leak, vec![suspect(Unknown, None, 0.3, growth())], vec![]),
                "Nonpaged pool leaks: something allocates and never frees. Its owner is not known (tag Thre): Thre grew by 64 MB in 24 h.",
            ),
            (
                diagnosis(
                    Verdict::Leak,
                    vec![suspect(Process, Some("charged.exe"), 0.35, growth())],
                    vec![],
                ),
                "Nonpaged pool leaks: something allocates and never frees. Nothing measured names the culprit.",
            ),
            (
                diagnosis(Verdict::CommitExhaustion, vec![], vec![]),
                "Windows ran out of commit (virtual memory), not of pool: no tag is to blame.",
            ),
            (diagnosis(Verdict::NoLeakShown, vec![], vec![]), "Neither pool shows a leak."),
            (
                Diagnosis {
                    tags: vec![TagObservation {
                        tag: PoolTag::new(*b"Abcd"),
                        pool: Pool::Nonpaged,
                        bytes: Bytes(1 << 30),
                        outstanding: 1 << 20,
                        finding: TagFinding::Watched,
                        bytes_per_day: Some(Bytes(40 << 20)),
                    }],
                    ..diagnosis(Verdict::NoLeakShown, vec![], vec![])
                },
                "Neither pool shows a leak. Worth watching: tag Abcd, 40 MB more per day.",
            ),
            (
                diagnosis(Verdict::InsufficientEvidence, vec![], vec![]),
                "It is not clear yet whether anything is wrong.",
            ),
        ] {
            assert_eq!(headline(&diagnosis).replace('\u{a0}', " "), words);
        }
    }

    fn exhausted_by(bound: Option<Bound>, evidence: Vec<Evidence>) -> Diagnosis {
        let headroom = bound.map(|bound| Headroom { pool: Pool::Paged, left: Bytes(0), bound });
        Diagnosis {
            pool: Some(Pool::Paged),
            headroom,
            ..diagnosis(Verdict::Exhausted, vec![], evidence)
        }
    }

    /// 1.5 GB of a documented ceiling of 4 GB, as versions before stored it.
    fn far_from_full() -> Evidence {
        let ceiling = Ceiling { bytes: Bytes(4 << 30), source: CeilingSource::Documented };
        Evidence::PoolUse { pool: Pool::Paged, used: Bytes(3 << 29), ceiling: Some(ceiling) }
    }

    #[test]
    fn an_exhausted_pool_names_the_bound_that_ran_out() {
        let commit = Evidence::CommitUse { committed: Bytes(97 << 30), limit: Bytes(100 << 30) };
        let locked = Evidence::ResidentAvailable { left: Bytes(0), physical: Some(Bytes(4 << 30)) };
        let silence = Evidence::Silence { since: jiff::Timestamp::UNIX_EPOCH };
        for (bound, evidence, headline_words, title_words) in [
            (
                Some(Bound::Commit),
                vec![commit, far_from_full()],
                "Paged pool cannot grow: commit (virtual memory) is exhausted, 97 GB of 100 GB, 97 %.",
                "No commit left for paged pool",
            ),
            (
                Some(Bound::ResidentAvailable),
                vec![locked],
                "Paged pool cannot grow: only 0 B of 4.0 GB of physical memory can still be locked.",
                "No memory left for paged pool",
            ),
            (
                Some(Bound::DocumentedCeiling),
                vec![far_from_full()],
                "Paged pool was found empty.",
                "Paged pool exhausted",
            ),
            (None, vec![far_from_full()], "Paged pool was found empty.", "Paged pool exhausted"),
            (
                None,
                vec![silence],
                "Paged pool has probably run out: the host fell silent under pressure.",
                "Paged pool exhausted",
            ),
        ] {
            let diagnosis = exhausted_by(bound, evidence);
            let words = headline(&diagnosis).replace('\u{a0}', " ");
            let blames_nobody = " Nothing measured names the culprit.";
            assert_eq!(words, format!("{headline_words}{blames_nobody}"));
            assert_eq!(title(&diagnosis), title_words);
        }
    }

    #[test]
    fn time_left_says_until_what_and_an_exhausted_pool_has_none() {
        let headroom = Headroom { pool: Pool::Paged, left: Bytes(1), bound: Bound::Commit };
        let left =
            TimeLeft { pool: Pool::Paged, likely_s: 2280, least_s: 1860, most_s: Some(3000) };
        let mut leak = Diagnosis {
            headroom: Some(headroom),
            time_left: Some(left),
            ..diagnosis(Verdict::Leak, vec![], vec![])
        };
        let words = time_left(&leak).unwrap_or_default().replace('\u{a0}', " ");
        assert_eq!(words, "about 38 min (31 min to 50 min) until commit runs out");
        leak.verdict = Verdict::Exhausted;
        assert_eq!(time_left(&leak), None);
    }
}
