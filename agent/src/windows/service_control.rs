//! What Windows knows of one service, and its stop and start.

#![expect(unsafe_code, reason = "the list of dependents is asked for by a raw call")]

use std::{ffi::OsStr, io, ptr};

use windows_service::{
    service::{Service, ServiceAccess, ServiceControlAccept, ServiceState, ServiceType},
    service_manager::{ServiceManager, ServiceManagerAccess},
};
use windows_sys::Win32::{
    Foundation::{ERROR_MORE_DATA, GetLastError},
    System::Services::{EnumDependentServicesW, SERVICE_ACTIVE, SERVICE_ENUMERATE_DEPENDENTS},
};
use winreg::{RegKey, enums::HKEY_LOCAL_MACHINE};

use super::{
    event_source::{Severity, report},
    opened_process::OpenedProcess,
};
use crate::restart::{ServiceControl, ServiceFacts};

/// The service control manager, asked for one service at a time with no more rights than each call needs.
#[derive(Debug)]
pub struct WindowsServices;

impl ServiceControl for WindowsServices {
    fn facts(&mut self, service: &str) -> ServiceFacts {
        let access = ServiceAccess::QUERY_CONFIG
            | ServiceAccess::QUERY_STATUS
            | ServiceAccess::from_bits_retain(SERVICE_ENUMERATE_DEPENDENTS);
        let is_in_cluster = is_in_cluster();
        let Ok(service) = open(service, access) else {
            return ServiceFacts { is_in_cluster, ..ServiceFacts::default() };
        };
        let status = service.query_status().ok();
        let running = status.as_ref().filter(|one| one.current_state == ServiceState::Running);
        let pid = running.and_then(|one| one.process_id);
        let process = pid.and_then(|pid| OpenedProcess::open(pid).ok());
        let own = ServiceType::OWN_PROCESS | ServiceType::SHARE_PROCESS;
        ServiceFacts {
            pid,
            has_own_process: service
                .query_config()
                .ok()
                .map(|config| config.service_type.intersection(own) == ServiceType::OWN_PROCESS),
            accepts_stop: running
                .map(|one| one.controls_accepted.contains(ServiceControlAccept::STOP)),
            has_running_dependents: has_running_dependents(&service),
            is_critical: process.as_ref().and_then(OpenedProcess::is_critical),
            is_protected: process.as_ref().and_then(OpenedProcess::is_protected),
            is_in_cluster,
        }
    }

    fn stop(&mut self, service: &str) -> io::Result<()> {
        open(service, ServiceAccess::STOP)?.stop().map(|_| ()).map_err(io::Error::other)
    }

    fn has_stopped(&mut self, service: &str) -> io::Result<bool> {
        let status = open(service, ServiceAccess::QUERY_STATUS)?.query_status();
        Ok(status.map_err(io::Error::other)?.current_state == ServiceState::Stopped)
    }

    fn start(&mut self, service: &str) -> io::Result<()> {
        open(service, ServiceAccess::START)?.start::<&OsStr>(&[]).map_err(io::Error::other)
    }

    fn tell(&mut self, text: &str) {
        report(Severity::Warning, text);
    }
}

fn open(name: &str, access: ServiceAccess) -> io::Result<Service> {
    ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)
        .and_then(|manager| manager.open_service(name, access))
        .map_err(io::Error::other)
}

/// Whether a service that needs this one runs, by `EnumDependentServicesW` (documented) without room for
/// an answer.
fn has_running_dependents(service: &Service) -> Option<bool> {
    let (mut needed, mut count) = (0, 0);
    // SAFETY: the handle is open; no room is given, and both numbers are stored.
    let listed = unsafe {
        EnumDependentServicesW(
            service.raw_handle(),
            SERVICE_ACTIVE,
            ptr::null_mut(),
            0,
            &raw mut needed,
            &raw mut count,
        )
    };
    if listed != 0 {
        return Some(count > 0);
    }
    // SAFETY: only returns a number of this thread.
    (unsafe { GetLastError() } == ERROR_MORE_DATA).then_some(true)
}

/// Whether the host is a member of a failover cluster, whose database is a part of the registry then.
fn is_in_cluster() -> Option<bool> {
    match RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey("Cluster") {
        Ok(_) => Some(true),
        Err(error) => (error.kind() == io::ErrorKind::NotFound).then_some(false),
    }
}
