//! Secrets: made at random, told once, kept as SHA-256.

use sha2::{Digest, Sha256};

/// A secret of 256 random bits, as 64 hexadecimal digits.
///
/// # Errors
/// When the system has no randomness to give.
pub fn generate() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(hex::encode(bytes))
}

/// What is kept of a secret.
#[must_use]
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
