//! Evidence in sentences.

use jiff::Timestamp;
use poolwatch_analysis::release::{self, Effect};
use poolwatch_model::{
    Bytes, Pool, PoolTag,
    comparison::{Attribute, AttributeCounts, Change, ChangeKind},
    diagnosis::{Evidence, Meaning, Measure, OwnerSource},
};

use super::{ceiling_source, objects_of, pool_title};
use crate::figures::{counted, duration, grouped, percent_text};

/// One observed fact as a sentence, without its time (see [`evidence_time`]).
#[must_use]
pub fn evidence(fact: &Evidence) -> String {
    match fact {
        Evidence::PoolEmptyEvent { pool, event_id, .. } => {
            format!("Event {event_id}: the Server service found {pool} pool empty.")
        }
        Evidence::PoolLimitEvent { pool, event_id, .. } => {
            format!("Event {event_id}: the Server service met its own limit of {pool} pool.")
        }
        Evidence::CommitExhaustedEvent { .. } => {
            "Event 2004: Windows ran out of commit (virtual memory). That is not pool.".to_owned()
        }
        Evidence::CommitUse { committed, limit } => format!(
            "{committed} of {limit} are committed ({}).",
            percent_text(committed.share_of(*limit))
        ),
        Evidence::CommitTrend { per_day, over_s, left_s } => format!(
            "Commit charge has risen for {}, by {per_day} per day: it reaches its limit in about {}.",
            duration(*over_s),
            duration(*left_s)
        ),
        Evidence::CommitHolder { image, pid, commit, handles: 0 } => {
            format!("{image} (pid {pid}) had {commit} of commit.")
        }
        Evidence::CommitHolder { image, pid, commit, handles } => format!(
            "{image} (pid {pid}) had {commit} of commit and {} handles.",
            grouped(u64::from(*handles))
        ),
        Evidence::PoolUse { pool, used, ceiling: Some(ceiling) } => format!(
            "{} holds {used} of {} ({}), {}.",
            pool_title(*pool),
            ceiling.bytes,
            percent_text(used.share_of(ceiling.bytes)),
            ceiling_source(ceiling.source)
        ),
        Evidence::PoolUse { pool, used, ceiling: None } => {
            format!("{} holds {used}.", pool_title(*pool))
        }
        Evidence::ResidentAvailable { left, physical } => {
            format!("{} can still be locked.", of_physical(*left, *physical))
        }
        Evidence::PoolGrowth { pool, grown, over_s } => {
            format!("{} grew by {grown}{}.", pool_title(*pool), within(*over_s))
        }
        Evidence::TagUse { .. }
        | Evidence::TagGrowth { .. }
        | Evidence::ObjectGrowth { .. }
        | Evidence::TagTrend { .. }
        | Evidence::HardlyFreed { .. }
        | Evidence::NeverFell { .. }
        | Evidence::LockStep { .. }
        | Evidence::TagMeaning { .. }
        | Evidence::PeerUse { .. }
        | Evidence::TagOwner { .. }
        | Evidence::KnownLeak { .. }
        | Evidence::MoreObjectsThanLive { .. }
        | Evidence::NoHandlesFor { .. } => of_tag(fact),
        Evidence::TextSays { .. }
        | Evidence::LeftAtUnload { .. }
        | Evidence::LeftLockedPages { .. }
        | Evidence::VerifierCount { .. }
        | Evidence::SeveralMachines { .. } => of_texts(fact),
        Evidence::ProcessHandles { image, pid, handles } => {
            format!("{image} (pid {pid}) holds {} handles.", grouped(u64::from(*handles)))
        }
        Evidence::HandlesOfType { image, pid, object_type, handles } => format!(
            "The kernel lists {} handles of {image} (pid {pid}) to objects of type {object_type}.",
            grouped(u64::from(*handles))
        ),
        Evidence::ProcessThreads { image, pid, threads } => {
            format!("{image} (pid {pid}) has {} threads.", grouped(u64::from(*threads)))
        }
        Evidence::ProcessGrowth { image, pid, measure, grown, over_s } => {
            format!("{image} (pid {pid}) gained {}{}.", amount(*measure, *grown), within(*over_s))
        }
        Evidence::HandlesMatchObjects { image, tag, handles, outstanding } => format!(
            "The {} handles of {image} go with {} {}.",
            grouped(u64::from(*handles)),
            grouped(*outstanding),
            outstanding_objects(*tag)
        ),
        Evidence::HandlesSumToObjects { holders, tag, outstanding } => {
            let sum = holders.iter().fold(0_u64, |sum, one| sum.saturating_add(one.count));
            let each: Vec<String> =
                holders.iter().map(|one| format!("{} {}", one.image, grouped(one.count))).collect();
            format!(
                "Together {} handles ({}) go with {} {}.",
                grouped(sum),
                each.join(", "),
                grouped(*outstanding),
                outstanding_objects(*tag)
            )
        }
        Evidence::GrowsWithObjects { image, pid, measure, grown, tag, objects, over_s } => format!(
            "{image} (pid {pid}) gained {} while tag {tag} gained {} objects{}.",
            amount(*measure, *grown),
            grouped(*objects),
            within(*over_s)
        ),
        Evidence::HandlesSpread { tag, handles, programs, most, .. } => format!(
            "The {} handles that came with tag {tag} are spread over {}, none of which gained more than {}: look for what is loaded into all of them.",
            grouped(*handles),
            counted(u64::from(*programs), "program", "programs"),
            grouped(*most)
        ),
        Evidence::ProgramHandles { image, processes, handles } => format!(
            "{} of {image} hold {} together.",
            counted(u64::from(*processes), "process", "processes"),
            counted(*handles, "handle", "handles")
        ),
        Evidence::ChanceMatch { chance, tags, programs } => format!(
            "By chance, some program would match some tag this closely in {} of such pictures ({} against {} with a thousand handles or more).",
            percent_text(f64::from(*chance)),
            counted(u64::from(*tags), "tag of objects", "tags of objects"),
            counted(u64::from(*programs), "program", "programs")
        ),
        Evidence::TagsExplain { pool, explained, used } => format!(
            "The tags that are listed explain {explained} of {used} of {pool} pool ({}).",
            percent_text(explained.share_of(*used).min(1.0))
        ),
        Evidence::PoolTotalUnknown { pool } => {
            format!("How much {pool} pool is in use is not known.")
        }
        Evidence::TornTable => {
            "A table is cut off or contradicts itself: what it lacks may be what matters."
                .to_owned()
        }
        Evidence::PoolHasRoom { pool, used, physical } => format!(
            "{used} of {pool} pool with {physical} of memory do not look like an empty pool: the event may be from another time than the figures."
        ),
        Evidence::BeforeRestart { tag } => format!(
            "Windows has restarted since tag {tag} was seen like this. That resolves nothing, and later figures cover little time."
        ),
        Evidence::Broker { image, pid } => format!(
            "{image} (pid {pid}) serves others: the true cause may be a program that calls it."
        ),
        Evidence::HeldByKernel { handles, grown } => {
            let gained = match grown {
                0 => String::new(),
                grown => format!(", {} more than before", grouped(*grown)),
            };
            format!(
                "The System process holds {} handles{gained}: they are a driver's.",
                grouped(u64::from(*handles))
            )
        }
        Evidence::QuotaCharge { image, pid, pool, bytes } => format!(
            "{bytes} of {pool} pool are charged to {image} (pid {pid}): a weak hint, since few allocations are charged."
        ),
        Evidence::ObjectTypeGrowth { name, objects, handles, over_s } => format!(
            "{} more {name} objects, with {} more handles{}.",
            grouped(*objects),
            grouped(*handles),
            within(*over_s)
        ),
        Evidence::Differs(counts) => differs(counts),
        Evidence::Release { name, tag, pool, before, after, within_s, confirms, .. } => format!(
            "{name} went away, and tag {tag} fell from {before} to {after} of {pool} pool{}: {}.",
            within(*within_s),
            if *confirms { "that is the proof" } else { "that speaks against it" }
        ),
        Evidence::VersionOutcome { driver, before, after, tag, per_day_before, per_day_after } => {
            let outcome = match release::effect_of_change(*per_day_before, *per_day_after) {
                Some(Effect::Ended) => ": the change ended the leak",
                Some(Effect::Began) => ": the leak came with the change",
                Some(Effect::GoesOn) => ": the change did not end the leak",
                None => "",
            };
            format!(
                "With {driver} {before}, tag {tag} grew by {per_day_before} per day; with {after}, by {per_day_after}{outcome}."
            )
        }
        Evidence::GrowsWithOperations { .. } | Evidence::EndedWithoutReturn { .. } => {
            of_trigger(fact)
        }
        Evidence::Changed(told) => change(told),
        Evidence::Silence { .. } => {
            "Nothing has been heard since, and its pools were under pressure.".to_owned()
        }
    }
}

