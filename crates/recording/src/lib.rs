//! What is measured on a Windows host, and how it is kept: the agent writes it, the server reads it
//! again.
//!
//! [`machine`] gives the kernel's raw buffers, from a [`capture`] or from who implements it; [`raw`]
//! reads them; [`collect`] makes a snapshot of them; [`spool`] keeps snapshots on disk; [`recorded`]
//! reads captures and the spool's segments as the past of a host. No calls of Windows.

pub mod capture;
pub mod clock;
pub mod collect;
pub mod machine;
pub mod raw;
pub mod recorded;
pub mod slots;
pub mod spool;
pub mod synthetic;
