//! Time as an argument: who needs it is given a clock, and a test gives one that it sets.

use std::{fmt::Debug, sync::Arc};

use jiff::Timestamp;

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// A clock that many hold.
pub type SharedClock = Arc<dyn Clock>;
