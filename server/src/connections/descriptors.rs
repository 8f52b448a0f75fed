//! How many files and connections the system lets this process have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Descriptors for the database, files and mail.
const OTHERS: usize = 256;
/// More connections than this are served by no machine.
const MOST: usize = 100_000;

/// Raises the limit as far as the system lets an ordinary process. Returns it, and how many of the
/// descriptors connections may take.
pub fn raise_descriptor_limit() -> (usize, usize) {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        warn!(%error, "The limit on open files stays as it is");
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    (limit, limit.saturating_sub(OTHERS).clamp(OTHERS.min(limit), MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_as_high_as_the_system_allows() {
        let (limit, for_connections) = raise_descriptor_limit();
        let system = getrlimit(Resource::Nofile);
        assert_eq!(system.current, system.maximum);
        assert!(for_connections <= MOST && for_connections < limit);
    }
}
