//! Hosts as the scopes of rules, silences and recipients see them.

use std::{borrow::Cow, iter};

use poolwatch_detection::alerting::ScopedHost;
use poolwatch_model::{HostGroupId, host::HostFacts, host_group::HostGroup};
use poolwatch_store::hosts::Host;
use poolwatch_web::words;

/// A host that belongs to groups of these numbers.
#[must_use]
pub fn scope_host(host: &Host, groups: &[HostGroup], numbers: &[HostGroupId]) -> ScopedHost {
    ScopedHost {
        id: host.id,
        name: host.name.clone(),
        groups: group_names(&host.facts, groups, numbers).map(Cow::into_owned).collect(),
        os: host.facts.os.clone(),
    }
}

/// The names by which a scope finds a host's groups: those of the groups that it belongs to, and its
/// place in the directory.
pub fn group_names<'a>(
    facts: &'a HostFacts,
    groups: &'a [HostGroup],
    numbers: &'a [HostGroupId],
) -> impl Iterator<Item = Cow<'a, str>> {
    let by_rules = groups.iter().filter(|group| numbers.contains(&group.id));
    let place = iter::once_with(|| words::group(facts)).flatten();
    by_rules.map(|group| Cow::from(group.name.as_str())).chain(place.map(Cow::from))
}
