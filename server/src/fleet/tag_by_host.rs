//! One tag over all hosts. A tag that somebody looks at is kept up with the fleet's view for a while.

use std::{
    cmp::Reverse,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use poolwatch_model::{HostId, Pool, PoolTag, tag::TagCounters};

use super::{
    Fleet,
    baselines::{WINDOWS, Window},
};

/// Tags that are kept up, the latest that were asked for: a walk over all hosts serves them all.
const FOLLOWED: usize = 8;
/// How long a tag is kept up after it was asked for.
const WHILE_ASKED: Duration = Duration::from_secs(120);
/// An answer older than this is made anew for who asks.
const FRESH: Duration = Duration::from_secs(15);

/// One host's use of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostUse {
    /// The host.
    pub host: HostId,
    /// What it uses.
    pub counters: TagCounters,
    growth: [Option<i64>; WINDOWS],
}

impl HostUse {
    /// Bytes more, or less, than at the beginning of a window; `None` when that is not known.
    #[must_use]
    pub fn growth(&self, window: Window) -> Option<i64> {
        self.growth[window as usize]
    }
}

/// The hosts that use a tag, by pool.
#[derive(Debug, Default)]
pub struct TagByHost([Vec<HostUse>; 2]);

impl TagByHost {
    /// The hosts that use it in a pool, those with most bytes first.
    #[must_use]
    pub fn of(&self, pool: Pool) -> &[HostUse] {
        &self.0[pool as usize]
    }

    /// The same on some hosts alone.
    #[must_use]
    pub fn among(&self, is_one: impl Fn(HostId) -> bool) -> Self {
        let keep =
            |uses: &Vec<HostUse>| uses.iter().copied().filter(|one| is_one(one.host)).collect();
        Self([keep(&self.0[0]), keep(&self.0[1])])
    }
}

/// The tags that were asked for lately.
#[derive(Debug, Default)]
pub struct FollowedTags(Mutex<Vec<Follow>>);

#[derive(Debug)]
struct Follow {
    tag: PoolTag,
    asked: Instant,
    made: Instant,
    found: Arc<TagByHost>,
}

impl FollowedTags {
    fn lock(&self) -> MutexGuard<'_, Vec<Follow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// What every host uses by a tag, as of some seconds ago at most. The first question walks over
    /// all hosts: call it beside the threads that answer requests.
    #[must_use]
    pub fn across(&self, tag: PoolTag) -> Arc<TagByHost> {
        let asked = Instant::now();
        let fresh = |one: &&mut Follow| one.tag == tag && one.made.elapsed() < FRESH;
        if let Some(known) = self.followed.lock().iter_mut().find(fresh) {
            known.asked = asked;
            return known.found.clone();
        }
        let found = Arc::new(self.across_now(&[tag]).pop().unwrap_or_default());
        let mut followed = self.followed.lock();
        followed.retain(|one| one.tag != tag);
        followed.sort_by_key(|one| Reverse(one.asked));
        followed.truncate(FOLLOWED - 1);
        followed.push(Follow { tag, asked, made: Instant::now(), found: found.clone() });
        found
    }

    /// Makes the answers anew that somebody may ask for again, and forgets the others.
    pub(super) fn renew_across(&self) {
        let tags: Vec<PoolTag> = {
            let mut followed = self.followed.lock();
            followed.retain(|one| one.asked.elapsed() < WHILE_ASKED);
            followed.iter().map(|one| one.tag).collect()
        };
        if tags.is_empty() {
            return;
        }
        let found = self.across_now(&tags);
        let made = Instant::now();
        let mut followed = self.followed.lock();
        for (tag, found) in tags.into_iter().zip(found) {
            if let Some(one) = followed.iter_mut().find(|one| one.tag == tag) {
                (one.made, one.found) = (made, Arc::new(found));
            }
        }
    }

    /// What every host uses by some tags. Looks at every host whose tags are in memory, some hundred
    /// nanoseconds each.
    #[must_use]
    pub fn across_now(&self, tags: &[PoolTag]) -> Vec<TagByHost> {
        let mut all: Vec<TagByHost> = tags.iter().map(|_| TagByHost::default()).collect();
        for live in self.in_any_order() {
            let state = live.read();
            let Some(held) = state.tables().and_then(|tables| tables.tags.as_ref()) else {
                continue;
            };
            for (tag, across) in tags.iter().zip(&mut all) {
                for cell in held.cells_of(*tag) {
                    let counters = cell.counters;
                    let growth = cell.then.map(|then| then.growth_to(counters.bytes));
                    across.0[cell.pool as usize].push(HostUse { host: live.id, counters, growth });
                }
            }
        }
        let pools = all.iter_mut().flat_map(|across| &mut across.0);
        pools.for_each(|uses| {
            uses.sort_unstable_by_key(|one| (Reverse(one.counters.bytes), one.host));
        });
        all
    }
}
