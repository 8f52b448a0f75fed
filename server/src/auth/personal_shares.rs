//! What one person, with their tokens, may take of what everybody shares: connections to the database,
//! memory for answers until they are taken, and lines of the audit log.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::callers::Caller;
use crate::{
    app_error::AppError,
    shares::{Share, Shares},
};

/// Requests of one that are answered at once, each until its answer is taken; further ones wait for their
/// turn. Half of the connections to the database are left to others.
const REQUESTS: usize = 10;
/// Requests of one that wait, those that were given up as well.
const WAITING: usize = 100;
/// Requests of one that may change something and go into the audit log, and how often one more.
const CHANGES: (NonZeroU32, Duration) =
    (NonZeroU32::new(1000).expect("it is not 0"), Duration::from_millis(50));
/// Likewise of those that are refused for the role.
const REFUSALS: (NonZeroU32, Duration) =
    (NonZeroU32::new(100).expect("it is not 0"), Duration::from_secs(10));
/// Callers from which on those who do nothing are forgotten.
const KNOWN: usize = 10_000;

/// Counts what each has.
#[derive(Debug)]
pub struct PersonalShares {
    turns: Mutex<HashMap<Caller, PersonalTurns>>,
    answers: Shares<Caller>,
    changes: DefaultKeyedRateLimiter<Caller>,
    refusals: DefaultKeyedRateLimiter<Caller>,
}

/// Requests of one.
#[derive(Debug, Clone)]
struct PersonalTurns {
    /// For those that are answered, and those that wait.
    places: Arc<Semaphore>,
    /// For those that are answered.
    turns: Arc<Semaphore>,
}

impl Default for PersonalTurns {
    fn default() -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { places: semaphore(REQUESTS + WAITING), turns: semaphore(REQUESTS) }
    }
}

/// One's turn to be answered, until it is dropped.
#[derive(Debug)]
pub(crate) struct PersonalTurn(
    #[expect(dead_code, reason = "held until it is dropped")] [OwnedSemaphorePermit; 2],
);

impl Default for PersonalShares {
    fn default() -> Self {
        let limiter = |(free, then_every): (NonZeroU32, Duration)| {
            let quota = Quota::with_period(then_every).unwrap_or(Quota::per_second(free));
            RateLimiter::keyed(quota.allow_burst(free))
        };
        Self {
            turns: Mutex::default(),
            answers: Shares::default(),
            changes: limiter(CHANGES),
            refusals: limiter(REFUSALS),
        }
    }
}

impl PersonalShares {
    /// One's turn to be answered, once it comes; it lasts until the answer is taken.
    ///
    /// # Errors
    /// 429 where too many wait.
    pub(crate) async fn take_turn(&self, who: Caller) -> Result<PersonalTurn, AppError> {
        let PersonalTurns { places, turns } = {
            let mut known = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KNOWN {
                known.retain(|_, of_one| Arc::strong_count(&of_one.places) > 1);
            }
            known.entry(who).or_default().clone()
        };
        let place = places.try_acquire_owned().map_err(|_| {
            let title = "You ask for too much at once";
            let detail = format!(
                "Of one person or script {REQUESTS} requests are answered at once, and {WAITING} wait."
            );
            AppError::new(StatusCode::TOO_MANY_REQUESTS, "personal-share", title, detail)
                .retry_after(5)
        })?;
        let turn = turns.acquire_owned().await.map_err(AppError::internal)?;
        Ok(PersonalTurn([place, turn]))
    }

    /// Room for an answer that may be large, until it is taken: one has so many at once, over all routes.
    ///
    /// # Errors
    /// 429 where one has as many already.
    pub(crate) fn take_answer(&self, who: Caller, most: usize) -> Result<Share<Caller>, AppError> {
        self.answers.take(who, 1, most).ok_or_else(|| {
            let title = "You have too much under way";
            let detail = format!(
                "One person or script has {most} large uploads or answers under way at most. Take \
                 those first, to their end."
            );
            AppError::new(StatusCode::TOO_MANY_REQUESTS, "personal-share", title, detail)
                .retry_after(5)
        })
    }

    /// Counts a request that may change something.
    ///
    /// # Errors
    /// 429 where there are too many.
    pub(crate) fn count_change(&self, who: Caller) -> Result<(), AppError> {
        if who == Caller::CommandLine || passes(&self.changes, who) {
            return Ok(());
        }
        let title = "You change too much in a short time";
        let detail = "One person or script changes 20 things in a second, after the first 1,000. \
                      Wait, or change many at once where the interface lets you.";
        Err(AppError::new(StatusCode::TOO_MANY_REQUESTS, "personal-share", title, detail)
            .retry_after(1))
    }

    /// Whether one more refusal of somebody goes into the audit log, which they would fill.
    pub(crate) fn records_refusal(&self, who: Caller) -> bool {
        passes(&self.refusals, who)
    }
}

fn passes(limiter: &DefaultKeyedRateLimiter<Caller>, who: Caller) -> bool {
    if limiter.len() >= KNOWN {
        limiter.retain_recent();
    }
    limiter.check_key(&who).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: Caller = Caller::Person(1);
    const BEN: Caller = Caller::Person(2);

    #[tokio::test]
    async fn who_asks_for_much_waits_for_themselves_alone() {
        let shares = PersonalShares::default();
        let mut turns = Vec::new();
        for _ in 0..REQUESTS {
            turns.push(shares.take_turn(ANA).await.unwrap());
        }
        {
            let mut waiting: Vec<_> =
                (0..WAITING).map(|_| Box::pin(shares.take_turn(ANA))).collect();
            for one in &mut waiting {
                let polled = tokio::time::timeout(Duration::from_millis(1), one);
                assert!(polled.await.is_err());
            }
            assert_eq!(shares.take_turn(ANA).await.unwrap_err().status(), 429);
            shares.take_turn(BEN).await.unwrap();
        }
        turns.pop();
        shares.take_turn(ANA).await.unwrap();
    }

    #[test]
    fn nobody_fills_the_audit_log() {
        let shares = PersonalShares::default();
        let changed = (0..10_000).filter(|_| shares.count_change(ANA).is_ok()).count();
        assert!((1000..1100).contains(&changed), "{changed}");
        assert!(shares.count_change(BEN).is_ok());
        assert_eq!((0..10_000).filter(|_| shares.records_refusal(ANA)).count(), 100);
        assert!((0..10_000).all(|_| shares.count_change(Caller::CommandLine).is_ok()));
    }
}
