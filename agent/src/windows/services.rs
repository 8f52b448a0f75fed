//! Running services, from the service control manager.

#![expect(unsafe_code, reason = "the call writes into a buffer that Rust knows nothing about")]

use std::{mem::offset_of, ptr};

use windows_sys::Win32::{
    Foundation::{ERROR_MORE_DATA, GetLastError},
    System::Services::{
        CloseServiceHandle, ENUM_SERVICE_STATUS_PROCESSW, EnumServicesStatusExW, OpenSCManagerW,
        SC_ENUM_PROCESS_INFO, SC_HANDLE, SC_MANAGER_ENUMERATE_SERVICE, SERVICE_ACTIVE,
        SERVICE_STATUS_PROCESS, SERVICE_WIN32,
    },
};

use crate::{
    machine::{Status, grow},
    raw::layout::service,
};

// What the parser believes is what the compiler says here.
const _: () = assert!(
    service::SIZE == size_of::<ENUM_SERVICE_STATUS_PROCESSW>()
        && service::SERVICE_NAME == offset_of!(ENUM_SERVICE_STATUS_PROCESSW, lpServiceName)
        && service::PROCESS_ID
            == offset_of!(ENUM_SERVICE_STATUS_PROCESSW, ServiceStatusProcess)
                + offset_of!(SERVICE_STATUS_PROCESS, dwProcessId)
);

/// Bytes that the call takes, at most (documented), and our count.
const LIMIT: usize = (256 << 10) + 8;

/// A connection that is made once: a host that is short of resources may not make it any more.
pub(super) struct Services(Result<Connection, Status>);

struct Connection(SC_HANDLE);

// SAFETY: the handle belongs to the process, not to a thread.
unsafe impl Send for Connection {}

impl Services {
    /// `OpenSCManagerW` (documented).
    pub(super) fn connect() -> Self {
        // SAFETY: null names stand for this machine and its only database.
        let handle =
            unsafe { OpenSCManagerW(ptr::null(), ptr::null(), SC_MANAGER_ENUMERATE_SERVICE) };
        Self(if handle.is_null() { Err(last_error()) } else { Ok(Connection(handle)) })
    }

    /// Fills the buffer as `raw::services` reads it, and returns its length.
    pub(super) fn fill(&self, buffer: &mut Vec<u64>) -> Result<usize, Status> {
        let connection = self.0.as_ref().map_err(|status| *status)?;
        grow::fill(buffer, LIMIT, |buffer| connection.list(buffer))
    }
}

impl Connection {
    /// `EnumServicesStatusExW` (documented): status and length. The count is put in front.
    fn list(&self, buffer: &mut [u64]) -> (u32, usize) {
        let Some((head, rest)) = buffer.split_first_mut() else {
            return (Status::INFO_LENGTH_MISMATCH.number(), 8);
        };
        let (mut needed, mut count, mut resume) = (0, 0, 0);
        // SAFETY: at most the bytes are written that the rest of the buffer has; all numbers are
        // stored in their own variables; there is no group name.
        let listed = unsafe {
            EnumServicesStatusExW(
                self.0,
                SC_ENUM_PROCESS_INFO,
                SERVICE_WIN32,
                SERVICE_ACTIVE,
                rest.as_mut_ptr().cast(),
                size_of_val(rest) as u32,
                &raw mut needed,
                &raw mut count,
                &raw mut resume,
                ptr::null(),
            )
        };
        if listed != 0 {
            *head = u64::from(count);
            // Names lie at the end of the buffer, whatever is between.
            return (0, 0);
        }
        match last_error().number() {
            ERROR_MORE_DATA => {
                let missing = size_of_val(rest) + needed as usize;
                (Status::INFO_LENGTH_MISMATCH.number(), missing)
            }
            error => (error, 0),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { CloseServiceHandle(self.0) };
    }
}

fn last_error() -> Status {
    // SAFETY: only returns a number of this thread.
    Status::failure(unsafe { GetLastError() })
}
