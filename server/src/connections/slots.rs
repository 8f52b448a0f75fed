//! Who has how many connections.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tracing::warn;

use super::ConnectionLimits;
use crate::{client_address::address_block, metrics};

/// Counts connections, in all and by address.
#[derive(Debug)]
pub(super) struct Slots {
    limits: ConnectionLimits,
    counts: Arc<Mutex<Counts>>,
    complaints: LogGate,
}

/// Never holds more addresses than there are connections.
#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    address: IpAddr,
    counts: Arc<Mutex<Counts>>,
}

impl Slots {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self { limits, counts: Arc::default(), complaints: LogGate::default() }
    }

    /// Counts a connection, unless there are too many.
    pub(super) fn take(&self, peer: IpAddr) -> Option<Slot> {
        let address = address_block(peer);
        let limits = &self.limits;
        let mut counts = lock(&self.counts);
        let of_address = counts.by_address.get(&address).copied().unwrap_or(0);
        let is_proxy = limits.trusted_proxies.contains(&peer.to_canonical());
        let refused = if counts.total >= limits.total {
            Some(("total", limits.total))
        } else if of_address >= limits.per_address && !is_proxy {
            Some(("address", limits.per_address))
        } else {
            None
        };
        if let Some((limit, most)) = refused {
            drop(counts);
            metrics::connection_refused(limit);
            if self.complaints.opens() {
                warn!(%peer, limit, most, "Refused a connection: there are too many");
            }
            return None;
        }
        counts.total += 1;
        counts.by_address.insert(address, of_address + 1);
        metrics::connections(counts.total);
        Some(Slot { address, counts: self.counts.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.total -= 1;
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
        metrics::connections(counts.total);
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets a line of the log through now and then.
#[derive(Debug, Default)]
pub(super) struct LogGate(Mutex<Option<Instant>>);

impl LogGate {
    const EVERY: Duration = Duration::from_secs(10);

    pub(super) fn opens(&self) -> bool {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opens = opened.is_none_or(|opened| opened.elapsed() >= Self::EVERY);
        if opens {
            *opened = Some(Instant::now());
        }
        opens
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
        assert_eq!(lock(&slots.counts).by_address.len(), 0);
        assert_eq!(lock(&slots.counts).total, 0);
    }
}
