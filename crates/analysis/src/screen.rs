//! The first stage: a few bytes per large tag tell which are worth studying.
//!
//! Each tag's floor falls at once with its use and rises slowly towards it, with a time
//! constant of three days. A tag that grows steadily keeps about three days' growth above its floor;
//! one that merely breathes does not. Floors are kept with eleven bits of mantissa, 0.05 % apart, and
//! only of tags that use a sixth of what is notable: the floor of the others lies below that, and no
//! pool has room for more than 308 such tags.

use poolwatch_model::{Pool, PoolTag, tag::TagTable};

/// What one host's screening remembers.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    /// Floors of the larger tags of each pool in the order of [`Pool::ALL`], by tag.
    floors: [Vec<(PoolTag, u16)>; 2],
    /// Uptime at which floors rose last, seconds.
    rose_s: u64,
    /// Uptime of the latest snapshot, seconds; `None` before the first.
    uptime_s: Option<u64>,
}

/// A tag that is worth studying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes now.
    pub bytes: u64,
    /// Bytes above the floor.
    pub above: u64,
}

/// While a host starts, floors follow.
const WARM_UP_S: u64 = 30 * 60;
/// Floors rise this often.
const RISE_S: u64 = 3600;
/// How long a floor needs to get near, in steps of `RISE_S`: three days.
const RISES: u32 = 72;
/// Growth above the floor that is worth a study: the larger of these bytes and this share of the
/// pool, in parts of 256. What a leak that needs a fortnight to count has above its floor.
const NOTABLE_BYTES: u64 = 10 << 20;
const NOTABLE_PARTS: u64 = 5;
/// The part of that from which on a floor is kept.
const KEPT_FROM: u64 = 6;
/// Floors that are kept of a pool at most: excerpts that each list other tags would add up.
const MOST: usize = 308;

impl Screen {
    /// Takes a snapshot's tags in. After a restart floors begin anew.
    pub fn update(&mut self, tags: &TagTable, uptime_s: u64) {
        let anew = self.uptime_s.is_none_or(|before| uptime_s < before);
        if anew {
            *self = Self::default();
        }
        let rises = uptime_s.saturating_sub(self.rose_s) / RISE_S;
        let follows = anew || uptime_s < WARM_UP_S;
        if rises > 0 || follows {
            self.rose_s = uptime_s;
        }
        self.uptime_s = Some(uptime_s);
        let weight = u32::try_from(rises).unwrap_or(RISES).min(RISES);
        for (pool, floors) in Pool::ALL.into_iter().zip(&mut self.floors) {
            let least = notable(tags, pool) / KEPT_FROM;
            let mut kept = Vec::with_capacity(floors.len() + 8);
            let mut known = floors.iter().copied().peekable();
            for row in &tags.rows {
                while let Some(unlisted) = known.next_if(|(tag, _)| *tag < row.tag) {
                    kept.extend((!tags.complete).then_some(unlisted));
                }
                let floor = known.next_if(|(tag, _)| *tag == row.tag).map(|(_, floor)| floor);
                let bytes = row.of(pool).bytes;
                if bytes < least {
                    continue;
                }
                let now = encode(bytes);
                let floor = floor.unwrap_or_else(|| encode(least));
                let floor =
                    if follows || now <= floor { now } else { floor + risen(now - floor, weight) };
                kept.push((row.tag, floor));
            }
            kept.extend(known.filter(|_| !tags.complete));
            if kept.len() > MOST {
                kept.retain(|(tag, _)| tags.get(*tag).is_some());
                kept.truncate(MOST);
            }
            kept.shrink_to_fit();
            *floors = kept;
        }
    }

    /// Lowers floors to what the tags used earlier in this run of Windows, so that what grew since
    /// shows at once. `earlier` tells the bytes of a tag then, where they are known.
    pub fn seed(&mut self, earlier: impl Fn(PoolTag, Pool) -> Option<u64>) {
        for (pool, floors) in Pool::ALL.into_iter().zip(&mut self.floors) {
            for (tag, floor) in floors {
                if let Some(bytes) = earlier(*tag, pool) {
                    *floor = (*floor).min(encode(bytes));
                }
            }
        }
    }

