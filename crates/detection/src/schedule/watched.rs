//! What is remembered of one host between its turns.

use jiff::Timestamp;
use poolwatch_analysis::{Screen, case::Peer, handles, high_use};
use poolwatch_model::{Pool, PoolTag, memory::Memory, tag::TagTable};

use super::{HostLook, seeds::Seed};
use crate::bounds::{
    AGAIN_AFTER, CANDIDATES, COMMITTED, DIAGNOSED_EVERY, HANDLES_GAINED, HIGH_USE_EVERY, PRESSED,
    WHOLE_EVERY,
};
use crate::case::Look;

#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) screen: Screen,
    pub(super) screened: Option<Timestamp>,
    pub(super) seed: Seed,
    pub(super) uptime_s: u64,
    pub(super) has_incident: bool,
    /// Whether something changed since the last diagnosis.
    pub(super) has_news: bool,
    /// Tags that grew notably, those farthest above their floors.
    candidates: Vec<PoolTag>,
    /// Those that were so at an earlier diagnosis in this run of Windows.
    candidates_known: Vec<PoolTag>,
    /// Tags far above what is usual, and those that were so at the last diagnosis for them.
    high: Vec<PoolTag>,
    high_known: Vec<PoolTag>,
    high_diagnosed: Option<Timestamp>,
    is_pressed: bool,
    /// The most handles that one program has, where they are many, and had at the last diagnosis.
    handles: u32,
    handles_known: u32,
    /// Since when it gives cause, until it is diagnosed.
    pub(super) cause_since: Option<Timestamp>,
    diagnosed: Option<Timestamp>,
    /// When everything of it was looked at.
    whole: Option<Timestamp>,
    found: bool,
    is_urgent: bool,
}

impl Watched {
    pub(super) fn screen(
        &mut self,
        look: &HostLook<'_>,
        usual: impl Fn(PoolTag, Pool) -> Option<Peer>,
        now: Timestamp,
    ) {
        if look.uptime_s < self.uptime_s {
            self.candidates_known.clear();
            self.has_news = true;
        }
        self.uptime_s = look.uptime_s;
        self.screen.update(look.tags, look.uptime_s);
        self.seed.want(look.uptime_s);
        self.take_candidates(look.tags);
        let is_pressed = is_pressed(look.memory);
        self.has_news |= is_pressed && !self.is_pressed;
        self.is_pressed = is_pressed;
        // A program that holds as many handles as ever gives no cause.
        let many = look.most_handles.filter(|most| u64::from(*most) >= handles::MANY);
        self.handles = many.unwrap_or(0);
        self.has_news |= self.has_gained_handles();
        self.high = high_tags(look, usual);
        self.screened = Some(now);
        self.note_cause(now);
    }

    /// Notes since when the host gives cause.
    pub(super) fn note_cause(&mut self, now: Timestamp) {
        if self.gives_cause(now) {
            self.cause_since.get_or_insert(now);
        }
    }

    fn gives_cause(&self, now: Timestamp) -> bool {
        !self.candidates.is_empty()
            || self.is_pressed
            || self.has_gained_handles()
            || self.has_incident
            || self.is_high_use_due(now)
    }

    /// Looks at the candidates again, for floors have changed.
    pub(super) fn take_candidates(&mut self, tags: &TagTable) {
        let mut found = self.screen.candidates(tags);
        found.sort_by_key(|one| std::cmp::Reverse(one.above));
        found.truncate(CANDIDATES);
        let found: Vec<PoolTag> = found.into_iter().map(|one| one.tag).collect();
        let is_new = |tag: &PoolTag| !self.candidates_known.contains(tag);
        let is_given_back = |tag: &PoolTag| !found.contains(tag);
        self.has_news |=
            found.iter().any(is_new) || self.found && self.candidates.iter().any(is_given_back);
        self.candidates = found;
    }

    fn has_gained_handles(&self) -> bool {
        self.handles > self.handles_known.saturating_add(self.handles_known / HANDLES_GAINED)
    }

