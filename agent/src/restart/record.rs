//! What was restarted, and whether it helped: kept on the disk, so that a restart of the agent forgets
//! nothing.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Clocks, Refusal};
use crate::trust::read_small;

/// What was restarted last, and what did not help.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RestartRecord {
    /// The last restart of any service.
    pub last: Option<PastRestart>,
    /// Services that a restart did not help: not restarted again while the policy lists them.
    pub in_vain: BTreeSet<String>,
    /// Whether the service of the last restart was stopped and not yet started.
    pub is_down: bool,
    /// When that was since the agent's start; `None` when it was before.
    #[serde(skip)]
    pub last_monotonic: Option<Duration>,
}

/// A restart that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRestart {
    /// The service.
    pub service: String,
    /// When, by the wall clock.
    pub at: Timestamp,
    /// Both pools in use before, bytes.
    pub pool_bytes: u64,
    /// Whether it helped; `None` while that is not known.
    pub has_helped: Option<bool>,
}

impl RestartRecord {
    /// Whether what was done before allows a restart.
    ///
    /// # Errors
    /// Why it does not. A clock that went back allows none.
    pub fn allows(&self, service: &str, period: Duration, now: Clocks) -> Result<(), Refusal> {
        if self.in_vain.contains(service) {
            return Err(Refusal::DidNotHelp);
        }
        let Some(last) = &self.last else { return Ok(()) };
        let spacing = SignedDuration::try_from(period).unwrap_or(SignedDuration::MAX);
        let is_soon = now.wall.duration_since(last.at) < spacing
            || self.last_monotonic.is_some_and(|at| now.monotonic.saturating_sub(at) < period);
        if is_soon {
            return Err(Refusal::TooSoon);
        }
        if last.has_helped.is_none() { Err(Refusal::NotYetKnown) } else { Ok(()) }
    }

    /// Notes that a restart begins.
    pub fn begin(&mut self, service: &str, pool_bytes: u64, now: Clocks) {
        let service = service.to_owned();
        self.last = Some(PastRestart { service, at: now.wall, pool_bytes, has_helped: None });
        self.last_monotonic = Some(now.monotonic);
    }

    /// Notes what the last restart was worth.
    pub fn conclude(&mut self, has_helped: bool) {
        if let Some(last) = &mut self.last {
            last.has_helped = Some(has_helped);
            if !has_helped {
                self.in_vain.insert(last.service.clone());
            }
        }
    }

    /// Forgets services that the policy does not list any more.
    pub fn keep_listed(&mut self, services: &BTreeSet<String>) {
        self.in_vain.retain(|service| services.contains(service));
    }
}

/// The record with the file that keeps it.
#[derive(Debug)]
pub struct RestartRecordFile {
    path: PathBuf,
    record: RestartRecord,
}

impl RestartRecordFile {
    const NAME: &'static str = "restarts.json";

    /// Reads the record in a folder; without a file nothing was restarted.
    ///
    /// # Errors
    /// When the file cannot be read or understood: then what was done before is not known, and nothing
    /// may be restarted.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(Self::NAME);
        let record = match read_small(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => RestartRecord::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, record })
    }

    /// The record.
    #[must_use]
    pub fn get(&self) -> &RestartRecord {
        &self.record
    }

    /// Changes the record and keeps the change.
    ///
    /// # Errors
    /// When the file system refuses; the change holds for this process all the same.
    pub fn change(&mut self, change: impl FnOnce(&mut RestartRecord)) -> io::Result<()> {
        change(&mut self.record);
        let new = self.path.with_extension("new");
        fs::write(&new, serde_json::to_vec(&self.record)?)?;
        fs::rename(&new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_record_outlives_the_agent_and_one_that_is_damaged_permits_nothing() {
        let folder = TempDir::new().unwrap();
        let now = Clocks { wall: Timestamp::UNIX_EPOCH, monotonic: Duration::ZERO };
        let mut file = RestartRecordFile::open(folder.path()).unwrap();
        file.change(|record| record.begin("BadApp", 1 << 30, now)).unwrap();
        let mut again = RestartRecordFile::open(folder.path()).unwrap();
        assert_eq!(again.get().last, file.get().last);
        again.change(|record| record.conclude(false)).unwrap();
        let again = RestartRecordFile::open(folder.path()).unwrap();
        let later = Clocks { wall: "2026-01-01T00:00:00Z".parse().unwrap(), ..now };
        let allowed = again.get().allows("BadApp", Duration::from_secs(60), later);
        assert_eq!(allowed, Err(Refusal::DidNotHelp));
        assert_eq!(again.get().allows("Other", Duration::from_secs(60), later), Ok(()));
        fs::write(folder.path().join("restarts.json"), "{").unwrap();
        assert!(RestartRecordFile::open(folder.path()).is_err());
    }
}
