//! The agent's service in the list of services.

use std::{
    env, io,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use windows_service::{
    Error,
    service::{
        Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl,
        ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType,
        ServiceState, ServiceType,
    },
    service_manager::{ServiceManager, ServiceManagerAccess},
};

use super::{event_source, service_name::SERVICE_NAME};

const DISPLAY_NAME: &str = "Poolwatch Agent";
const DESCRIPTION: &str =
    "Measures the kernel's memory pools of this computer and sends them to a Poolwatch server.";
/// How long a stop is waited for.
const STOP_WAIT: Duration = Duration::from_secs(30);
/// Waits before the first, the second and every further restart of a service that failed. Long, for
/// a start takes resources that a failing host lacks.
const RESTARTS_AFTER: [Duration; 3] =
    [Duration::from_secs(60), Duration::from_secs(60), Duration::from_secs(300)];
/// After so long without a failure it counts as the first again.
const FAILURES_FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3600);
const ERROR_INVALID_LEVEL: i32 = 124;
const ERROR_SERVICE_ALREADY_RUNNING: i32 = 1056;
const ERROR_SERVICE_DOES_NOT_EXIST: i32 = 1060;
/// It stops already, or still starts.
const ERROR_SERVICE_CANNOT_ACCEPT_CTRL: i32 = 1061;
const ERROR_SERVICE_NOT_ACTIVE: i32 = 1062;

/// Makes this executable a service that starts with Windows, or brings one that is there up to date.
/// `arguments` are those that it is started with. Returns what this Windows does not know.
///
/// # Errors
/// When Windows refuses, as it does to one who is no administrator.
pub fn install(arguments: &[&str]) -> io::Result<Vec<&'static str>> {
    let info = ServiceInfo {
        name: SERVICE_NAME.into(),
        display_name: DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: quotable(env::current_exe()?)?,
        launch_arguments: arguments.iter().map(Into::into).collect(),
        dependencies: Vec::new(),
        account_name: None,
        account_password: None,
    };
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START;
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let service = match manager.open_service(SERVICE_NAME, access) {
        Ok(service) => {
            service.change_config(&info).map_err(plain)?;
            service
        }
        Err(error) if code(&error) == Some(ERROR_SERVICE_DOES_NOT_EXIST) => {
            manager.create_service(&info, access).map_err(plain)?
        }
        Err(error) => return Err(plain(error)),
    };
    let mut unknown = Vec::new();
    for (what, result) in [
        ("description", service.set_description(DESCRIPTION)),
        ("delayed start", service.set_delayed_auto_start(true)),
        ("restart after a failure", restart_after_failure(&service)),
        ("its source of events", event_source::register().map_err(Error::Winapi)),
    ] {
        match result {
            Ok(()) => {}
            // Wine says so.
            Err(error) if code(&error) == Some(ERROR_INVALID_LEVEL) => unknown.push(what),
            Err(error) => return Err(plain(error)),
        }
    }
    Ok(unknown)
}

/// Starts the service, unless it runs.
///
/// # Errors
/// When Windows refuses.
pub fn start() -> io::Result<()> {
    let service = open(ServiceAccess::START)?;
    match service.start::<&str>(&[]) {
        Err(error) if code(&error) != Some(ERROR_SERVICE_ALREADY_RUNNING) => Err(plain(error)),
        _ => Ok(()),
    }
}

/// Stops the service and takes it out of the list. Whether there was one.
///
/// # Errors
/// When Windows refuses, or the service does not stop.
pub fn uninstall() -> io::Result<bool> {
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let service = match manager.open_service(SERVICE_NAME, access) {
        Ok(service) => service,
        Err(error) if code(&error) == Some(ERROR_SERVICE_DOES_NOT_EXIST) => return Ok(false),
        Err(error) => return Err(plain(error)),
    };
    let began = Instant::now();
    loop {
        match service.stop() {
            Err(error) if code(&error) == Some(ERROR_SERVICE_CANNOT_ACCEPT_CTRL) => {}
            Err(error) if code(&error) != Some(ERROR_SERVICE_NOT_ACTIVE) => {
                return Err(plain(error));
            }
            _ => {}
        }
        if service.query_status().map_err(plain)?.current_state == ServiceState::Stopped {
            break;
        }
        if began.elapsed() > STOP_WAIT {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the service does not stop"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    service.delete().map_err(plain)?;
    event_source::unregister()?;
    Ok(true)
}

/// What the list of services says of the service, in a word; `None` when it is not in the list or
/// may not be asked.
#[must_use]
pub fn service_state() -> Option<String> {
    let service = open(ServiceAccess::QUERY_STATUS).ok()?;
    let state = service.query_status().ok()?.current_state;
    Some(format!("{state:?}").to_lowercase())
}

fn restart_after_failure(service: &Service) -> windows_service::Result<()> {
    let restart = |delay| ServiceAction { action_type: ServiceActionType::Restart, delay };
    service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FAILURES_FORGOTTEN_AFTER),
        reboot_msg: None,
        command: None,
        actions: Some(RESTARTS_AFTER.map(restart).to_vec()),
    })?;
    // Also when it ended in good order, with an error.
    service.set_failure_actions_on_non_crash_failures(true)
}

/// The path, when it can stand in quotes: Windows would start another program for `C:\Program
/// Files\…` without them.
fn quotable(path: PathBuf) -> io::Result<PathBuf> {
    match path.to_str() {
        Some(text) if !text.contains('"') => Ok(path),
        _ => Err(io::Error::other("the executable's path cannot be put in quotes")),
    }
}

fn open(access: ServiceAccess) -> io::Result<Service> {
    manager(ServiceManagerAccess::CONNECT)?.open_service(SERVICE_NAME, access).map_err(plain)
}

fn manager(access: ServiceManagerAccess) -> io::Result<ServiceManager> {
    ServiceManager::local_computer(None::<&str>, access).map_err(plain)
}

fn code(error: &Error) -> Option<i32> {
    match error {
        Error::Winapi(error) => error.raw_os_error(),
        _ => None,
    }
}

/// The system's own error, which says more than that a call failed.
fn plain(error: Error) -> io::Error {
    match error {
        Error::Winapi(error) => error,
        other => io::Error::other(other),
    }
}
