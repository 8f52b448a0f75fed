//! Where the numbers of facts stand: file and line of each, in the texts that were judged.

use poolwatch_evidence::{
    CombinedEvidence, Fact, MachineSnapshot, Source, statements::VerifiedDriver,
};
use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::Evidence,
    event::{Event, EventKind},
};

/// Places of one fact that are told: a fact of very many rows is known by its first.
const MOST: usize = 6;
/// The process of the kernel itself has this id on every Windows since XP.
const SYSTEM_PID: u32 = 4;

/// What a number of a fact is about.
enum NumberSubject<'a> {
    /// A system-wide figure, by its field's name.
    Figure(&'static str),
    /// A tag, in a pool where that is told.
    Tag(PoolTag, Option<Pool>),
    /// The processes of a program, or the one of them that has an id.
    Program(&'a str, Option<u32>),
    /// Events of some kind.
    Events(fn(&EventKind) -> bool),
}

/// Which moments a number is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MomentsOfFact {
    /// The latest that tells it.
    Latest,
    /// The first and the latest: what grew between them.
    Ends,
}

/// The places of the numbers of a fact, in the order of the texts. Empty when all that it says follows
/// from others, or from what is built in.
#[must_use]
pub fn places_of_fact(fact: &Evidence, combined: &CombinedEvidence) -> Vec<Source> {
    let (subjects, moments) = subjects(fact);
    let mut places = Vec::new();
    places.extend(of_statements(fact, combined));
    for subject in subjects {
        match subject {
            NumberSubject::Events(is_it) => places.extend(of_events(combined, is_it)),
            subject => places.extend(of_states(combined, &subject, moments)),
        }
    }
    let mut told: Vec<Source> = Vec::new();
    for place in places {
        if told.len() < MOST && !told.contains(&place) {
            told.push(place);
        }
    }
    told
}