/// Facts of texts alone: what they say, what stopped Windows, whose they are.
fn of_texts(fact: &Evidence) -> String {
    match fact {
        Evidence::TextSays { tag, pool, bytes, outstanding, leaks } => {
            let subject = match (tag, pool) {
                (Some(tag), Some(pool)) => format!("tag {tag} in {pool} pool"),
                (Some(tag), None) => format!("tag {tag}, in a pool that it does not name"),
                (None, Some(pool)) => format!("{pool} pool"),
                (None, None) => "kernel pool".to_owned(),
            };
            let held = outstanding.map(|count| counted(count, "allocation", "allocations"));
            let held = match (bytes, held) {
                (Some(bytes), Some(held)) => format!(": {bytes} in {held}"),
                (Some(bytes), None) => format!(": {bytes}"),
                (None, Some(held)) => format!(": {held}"),
                (None, None) => String::new(),
            };
            let grows = if *leaks { " It says that this grows." } else { "" };
            format!("The text mentions {subject}{held}.{grows}")
        }
        Evidence::LeftAtUnload { driver, allocations } => format!(
            "Driver Verifier stopped Windows: {} was unloaded and left {} behind.",
            driver.as_deref().unwrap_or("a driver"),
            counted(*allocations, "allocation", "allocations")
        ),
        Evidence::SeveralMachines { hosts } => format!(
            "These texts come from {}: {}. Judge each by itself.",
            counted(hosts.len() as u64, "machine", "machines"),
            hosts.join(", ")
        ),
        Evidence::LeftLockedPages { driver, pages } => format!(
            "Windows stopped: a process ended, and {} had left {} of it locked.",
            driver.as_deref().unwrap_or("a driver"),
            counted(*pages, "page", "pages")
        ),
        Evidence::VerifierCount { driver, pool, bytes, outstanding } => format!(
            "Driver Verifier counts {} of {} in {pool} pool, {bytes}.",
            counted(*outstanding, "allocation", "allocations"),
            driver.as_deref().unwrap_or("all verified drivers")
        ),
        _ => String::new(),
    }
}

