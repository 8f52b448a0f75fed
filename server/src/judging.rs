//! What becomes of what is found: it is kept, and people close it.

pub mod close;
pub mod record;