/// What the numbers of a fact are about.
fn subjects(fact: &Evidence) -> (Vec<NumberSubject<'_>>, MomentsOfFact) {
    use NumberSubject::{Events, Figure, Program, Tag};
    let of_pool = |pool: &Pool| match pool {
        Pool::Paged => ("paged", "paged_limit"),
        Pool::Nonpaged => ("nonpaged", "nonpaged_limit"),
    };
    let subjects = match fact {
        Evidence::PoolEmptyEvent { .. } => {
            vec![Events(|kind| matches!(kind, EventKind::PoolEmpty(_)))]
        }
        Evidence::PoolLimitEvent { .. } => {
            vec![Events(|kind| matches!(kind, EventKind::PoolLimit(_)))]
        }
        Evidence::CommitExhaustedEvent { .. } => {
            vec![Events(|kind| *kind == EventKind::CommitExhausted)]
        }
        Evidence::CommitHolder { image, pid, .. } => {
            let of_event = Events(|kind| *kind == EventKind::CommitExhausted);
            vec![Program(image, Some(*pid).filter(|pid| *pid != 0)), of_event]
        }
        Evidence::CommitUse { .. } | Evidence::CommitTrend { .. } => {
            vec![Figure("committed"), Figure("commit_limit")]
        }
        Evidence::PoolUse { pool, ceiling, .. } => {
            let (used, limit) = of_pool(pool);
            let limit = ceiling.is_some().then_some(Figure(limit));
            std::iter::once(Figure(used)).chain(limit).collect()
        }
        Evidence::PoolGrowth { pool, .. } => vec![Figure(of_pool(pool).0)],
        Evidence::TagsExplain { pool, .. } => vec![Figure(of_pool(pool).0)],
        Evidence::PoolHasRoom { pool, .. } => vec![Figure(of_pool(pool).0), Figure("physical")],
        Evidence::ResidentAvailable { .. } => {
            vec![Figure("resident_available"), Figure("physical")]
        }
        Evidence::TagUse { tag, pool, .. }
        | Evidence::TagGrowth { tag, pool, .. }
        | Evidence::ObjectGrowth { tag, pool, .. }
        | Evidence::TagTrend { tag, pool, .. }
        | Evidence::HardlyFreed { tag, pool, .. }
        | Evidence::NeverFell { tag, pool, .. }
        | Evidence::PeerUse { tag, pool, .. }
        | Evidence::GrowsWithOperations { tag, pool, .. } => vec![Tag(*tag, Some(*pool))],
        Evidence::LockStep { tag, with } => {
            let with = with.iter().map(|(tag, _)| Tag(*tag, None));
            std::iter::once(Tag(*tag, None)).chain(with).collect()
        }
        Evidence::ProcessHandles { image, pid, .. }
        | Evidence::ProcessThreads { image, pid, .. }
        | Evidence::ProcessGrowth { image, pid, .. }
        | Evidence::QuotaCharge { image, pid, .. } => vec![Program(image, Some(*pid))],
        Evidence::ProgramHandles { image, .. } => vec![Program(image, None)],
        Evidence::HandlesMatchObjects { image, tag, .. } => {
            vec![Program(image, None), Tag(*tag, None)]
        }
        Evidence::HandlesSumToObjects { holders, tag, .. } => {
            let each = holders.iter().map(|one| Program(&one.image, Some(one.pid)));
            each.chain([Tag(*tag, None)]).collect()
        }
        Evidence::GrowsWithObjects { image, pid, tag, .. } => {
            vec![Program(image, Some(*pid)), Tag(*tag, None)]
        }
        Evidence::NoHandlesFor { tag, .. } | Evidence::HandlesSpread { tag, .. } => {
            vec![Tag(*tag, None)]
        }
        Evidence::MoreObjectsThanLive { tag, .. } => vec![Tag(*tag, None), Figure("processes")],
        Evidence::HeldByKernel { .. } => vec![Program("System", Some(SYSTEM_PID))],
        Evidence::Release { name, tag, pool, .. }
        | Evidence::EndedWithoutReturn { name, tag, pool, .. } => {
            vec![Program(name, None), Tag(*tag, Some(*pool))]
        }
        // What texts state beside states.
        Evidence::TextSays { .. }
        | Evidence::LeftAtUnload { .. }
        | Evidence::LeftLockedPages { .. }
        | Evidence::VerifierCount { .. }
        | Evidence::HandlesOfType { .. }
        | Evidence::TagMeaning { .. }
        | Evidence::SeveralMachines { .. }
        | Evidence::Broker { .. }
        | Evidence::ChanceMatch { .. }
        | Evidence::PoolTotalUnknown { .. }
        | Evidence::TornTable
        | Evidence::BeforeRestart { .. }
        | Evidence::ObjectTypeGrowth { .. }
        | Evidence::TagOwner { .. }
        | Evidence::KnownLeak { .. }
        | Evidence::Differs(_)
        | Evidence::VersionOutcome { .. }
        | Evidence::Changed(_)
        | Evidence::Silence { .. } => Vec::new(),
    };
    let grew = matches!(
        fact,
        Evidence::PoolGrowth { .. }
            | Evidence::TagGrowth { .. }
            | Evidence::ObjectGrowth { .. }
            | Evidence::TagTrend { .. }
            | Evidence::NeverFell { .. }
            | Evidence::LockStep { .. }
            | Evidence::ProcessGrowth { .. }
            | Evidence::GrowsWithObjects { .. }
            | Evidence::Release { .. }
            | Evidence::EndedWithoutReturn { .. }
    );
    (subjects, if grew { MomentsOfFact::Ends } else { MomentsOfFact::Latest })
}

