//! The counters of the Server service, as its performance library gives them (documented in
//! `winperf.h`): objects one after the other, each with definitions of its counters and, behind them,
//! one block of values.
//!
//! Counters have numbers, by which the library names them; what number a name has stands in the
//! registry ([`find_numbers`]). We put three numbers in front of the objects: 16 bytes with those of the
//! object and of both counters, and 4 that are 0.

use poolwatch_model::snapshot::PoolFailures;

use super::{RawBuffer, RawError, fields::Fields};

/// Bytes of our head.
pub const HEAD: usize = 16;
/// Names by which Windows keeps the numbers, in English on every Windows.
const OBJECT: &str = "Server";
const NONPAGED: &str = "Pool Nonpaged Failures";
const PAGED: &str = "Pool Paged Failures";
/// Objects and counters of an object that are believed.
const OBJECTS: usize = 64;
const COUNTERS: u32 = 256;
/// `PERF_OBJECT_TYPE` and `PERF_COUNTER_DEFINITION`; the same on 32-bit Windows.
const OBJECT_SIZE: usize = 64;
const COUNTER_SIZE: usize = 40;
/// `NumInstances` of an object that has none (`PERF_NO_INSTANCES`).
const NO_INSTANCES: u32 = u32::MAX;

/// Numbers of the object and of its two counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterNumbers {
    /// The Server service.
    pub object: u32,
    /// Failed allocations from nonpaged pool.
    pub nonpaged: u32,
    /// From paged pool.
    pub paged: u32,
}

impl CounterNumbers {
    /// Our head of a buffer.
    #[must_use]
    pub fn head(self) -> [u64; HEAD / 8] {
        [u64::from(self.object) | u64::from(self.nonpaged) << 32, self.paged.into()]
    }
}

/// Finds the numbers in the list of counters of the registry (`Perflib\009`, documented): UTF-16, number
/// and name in turn, each ended by a NUL. `None` where one is missing.
#[must_use]
pub fn find_numbers(list: &[u8]) -> Option<CounterNumbers> {
    let mut found = [None; 3];
    let mut before: Option<u32> = None;
    let units = list.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let units: Vec<u16> = units.collect();
    for text in units.split(|unit| *unit == 0) {
        for (place, name) in found.iter_mut().zip([OBJECT, NONPAGED, PAGED]) {
            if place.is_none() && text.iter().copied().eq(name.encode_utf16()) {
                *place = before;
            }
        }
        before = String::from_utf16(text).ok().and_then(|number| number.parse().ok());
    }
    let [object, nonpaged, paged] = found;
    Some(CounterNumbers { object: object?, nonpaged: nonpaged?, paged: paged? })
}

/// Reads both counters.
///
/// # Errors
/// When the buffer is cut short, contradicts itself, or has no such object or counter.
pub fn parse(buffer: RawBuffer<'_>) -> Result<PoolFailures, RawError> {
    let what = "counters of the Server service";
    let fields = Fields::new(buffer, what);
    let [object, nonpaged, paged] = [fields.u32(0)?, fields.u32(4)?, fields.u32(8)?];
    let mut at = HEAD;
    for _ in 0..OBJECTS {
        if at >= fields.len() {
            break;
        }
        let size = fields.u32(at)? as usize;
        if size < OBJECT_SIZE {
            return Err(RawError::Absurd { what: "size of an object", value: size as u64 });
        }
        let bytes = fields.slice(at, size)?;
        if fields.u32(at + 12)? == object {
            let object = Fields::without_pointers(bytes, what);
            let counter = |number| value(object, number)?.ok_or(RawError::Empty { what });
            return Ok(PoolFailures { nonpaged: counter(nonpaged)?, paged: counter(paged)? });
        }
        at += size;
    }
    Err(RawError::Empty { what })
}

/// The value of a counter of an object without instances.
fn value(object: Fields<'_>, number: u32) -> Result<Option<u32>, RawError> {
    let definitions = object.u32(4)? as usize;
    let mut at = object.u32(8)? as usize;
    let counters = object.u32(32)?;
    let instances = object.u32(40)?;
    if instances != NO_INSTANCES {
        return Err(RawError::Absurd { what: "number of instances", value: instances.into() });
    }
    for _ in 0..counters.min(COUNTERS) {
        let size = object.u32(at)? as usize;
        if size < COUNTER_SIZE {
            return Err(RawError::Absurd { what: "size of a definition", value: size as u64 });
        }
        if object.u32(at + 4)? == number {
            let width = object.u32(at + 32)?;
            let offset = definitions.saturating_add(object.u32(at + 36)? as usize);
            return match width {
                4 => object.u32(offset).map(Some),
                8 => object.u64(offset).map(|value| Some(u32::try_from(value).unwrap_or(u32::MAX))),
                other => Err(RawError::Absurd { what: "size of a counter", value: other.into() }),
            };
        }
        at = at.saturating_add(size);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::synthetic::{SERVER_SERVICE, TARGETS, X64};

    const FAILURES: PoolFailures = PoolFailures { nonpaged: 70_000, paged: 3 };

    #[test]
    fn both_counters_are_read_past_other_objects() {
        for target in TARGETS {
            let bytes = target.server_service(FAILURES);
            assert_eq!(parse(target.buffer(&bytes)), Ok(FAILURES));
        }
    }

    #[test]
    fn lies_are_refused() {
        let whole = X64.server_service(FAILURES);
        for length in 0..whole.len() {
            assert!(parse(X64.buffer(&whole[..length])).is_err(), "{length}");
        }
        let changed = |at: usize, value: u32| {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            parse(X64.buffer(&bytes))
        };
        let none = Err(RawError::Empty { what: "counters of the Server service" });
        assert_eq!(changed(0, 999), none, "no such object");
        assert_eq!(changed(4, 999), none, "no such counter");
        assert!(changed(HEAD, 0).is_err(), "an object of no size");
        assert!(changed(HEAD, u32::MAX).is_err(), "an object beyond the end");
    }

    #[test]
    fn numbers_are_found_by_their_english_names() {
        let list = |pairs: &[(&str, &str)]| -> Vec<u8> {
            let texts = pairs.iter().flat_map(|(number, name)| [*number, *name]);
            let text = texts.map(|text| format!("{text}\0")).collect::<String>();
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        };
        let all = [
            ("1", "1847"),
            ("2", "System"),
            ("330", "Server"),
            ("1300", "Server Work Queues"),
            ("370", "Pool Nonpaged Failures"),
            ("376", "Pool Paged Failures"),
        ];
        assert_eq!(find_numbers(&list(&all)), Some(SERVER_SERVICE));
        assert_eq!(find_numbers(&list(&all[..5])), None);
        assert_eq!(find_numbers(&[7; 33]), None);
    }

    proptest! {
        #[test]
        fn no_damage_panics(
            damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            list: Vec<u8>,
        ) {
            let mut bytes = X64.server_service(FAILURES);
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = TARGETS.map(|target| parse(target.buffer(&bytes)));
            let _ = find_numbers(&list);
        }
    }
}
