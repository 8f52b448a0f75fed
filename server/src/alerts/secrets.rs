//! Secrets of channels: sealed in the database, opened when a message goes out.

use poolwatch_store::{PgPool, deliveries::LeasedDelivery, recipients};

use super::answer::DeliveryFailure;
use crate::auth::sealing::SealingKey;

/// What they are sealed for.
const PURPOSE: &str = "recipient";

/// Seals the secret of a channel.
///
/// # Errors
/// When the system has no randomness to give.
pub fn seal(key: &SealingKey, secret: &str) -> anyhow::Result<Vec<u8>> {
    key.seal(PURPOSE, secret.as_bytes())
}

/// The secret that a delivery needs, if it needs one.
///
/// # Errors
/// When it was sealed by another key.
pub fn open_secret(
    key: &SealingKey,
    delivery: &LeasedDelivery,
) -> Result<Option<String>, DeliveryFailure> {
    let Some(sealed) = &delivery.sealed_secret else { return Ok(None) };
    let bytes = key.open_sealed(PURPOSE, sealed);
    let secret = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    secret.map(Some).ok_or_else(|| DeliveryFailure {
        is_final: true,
        answer:
            "its secret was sealed by another key than the one in the data folder: remove this \
                 recipient and add it again"
                .to_owned(),
    })
}

/// Seals the secrets that an earlier version kept as they are. Returns how many.
///
/// # Errors
/// When the database fails, or the system has no randomness to give.
pub async fn seal_plain(pool: &PgPool, key: &SealingKey) -> anyhow::Result<usize> {
    let mut db = pool.acquire().await?;
    let mut count = 0;
    while let Some((id, secret)) = recipients::next_plain_secret(&mut db).await? {
        recipients::seal_secret(&mut db, id, &seal(key, &secret)?).await?;
        count += 1;
    }
    Ok(count)
}
