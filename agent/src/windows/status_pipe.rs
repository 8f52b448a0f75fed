//! The pipe by which the service tells its status to whoever asks on this host.

#![expect(unsafe_code, reason = "pipes are made by calls that take pointers")]

use std::{
    fs::File,
    io::{self, Read, Write},
    os::windows::io::FromRawHandle,
    ptr,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tracing::warn;
use windows_sys::{
    Win32::{
        Foundation::{ERROR_PIPE_CONNECTED, GetLastError, INVALID_HANDLE_VALUE, LocalFree},
        Security::{
            Authorization::{
                ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
            },
            PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES,
        },
        Storage::FileSystem::{FILE_FLAG_FIRST_PIPE_INSTANCE, PIPE_ACCESS_OUTBOUND},
        System::Pipes::{
            ConnectNamedPipe, CreateNamedPipeW, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
            PIPE_WAIT,
        },
    },
    core::w,
};

use super::own_limits::begin_background_work;

const NAME: &str = r"\\.\pipe\PoolwatchAgent";
const WIDE_NAME: *const u16 = w!(r"\\.\pipe\PoolwatchAgent");
/// Bytes of an answer: it lies in the pipe until it is read, so that nobody can hold the thread up.
const MOST: usize = 64 << 10;
/// Between two answers there is no pipe for a moment.
const ASK_FOR: Duration = Duration::from_millis(500);
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Where no pipe can be made, it is tried again so much later.
const MAKE_AGAIN: Duration = Duration::from_secs(30);

/// The answer that is given, which is replaced as a whole.
#[derive(Debug, Clone, Default)]
pub struct StatusAnswer(Arc<Mutex<Arc<[u8]>>>);

impl StatusAnswer {
    /// Replaces the answer; one that is too long stays untold.
    pub fn set(&self, answer: Vec<u8>) {
        if answer.len() <= MOST {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = answer.into();
        }
    }

    fn get(&self) -> Arc<[u8]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Starts the thread that answers, for as long as the process lives.
///
/// # Errors
/// When there are no resources for it.
pub fn answer_status() -> io::Result<StatusAnswer> {
    let answer = StatusAnswer::default();
    let told = answer.clone();
    thread::Builder::new().name("status".into()).spawn(move || {
        begin_background_work();
        let mut is_told = false;
        loop {
            match make_pipe() {
                Ok(pipe) => tell(pipe, &told),
                Err(error) => {
                    if !is_told {
                        warn!(%error, "Nobody can ask for the status: there is no pipe");
                    }
                    is_told = true;
                    thread::sleep(MAKE_AGAIN);
                }
            }
        }
    })?;
    Ok(answer)
}

/// Asks the service. `None` when it does not answer.
#[must_use]
pub fn ask_status() -> Option<Vec<u8>> {
    let began = Instant::now();
    loop {
        match File::open(NAME) {
            Ok(pipe) => {
                let mut answer = Vec::new();
                pipe.take(MOST as u64).read_to_end(&mut answer).ok()?;
                return Some(answer).filter(|answer| !answer.is_empty());
            }
            Err(_) if began.elapsed() < ASK_FOR => thread::sleep(ASK_EVERY),
            Err(_) => return None,
        }
    }
}

/// Waits for one who asks, and answers. What is written stays in the pipe after this end is closed.
fn tell(mut pipe: File, answer: &StatusAnswer) {
    use std::os::windows::io::AsRawHandle;
    // SAFETY: the handle is open, and waited for without an overlapped structure.
    let connected = unsafe { ConnectNamedPipe(pipe.as_raw_handle(), ptr::null_mut()) };
    // SAFETY: only returns a number of this thread.
    if connected != 0 || unsafe { GetLastError() } == ERROR_PIPE_CONNECTED {
        // Who asked may be gone.
        let _ = pipe.write_all(&answer.get());
    }
}

/// `CreateNamedPipeW` (documented): the only one of its name, that the system and the administrators own
/// and everybody who signed in on this host may read.
fn make_pipe() -> io::Result<File> {
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the text ends with a 0; the descriptor is stored, and no length is asked for.
    let converted = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            w!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;AU)"),
            SDDL_REVISION_1,
            &raw mut descriptor,
            ptr::null_mut(),
        )
    };
    if converted == 0 {
        return Err(io::Error::last_os_error());
    }
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor,
        bInheritHandle: 0,
    };
    // SAFETY: the name ends with a 0; the attributes live during the call.
    let pipe = unsafe {
        CreateNamedPipeW(
            WIDE_NAME,
            PIPE_ACCESS_OUTBOUND | FILE_FLAG_FIRST_PIPE_INSTANCE,
            PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            1,
            MOST as u32,
            0,
            0,
            &raw const attributes,
        )
    };
    let made =
        if pipe == INVALID_HANDLE_VALUE { Err(io::Error::last_os_error()) } else { Ok(pipe) };
    // SAFETY: given by the call above for this, and not used again.
    unsafe { LocalFree(descriptor) };
    // SAFETY: the handle is open and belongs to nobody else.
    made.map(|pipe| unsafe { File::from_raw_handle(pipe) })
}
