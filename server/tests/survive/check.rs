//! Whether the database holds what the load's record says.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use poolwatch_model::{BootId, HostId};
use poolwatch_store::{PgPool, testing};
use sha2::{Digest, Sha256};

/// Acknowledged frames: boot and sequence number with their digests, by host.
type Acknowledged = BTreeMap<i32, HashMap<(BootId, u64), String>>;

/// Every acknowledged frame is there once, as it was sent, and in order. Returns how many were
/// acknowledged.
pub(crate) async fn all_is_there(pool: &PgPool, record: &Path) -> usize {
    let acknowledged = read(record);
    let mut db = pool.acquire().await.unwrap();
    for (host, frames) in &acknowledged {
        let stored = testing::frames(&mut db, HostId(*host)).await.unwrap();
        let mut found = HashMap::new();
        let mut last: HashMap<BootId, u64> = HashMap::new();
        for (boot, frame) in stored {
            let digest = hex::encode(Sha256::digest(&frame.payload));
            let again = found.insert((boot, frame.seq), digest);
            assert_eq!(again, None, "host {host}, boot {}: {} is there twice", boot.0, frame.seq);
            let before = last.insert(boot, frame.seq).unwrap_or(0);
            assert!(
                before < frame.seq,
                "host {host}, boot {}: {} is placed at {}, after {before}",
                boot.0,
                frame.seq,
                frame.at
            );
        }
        for ((boot, seq), digest) in frames {
            let of = found.get(&(*boot, *seq));
            assert_eq!(of, Some(digest), "host {host}, boot {}, frame {seq}", boot.0);
        }
    }
    acknowledged.values().map(HashMap::len).sum()
}

/// The hosts of which something was acknowledged.
pub(crate) fn hosts(record: &Path) -> Vec<HostId> {
    read(record).into_keys().map(HostId).collect()
}

fn read(record: &Path) -> Acknowledged {
    let mut acknowledged = Acknowledged::new();
    let mut lines = csv::Reader::from_path(record).unwrap();
    for line in lines.deserialize() {
        let (host, boot, seq, digest): (i32, uuid::Uuid, u64, String) = line.unwrap();
        acknowledged.entry(host).or_default().insert((BootId(boot), seq), digest);
    }
    acknowledged
}
