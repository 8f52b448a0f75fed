//! People and scripts that sent a request lately, so that the next one needs no query.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use poolwatch_model::person::{Role, Scope};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name of the person or of the script's token.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose hosts it sees and acts on.
    pub scope: Scope,
    /// By what it is known.
    pub proof: Proof,
}

/// By what somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A person who is signed in.
    Session {
        /// The person's number.
        user: i32,
        /// The session's number.
        session: i64,
        /// The person's e-mail address.
        email: String,
    },
    /// An API token.
    Token {
        /// Its number.
        id: i32,
        /// The person whose it is; none of a service.
        owner: Option<i32>,
    },
    /// Whoever may start the server's program on its machine.
    CommandLine,
}

/// Who takes what requests take: a person with all their sessions and tokens, or a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A person, by number.
    Person(i32),
    /// A token that is no person's, by number.
    Service(i32),
    /// Whoever may start the server's program on its machine.
    CommandLine,
}

impl Person {
    /// The number of a person who is signed in; scripts have no account.
    #[must_use]
    pub const fn account(&self) -> Option<i32> {
        match self.proof {
            Proof::Session { user, .. } => Some(user),
            Proof::Token { .. } | Proof::CommandLine => None,
        }
    }

    /// Who takes what it takes.
    #[must_use]
    pub const fn caller(&self) -> Caller {
        match self.proof {
            Proof::Session { user, .. } | Proof::Token { owner: Some(user), .. } => {
                Caller::Person(user)
            }
            Proof::Token { id, owner: None } => Caller::Service(id),
            Proof::CommandLine => Caller::CommandLine,
        }
    }

    /// Whoever may start the server's program on its machine.
    #[must_use]
    pub fn at_command_line() -> Self {
        Self {
            name: "command line".to_owned(),
            role: Role::Admin,
            scope: Scope::WholeFleet,
            proof: Proof::CommandLine,
        }
    }

    /// As the audit log names it.
    #[must_use]
    pub fn in_audit_log(&self) -> String {
        match &self.proof {
            Proof::Session { email, .. } => format!("{} ({email})", self.name),
            Proof::Token { id, .. } => format!("{} ({id})", self.name),
            Proof::CommandLine => self.name.clone(),
        }
    }
}

/// How long somebody counts as found: what the command line changes counts after this.
const FRESH: Duration = Duration::from_secs(1);
/// Callers kept at most.
const CACHED: usize = 10_000;

/// Who is looked for in the database at once: whoever shows anything at all is looked for, and leaves
/// the other connections to those who are known.
const LOOKED_FOR: usize = 4;

/// Callers of the last moment, by the SHA-256 of what they showed.
#[derive(Debug)]
pub struct CallerCache {
    callers: Mutex<Callers>,
    turns: Semaphore,
}

impl Default for CallerCache {
    fn default() -> Self {
        Self { callers: Mutex::default(), turns: Semaphore::new(LOOKED_FOR) }
    }
}

#[derive(Debug, Default)]
struct Callers {
    known: HashMap<Vec<u8>, (Person, Instant)>,
    generation: Generation,
}

/// Counts how often everybody was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Generation(u64);

impl CallerCache {
    /// Who showed this, if they were found just now; else what to hand to [`Self::put`].
    ///
    /// # Errors
    /// The generation, when somebody has to look.
    pub fn get(&self, hash: &[u8]) -> Result<Person, Generation> {
        let callers = self.lock();
        match callers.known.get(hash) {
            Some((person, found)) if found.elapsed() < FRESH => Ok(person.clone()),
            _ => Err(callers.generation),
        }
    }

    /// A turn to look for somebody, once it comes.
    pub async fn take_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// Keeps who was found, unless everybody was forgotten since the search began.
    pub fn put(&self, hash: Vec<u8>, person: Person, generation: Generation) {
        let mut callers = self.lock();
        if callers.generation != generation {
            return;
        }
        if callers.known.len() >= CACHED {
            callers.known.clear();
        }
        callers.known.insert(hash, (person, Instant::now()));
    }

    /// Forgets everybody: roles, sessions or tokens changed, at once.
    pub fn forget_all(&self) {
        let mut callers = self.lock();
        callers.known.clear();
        callers.generation.0 += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Callers> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_looked_up_while_roles_change_is_looked_up_again() {
        let cache = CallerCache::default();
        let ana = Person {
            name: "Ana".into(),
            role: Role::Admin,
            scope: Scope::WholeFleet,
            proof: Proof::Token { id: 1, owner: None },
        };
        let generation = cache.get(b"ana").unwrap_err();
        cache.put(b"ana".to_vec(), ana.clone(), generation);
        assert_eq!(cache.get(b"ana"), Ok(ana.clone()));
        cache.forget_all();
        assert!(cache.get(b"ana").is_err());
        cache.put(b"ana".to_vec(), ana, generation);
        assert!(cache.get(b"ana").is_err(), "the search began before the change");
    }
}
