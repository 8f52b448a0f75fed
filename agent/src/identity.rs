//! Who this agent is: made at its first start, kept in one file that only it may read.

mod kept;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use poolwatch_model::{BootId, HostId};
use serde::{Deserialize, Serialize};
use tracing::warn;
use uuid::Uuid;

use crate::trust::read_small;
use kept::Kept;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Made at the first start: tells cloned images apart.
    pub instance_id: Uuid,
    /// What the server gave at enrolment.
    pub enrolled: Option<Enrolled>,
    /// The boot that a replay pretends to be in, so that it goes on after a restart.
    pub replay: Option<ReplayedBoot>,
}

/// What the server gave at enrolment.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The server that gave it: a key is sent to no other.
    pub server_url: String,
    /// The host's number there.
    pub host_id: HostId,
    /// The host's key.
    pub host_key: String,
}

impl std::fmt::Debug for Enrolled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { server_url, host_id, .. } = self;
        write!(f, "Enrolled({server_url}, host {host_id})")
    }
}

/// What of an identity may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySummary {
    /// The instance.
    pub instance_id: Uuid,
    /// The server at which it is enrolled, and the host's number there.
    pub enrolled: Option<(String, HostId)>,
}

/// The boot that a replay pretends to be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedBoot {
    /// CRC of the capture that is played: another capture is another boot.
    pub capture: u32,
    /// The boot.
    pub boot: BootId,
    /// Wall clock when it began.
    pub began: Timestamp,
}

/// The identity with the file that keeps it.
#[derive(Debug)]
pub struct IdentityFile {
    path: PathBuf,
    identity: Identity,
    /// Whether the file has what holds.
    is_kept: bool,
}

impl IdentityFile {
    /// The file's name in the spool's folder.
    const NAME: &'static str = "identity.json";

    /// Reads the identity in a folder, or makes one with this instance id. A file that cannot be
    /// understood is put aside: the agent then is a new instance, which the server tells.
    ///
    /// # Errors
    /// When the file system refuses, or the system does not reveal the key now.
    pub fn open(folder: &Path, new_instance: Uuid) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(Self::NAME);
        match read_small(&path).map(|bytes| serde_json::from_slice(&bytes)) {
            Ok(Ok(kept)) => return Ok(Self { path, identity: Kept::reveal(kept)?, is_kept: true }),
            Ok(Err(error)) => {
                warn!(path = %path.display(), %error, "The identity is damaged; making a new one");
                fs::rename(&path, path.with_extension("damaged"))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let identity = Identity { instance_id: new_instance, enrolled: None, replay: None };
        let mut file = Self { path, identity, is_kept: false };
        file.keep()?;
        Ok(file)
    }

    /// What may be shown of the identity in a folder, if there is one that can be read.
    #[must_use]
    pub fn inspect(folder: &Path) -> Option<IdentitySummary> {
        let kept: Kept =
            serde_json::from_slice(&read_small(&folder.join(Self::NAME)).ok()?).ok()?;
        Some(kept.summary())
    }

    /// What may be shown of it.
    #[must_use]
    pub fn summary(&self) -> IdentitySummary {
        let enrolled = self.identity.enrolled.as_ref();
        IdentitySummary {
            instance_id: self.identity.instance_id,
            enrolled: enrolled.map(|one| (one.server_url.clone(), one.host_id)),
        }
    }

    /// The identity.
    #[must_use]
    pub fn get(&self) -> &Identity {
        &self.identity
    }

    /// Changes the identity and keeps the change. It holds for this process even when the disk
    /// refuses; [`Self::keep`] tries again.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn change(&mut self, change: impl FnOnce(&mut Identity)) -> io::Result<()> {
        change(&mut self.identity);
        self.is_kept = false;
        self.keep()
    }

    /// Keeps what could not be kept before, as while a scanner held the file: a key that is lost costs
    /// another enrolment.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn keep(&mut self) -> io::Result<()> {
        if !self.is_kept {
            let kept = Kept::protect(&self.identity)?;
            write_private(&self.path, &serde_json::to_vec_pretty(&kept)?)?;
            self.is_kept = true;
        }
        Ok(())
    }
}

/// Replaces a file as a whole by one that only its owner may read.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn an_identity_is_made_once_and_kept() {
        let folder = TempDir::new().unwrap();
        let mut first = IdentityFile::open(folder.path(), Uuid::from_u128(1)).unwrap();
        let enrolled = Enrolled {
            server_url: "https://pool.example.net".into(),
            host_id: HostId(7),
            host_key: "secret".into(),
        };
        first.change(|identity| identity.enrolled = Some(enrolled)).unwrap();
        let again = IdentityFile::open(folder.path(), Uuid::from_u128(2)).unwrap();
        assert_eq!(again.get(), first.get());
        assert_eq!(again.get().instance_id, Uuid::from_u128(1));
        assert!(!format!("{again:?}").contains("secret"));
    }

    #[test]
    fn what_the_disk_refused_is_kept_later() {
        let folder = TempDir::new().unwrap();
        let mut file = IdentityFile::open(folder.path(), Uuid::from_u128(1)).unwrap();
        let in_the_way = folder.path().join("identity.new");
        fs::create_dir(&in_the_way).unwrap();
        let enrolled = || Enrolled {
            server_url: "https://pool.example.net".into(),
            host_id: HostId(7),
            host_key: "secret".into(),
        };
        assert!(file.change(|identity| identity.enrolled = Some(enrolled())).is_err());
        assert!(file.keep().is_err());
        fs::remove_dir(&in_the_way).unwrap();
        file.keep().unwrap();
        let again = IdentityFile::open(folder.path(), Uuid::from_u128(2)).unwrap();
        assert_eq!(again.get().enrolled, Some(enrolled()));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TempDir::new().unwrap();
        let file = IdentityFile::open(folder.path(), Uuid::from_u128(1)).unwrap();
        let mode = fs::metadata(&file.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_identity_is_put_aside() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("identity.json"), "{").unwrap();
        let file = IdentityFile::open(folder.path(), Uuid::from_u128(1)).unwrap();
        assert_eq!(file.get().instance_id, Uuid::from_u128(1));
        assert!(folder.path().join("identity.damaged").exists());
    }
}