    /// The tags that have grown notably above their floors, by the snapshot that was taken in last.
    #[must_use]
    pub fn candidates(&self, tags: &TagTable) -> Vec<Candidate> {
        let of_pool = |(pool, floors): (Pool, &Vec<(PoolTag, u16)>)| -> Vec<Candidate> {
            let least = notable(tags, pool);
            let above = |(tag, floor): &(PoolTag, u16)| {
                let bytes = tags.get(*tag)?.of(pool).bytes;
                let above = bytes.saturating_sub(decode(*floor));
                (above >= least).then_some(Candidate { tag: *tag, pool, bytes, above })
            };
            floors.iter().filter_map(above).collect()
        };
        Pool::ALL.into_iter().zip(&self.floors).flat_map(of_pool).collect()
    }

    /// Bytes that this host's state takes.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        let kept: usize = self.floors.iter().map(Vec::capacity).sum();
        size_of::<Self>() + kept * size_of::<(PoolTag, u16)>()
    }
}

fn notable(tags: &TagTable, pool: Pool) -> u64 {
    NOTABLE_BYTES.max(tags.total(pool) / 256 * NOTABLE_PARTS)
}

/// What a floor rises by: its part of the way, and a step at least, so that it arrives.
fn risen(gap: u16, weight: u32) -> u16 {
    let part = (u32::from(gap) * weight).div_ceil(RISES);
    u16::try_from(part).unwrap_or(gap)
}

/// Five bits of magnitude above 4 kB and eleven of mantissa; monotone.
fn encode(bytes: u64) -> u16 {
    let units = (bytes >> 1).max(1 << 11);
    let magnitude = 63 - units.leading_zeros();
    let mantissa = (units >> (magnitude - 11)) & 0x7FF;
    let code = u64::from(magnitude - 11) << 11 | mantissa;
    u16::try_from(code).unwrap_or(u16::MAX)
}

fn decode(code: u16) -> u64 {
    let (magnitude, mantissa) = (u32::from(code >> 11), u64::from(code & 0x7FF));
    ((mantissa | 0x800) << magnitude) << 1
}

#[cfg(test)]
mod tests {
    use poolwatch_model::tag::{AllocCounting, TagCounters, TagUse};

    use super::*;

    fn table(rows: &[(&[u8; 4], u64)]) -> TagTable {
        let rows = rows
            .iter()
            .map(|(tag, bytes)| TagUse {
                tag: PoolTag::new(**tag),
                paged: TagCounters::default(),
                nonpaged: TagCounters { bytes: *bytes, outstanding: bytes / 100, allocs: 1 },
            })
            .collect();
        TagTable::new(AllocCounting::Wrapping32, true, rows)
    }

    #[test]
    fn codes_are_monotone_and_close() {
        let mut before = 0;
        for bytes in (13..50).flat_map(|bits| [1_u64 << bits, (1 << bits) + (1 << (bits - 3))]) {
            let code = encode(bytes);
            assert!(code >= before);
            before = code;
            let error = decode(code).abs_diff(bytes) as f64 / bytes as f64;
            assert!(bytes > 1 << 43 || error < 0.0006, "{bytes} {error}");
        }
    }

    #[test]
    fn steady_growth_is_a_candidate_and_breathing_is_not() {
        let mut screen = Screen::default();
        let mb = 1_u64 << 20;
        let mut last = table(&[]);
        for minute in 30..4320_u64 {
            let breath = if minute / 720 % 2 == 0 { 4 } else { 0 };
            last = table(&[(b"Leak", 100 * mb + minute * 40_000), (b"Load", (300 + breath) * mb)]);
            screen.update(&last, minute * 60);
        }
        let found = screen.candidates(&last);
        assert_eq!(found.iter().map(|one| one.tag.to_string()).collect::<Vec<_>>(), ["Leak"]);
    }

