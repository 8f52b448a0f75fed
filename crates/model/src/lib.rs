//! The domain of Poolwatch: what is measured on a host, what is judged from it, and the words for
//! both. Plain data without input or output; every other crate speaks in these types.

pub mod alerting;
pub mod asked_time;
pub mod bytes;
pub mod clock;
pub mod comparison;
pub mod diagnosis;
pub mod driver_scan;
pub mod event;
pub mod history;
pub mod host;
pub mod incident;
pub mod inventory;
pub mod memory;
pub mod person;
pub mod presence;
pub mod process;
pub mod series;
pub mod snapshot;
pub mod tag;
pub mod text;

pub use bytes::Bytes;
pub use clock::{Clock, SharedClock};
pub use host::{BootId, HostId};
pub use presence::Presence;
pub use snapshot::Snapshot;
pub use tag::{Pool, PoolTag};
