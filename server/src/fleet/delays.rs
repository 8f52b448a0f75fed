//! How late uploads come. Delay makes a boot seem to have begun later than it did, never earlier: the
//! upload that came with the least of it is nearest to the truth.

use std::collections::VecDeque;

use jiff::Timestamp;
use poolwatch_model::BootId;

/// Uploads that have to agree before a boot is taken to have begun later: a network that stalls
/// delays some, a clock that drifts all of them.
const UPLOADS: usize = 5;

/// When the boot that sends began, by each of its last uploads.
#[derive(Debug, Default)]
pub struct Delays {
    boot: Option<BootId>,
    begun: VecDeque<Timestamp>,
}

impl Delays {
    /// Takes in what an upload says.
    pub fn note(&mut self, boot: BootId, begun: Timestamp) {
        if self.boot != Some(boot) {
            *self = Self { boot: Some(boot), begun: VecDeque::new() };
        }
        if self.begun.len() == UPLOADS {
            self.begun.pop_front();
        }
        self.begun.push_back(begun);
    }

    /// When the boot began by the upload with the least delay; `None` before some have come.
    #[must_use]
    pub fn least(&self, boot: BootId) -> Option<Timestamp> {
        let enough = self.boot == Some(boot) && self.begun.len() == UPLOADS;
        if enough { self.begun.iter().copied().min() } else { None }
    }
}
