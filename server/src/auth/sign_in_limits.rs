//! How often somebody may try to sign in: from one address, and from there by one name. Every try
//! counts, before its password is looked at.
//!
//! Memory is bounded: names and addresses are hashed, by a key that nobody knows, to one of 65,536
//! counters, and no counter is ever given up for another one.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};

use crate::client_address::address_block;

type Limiter = RateLimiter<u16, HashMapStateStore<u16>, DefaultClock>;

/// Tries by one name from one address that are free, and then one in so long.
const BY_NAME: (u32, Duration) = (5, Duration::from_secs(60));
/// Tries from one address by whatever names.
const BY_ADDRESS: (u32, Duration) = (30, Duration::from_secs(2));
/// Tries of a device that has signed in by this name before.
const BY_DEVICE: (u32, Duration) = (10, Duration::from_secs(10));

/// Codes of authenticators by one person.
const BY_CODE: (u32, Duration) = (10, Duration::from_secs(30));
/// Failed tries that go into the audit log.
const RECORDED: (u32, Duration) = (200, Duration::from_secs(10));

/// Counts tries to sign in.
#[derive(Debug)]
pub struct SignInLimits {
    by_name: Limiter,
    by_address: Limiter,
    by_device: Limiter,
    by_code: Limiter,
    recorded: RateLimiter<NotKeyed, InMemoryState, DefaultClock>,
    hasher: RandomState,
}

impl Default for SignInLimits {
    fn default() -> Self {
        let limiter = |(free, then_every)| RateLimiter::hashmap(quota(free, then_every));
        Self {
            by_name: limiter(BY_NAME),
            by_address: limiter(BY_ADDRESS),
            by_device: limiter(BY_DEVICE),
            by_code: limiter(BY_CODE),
            recorded: RateLimiter::direct(quota(RECORDED.0, RECORDED.1)),
            hasher: RandomState::new(),
        }
    }
}

fn quota(free: u32, then_every: Duration) -> Quota {
    let free = NonZeroU32::new(free).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(then_every).unwrap_or(Quota::per_second(free)).allow_burst(free)
}

impl SignInLimits {
    /// Counts a try from an address.
    ///
    /// # Errors
    /// How long to wait, when there were too many.
    pub fn check(&self, name: &str, from: IpAddr) -> Result<(), Duration> {
        let block = address_block(from);
        self.check_key(&self.by_address, &block)?;
        self.check_key(&self.by_name, &(name.to_lowercase(), block))
    }

    /// Counts a try of a device that has signed in before, whatever others do at its address.
    ///
    /// # Errors
    /// How long to wait, when there were too many.
    pub fn check_device(&self, device: &str) -> Result<(), Duration> {
        self.check_key(&self.by_device, &device)
    }

    /// Counts a code that somebody types who gave the right password of a person, wherever from.
    ///
    /// # Errors
    /// How long to wait, when there were too many.
    pub fn check_code(&self, user: i32) -> Result<(), Duration> {
        self.check_key(&self.by_code, &user)
    }

    /// Whether one more failed try goes into the audit log, which guesses would fill.
    pub fn records_failure(&self) -> bool {
        self.recorded.check().is_ok()
    }

    fn check_key(&self, limiter: &Limiter, key: &impl Hash) -> Result<(), Duration> {
        let counter = (self.hasher.hash_one(key) & u64::from(u16::MAX)) as u16;
        let wait =
            |until: governor::NotUntil<_>| until.wait_time_from(DefaultClock::default().now());
        limiter.check_key(&counter).map(drop).map_err(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + n).into())
    }

    #[test]
    fn guesses_are_bounded_by_name_and_address_and_lock_out_nobody_else() {
        let limits = SignInLimits::default();
        let passed = (0..20).filter(|_| limits.check("Ana@x", address(1)).is_ok()).count();
        assert_eq!(passed, 5);
        let wait = limits.check("ana@X", address(1)).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= BY_NAME.1);
        assert!(limits.check("ana@x", address(2)).is_ok());
        assert!(limits.check("ben@x", address(1)).is_ok());
        assert!(limits.check_device("device").is_ok());
    }

    #[test]
    fn sign_ins_that_fail_are_recorded_up_to_a_bound() {
        let limits = SignInLimits::default();
        assert_eq!((0..10_000).filter(|_| limits.records_failure()).count(), 200);
    }

    #[test]
    fn other_names_from_an_address_reset_no_count_and_have_an_end() {
        let limits = SignInLimits::default();
        while limits.check("ana@x", address(1)).is_ok() {}
        let names = (0..10_000).map(|n| format!("{n}@x"));
        let passed = names.filter(|name| limits.check(name, address(1)).is_ok()).count();
        assert!(passed < 30, "{passed}");
        for n in 2..20_000 {
            let _ = limits.check("b@x", address(n));
        }
        assert!(limits.check("ana@x", address(1)).is_err());
        assert!(limits.by_name.len() <= 1 << 16);
    }
}
