//! The first stage: two bytes per tag tell which are worth studying.
//!
//! Each tag's floor falls at once with its use and rises slowly towards it, with a time
//! constant of three days. A tag that grows steadily keeps about three days' growth above its floor;
//! one that merely breathes does not. Floors are kept with eleven bits of mantissa, 0.05 % apart.

use std::sync::Arc;

use poolwatch_model::{Pool, PoolTag, tag::TagTable};

/// The tags and pools that floors are kept for, sorted. Hosts of one kind share one list.
pub type Keys = Arc<[(PoolTag, Pool)]>;

/// What one host's screening remembers.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    keys: Keys,
    floors: Vec<u16>,
    /// Uptime at which floors rose last, seconds.
    rose_s: u64,
    /// Uptime of the latest snapshot, seconds.
    uptime_s: u64,
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

impl Screen {
    /// Takes a snapshot's tags in. After a restart floors begin anew.
    pub fn update(&mut self, tags: &TagTable, uptime_s: u64) {
        if uptime_s < self.uptime_s || !self.covers(tags) {
            self.rekey(tags, uptime_s < self.uptime_s);
        }
        let rises = uptime_s.saturating_sub(self.rose_s) / RISE_S;
        let follows = uptime_s < WARM_UP_S;
        if rises > 0 || follows {
            self.rose_s = uptime_s;
        }
        self.uptime_s = uptime_s;
        let weight = u32::try_from(rises).unwrap_or(RISES).min(RISES);
        let mut floors = self.floors.iter_mut().zip(self.keys.iter());
        for row in &tags.rows {
            for (pool, bytes) in used(row.paged.bytes, row.nonpaged.bytes) {
                if bytes == 0 && row.of(pool).is_empty() {
                    continue;
                }
                let Some((floor, _)) = floors.find(|(_, key)| **key == (row.tag, pool)) else {
                    return;
                };
                let now = encode(bytes);
                *floor = if follows || now <= *floor {
                    now
                } else {
                    *floor + risen(now - *floor, weight)
                };
            }
        }
    }

    /// The tags that have grown notably above their floors, by the snapshot that was taken in last.
    #[must_use]
    pub fn candidates(&self, tags: &TagTable) -> Vec<Candidate> {
        let notable =
            Pool::ALL.map(|pool| (pool, NOTABLE_BYTES.max(tags.total(pool) / 256 * NOTABLE_PARTS)));
        let floors = self.keys.iter().zip(&self.floors);
        floors
            .filter_map(|(&(tag, pool), &floor)| {
                let bytes = tags.get(tag)?.of(pool).bytes;
                let above = bytes.saturating_sub(decode(floor));
                let least = notable.iter().find(|(of, _)| *of == pool)?.1;
                (above >= least).then_some(Candidate { tag, pool, bytes, above })
            })
            .collect()
    }

    /// The list of keys, for other hosts of the same kind.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Shares another host's list of keys when it is the same.
    pub fn share_keys(&mut self, keys: &Keys) {
        if self.keys == *keys {
            self.keys = Arc::clone(keys);
        }
    }

    /// Bytes that this host's state takes, without the shared list.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        size_of::<Self>() + self.floors.capacity() * size_of::<u16>()
    }

    fn covers(&self, tags: &TagTable) -> bool {
        let mut keys = self.keys.iter();
        let mut all = tags.rows.iter().flat_map(|row| {
            used(row.paged.bytes, row.nonpaged.bytes)
                .into_iter()
                .filter(|(pool, _)| !row.of(*pool).is_empty())
                .map(|(pool, _)| (row.tag, pool))
        });
        all.all(|key| keys.any(|known| *known == key))
    }

    /// Takes new tags in; a tag seen for the first time begins at its first value.
    fn rekey(&mut self, tags: &TagTable, anew: bool) {
        let mut keys = Vec::with_capacity(self.keys.len() + 16);
        let mut floors = Vec::with_capacity(self.keys.len() + 16);
        let mut known = self.keys.iter().zip(&self.floors).peekable();
        for row in &tags.rows {
            for (pool, bytes) in used(row.paged.bytes, row.nonpaged.bytes) {
                if row.of(pool).is_empty() {
                    continue;
                }
                let key = (row.tag, pool);
                while let Some((old, floor)) = known.next_if(|(old, _)| **old < key) {
                    if !anew {
                        keys.push(*old);
                        floors.push(*floor);
                    }
                }
                let before = known.next_if(|(old, _)| **old == key).map(|(_, floor)| *floor);
                keys.push(key);
                floors.push(before.filter(|_| !anew).unwrap_or_else(|| encode(bytes)));
            }
        }
        if !anew {
            for (old, floor) in known {
                keys.push(*old);
                floors.push(*floor);
            }
        }
        floors.shrink_to_fit();
        (self.keys, self.floors) = (keys.into(), floors);
        if anew {
            self.rose_s = 0;
        }
    }
}

/// What a floor rises by: its part of the way, and a step at least, so that it arrives.
fn risen(gap: u16, weight: u32) -> u16 {
    let part = (u32::from(gap) * weight).div_ceil(RISES);
    u16::try_from(part).unwrap_or(gap)
}

/// Both pools in the order of keys.
fn used(paged: u64, nonpaged: u64) -> [(Pool, u64); 2] {
    [(Pool::Paged, paged), (Pool::Nonpaged, nonpaged)]
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
    fn a_new_tag_begins_at_its_first_value_and_a_restart_begins_anew() {
        let mut screen = Screen::default();
        screen.update(&table(&[(b"Aaaa", 1 << 30)]), 90_000);
        screen.update(&table(&[(b"Aaaa", 1 << 30), (b"Bbbb", 1 << 29)]), 90_060);
        let more = table(&[(b"Aaaa", 1 << 30), (b"Bbbb", 1 << 30)]);
        screen.update(&more, 90_120);
        assert_eq!(screen.candidates(&more).len(), 1);
        screen.update(&more, 60);
        assert_eq!(screen.candidates(&more), []);
    }

    #[test]
    fn fifteen_hundred_tags_take_less_than_four_kilobytes() {
        let tags: Vec<[u8; 4]> = (0..1500_u32)
            .map(|n| {
                [b'A', b'0' + (n / 100) as u8, b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8]
            })
            .collect();
        let rows: Vec<_> = tags.iter().map(|tag| (tag, 1 << 20)).collect();
        let mut screen = Screen::default();
        screen.update(&table(&rows), 90_000);
        assert!(screen.state_bytes() <= 4096, "{}", screen.state_bytes());
    }
}
