//! What affected hosts have and healthy ones have not.

use std::collections::{BTreeMap, BTreeSet};

use poolwatch_model::comparison::{Attribute, AttributeCounts};

use crate::statistics::{fisher_exact, holm};

/// Compares every attribute among affected and healthy hosts: the most telling first. Attributes
/// that all or none have are left out, as they tell nothing.
#[must_use]
pub fn compare<'a>(
    affected: &[&'a BTreeSet<Attribute>],
    healthy: &[&'a BTreeSet<Attribute>],
) -> Vec<AttributeCounts> {
    let mut counts: BTreeMap<&'a Attribute, (u32, u32)> = BTreeMap::new();
    for attribute in affected.iter().copied().flatten() {
        counts.entry(attribute).or_default().0 += 1;
    }
    for attribute in healthy.iter().copied().flatten() {
        counts.entry(attribute).or_default().1 += 1;
    }
    let size = |hosts: &[&BTreeSet<Attribute>]| u32::try_from(hosts.len()).unwrap_or(u32::MAX);
    let (affected_of, healthy_of) = (size(affected), size(healthy));
    counts.retain(|_, (with, without)| *with > 0 && (*with, *without) != (affected_of, healthy_of));
    let ps: Vec<f64> = counts
        .values()
        .map(|(with, without)| fisher_exact((*with, affected_of), (*without, healthy_of)))
        .collect();
    let corrected = holm(&ps);
    let mut compared: Vec<AttributeCounts> = counts
        .into_iter()
        .zip(corrected)
        .map(|((attribute, (with, without)), p)| AttributeCounts {
            attribute: attribute.clone(),
            affected: with,
            affected_of,
            healthy: without,
            healthy_of,
            odds_ratio: odds_ratio((with, affected_of), (without, healthy_of)),
            p,
        })
        .collect();
    compared.sort_by(|a, b| a.p.total_cmp(&b.p).then(b.odds_ratio.total_cmp(&a.odds_ratio)));
    compared
}

/// With half a host added everywhere, so that it is finite.
fn odds_ratio(affected: (u32, u32), healthy: (u32, u32)) -> f64 {
    let odds = |(with, of): (u32, u32)| {
        (f64::from(with) + 0.5) / (f64::from(of.saturating_sub(with)) + 0.5)
    };
    odds(affected) / odds(healthy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(drivers: &[(&str, &str)]) -> BTreeSet<Attribute> {
        drivers
            .iter()
            .map(|(name, version)| Attribute::Driver {
                name: (*name).into(),
                version: Some((*version).into()),
            })
            .collect()
    }

    #[test]
    fn the_driver_version_that_only_affected_hosts_have_comes_first() {
        let bad = host(&[("foo.sys", "5.1"), ("net.sys", "1")]);
        let good = host(&[("foo.sys", "5.0"), ("net.sys", "1")]);
        let affected: Vec<_> = std::iter::repeat_n(&bad, 39).chain([&good, &good]).collect();
        let healthy: Vec<_> =
            std::iter::repeat_n(&good, 957).chain(std::iter::repeat_n(&bad, 3)).collect();
        let found = compare(&affected, &healthy);
        let first = &found[0];
        assert_eq!(first.attribute, *bad.first().unwrap());
        assert_eq!((first.affected, first.affected_of), (39, 41));
        assert_eq!((first.healthy, first.healthy_of), (3, 960));
        assert!(first.p < 1e-40 && first.odds_ratio > 1000.0);
        assert!(
            found.iter().all(|one| !matches!(&one.attribute,
            Attribute::Driver { name, .. } if name == "net.sys")),
            "all have it"
        );
    }

    #[test]
    fn nothing_is_compared_without_hosts() {
        assert_eq!(compare(&[], &[]), []);
    }
}
