//! Seals secrets that the server itself has to read again: the database, or a backup of it, does not
//! give them away. The key lies in the data folder.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, anyhow};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// File of the key in the data folder, 64 hexadecimal digits.
const FILE: &str = "secrets.key";

/// Seals and opens, for one purpose at a time: what is sealed for one is opened for no other.
#[derive(Debug)]
pub struct SealingKey(LessSafeKey);

impl SealingKey {
    /// The key of a data folder, which is made if there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds no key.
    pub fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = super::secrets::generate()?;
                fs::create_dir_all(data_dir).with_context(|| data_dir.display().to_string())?;
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
                let mut file = file.with_context(|| path.display().to_string())?;
                file.write_all(text.as_bytes()).with_context(|| path.display().to_string())?;
                file.sync_all()?;
                text
            }
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let bytes = hex::decode(text.trim()).ok().filter(|bytes| bytes.len() == 32);
        let bytes = bytes.ok_or_else(|| anyhow!("{} holds no key", path.display()))?;
        Self::new(&bytes)
    }

    /// A key that is kept nowhere.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn for_this_run() -> anyhow::Result<Self> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| anyhow!("no randomness: {error}"))?;
        Self::new(&bytes)
    }

    fn new(bytes: &[u8]) -> anyhow::Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).map_err(|_| anyhow!("no key"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a secret for a purpose.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(&self, purpose: &str, secret: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| anyhow!("no randomness: {error}"))?;
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| anyhow!("the secret is too long to seal"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what was sealed for the same purpose. `None` when it was not, or by another key.
    #[must_use]
    pub fn open_sealed(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut bytes = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut bytes).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_opened_by_its_key_for_its_purpose_alone() {
        let folder = tempfile::tempdir().unwrap();
        let key = SealingKey::open(&folder.path().join("data")).unwrap();
        let sealed = key.seal("mail", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        let again = SealingKey::open(&folder.path().join("data")).unwrap();
        assert_eq!(again.open_sealed("mail", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(again.open_sealed("code", &sealed), None);
        assert_eq!(SealingKey::for_this_run().unwrap().open_sealed("mail", &sealed), None);
        assert_eq!(again.open_sealed("mail", &sealed[..5]), None);
        assert_eq!(again.open_sealed("mail", &[&sealed[..], &[0]].concat()), None);
    }

    #[test]
    fn nobody_else_on_the_machine_reads_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        SealingKey::open(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
