//! The Windows that the agent runs on. The only unsafe code of the project is below this module:
//! one small function per call, each with its source; what they return is read elsewhere.

mod conditions;
mod data_protection;
mod emulation;
mod event_log;
mod event_source;
mod facts;
mod folder_access;
mod folders;
mod installed;
mod live;
mod machine_proxy;
mod opened_process;
mod own_limits;
mod own_use;
mod program_files;
mod query;
mod server_service;
mod service;
mod service_control;
mod service_manager;
mod service_name;
mod services;
mod status_pipe;
mod wine;

pub(crate) use data_protection::{protect, reveal};
pub use emulation::check_is_native;
pub use event_log::system_log;
pub use event_source::{Severity, report};
pub use facts::boot_id;
pub(crate) use folder_access::believe_open;
pub use folder_access::{
    believe, claim_folder, holds_spool, is_refusal, remove_folder, restrict_own_folder,
};
pub use folders::{own_folder, system_folders};
pub use installed::ask_windows;
pub use live::Live;
pub(crate) use machine_proxy::machine_proxy;
pub(crate) use own_limits::begin_background_work;
pub use own_limits::limit_own_use;
pub use own_use::{own_handles, own_use};
pub use service::{Stop, run_as_service};
pub use service_control::WindowsServices;
pub use service_manager::{install, service_state, start, uninstall};
pub use service_name::SERVICE_NAME;
pub use status_pipe::{StatusAnswer, answer_status, ask_status};
