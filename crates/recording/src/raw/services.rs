//! Running services with their processes, from `EnumServicesStatusExW`.
//!
//! The call tells its count beside the buffer. We put it in front: a count of 8 bytes, then the
//! buffer as the service control manager filled it, whose names are absolute pointers into it. A call
//! fills at most [`PAGE`] bytes with its count; a host with more services has several such pages.

use std::collections::BTreeMap;

use poolwatch_protocol::limits;

use super::{
    RawBuffer, RawError,
    fields::Fields,
    layout::{self, services as head},
};

/// More services than are believed.
const LIMIT: usize = 16_384;
/// Bytes of all pages but the last: what one call takes (documented), and our count.
pub const PAGE: usize = (256 << 10) + 8;

/// Names of services by process id, sorted.
pub type ServicesByProcess = BTreeMap<u32, Vec<String>>;

/// Reads the services, our count included. Those without a process are left out, and of one process only as many as a snapshot may name.
///
/// # Errors
/// When the buffer is cut short, claims too many, or a name points outside or never ends.
pub fn parse(buffer: RawBuffer<'_>) -> Result<ServicesByProcess, RawError> {
    let what = "service list";
    let at = layout::service(buffer.width);
    let fields = Fields::new(buffer, what);
    let mut services = ServicesByProcess::new();
    for page in (0..buffer.bytes.len().max(1)).step_by(PAGE) {
        let count = fields.u64(page + head::COUNT)?;
        for entry in fields.entries(page + head::ENTRIES, count, at.size, LIMIT)? {
            let pid = entry.u32(at.process_id)?;
            let name = fields.wide_text(entry.size(at.service_name)?)?;
            if pid == 0 || name.is_empty() {
                continue;
            }
            let names = services.entry(pid).or_default();
            if names.len() < limits::SERVICES {
                names.push(name);
            }
        }
    }
    for names in services.values_mut() {
        names.sort();
        names.dedup();
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::synthetic::{SyntheticWindows, TARGETS, X64};

    fn example(target: SyntheticWindows) -> Vec<u8> {
        target.services(&[("Dnscache", 820), ("BadApp", 416), ("AppInfo", 820), ("Off", 0)])
    }

    #[test]
    fn services_are_named_by_process() {
        let expected = ServicesByProcess::from([
            (416, vec!["BadApp".to_owned()]),
            (820, vec!["AppInfo".to_owned(), "Dnscache".to_owned()]),
        ]);
        for target in TARGETS {
            assert_eq!(parse(target.buffer(&example(target))), Ok(expected.clone()));
            assert_eq!(parse(target.buffer(&[0; 8])), Ok(ServicesByProcess::new()));
        }
    }

    #[test]
    fn services_in_several_pages_are_all_named() {
        let mut bytes = X64.services(&[("BadApp", 416)]);
        bytes.resize(PAGE, 0);
        let next_page = SyntheticWindows { base: X64.base + PAGE as u64, ..X64 };
        bytes.extend(next_page.services(&[("Dnscache", 820)]));
        let parsed = parse(X64.buffer(&bytes)).unwrap();
        assert_eq!(parsed.into_keys().collect::<Vec<_>>(), [416, 820]);
    }

    #[test]
    fn lies_are_refused() {
        let whole = example(X64);
        for length in 0..whole.len() {
            assert!(parse(X64.buffer(&whole[..length])).is_err(), "{length}");
        }
        let outside = Err(RawError::Outside { what: "service list" });
        for base in [0, X64.base + (1 << 20)] {
            assert_eq!(parse(SyntheticWindows { base, ..X64 }.buffer(&whole)), outside);
        }
        for count in [5000, LIMIT as u64 + 1, u64::MAX] {
            let mut bytes = whole.clone();
            bytes[..8].copy_from_slice(&count.to_le_bytes());
            assert!(parse(X64.buffer(&bytes)).is_err(), "{count}");
        }
    }

    proptest! {
        #[test]
        fn no_damage_panics(
            damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            base in prop_oneof![Just(X64.base), any::<u64>()],
        ) {
            let mut bytes = example(X64);
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = TARGETS.map(|target| parse(SyntheticWindows { base, ..target }.buffer(&bytes)));
        }
    }
}
