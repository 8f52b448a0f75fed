//! Running services with their processes, from `EnumServicesStatusExW`.
//!
//! The call tells its count beside the buffer. We put it in front: a count of 8 bytes, then the
//! buffer as the service control manager filled it, whose names are absolute pointers into it. A call
//! fills at most [`PAGE`] bytes with its count; a host with more services has several such pages.

use std::collections::BTreeMap;

use poolwatch_protocol::limits;

use super::{
    RawError,
    fields::Fields,
    layout::{service as at, services as head},
};

/// More services than are believed.
const LIMIT: usize = 16_384;
/// Bytes of all pages but the last: what one call takes (documented), and our count.
pub const PAGE: usize = (256 << 10) + 8;

/// Names of services by process id, sorted.
pub type ServicesByProcess = BTreeMap<u32, Vec<String>>;

/// Reads the services from a buffer that lay at address `base`, our count included. Those without a
/// process are left out, and of one process only as many as a snapshot may name.
///
/// # Errors
/// When the buffer is cut short, claims too many, or a name points outside or never ends.
pub fn parse(bytes: &[u8], base: u64) -> Result<ServicesByProcess, RawError> {
    let what = "service list";
    let fields = Fields::new(bytes, what);
    let mut services = ServicesByProcess::new();
    for page in (0..bytes.len().max(1)).step_by(PAGE) {
        let count = fields.u64(page + head::COUNT)?;
        for entry in fields.entries(page + head::ENTRIES, count, at::SIZE, LIMIT)? {
            let pid = entry.u32(at::PROCESS_ID)?;
            let name = fields.wide_text(entry.u64(at::SERVICE_NAME)?, base)?;
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
    use crate::synthetic;

    const BASE: u64 = 0x1F0_0000;

    fn example() -> Vec<u8> {
        synthetic::services(
            &[("Dnscache", 820), ("BadApp", 416), ("AppInfo", 820), ("Off", 0)],
            BASE,
        )
    }

    #[test]
    fn services_are_named_by_process() {
        let expected = ServicesByProcess::from([
            (416, vec!["BadApp".to_owned()]),
            (820, vec!["AppInfo".to_owned(), "Dnscache".to_owned()]),
        ]);
        assert_eq!(parse(&example(), BASE), Ok(expected));
        assert_eq!(parse(&[0; 8], BASE), Ok(ServicesByProcess::new()));
    }

    #[test]
    fn services_in_several_pages_are_all_named() {
        let mut bytes = synthetic::services(&[("BadApp", 416)], BASE);
        bytes.resize(PAGE, 0);
        bytes.extend(synthetic::services(&[("Dnscache", 820)], BASE + PAGE as u64));
        let parsed = parse(&bytes, BASE).unwrap();
        assert_eq!(parsed.into_keys().collect::<Vec<_>>(), [416, 820]);
    }

    #[test]
    fn lies_are_refused() {
        let whole = example();
        for length in 0..whole.len() {
            assert!(parse(&whole[..length], BASE).is_err(), "{length}");
        }
        let outside = Err(RawError::Outside { what: "service list" });
        assert_eq!(parse(&whole, 0), outside);
        assert_eq!(parse(&whole, BASE + (1 << 20)), outside);
        for count in [5000, LIMIT as u64 + 1, u64::MAX] {
            let mut bytes = whole.clone();
            bytes[..8].copy_from_slice(&count.to_le_bytes());
            assert!(parse(&bytes, BASE).is_err(), "{count}");
        }
    }

    proptest! {
        #[test]
        fn no_damage_panics(
            damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            base in prop_oneof![Just(BASE), any::<u64>()],
        ) {
            let mut bytes = example();
            for (at, value) in damage {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let _ = parse(&bytes, base);
        }
    }
}
