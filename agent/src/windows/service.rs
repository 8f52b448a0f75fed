//! The agent as a Windows service: from its start by the service control manager to its end.

use std::{
    ffi::OsString,
    future::Future,
    io,
    pin::Pin,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

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

/// What Windows' controls reach.
static RUNNING: OnceLock<RunningService> = OnceLock::new();

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
    let handle = match service_control_handler::register(SERVICE_NAME, stateless(heed)) {
        Ok(handle) => handle,
        Err(error) => {
            error!(%error, "Could not become a service");
            return;
        }
    };
    let service = RUNNING.get_or_init(|| RunningService {
        status: StatusOwner { handle },
        stop: Notify::new(),
        has_stopped: Mutex::new(false),
    });
    service.status.running();
    let result = work(Box::pin(service.stop.notified()));
    if let Err(error) = &result {
        error!("{error:#}");
        report(Severity::Error, &format!("The agent has stopped: {error:#}"));
    }
    // Last: nothing is certain to run after it.
    service.end(result.is_ok());
}

/// A handler of controls that has nothing of its own: the library gives it back at the first stop, and
/// Windows may call it once more.
const fn stateless<F>(handler: F) -> F {
    const { assert!(size_of::<F>() == 0) };
    handler
}

/// Does what Windows tells the service. It says that it stops before this returns, so that Windows sends
/// no second stop.
fn heed(control: ServiceControl) -> ServiceControlHandlerResult {
    match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            if let Some(service) = RUNNING.get() {
                service.begin_stop();
            }
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    }
}

/// The service while it runs.
struct RunningService {
    status: StatusOwner,
    stop: Notify,
    /// Whether its end was told: a stop that comes then comes too late.
    has_stopped: Mutex<bool>,
}

impl RunningService {
    fn begin_stop(&self) {
        let has_stopped = self.has_stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*has_stopped {
            self.status.stopping();
            self.stop.notify_one();
        }
    }

    fn end(&self, well: bool) {
        let mut has_stopped = self.has_stopped.lock().unwrap_or_else(PoisonError::into_inner);
        *has_stopped = true;
        self.status.stopped(well);
    }
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