/// Facts about a tag.
fn of_tag(fact: &Evidence) -> String {
    match fact {
        Evidence::TagUse { tag, pool, bytes, outstanding } => {
            let objects = objects_of(*tag)
                .map_or_else(String::new, |objects| format!(" It stands for {objects} objects."));
            format!(
                "Tag {tag} holds {bytes} of {pool} pool in {} outstanding allocations.{objects}",
                grouped(*outstanding)
            )
        }
        Evidence::TagGrowth { tag, pool, grown, over_s } => {
            format!("Tag {tag} grew by {grown} of {pool} pool{}.", within(*over_s))
        }
        Evidence::ObjectGrowth { tag, pool, grown, over_s } => format!(
            "Tag {tag} gained {} outstanding allocations in {pool} pool{}.",
            grouped(*grown),
            within(*over_s)
        ),
        Evidence::TagTrend { tag, pool, per_day, least, most, over_s } => format!(
            "The low points of tag {tag} have risen for {}: by {per_day} of {pool} pool per day ({least} to {most}).",
            duration(*over_s)
        ),
        Evidence::HardlyFreed { tag, pool, allocs, frees } => format!(
            "Of {} allocations of tag {tag} in {pool} pool, {} were freed.",
            grouped(*allocs),
            grouped(*frees)
        ),
        Evidence::NeverFell { tag, pool, over_s } => {
            format!("Tag {tag} never gave {pool} pool back in {}.", duration(*over_s))
        }
        Evidence::LockStep { tag, with } => {
            let each: Vec<String> =
                with.iter().map(|(tag, ratio)| format!("{tag} ({ratio:.2})")).collect();
            format!("These tags grow in step with {tag}, one cause: {}.", each.join(", "))
        }
        Evidence::TagMeaning { tag, meaning } => match meaning {
            Meaning::Shared => {
                format!("Many drivers use tag {tag}: the tag alone points to nobody.")
            }
            Meaning::Cache => {
                format!(
                    "Tag {tag} is a cache of Windows, which grows after a start and then holds."
                )
            }
            Meaning::Objects => format!(
                "Tag {tag} counts objects of the kernel, which programs hold by handles and drivers by references."
            ),
            Meaning::Unknown => format!("What tag {tag} stands for is not known."),
        },
        Evidence::PeerUse { tag, pool, bytes, median, peers } => format!(
            "Tag {tag} holds {bytes} of {pool} pool here, {median} on the median of {} like it.",
            counted(u64::from(*peers), "host", "hosts")
        ),
        Evidence::TagOwner { tag, owner, source } => {
            format!("Tag {tag} may belong to {owner}: {}.", owner_source(*source))
        }
        Evidence::KnownLeak { tag, owner, versions, reference } => {
            format!("A leak of tag {tag} by {owner} is publicly known ({versions}): {reference}")
        }
        Evidence::MoreObjectsThanLive { tag, outstanding, live } => format!(
            "Tag {tag} counts {} objects and {} are alive: something keeps references to those that ended.",
            grouped(*outstanding),
            grouped(*live)
        ),
        Evidence::NoHandlesFor { tag, objects, handles } => format!(
            "Against {} objects of tag {tag} there are {} handles: no program holds them.",
            grouped(*objects),
            grouped(*handles)
        ),
        _ => String::new(),
    }
}

