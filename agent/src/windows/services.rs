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
    machine::{
        Status,
        grow::{Buffer, PageAnswer},
    },
    raw::{
        layout::{self, ServiceLayout, Width},
        services::PAGE,
    },
};

// What the parser believes is what the compiler says here.
const SERVICE: ServiceLayout = layout::service(Width::OWN);
const _: () = assert!(
    SERVICE.size == size_of::<ENUM_SERVICE_STATUS_PROCESSW>()
        && SERVICE.service_name == offset_of!(ENUM_SERVICE_STATUS_PROCESSW, lpServiceName)
        && SERVICE.process_id
            == offset_of!(ENUM_SERVICE_STATUS_PROCESSW, ServiceStatusProcess)
                + offset_of!(SERVICE_STATUS_PROCESS, dwProcessId)
);

/// Bytes beyond which the list does not grow.
const LIMIT: usize = 16 * PAGE;

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
    pub(super) fn fill(&self, buffer: &mut Buffer) -> Result<usize, Status> {
        let connection = self.0.as_ref().map_err(|status| *status)?;
        buffer.fill_pages(PAGE, LIMIT, |page, resume| connection.list(page, resume))
    }
}

impl Connection {
    /// `EnumServicesStatusExW` (documented), from where `resume` says.
    fn list(&self, page: &mut [u64], resume: &mut u32) -> Result<PageAnswer, Status> {
        let (mut needed, mut count) = (0, 0);
        // SAFETY: at most the bytes are written that the page has; all numbers are stored in their
        // own variables; there is no group name.
        let listed = unsafe {
            EnumServicesStatusExW(
                self.0,
                SC_ENUM_PROCESS_INFO,
                SERVICE_WIN32,
                SERVICE_ACTIVE,
                page.as_mut_ptr().cast(),
                size_of_val(page) as u32,
                &raw mut needed,
                &raw mut count,
                resume,
                ptr::null(),
            )
        };
        if listed != 0 {
            return Ok(PageAnswer { count, missing: 0 });
        }
        match last_error() {
            status if status.number() == ERROR_MORE_DATA => {
                Ok(PageAnswer { count, missing: (needed as usize).max(1) })
            }
            status => Err(status),
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
