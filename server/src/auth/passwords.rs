//! Passwords: Argon2id with the library's recommended cost.

use std::sync::Arc;

use anyhow::anyhow;
use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::warn;

use crate::app_error::AppError;

/// Fewest characters of a password.
pub const MIN_CHARACTERS: usize = 10;
/// Longer passwords are refused unread: hashing takes time by their length.
pub const MAX_BYTES: usize = 1024;
/// Passwords that may wait for each one that is checked: some tenths of a second.
const WAITING: usize = 8;

/// How much lower the priority of a check is than that of requests, uploads among them.
const NICE: i32 = 10;

/// Checks passwords, on half of the processors at a time: each takes 19 MB and tens of milliseconds
/// of one.
#[derive(Debug)]
pub struct PasswordChecks {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    places_of_known: Arc<Semaphore>,
}

/// A place in the queue of passwords that are checked.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit);

impl Default for PasswordChecks {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = processors.div_ceil(2);
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            turns: semaphore(turns),
            places: semaphore(turns * WAITING),
            places_of_known: semaphore(turns * WAITING),
        }
    }
}

impl PasswordChecks {
    /// A place in the queue. Devices that have signed in before have places of their own.
    ///
    /// # Errors
    /// 503 when too many wait.
    pub fn queue(&self, is_known_device: bool) -> Result<Place, AppError> {
        let places = if is_known_device { &self.places_of_known } else { &self.places };
        let place = places.clone().try_acquire_owned();
        place.map(Place).map_err(|_| {
            AppError::busy("Too many people sign in at this moment. Try again in some seconds.")
        })
    }

    /// Whether a password is the one that was hashed, once it is its turn.
    ///
    /// # Errors
    /// When it cannot be checked.
    pub async fn verify(
        &self,
        place: Place,
        password: String,
        kept: Option<String>,
    ) -> Result<bool, AppError> {
        self.take_turn(place, move || verify(&password, kept.as_deref())).await
    }

    /// The hash to keep of a new password, once it is its turn.
    ///
    /// # Errors
    /// When it cannot be hashed.
    pub async fn hash(&self, place: Place, password: String) -> Result<String, AppError> {
        self.take_turn(place, move || hash(&password)).await?.map_err(AppError::internal)
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AppError> {
        let turn = self.turns.clone().acquire_owned().await.map_err(AppError::internal)?;
        let (done, checked) = oneshot::channel();
        let check = move || {
            // Held until it is done, also when nobody waits for it any more.
            let _held = (place, turn);
            if let Err(error) = rustix::process::nice(NICE) {
                warn!(%error, "Passwords are checked at the priority of everything else");
            }
            let _ = done.send(work());
        };
        let thread = std::thread::Builder::new().name("password".into());
        thread.spawn(check).map_err(AppError::internal)?;
        checked.await.map_err(AppError::internal)
    }
}

/// The hash to keep of a password. Takes tens of milliseconds of CPU on purpose.
///
/// # Errors
/// When hashing fails.
pub fn hash(password: &str) -> anyhow::Result<String> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| anyhow!("hashing the password: {error}"))?;
    Ok(hash.to_string())
}

/// Whether a password is the one that was hashed. With no hash (nobody of that name, or who has set
/// none yet) it takes as long, so that an answer's time does not tell who exists.
fn verify(password: &str, kept: Option<&str>) -> bool {
    /// Of a password that nobody has.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
         QCKdO6oVtV2WxLS6N9uXPo1gKSrkv5JNUMF9WfpaRvA";
    let kept = kept.filter(|hash| !hash.is_empty());
    let Ok(parsed) = PasswordHash::new(kept.unwrap_or(NOBODY)) else { return false };
    let matches = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    matches && kept.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_opens() {
        let kept = hash("correct horse battery").unwrap();
        assert!(verify("correct horse battery", Some(&kept)));
        assert!(!verify("wrong", Some(&kept)));
        assert!(!verify("correct horse battery", None));
    }

    #[test]
    fn as_many_wait_as_are_done_soon_and_known_devices_have_places_of_their_own() {
        let checks = PasswordChecks::default();
        let places: Vec<Place> = std::iter::from_fn(|| checks.queue(false).ok()).collect();
        assert_eq!(places.len(), checks.turns.available_permits() * WAITING);
        assert_eq!(checks.queue(false).unwrap_err().status(), 503);
        assert!(checks.queue(true).is_ok());
        drop(places);
        assert!(checks.queue(false).is_ok());
    }
}
