//! The Poolwatch agent: measures the kernel's memory pools of one Windows host and sends what it
//! found to the server.
//!
//! [`machine`] gives the kernel's raw buffers, live or from a [`capture`]; [`raw`] reads them;
//! [`collect`] makes a snapshot of them; [`spool`] keeps snapshots on disk until [`upload`] has
//! brought them to the server; [`run`] does all that on time, by the [`settings`].

pub mod active_directory;
pub mod agent;
pub mod anonymous;
pub mod capture;
pub mod clock;
pub mod collect;
pub mod events;
pub mod identity;
pub mod live_table;
pub mod log_file;
pub mod machine;
mod own_use;
pub mod poolmon;
pub mod programs;
mod proxy;
pub mod raw;
pub mod recorded;
pub mod restart;
pub mod run;
pub mod selftest;
pub mod settings;
mod slots;
pub mod spool;
pub mod status;
pub mod suggested;
pub mod survey;
pub mod synthetic;
pub mod system_folders;
pub mod trouble;
mod trust;
pub mod upload;
#[cfg(windows)]
pub mod windows;