/// The places of what texts state beside states: what Driver Verifier counted, handles by type, and what
/// sentences and tables without a pool say of tags.
fn of_statements(fact: &Evidence, combined: &CombinedEvidence) -> Vec<Source> {
    let places: Vec<Fact> = match fact {
        Evidence::LeftAtUnload { driver, .. }
        | Evidence::LeftLockedPages { driver, .. }
        | Evidence::VerifierCount { driver, .. } => {
            let is_it = |one: &VerifiedDriver| match driver {
                Some(name) => one.name == *name,
                None => one.is_all() || one.name.is_empty(),
            };
            let counted = combined.verified.iter().enumerate();
            counted.filter(|(_, one)| is_it(one)).map(|(at, _)| Fact::Driver(at)).collect()
        }
        Evidence::HandlesOfType { image, pid, .. } => {
            let listed = combined.handles.iter().enumerate();
            let listed = listed.filter(|(_, one)| one.is_of(*pid, image));
            listed.map(|(at, _)| Fact::Handles(at)).collect()
        }
        Evidence::TextSays { tag, pool, .. } => {
            let unplaced = combined.unplaced.iter().enumerate();
            let unplaced = unplaced.filter(|(_, one)| pool.is_none() && Some(one.tag) == *tag);
            let said = combined.told.iter().enumerate();
            let said = said.filter(|(_, one)| (one.tag, one.pool) == (*tag, *pool));
            let unplaced = unplaced.map(|(at, _)| Fact::Unplaced(at));
            unplaced.chain(said.map(|(at, _)| Fact::Told(at))).collect()
        }
        _ => Vec::new(),
    };
    places.iter().filter_map(|fact| combined.sources.get(fact).cloned()).collect()
}

fn of_events(combined: &CombinedEvidence, is_it: fn(&EventKind) -> bool) -> Vec<Source> {
    let dated = combined.events.iter().enumerate();
    let dated = dated.filter(|(_, event)| is_it(&Event::kind(event)));
    let dated = dated.map(|(at, _)| Fact::Event(at));
    let undated = combined.undated_events.iter().enumerate();
    let undated = undated.filter(|(_, event)| is_it(&event.kind));
    let undated = undated.map(|(at, _)| Fact::UndatedEvent(at));
    dated.chain(undated).filter_map(|fact| combined.sources.get(&fact).cloned()).collect()
}

fn of_states(
    combined: &CombinedEvidence,
    subject: &NumberSubject<'_>,
    moments: MomentsOfFact,
) -> Vec<Source> {
    let of_moment = |moment: &MachineSnapshot| of_moment(moment, subject);
    let told: Vec<Vec<Source>> =
        combined.snapshots.iter().map(of_moment).filter(|places| !places.is_empty()).collect();
    let mut places: Vec<Source> = match (told.as_slice(), moments) {
        ([first, .., last], MomentsOfFact::Ends) => [first.as_slice(), last].concat(),
        ([.., last], _) => last.clone(),
        ([], _) => Vec::new(),
    };
    if let NumberSubject::Tag(tag, _) = subject
        && (places.is_empty() || moments == MomentsOfFact::Ends)
    {
        let tables = 0..combined.growths.len();
        let grown = tables.filter_map(|at| combined.sources.get(&Fact::Growth(at, *tag)));
        places.extend(grown.cloned());
    }
    places
}

fn of_moment(moment: &MachineSnapshot, subject: &NumberSubject<'_>) -> Vec<Source> {
    let is_it = |fact: &Fact| match (subject, fact) {
        (NumberSubject::Figure(name), Fact::Memory(of)) => name == of,
        (NumberSubject::Tag(tag, pool), Fact::Tag(of, in_pool)) => {
            of.unprotected() == *tag && pool.is_none_or(|pool| pool == *in_pool)
        }
        (NumberSubject::Program(image, pid), Fact::Process(of, name)) => {
            name.eq_ignore_ascii_case(image) && pid.is_none_or(|pid| pid == *of)
        }
        _ => false,
    };
    let found = moment.sources.iter().filter(|(fact, _)| is_it(fact));
    found.map(|(_, place)| place.clone()).collect()
}
