//! The tags of one group of hosts: made when somebody asks, and kept for as long as the view is.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use poolwatch_model::HostId;

use super::{Fleet, by_tag::ByTag, view::FleetView};

/// Groups that are kept, the latest that were asked for.
const KEPT: usize = 8;

/// The tags of the groups that were asked for lately.
#[derive(Debug, Default)]
pub struct Groups(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    hosts: Vec<HostId>,
    at: Option<Timestamp>,
    tags: Arc<ByTag>,
}

impl Fleet {
    /// Every tag over some hosts, as of the view. Walks over these hosts, one such walk at a time:
    /// call it beside the threads that answer requests.
    #[must_use]
    pub fn tags_of_group(&self, view: &FleetView, hosts: &[HostId]) -> Arc<ByTag> {
        let mut kept = self.groups.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|one| one.hosts == hosts) {
            if kept[at].at == view.at {
                return kept[at].tags.clone();
            }
            kept.remove(at);
        }
        let tags = Arc::new(ByTag::among(self, hosts));
        kept.truncate(KEPT - 1);
        kept.insert(0, Kept { hosts: hosts.to_vec(), at: view.at, tags: tags.clone() });
        tags
    }
}