/// Facts about a program whose work drives growth.
fn of_trigger(fact: &Evidence) -> String {
    match fact {
        Evidence::GrowsWithOperations {
            image,
            tag,
            pool,
            operations,
            objects,
            bytes,
            hours,
            active,
            chance,
            over_s,
            ..
        } => format!(
            "While {image} works, tag {tag} grows: by {}, {bytes} of {pool} pool in {}. In {} of {} in which the tag grew, {image} was at work. By chance, some program would follow the growth as closely on {}.",
            pace(*operations, *objects, *bytes),
            duration(*over_s),
            grouped(u64::from(*active)),
            counted(u64::from(*hours), "hour", "hours"),
            one_in(*chance)
        ),
        Evidence::EndedWithoutReturn { name, tag, per_hour_before, per_hour_after, .. } => format!(
            "{name} ended, and tag {tag} gave nothing back but stopped growing: {} allocations more per hour before, {} after. Its work makes another leak.",
            grouped(*per_hour_before),
            grouped(*per_hour_after)
        ),
        _ => String::new(),
    }
}

/// By how much a tag grows with what a program does: `96 B for every third operation`.
pub(super) fn pace(operations: u64, objects: u64, bytes: Bytes) -> String {
    let each = Bytes(bytes.0.checked_div(objects).unwrap_or(0));
    let rounded = |part: u64, of: u64| (part + of / 2).checked_div(of).unwrap_or(0);
    let which = match rounded(operations, objects) {
        0 => {
            let several = grouped(rounded(objects, operations));
            return format!("{several} allocations of {each} with each operation");
        }
        1 => "each operation".to_owned(),
        2 => "every second operation".to_owned(),
        3 => "every third operation".to_owned(),
        several => format!("every {} operations", grouped(several)),
    };
    format!("{each} for {which}")
}

