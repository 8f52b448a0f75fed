//! The Poolwatch agent: measures the kernel's memory pools of one Windows host and sends what it
//! found to the server.
//!
//! `windows::Live` asks the kernel; `poolwatch-recording` makes snapshots of the answers and keeps
//! them on disk, until [`upload`] has brought them to the server; [`run`] does all that on time, by the
//! [`settings`].

pub mod active_directory;
pub mod agent;
pub mod anonymous;
pub mod events;
pub mod identity;
pub mod live_table;
pub mod log_file;
pub mod own_use;
pub mod poolmon;
pub mod programs;
mod proxy;
pub mod restart;
pub mod run;
pub mod selftest;
pub mod settings;
pub mod status;
pub mod suggested;
pub mod survey;
mod system_errors;
pub mod system_folders;
pub mod trouble;
mod trust;
pub mod upload;
#[cfg(windows)]
pub mod windows;

use poolwatch_recording::slots;
pub use poolwatch_recording::{capture, clock, collect, machine, raw, spool, synthetic};
