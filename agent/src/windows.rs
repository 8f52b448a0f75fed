//! The Windows that the agent runs on. The only unsafe code of the project is below this module:
//! one small function per call, each with its source; what they return is read elsewhere.

mod facts;
mod folders;
mod live;
mod own_use;
mod query;

pub use facts::boot_id;
pub use folders::program_data;
pub use live::Live;
pub(crate) use own_use::own_use;