/// A chance over hosts, also where percents say little: `fewer than one host in 10,000`.
fn one_in(chance: f32) -> String {
    match f64::from(chance) {
        chance if chance >= 0.001 => format!("{} of hosts", percent_text(chance)),
        chance if chance >= 1e-9 => {
            let power = (1.0 / chance).log10().floor() as u32;
            format!("fewer than one host in {}", grouped(10_u64.pow(power)))
        }
        _ => "fewer than one host in a billion".to_owned(),
    }
}

/// An attribute in words: `driver foo.sys 5.1`.
#[must_use]
pub fn attribute(attribute: &Attribute) -> String {
    let versioned = |kind: &str, name: &str, version: &Option<String>| match version {
        Some(version) => format!("{kind} {name} {version}"),
        None => format!("{kind} {name}"),
    };
    match attribute {
        Attribute::Driver { name, version } => versioned("driver", name, version),
        Attribute::Program { image, version } => versioned("program", image, version),
        Attribute::Service { name } => format!("service {name}"),
        Attribute::OsBuild { build, revision } => format!("Windows build {build}.{revision}"),
        Attribute::Update { name } => format!("update {name}"),
        Attribute::Model { name } => format!("model {name}"),
        Attribute::Group { name } => format!("group {name}"),
    }
}

/// A change of a host as a sentence, without its time.
#[must_use]
pub fn change(told: &Change) -> String {
    let what = attribute(&told.attribute);
    match (told.kind, &told.before) {
        (ChangeKind::Added, _) => format!("New: {what}."),
        (ChangeKind::Removed, _) => format!("Gone: {what}."),
        (ChangeKind::Changed, Some(before)) => format!("Changed: {what}, before {before}."),
        (ChangeKind::Changed, None) => format!("Changed: {what}."),
    }
}

/// How whose a tag is is known.
#[must_use]
pub const fn owner_source(source: OwnerSource) -> &'static str {
    match source {
        OwnerSource::Catalogue => "by the built-in catalogue",
        OwnerSource::Pooltag => "by your own tag list",
        OwnerSource::KnownLeak => "by the list of known leaks",
        OwnerSource::Scan => "its code uses the tag",
        OwnerSource::DriverName => "the tag begins as its name does, as tags of KMDF drivers do",
        OwnerSource::Fleet => "hosts with the growth have it, hosts without do not",
    }
}

fn differs(counts: &AttributeCounts) -> String {
    format!(
        "{} of {} affected hosts have {}, and {} of {} healthy ones.",
        counts.affected,
        counts.affected_of,
        attribute(&counts.attribute),
        counts.healthy,
        counts.healthy_of
    )
}

fn outstanding_objects(tag: PoolTag) -> String {
    objects_of(tag).map_or_else(
        || format!("outstanding {tag} allocations"),
        |objects| format!("outstanding {objects} objects ({tag})"),
    )
}

fn amount(measure: Measure, amount: u64) -> String {
    match measure {
        Measure::Handles => counted(amount, "handle", "handles"),
        Measure::Threads => counted(amount, "thread", "threads"),
        Measure::PrivateBytes => format!("{} of private memory", Bytes(amount)),
    }
}

/// ` in 24 h`; nothing where the time is not known.
/// `12 MB of 16 GB of physical memory`
pub(super) fn of_physical(left: Bytes, physical: Option<Bytes>) -> String {
    let whole = physical.map_or_else(String::new, |physical| format!(" of {physical}"));
    format!("{left}{whole} of physical memory")
}

fn within(over_s: u64) -> String {
    if over_s == 0 { String::new() } else { format!(" in {}", duration(over_s)) }
}

/// When a fact was observed, where it is one moment.
#[must_use]
pub const fn evidence_time(fact: &Evidence) -> Option<Timestamp> {
    match fact {
        Evidence::PoolEmptyEvent { time, .. }
        | Evidence::PoolLimitEvent { time, .. }
        | Evidence::CommitExhaustedEvent { time }
        | Evidence::EndedWithoutReturn { time, .. }
        | Evidence::Release { time, .. } => Some(*time),
        Evidence::Changed(change) => Some(change.at),
        Evidence::Silence { since } => Some(*since),
        _ => None,
    }
}

