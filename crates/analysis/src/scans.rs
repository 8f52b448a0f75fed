//! Whose a tag may be, by the code of the drivers of a host.

use std::collections::BTreeMap;

use poolwatch_model::{
    PoolTag,
    diagnosis::OwnerSource,
    driver_scan::{FoundTag, OWNS},
};

use crate::{case::Owner, facts};

/// A driver owns a tag that is about as likely to as the likeliest one.
const ABOUT_AS_LIKELY: f32 = 0.15;

/// The drivers whose code uses a tag as an owner does: of each tag the likeliest, and those about as
/// likely. Whose tag is known otherwise is not asked by code, for its name stands in the code of others
/// as well; and the frameworks of Windows allocate for others.
#[must_use]
pub fn owners_by_code(found: &[(String, FoundTag)]) -> Vec<Owner> {
    let mut likeliest: BTreeMap<PoolTag, f32> = BTreeMap::new();
    for (_, tag) in found.iter().filter(|(driver, _)| !facts::is_inbox(driver)) {
        let best = likeliest.entry(tag.tag).or_default();
        *best = best.max(tag.likelihood());
    }
    let owners = found.iter().filter(|(driver, tag)| {
        let told = facts::tag_facts(tag.tag);
        let best = likeliest.get(&tag.tag).copied().unwrap_or(0.0);
        let is_others = told.shared || told.objects || told.cache || told.owner.is_some();
        !(is_others || facts::is_inbox(driver))
            && tag.likelihood() >= OWNS.max(best - ABOUT_AS_LIKELY)
    });
    let owner = |(driver, tag): &(String, FoundTag)| Owner {
        tag: tag.tag,
        driver: driver.clone(),
        source: match tag.is_service_name && tag.allocations + tag.frees == 0 {
            true => OwnerSource::DriverName,
            false => OwnerSource::Scan,
        },
    };
    owners.map(owner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(driver: &str, tag: &[u8; 4], allocations: u32, arguments: u32) -> (String, FoundTag) {
        let tag = FoundTag { allocations, arguments, ..FoundTag::new(PoolTag::new(*tag)) };
        (driver.to_owned(), tag)
    }

    fn names(owners: &[Owner]) -> Vec<&str> {
        owners.iter().map(|owner| owner.driver.as_str()).collect()
    }

    #[test]
    fn who_allocates_owns_and_who_only_holds_the_number_does_not() {
        let all = [
            found("foo.sys", b"Fooq", 2, 0),
            found("bar.sys", b"Fooq", 0, 2),
            found("baz.sys", b"Fooq", 0, 0),
        ];
        assert_eq!(names(&owners_by_code(&all)), ["foo.sys"]);
        assert_eq!(names(&owners_by_code(&all[1..])), ["bar.sys"]);
        assert_eq!(owners_by_code(&all[2..]), []);
        let both = [found("foo.sys", b"Fooq", 2, 0), found("bar.sys", b"Fooq", 1, 0)];
        assert_eq!(names(&owners_by_code(&both)), ["foo.sys", "bar.sys"]);
    }

    #[test]
    fn code_says_nothing_of_what_is_known_or_made_for_others() {
        for tag in [b"Thre", b"MmSt", b"Ntfx", b"Ddk "] {
            assert_eq!(owners_by_code(&[found("foo.sys", tag, 2, 0)]), [], "{tag:?}");
        }
        assert_eq!(owners_by_code(&[found("ndis.sys", b"Fooq", 2, 0)]), []);
    }

    #[test]
    fn a_tag_that_the_framework_makes_is_of_the_drivers_name() {
        let tag = FoundTag { is_service_name: true, ..FoundTag::new(PoolTag::new(*b"food")) };
        let owners = owners_by_code(&[("foodrv.sys".into(), tag)]);
        assert_eq!(owners[0].source, OwnerSource::DriverName);
    }
}
