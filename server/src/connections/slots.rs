//! Who has how many connections.

use std::{net::IpAddr, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use super::ConnectionLimits;
use crate::{
    client_address::address_block,
    log_gate::LogGate,
    metrics,
    refusals::RefusedParty,
    shares::{Share, Shares},
};

/// Counts connections, in all and by address.
#[derive(Debug)]
pub(super) struct Slots {
    limits: ConnectionLimits,
    free: Arc<Semaphore>,
    by_address: Shares<IpAddr>,
    complaints: LogGate,
}

/// One connection, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _of_all: OwnedSemaphorePermit,
    _of_address: Share<IpAddr>,
}

impl Slots {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        let free = Arc::new(Semaphore::new(limits.total));
        Self { limits, free, by_address: Shares::default(), complaints: LogGate::default() }
    }

    /// Counts a connection, unless there are too many.
    pub(super) fn take(&self, peer: IpAddr) -> Option<Slot> {
        let limits = &self.limits;
        let is_proxy = limits.trusted_proxies.contains(&peer.to_canonical());
        let per_address = if is_proxy { limits.total } else { limits.per_address };
        let Some(of_address) = self.by_address.take(address_block(peer), 1, per_address) else {
            return self.refuse(peer, "address", per_address);
        };
        let Ok(of_all) = self.free.clone().try_acquire_owned() else {
            return self.refuse(peer, "total", limits.total);
        };
        metrics::connections(limits.total - self.free.available_permits());
        Some(Slot { _of_all: of_all, _of_address: of_address })
    }

    fn refuse(&self, peer: IpAddr, limit: &'static str, most: usize) -> Option<Slot> {
        metrics::connection_refused(limit);
        if let Some(refusals) = &self.limits.refusals {
            let reason =
                format!("At most {most} are taken: docs/limits.md tells how to raise that.");
            let party = RefusedParty::Address(address_block(peer));
            refusals.note(party, "Too many connections", &reason, "a connection");
        }
        if self.complaints.opens() {
            warn!(%peer, limit, most, "Refused a connection: there are too many");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{super::ConnectionTimes, *};

    #[test]
    fn one_address_has_its_share_and_leaves_the_rest_to_others() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxy = address("192.0.2.9");
        let limits = ConnectionLimits {
            total: 5,
            per_address: 2,
            trusted_proxies: vec![proxy],
            refusals: None,
            times: ConnectionTimes::DEFAULT,
        };
        let slots = Slots::new(limits);
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let first = slots.take(one).unwrap();
        let second = slots.take(one);
        assert!(second.is_some() && slots.take(one).is_none());
        let kept = [slots.take(proxy), slots.take(proxy), slots.take(proxy)];
        assert!(kept.iter().all(Option::is_some) && slots.take(other).is_none());
        drop(first);
        assert!(slots.take(other).is_some());
        drop((second, kept));
        assert_eq!(slots.free.available_permits(), 5);
    }
}
