//! Where a fact can be seen.

use poolwatch_model::{
    HostId, PoolTag,
    comparison::{Attribute, Change},
    diagnosis::Evidence,
};

use super::{Address, driver, host, tag};

/// The page, and the place on it, that shows what a fact is about: on the host that it was observed
/// on, or over the fleet. None for facts that are told nowhere else.
#[must_use]
pub fn fact(fact: &Evidence, on: &Option<HostId>) -> Option<String> {
    let on = *on;
    let on_host = |place: &str| on.map(|on| format!("{}#{place}", host(on)));
    match fact {
        Evidence::PoolEmptyEvent { .. }
        | Evidence::PoolLimitEvent { .. }
        | Evidence::CommitExhaustedEvent { .. } => on_host("events"),
        Evidence::PoolUse { .. }
        | Evidence::TagsExplain { .. }
        | Evidence::PoolTotalUnknown { .. }
        | Evidence::PoolHasRoom { .. }
        | Evidence::PoolGrowth { .. }
        | Evidence::Release { .. }
        | Evidence::Silence { .. } => on_host("charts"),
        Evidence::CommitUse { .. } | Evidence::CommitTrend { .. } => on.map(commit_on_host),
        Evidence::ResidentAvailable { .. } => on_host("figures"),
        Evidence::TagUse { tag, .. }
        | Evidence::TagGrowth { tag, .. }
        | Evidence::ObjectGrowth { tag, .. }
        | Evidence::TagTrend { tag, .. }
        | Evidence::HardlyFreed { tag, .. }
        | Evidence::NeverFell { tag, .. }
        | Evidence::LockStep { tag, .. }
        | Evidence::HandlesMatchObjects { tag, .. }
        | Evidence::HandlesSumToObjects { tag, .. }
        | Evidence::GrowsWithOperations { tag, .. }
        | Evidence::EndedWithoutReturn { tag, .. }
        | Evidence::BeforeRestart { tag } => on.map(|on| tag_on_host(on, *tag)),
        Evidence::PeerUse { tag: of, .. }
        | Evidence::TagMeaning { tag: of, .. }
        | Evidence::KnownLeak { tag: of, .. } => Some(tag(of)),
        Evidence::TagOwner { owner, .. } if is_driver(owner) => Some(driver(owner)),
        Evidence::TagOwner { tag: of, .. } => Some(tag(of)),
        Evidence::VersionOutcome { driver: name, .. } => Some(driver(name)),
        Evidence::MoreObjectsThanLive { .. }
        | Evidence::NoHandlesFor { .. }
        | Evidence::ObjectTypeGrowth { .. } => on_host("types"),
        Evidence::HandlesSpread { .. }
        | Evidence::ProgramHandles { .. }
        | Evidence::ChanceMatch { .. } => on_host("processes"),
        Evidence::CommitHolder { pid, .. }
        | Evidence::ProcessHandles { pid, .. }
        | Evidence::HandlesOfType { pid, .. }
        | Evidence::ProcessThreads { pid, .. }
        | Evidence::ProcessGrowth { pid, .. }
        | Evidence::GrowsWithObjects { pid, .. }
        | Evidence::Broker { pid, .. }
        | Evidence::QuotaCharge { pid, .. } => on.map(|on| process_on_host(on, *pid)),
        Evidence::HeldByKernel { .. } => on.map(|on| process_on_host(on, SYSTEM)),
        Evidence::TornTable | Evidence::TextSays { .. } | Evidence::SeveralMachines { .. } => None,
        Evidence::LeftAtUnload { driver: name, .. }
        | Evidence::LeftLockedPages { driver: name, .. }
        | Evidence::VerifierCount { driver: name, .. } => name.as_deref().map(driver),
        Evidence::Differs(counts) => attribute(&counts.attribute),
        Evidence::Changed(Change { attribute: of, .. }) => attribute(of),
    }
}

/// The System process.
const SYSTEM: u32 = 4;

/// A host with its commit charge and limit drawn.
fn commit_on_host(on: HostId) -> String {
    Address::new(host(on)).with("draw", "commit,commit-limit").finish() + "#drawn"
}

/// A host's tags, with this one marked.
#[must_use]
pub fn tag_on_host(on: HostId, tag: PoolTag) -> String {
    Address::new(host(on)).with("tag", &tag.to_string()).finish() + "#tags"
}

/// A host's processes, with this one marked.
#[must_use]
pub fn process_on_host(on: HostId, pid: u32) -> String {
    Address::new(host(on)).with("pid", &pid.to_string()).finish() + "#processes"
}

/// Where a driver or program is shown over the fleet.
#[must_use]
pub fn attribute(attribute: &Attribute) -> Option<String> {
    match attribute {
        Attribute::Driver { name, .. } => Some(driver(name)),
        Attribute::Program { image, .. } => Some(super::application(image)),
        _ => None,
    }
}

/// Owners are drivers, parts of Windows, or words.
fn is_driver(owner: &str) -> bool {
    owner.len() > 4 && owner.to_ascii_lowercase().ends_with(".sys")
}

#[cfg(test)]
mod tests {
    use poolwatch_model::diagnosis::OwnerSource;

    use super::*;

    #[test]
    fn a_fact_leads_to_the_host_and_the_row_that_it_is_about() {
        let thre = PoolTag::new(*b"Th#e");
        let handles = Evidence::ProcessHandles { image: "a.exe".into(), pid: 416, handles: 1 };
        let owner = |owner: &str| Evidence::TagOwner {
            tag: thre,
            owner: owner.into(),
            source: OwnerSource::Catalogue,
        };
        for (what, address) in [
            (handles, Some("/hosts/7?pid=416#processes")),
            (
                Evidence::NeverFell { tag: thre, pool: poolwatch_model::Pool::Paged, over_s: 1 },
                Some("/hosts/7?tag=Th%23e#tags"),
            ),
            (owner("Foo.SYS"), Some("/drivers/Foo.SYS")),
            (owner("nt"), Some("/tags/Th%23e")),
            (Evidence::HeldByKernel { handles: 1, grown: 0 }, Some("/hosts/7?pid=4#processes")),
        ] {
            assert_eq!(fact(&what, &Some(HostId(7))).as_deref(), address);
        }
        let nowhere = Evidence::HeldByKernel { handles: 1, grown: 0 };
        assert_eq!(fact(&nowhere, &None), None, "a text that is kept for no host");
    }
}