    #[test]
    fn an_earlier_table_shows_what_grew_before_the_first_look() {
        let mut screen = Screen::default();
        let mb = 1_u64 << 20;
        let now = table(&[(b"Grew", 300 * mb), (b"Hold", 300 * mb)]);
        screen.update(&now, 90_000);
        assert_eq!(screen.candidates(&now), []);
        let before = table(&[(b"Grew", 100 * mb), (b"Hold", 310 * mb)]);
        screen.seed(|tag, pool| Some(before.get(tag)?.of(pool).bytes));
        let found = screen.candidates(&now);
        assert_eq!(found.iter().map(|one| one.tag.to_string()).collect::<Vec<_>>(), ["Grew"]);
    }

    #[test]
    fn a_restart_begins_anew_and_a_large_newcomer_is_looked_at() {
        let mut screen = Screen::default();
        screen.update(&table(&[(b"Aaaa", 1 << 30)]), 90_000);
        let more = table(&[(b"Aaaa", 1 << 30), (b"Bbbb", 1 << 29)]);
        screen.update(&more, 90_060);
        assert_eq!(screen.candidates(&more).len(), 1);
        screen.update(&more, 60);
        assert_eq!(screen.candidates(&more), []);
    }

    #[test]
    fn an_excerpt_makes_no_floor_forgotten() {
        let mut screen = Screen::default();
        let mb = 1_u64 << 20;
        let all = |of_b| table(&[(b"Aaaa", 20 * mb), (b"Bbbb", of_b), (b"Cccc", 20 * mb)]);
        screen.update(&all(100 * mb), 90_000);
        let mut excerpt = table(&[(b"Aaaa", 20 * mb)]);
        excerpt.complete = false;
        screen.update(&excerpt, 90_060);
        assert_eq!(screen.candidates(&all(105 * mb)), []);
        let grown = all(120 * mb);
        screen.update(&grown, 90_120);
        assert_eq!(screen.candidates(&grown).len(), 1);
    }

    #[test]
    fn growth_from_next_to_nothing_is_noticed() {
        let mut screen = Screen::default();
        let mb = 1_u64 << 20;
        let mut last = table(&[]);
        for hour in 25..97_u64 {
            last = table(&[(b"Base", 200 * mb), (b"Seed", 4096 + (hour - 25) * mb / 4)]);
            screen.update(&last, hour * 3600);
        }
        assert_eq!(screen.candidates(&last).len(), 1, "18 MB in three days");
    }

    #[test]
    fn however_use_is_spread_the_state_stays_below_four_kilobytes() {
        for (count, each) in [(1500, 1 << 20), (1500, 16 << 20), (400, 2 << 20), (390, 1 << 30)] {
            let rows: Vec<TagUse> = (0..count)
                .map(|n: u32| {
                    let of = TagCounters { bytes: each, outstanding: 1, allocs: 1 };
                    TagUse { tag: PoolTag::new(n.to_be_bytes()), paged: of, nonpaged: of }
                })
                .collect();
            let mut screen = Screen::default();
            screen.update(&TagTable::new(AllocCounting::Wrapping32, true, rows), 90_000);
            assert!(screen.state_bytes() < 4000, "{count} of {each}: {}", screen.state_bytes());
        }
    }

    #[test]
    fn excerpts_that_each_list_other_tags_do_not_add_up() {
        let mut screen = Screen::default();
        for step in 0..100_u32 {
            let of = TagCounters { bytes: 1 << 30, outstanding: 1, allocs: 1 };
            let row = |n: u32| TagUse {
                tag: PoolTag::new((step * 1000 + n).to_be_bytes()),
                paged: of,
                nonpaged: of,
            };
            let excerpt =
                TagTable::new(AllocCounting::Wrapping32, false, (0..50).map(row).collect());
            screen.update(&excerpt, 90_000 + u64::from(step) * 600);
            assert!(screen.state_bytes() < 4000, "{step}: {}", screen.state_bytes());
        }
    }
}