/// The pool that a fact is about.
pub(super) const fn pool_of(fact: &Evidence) -> Option<Pool> {
    match fact {
        Evidence::PoolEmptyEvent { pool, .. }
        | Evidence::PoolLimitEvent { pool, .. }
        | Evidence::PoolUse { pool, .. }
        | Evidence::PoolGrowth { pool, .. }
        | Evidence::TagUse { pool, .. }
        | Evidence::TagGrowth { pool, .. } => Some(*pool),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        Bytes, PoolTag,
        memory::{Ceiling, CeilingSource},
    };

    use super::*;

    #[test]
    fn every_fact_has_its_sentence() {
        let thre = PoolTag::new(*b"Thre");
        let time = Timestamp::UNIX_EPOCH;
        let used = Bytes::from_kib(209_844);
        let ceiling = |source| Ceiling { bytes: Bytes::from_kib(217_112), source };
        for (fact, words) in [
            (
                Evidence::PoolUse { pool: Pool::Paged, used, ceiling: None },
                "Paged pool holds 205 MB.",
            ),
            (
                Evidence::ResidentAvailable { left: Bytes(12 << 20), physical: None },
                "12 MB of physical memory can still be locked.",
            ),
            (
                Evidence::PoolEmptyEvent { pool: Pool::Nonpaged, event_id: 2019, time },
                "Event 2019: the Server service found nonpaged pool empty.",
            ),
            (
                Evidence::CommitExhaustedEvent { time },
                "Event 2004: Windows ran out of commit (virtual memory). That is not pool.",
            ),
            (
                Evidence::PoolUse {
                    pool: Pool::Nonpaged,
                    used,
                    ceiling: Some(ceiling(CeilingSource::Measured)),
                },
                "Nonpaged pool holds 205 MB of 212 MB (97 %), a limit measured on this host.",
            ),
            (
                Evidence::PoolUse {
                    pool: Pool::Paged,
                    used,
                    ceiling: Some(ceiling(CeilingSource::Documented)),
                },
                "Paged pool holds 205 MB of 212 MB (97 %), the documented ceiling; allocation fails earlier.",
            ),
            (
                Evidence::TagUse {
                    tag: thre,
                    pool: Pool::Nonpaged,
                    bytes: Bytes(76_892_800),
                    outstanding: 120_145,
                },
                "Tag Thre holds 73 MB of nonpaged pool in 120,145 outstanding allocations. It stands for thread objects.",
            ),
            (
                Evidence::TagGrowth {
                    tag: PoolTag::new(*b"Fooo"),
                    pool: Pool::Nonpaged,
                    grown: Bytes(63_963_136),
                    over_s: 86_400,
                },
                "Tag Fooo grew by 61 MB of nonpaged pool in 24 h.",
            ),
            (
                Evidence::ProcessHandles {
                    image: "mybadapp.exe".into(),
                    pid: 416,
                    handles: 90_472,
                },
                "mybadapp.exe (pid 416) holds 90,472 handles.",
            ),
            (
                Evidence::HandlesMatchObjects {
                    image: "mybadapp.exe".into(),
                    tag: thre,
                    handles: 90_472,
                    outstanding: 120_145,
                },
                "The 90,472 handles of mybadapp.exe go with 120,145 outstanding thread objects (Thre).",
            ),
            (
                Evidence::GrowsWithOperations {
                    image: "git.exe".into(),
                    tag: PoolTag::new(*b"NtFC"),
                    pool: Pool::Nonpaged,
                    operations: 2_900_000,
                    objects: 1_000_000,
                    bytes: Bytes(96_000_000),
                    hours: 41,
                    active: 41,
                    correlation: 0.97,
                    chance: 2e-7,
                    over_s: 3 * 86_400,
                },
                "While git.exe works, tag NtFC grows: by 96 B for every third operation, 92 MB of nonpaged pool in 3 d. In 41 of 41 hours in which the tag grew, git.exe was at work. By chance, some program would follow the growth as closely on fewer than one host in 1,000,000.",
            ),
        ] {
            assert_eq!(evidence(&fact).replace('\u{a0}', " "), words);
            assert_eq!(evidence_time(&fact).is_some(), words.starts_with("Event"));
        }
    }
}