    fn is_high_use_due(&self, now: Timestamp) -> bool {
        let is_new = |tag: &PoolTag| !self.high_known.contains(tag);
        !self.high.is_empty()
            && (self.high.iter().any(is_new)
                || self.high_diagnosed.is_none_or(|at| now.duration_since(at) >= HIGH_USE_EVERY))
    }

    /// Since when a diagnosis is due; `None` when none is.
    pub(super) fn due_since(&self, now: Timestamp) -> Option<Timestamp> {
        let cause_since = self.cause_since.filter(|_| self.gives_cause(now))?;
        let since = match self.diagnosed {
            None => cause_since,
            Some(at) => {
                let is_fast = self.has_news || self.is_urgent;
                at.saturating_add(if is_fast { DIAGNOSED_EVERY } else { AGAIN_AFTER }).ok()?
            }
        };
        (since <= now).then_some(since.max(cause_since))
    }

    /// What is looked at: everything, unless it was within a day, nothing was wrong, and nothing but
    /// candidates gives cause.
    pub(super) fn look(&self, now: Timestamp) -> Look {
        let is_recent = |at: Timestamp| now.duration_since(at) < WHOLE_EVERY;
        let needs_whole = self.found
            || self.has_incident
            || self.is_pressed
            || self.has_gained_handles()
            || self.is_high_use_due(now);
        Look {
            tags: self.candidates.iter().chain(&self.high).copied().collect(),
            is_glance: self.whole.is_some_and(is_recent) && !needs_whole,
        }
    }

    pub(super) fn note_diagnosed(
        &mut self,
        found: bool,
        is_urgent: bool,
        is_glance: bool,
        now: Timestamp,
    ) {
        if !is_glance {
            self.whole = Some(now);
        }
        let new = self.candidates.iter().filter(|tag| !self.candidates_known.contains(tag));
        let new: Vec<PoolTag> = new.copied().collect();
        self.candidates_known.extend(new);
        let beyond = self.candidates_known.len().saturating_sub(2 * CANDIDATES);
        self.candidates_known.drain(..beyond);
        self.handles_known = self.handles;
        if self.is_high_use_due(now) {
            self.high_known.clone_from(&self.high);
            self.high_diagnosed = Some(now);
        }
        (self.found, self.is_urgent, self.has_news) = (found, is_urgent, false);
        self.diagnosed = Some(now);
        self.cause_since = None;
        self.note_cause(now);
    }

    pub(super) fn state_bytes(&self) -> usize {
        let tags = [&self.candidates, &self.candidates_known, &self.high, &self.high_known];
        let kept: usize = tags.into_iter().map(Vec::capacity).sum();
        size_of::<Self>() - size_of::<Screen>()
            + self.screen.state_bytes()
            + kept * size_of::<PoolTag>()
    }
}

/// Whether a pool or commit runs out whatever the tags do.
fn is_pressed(memory: &Memory) -> bool {
    let share = |used: Option<_>, limit: Option<_>| {
        used.zip(limit)
            .map_or(0.0, |(used, limit): (poolwatch_model::Bytes, _)| used.share_of(limit))
    };
    let is_pressed = |pool| share(memory.of(pool), memory.limit_of(pool)) >= PRESSED;
    Pool::ALL.into_iter().any(is_pressed)
        || share(memory.committed, memory.commit_limit) >= COMMITTED
}

/// The tags that use far more than is usual. Whether they hold still is known after a day.
fn high_tags(look: &HostLook<'_>, usual: impl Fn(PoolTag, Pool) -> Option<Peer>) -> Vec<PoolTag> {
    if look.uptime_s < HIGH_USE_EVERY.as_secs().unsigned_abs() {
        return Vec::new();
    }
    let is_high = |tag: PoolTag, pool: Pool, bytes: u64| {
        bytes >= high_use::LEAST
            && high_use::is_far_above(tag, pool, bytes, look.memory, usual(tag, pool).as_ref())
    };
    let rows = look.tags.rows.iter();
    let high = rows
        .filter(|row| Pool::ALL.into_iter().any(|pool| is_high(row.tag, pool, row.of(pool).bytes)));
    high.map(|row| row.tag).take(CANDIDATES).collect()
}
