//! The agent as a Windows service: from its start by the service control manager to its end.

use std::{ffi::OsString, future::Future, io, pin::Pin, sync::Arc, sync::Mutex, time::Duration};

use tokio::sync::Notify;
use tracing::error;
use windows_service::{
    Error, define_windows_service,
    service::{
        ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus,
        ServiceType,
    },
    service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle},
    service_dispatcher,
};

use super::{
    event_source::{Severity, report},
    service_name::SERVICE_NAME,
};

/// How long the service may take to stop.
const STOPS_WITHIN: Duration = Duration::from_secs(5);
/// `ERROR_FAILED_SERVICE_CONTROLLER_CONNECT`.
const NOT_STARTED_AS_SERVICE: i32 = 1063;

/// Done when the service is told to stop.
pub type Stop = Pin<Box<dyn Future<Output = ()>>>;
/// What the service does; it ends when told to stop.
type Work = Box<dyn FnOnce(Stop) -> anyhow::Result<()> + Send>;

/// What the entry point does, which is called without anything of ours.
static WORK: Mutex<Option<Work>> = Mutex::new(None);

define_windows_service!(entry_point, service_main);

/// Runs `work` as the service that this process was started as. Nothing is certain to run after it:
/// Windows may end the process as soon as the service has stopped.
///
/// # Errors
/// When the process was not started by the service control manager.
pub fn run_as_service(
    work: impl FnOnce(Stop) -> anyhow::Result<()> + Send + 'static,
) -> io::Result<()> {
    if let Ok(mut slot) = WORK.lock() {
        *slot = Some(Box::new(work));
    }
    service_dispatcher::start(SERVICE_NAME, entry_point).map_err(|error| match error {
        Error::Winapi(error) if error.raw_os_error() == Some(NOT_STARTED_AS_SERVICE) => {
            io::Error::other("this is for the service control manager; use `run` on a console")
        }
        error => io::Error::other(error),
    })
}

fn service_main(_arguments: Vec<OsString>) {
    let Some(work) = WORK.lock().ok().and_then(|mut slot| slot.take()) else {
        return;
    };
    let told = Arc::new(Notify::new());
    let teller = Arc::clone(&told);
    let registered =
        service_control_handler::register(SERVICE_NAME, move |control| match control {
            ServiceControl::Stop | ServiceControl::Shutdown => {
                teller.notify_one();
                ServiceControlHandlerResult::NoError
            }
            ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
            _ => ServiceControlHandlerResult::NotImplemented,
        });
    let status = match registered {
        Ok(handle) => StatusOwner { handle },
        Err(error) => {
            error!(%error, "Could not become a service");
            return;
        }
    };
    status.running();
    let stop = Box::pin(async move {
        told.notified().await;
        status.stopping();
    });
    let result = work(stop);
    if let Err(error) = &result {
        error!("{error:#}");
        report(Severity::Error, &format!("The agent has stopped: {error:#}"));
    }
    // Last: nothing is certain to run after it.
    status.stopped(result.is_ok());
}

/// The only one that tells the service control manager how the service is.
#[derive(Clone, Copy)]
struct StatusOwner {
    handle: ServiceStatusHandle,
}

impl StatusOwner {
    fn running(self) {
        let accepted = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
        self.tell(ServiceState::Running, accepted, ServiceExitCode::NO_ERROR);
    }

    fn stopping(self) {
        let accepted = ServiceControlAccept::empty();
        self.tell(ServiceState::StopPending, accepted, ServiceExitCode::NO_ERROR);
    }

    /// A service that failed has a code of its own, upon which Windows restarts it.
    fn stopped(self, well: bool) {
        let code =
            if well { ServiceExitCode::NO_ERROR } else { ServiceExitCode::ServiceSpecific(1) };
        self.tell(ServiceState::Stopped, ServiceControlAccept::empty(), code);
    }

    fn tell(self, state: ServiceState, accepted: ServiceControlAccept, code: ServiceExitCode) {
        let pending = state == ServiceState::StopPending;
        let told = self.handle.set_service_status(ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: accepted,
            exit_code: code,
            checkpoint: u32::from(pending),
            wait_hint: if pending { STOPS_WITHIN } else { Duration::ZERO },
            process_id: None,
        });
        if let Err(error) = told {
            error!(%error, ?state, "Could not tell the service's state");
        }
    }
}
