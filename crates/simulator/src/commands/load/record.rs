//! What was acknowledged, for whoever checks that it is there.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::Mutex,
};

use anyhow::{Context, Result};
use poolwatch_model::{BootId, HostId};
use sha2::{Digest, Sha256};

/// Writes acknowledged frames to a file.
#[derive(Debug)]
pub(super) struct Record(Mutex<BufWriter<File>>);

impl Record {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
        let mut file = BufWriter::new(file);
        writeln!(file, "host_id,boot,seq,sha256")?;
        Ok(Self(Mutex::new(file)))
    }

    pub(super) fn add(&self, host: HostId, boot: BootId, seq: u64, frame: &[u8]) -> Result<()> {
        let digest = Sha256::digest(frame);
        let mut file = self.0.lock().map_err(|_| anyhow::anyhow!("the record is broken"))?;
        Ok(writeln!(file, "{host},{},{seq},{}", boot.0, hex::encode(digest))?)
    }

    pub(super) fn finish(&self) -> Result<()> {
        let mut file = self.0.lock().map_err(|_| anyhow::anyhow!("the record is broken"))?;
        Ok(file.flush()?)
    }
}
