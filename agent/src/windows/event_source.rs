//! What an administrator has to know although the agent's own log may not be there: in the
//! Application log, under the service's name.

#![expect(unsafe_code, reason = "the calls take pointers")]

use std::{env, io, ptr};

use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    REPORT_EVENT_TYPE, RegisterEventSourceW, ReportEventW,
};
use winreg::{RegKey, enums::HKEY_LOCAL_MACHINE, types::ToRegValue};

use super::service_name::SERVICE_NAME;

/// Where sources of the Application log are registered.
const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";
/// The library that the installer puts beside the program: its one message is the text that is reported.
const MESSAGES: &str = "poolwatch-messages.dll";
/// Where that is missing, a part of Windows whose messages 1 to 1000 are the same.
const MESSAGES_OF_WINDOWS: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// One of these.
const MESSAGE: u32 = 1;

/// Units of a text: more is refused as a whole.
const LONGEST: usize = 30_000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// All is well again.
    Information,
    /// The agent goes on.
    Warning,
    /// The agent does not run.
    Error,
}

impl Severity {
    fn event_type(self) -> REPORT_EVENT_TYPE {
        match self {
            Self::Information => EVENTLOG_INFORMATION_TYPE,
            Self::Warning => EVENTLOG_WARNING_TYPE,
            Self::Error => EVENTLOG_ERROR_TYPE,
        }
    }
}

/// Reports a text by `RegisterEventSourceW` and `ReportEventW` (documented). Where that fails, there is
/// nobody left to tell.
pub fn report(severity: Severity, text: &str) {
    let wide = |text: &str| {
        let units = text.encode_utf16().filter(|unit| *unit != 0).take(LONGEST);
        units.chain([0]).collect()
    };
    let (name, text): (Vec<u16>, Vec<u16>) = (wide(SERVICE_NAME), wide(text));
    // SAFETY: the name ends with a 0; null stands for this machine.
    let source = unsafe { RegisterEventSourceW(ptr::null(), name.as_ptr()) };
    if source.is_null() {
        return;
    }
    let texts = [text.as_ptr()];
    // SAFETY: the source is open; one text is given, which ends with a 0, and no data.
    unsafe {
        ReportEventW(
            source,
            severity.event_type(),
            0,
            MESSAGE,
            ptr::null_mut(),
            texts.len() as u16,
            0,
            texts.as_ptr(),
            ptr::null(),
        );
    }
    // SAFETY: opened above and not used again.
    unsafe { DeregisterEventSource(source) };
}

/// Registers the source, so that its texts are shown as they are.
pub(super) fn register() -> io::Result<()> {
    let sources = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(SOURCES)?;
    let (source, _) = sources.create_subkey(SERVICE_NAME)?;
    let own = env::current_exe()?.with_file_name(MESSAGES);
    let messages = own.to_str().filter(|_| own.is_file()).unwrap_or(MESSAGES_OF_WINDOWS);
    let mut file = messages.to_reg_value();
    file.vtype = winreg::enums::REG_EXPAND_SZ;
    source.set_raw_value("EventMessageFile", &file)?;
    source.set_value("TypesSupported", &7_u32)
}

/// Takes the source away.
pub(super) fn unregister() -> io::Result<()> {
    let sources = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(SOURCES)?;
    match sources.delete_subkey(SERVICE_NAME) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
