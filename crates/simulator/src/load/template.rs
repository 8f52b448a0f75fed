//! What hosts of one template send at each step: encoded when first wanted, and kept for a while.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use poolwatch_model::{BootId, Snapshot};
use poolwatch_protocol::v1::{Encoder, Envelope, Stamp, frame::decompress};
use uuid::Uuid;

use super::{figures::Figures, splice::Sections};

/// Steps that are kept: as far as a slow host may lag behind a quick one at no cost.
const KEPT: usize = 256;

#[derive(Debug)]
pub(super) struct Template {
    figures: Figures,
    /// By step, and whether it is a key frame.
    kept: BTreeMap<(u64, bool), Arc<Sections>>,
}

impl Template {
    pub(super) fn new(figures: Figures) -> Self {
        Self { figures, kept: BTreeMap::new() }
    }

    #[cfg(test)]
    pub(super) fn snapshot(&self, step: u64) -> Snapshot {
        self.figures.at(step)
    }

    /// The sections of a key frame, or of a delta against the step before.
    pub(super) fn sections(&mut self, step: u64, is_key: bool) -> Arc<Sections> {
        if let Some(kept) = self.kept.get(&(step, is_key)) {
            return Arc::clone(kept);
        }
        let base = (!is_key).then(|| self.figures.at(step.saturating_sub(1)));
        let sections = Arc::new(encode(base, self.figures.at(step)));
        self.kept.insert((step, is_key), Arc::clone(&sections));
        if self.kept.len() > KEPT {
            self.kept.pop_first();
        }
        sections
    }
}

fn encode(base: Option<Snapshot>, snapshot: Snapshot) -> Sections {
    let stamp =
        |seq| Stamp { boot: BootId(Uuid::nil()), seq, uptime_ms: 0, wall: Timestamp::UNIX_EPOCH };
    let mut encoder = Encoder::default();
    if let Some(base) = base {
        let _ = encoder.encode(stamp(1), base);
    }
    let frame = encoder.encode(stamp(2), snapshot);
    let envelope = decompress(&frame).expect("a frame made here");
    Sections::of(&Envelope::parse(&envelope).expect("an envelope made here"))
}
