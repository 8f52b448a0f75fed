//! Which host was asked to scan which driver file, so that each is scanned once for all.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, driver_scan::FileHash};

/// A host that was asked is waited for so long, then another one is asked.
const PATIENCE: SignedDuration = SignedDuration::from_hours(3);
/// Files that are waited for at one time, and of one host.
const FILES: usize = 50_000;
const FILES_OF_HOST: usize = 1_000;

/// The files that hosts were asked to scan. Lost with a restart: then hosts are asked again.
#[derive(Debug, Default)]
pub struct ScanRequests(Mutex<HashMap<FileHash, (HostId, Timestamp)>>);

impl ScanRequests {
    /// Asks a host for those of its files that nobody else is asked for.
    pub fn ask(
        &self,
        host: HostId,
        files: impl Iterator<Item = FileHash>,
        now: Timestamp,
    ) -> Vec<FileHash> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, (_, at)| now.duration_since(*at) < PATIENCE);
        let mut wanted = Vec::new();
        for file in files {
            if wanted.len() == FILES_OF_HOST {
                break;
            }
            let is_free = asked.get(&file).is_none_or(|(other, _)| *other == host);
            if is_free && (asked.len() < FILES || asked.contains_key(&file)) {
                asked.insert(file, (host, now));
                wanted.push(file);
            }
        }
        wanted
    }

    /// Whether a host was asked for a file, which it then is no more.
    pub fn take(&self, host: HostId, file: FileHash) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_its = asked.get(&file).is_some_and(|(of, _)| *of == host);
        if is_its {
            asked.remove(&file);
        }
        is_its
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    #[test]
    fn each_file_is_asked_of_one_host_until_it_is_late() {
        let requests = ScanRequests::default();
        let file = |number| FileHash::new([number; 32]);
        let ask = |host, now| requests.ask(HostId(host), [file(1), file(2)].into_iter(), now);
        assert_eq!(ask(1, at(0)), [file(1), file(2)]);
        assert_eq!(ask(2, at(0)), []);
        assert_eq!(ask(1, at(1)), [file(1), file(2)], "it began anew");
        assert!(!requests.take(HostId(2), file(1)));
        assert!(requests.take(HostId(1), file(1)));
        assert!(!requests.take(HostId(1), file(1)));
        assert_eq!(ask(2, at(1)), [file(1)]);
        assert_eq!(ask(3, at(5)), [file(1), file(2)]);
    }

    #[test]
    fn no_host_is_asked_for_more_than_it_can_do() {
        let files = (0..2_000_u32).map(|number| {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_le_bytes());
            FileHash::new(bytes)
        });
        let asked = ScanRequests::default().ask(HostId(1), files, at(0));
        assert_eq!(asked.len(), FILES_OF_HOST);
    }
}
