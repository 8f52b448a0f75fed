//! The pipe by which the service tells its status to whoever asks on this host.

#![expect(unsafe_code, reason = "pipes are made by calls that take pointers")]

use std::{
    fs::File,
    io::{self, Read, Write},
    os::windows::{
        fs::OpenOptionsExt,
        io::{AsRawHandle, FromRawHandle},
    },
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
        Storage::FileSystem::{
            FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAGS_AND_ATTRIBUTES, PIPE_ACCESS_OUTBOUND,
            SECURITY_ANONYMOUS,
        },
        System::Pipes::{
            ConnectNamedPipe, CreateNamedPipeW, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
            PIPE_WAIT,
        },
    },
    core::w,
};

use super::folder_access::is_of_system;

const NAME: &str = r"\\.\pipe\PoolwatchAgent";
const WIDE_NAME: *const u16 = w!(r"\\.\pipe\PoolwatchAgent");
/// Bytes of an answer: it lies in the pipe until it is read, so that nobody can hold the thread up.
const MOST: usize = 64 << 10;
/// Pipes at most: one waits for who asks next, the others may be held by some who do not read.
const PIPES: u32 = 16;
/// Others may be asking at the same moment.
const ASK_FOR: Duration = Duration::from_millis(500);
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Where no pipe can be made, it is tried again so much later.
const MAKE_AGAIN: Duration = Duration::from_secs(2);

/// The answer that is given, which is replaced as a whole.
#[derive(Debug, Clone, Default)]
pub struct StatusAnswer(Arc<Mutex<Arc<[u8]>>>);

impl StatusAnswer {
    /// Replaces the answer; instead of one that is too long, none is given.
    pub fn set(&self, answer: Vec<u8>) {
        let answer = if answer.len() <= MOST { answer } else { Vec::new() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = answer.into();
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
    thread::Builder::new().name("status".into()).spawn(move || answer_all(&told))?;
    Ok(answer)
}

/// Answers one after the other. The next pipe is there before one ends, so that its name is never free for
/// somebody else to take.
fn answer_all(answer: &StatusAnswer) -> ! {
    let mut is_told = false;
    let mut next = None;
    loop {
        let pipe = match next.take().map_or_else(|| make_pipe(FILE_FLAG_FIRST_PIPE_INSTANCE), Ok) {
            Ok(pipe) => pipe,
            Err(error) => {
                if !is_told {
                    warn!(%error, "Nobody can ask for the status: there is no pipe");
                }
                is_told = true;
                thread::sleep(MAKE_AGAIN);
                continue;
            }
        };
        is_told = false;
        let is_asked = wait_for_question(&pipe);
        next = make_pipe(0).ok();
        if is_asked {
            tell(pipe, answer);
        } else {
            thread::sleep(ASK_EVERY);
        }
    }
}

/// Asks the service. `None` when it does not answer, or somebody else would answer in its place.
#[must_use]
pub fn ask_status() -> Option<Vec<u8>> {
    let began = Instant::now();
    loop {
        // Whoever answers learns nothing of who asks, and can do nothing in their name.
        match File::options().read(true).security_qos_flags(SECURITY_ANONYMOUS).open(NAME) {
            Ok(pipe) if !is_of_system(&pipe) => return None,
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

/// Waits for one who asks, by `ConnectNamedPipe` (documented). Whether one is there.
fn wait_for_question(pipe: &File) -> bool {
    // SAFETY: the handle is open, and waited for without an overlapped structure.
    let connected = unsafe { ConnectNamedPipe(pipe.as_raw_handle(), ptr::null_mut()) };
    // SAFETY: only returns a number of this thread.
    connected != 0 || unsafe { GetLastError() } == ERROR_PIPE_CONNECTED
}

/// Answers. What is written stays in the pipe after this end is closed; who asked may be gone.
fn tell(mut pipe: File, answer: &StatusAnswer) {
    let _ = pipe.write_all(&answer.get());
}

/// `CreateNamedPipeW` (documented): one that the system and the administrators own and everybody who signed
/// in on this host may read. By the flag it is refused when somebody else has the name.
fn make_pipe(flag: FILE_FLAGS_AND_ATTRIBUTES) -> io::Result<File> {
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the text ends with a 0; the descriptor is stored, and no length is asked for.
    let converted = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            w!("O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;AU)"),
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
            PIPE_ACCESS_OUTBOUND | flag,
            PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            PIPES,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_a_pipe_holds_up_nobody_and_its_name_is_never_free() {
        let answer = answer_status().unwrap();
        answer.set(b"well".to_vec());
        let hold = || {
            let open = || File::open(NAME);
            let began = Instant::now();
            loop {
                match open() {
                    Ok(pipe) => return pipe,
                    Err(error) if began.elapsed() > Duration::from_secs(10) => panic!("{error}"),
                    Err(_) => thread::sleep(ASK_EVERY),
                }
            }
        };
        let held: Vec<File> = (0..PIPES / 2).map(|_| hold()).collect();
        for _ in 0..20 {
            assert_eq!(ask_status().as_deref(), Some(&b"well"[..]));
            // ERROR_PIPE_BUSY: others are asking. There is always one.
            let busy = File::open(NAME).err().and_then(|error| error.raw_os_error());
            assert!(matches!(busy, None | Some(231)), "{busy:?}");
        }
        drop(held);
        answer.set(vec![b'x'; MOST + 1]);
        assert_eq!(ask_status(), None);
    }
}
