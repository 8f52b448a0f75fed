//! One process of others: its handles, and whether Windows needs it.

#![expect(unsafe_code, reason = "the calls write into buffers that Rust knows nothing about")]

use poolwatch_model::process::ProcessKey;
use windows_sys::{
    Wdk::System::Threading::NtQueryInformationProcess,
    Win32::{
        Foundation::{CloseHandle, FILETIME, GetLastError, HANDLE},
        System::Threading::{GetProcessTimes, OpenProcess, PROCESS_QUERY_INFORMATION},
    },
};

use super::query;
use crate::machine::{RawBuffer, Status, grow::Buffer};

/// `ProcessHandleInformation` (phnt), from Windows 8 on.
const PROCESS_HANDLE_INFORMATION: i32 = 51;
/// `ProcessBreakOnTermination` (documented in `winternl.h`) and `ProcessProtectionInformation` (phnt), the
/// latter from Windows 8.1 on.
const PROCESS_BREAK_ON_TERMINATION: i32 = 29;
const PROCESS_PROTECTION_INFORMATION: i32 = 61;
/// Where the buffer begins, and beyond which it does not grow: 200,000 handles.
const FIRST: usize = 64 << 10;
const LIMIT: usize = 8 << 20;

/// Lends the handles of a process to `read`. The buffer is made for this and given back.
pub(super) fn lend_handles(
    process: ProcessKey,
    read: &mut dyn FnMut(RawBuffer<'_>),
) -> Result<(), Status> {
    let opened = OpenedProcess::open(process.pid)?;
    // An id is used again: what is open now may be another process.
    if opened.created() != process.created.map(filetime) {
        return Err(Status::NOT_FOUND);
    }
    let mut buffer = Buffer::new(FIRST);
    let length = buffer.fill(LIMIT, |buffer| {
        opened.query(PROCESS_HANDLE_INFORMATION, buffer, size_of_val(buffer))
    })?;
    read(query::raw(buffer.words(), length));
    Ok(())
}

/// 100 ns since 1601-01-01 UTC.
fn filetime(time: jiff::Timestamp) -> u64 {
    const EPOCH: i128 = 116_444_736_000_000_000;
    u64::try_from(time.as_nanosecond().div_euclid(100) + EPOCH).unwrap_or(0)
}

/// A process that may be asked about itself.
pub(super) struct OpenedProcess(HANDLE);

impl OpenedProcess {
    /// `OpenProcess` (documented).
    pub(super) fn open(pid: u32) -> Result<Self, Status> {
        // SAFETY: takes numbers alone.
        let handle = unsafe { OpenProcess(PROCESS_QUERY_INFORMATION, 0, pid) };
        if handle.is_null() {
            // SAFETY: only returns a number of this thread.
            return Err(Status::failure(unsafe { GetLastError() }));
        }
        Ok(Self(handle))
    }

    /// When it was created, by `GetProcessTimes` (documented).
    fn created(&self) -> Option<u64> {
        let mut times = [FILETIME::default(); 4];
        let [created, exited, kernel, user] = &mut times;
        // SAFETY: the handle is open; all four are written whole.
        let told = unsafe { GetProcessTimes(self.0, created, exited, kernel, user) };
        let time = u64::from(times[0].dwHighDateTime) << 32 | u64::from(times[0].dwLowDateTime);
        (told != 0).then_some(time)
    }

    /// Whether Windows ends with it.
    pub(super) fn is_critical(&self) -> Option<bool> {
        let mut number = [0];
        let (status, _) = self.query(PROCESS_BREAK_ON_TERMINATION, &mut number, 4);
        (status == 0).then_some(number[0] != 0)
    }

    /// Whether Windows protects it. Before Windows 8.1 what is protected cannot be opened as this is.
    pub(super) fn is_protected(&self) -> Option<bool> {
        let mut number = [0];
        match self.query(PROCESS_PROTECTION_INFORMATION, &mut number, 1) {
            (0, _) => Some(number[0] != 0),
            (status, _) if status == Status::INVALID_INFO_CLASS.number() => Some(false),
            _ => None,
        }
    }

    /// `NtQueryInformationProcess` (documented in `winternl.h`; classes from phnt) into the first `size`
    /// bytes: status and length.
    fn query(&self, class: i32, buffer: &mut [u64], size: usize) -> (u32, usize) {
        let size = u32::try_from(size.min(size_of_val(buffer))).unwrap_or(u32::MAX);
        let mut told = 0;
        // SAFETY: the handle is open; the kernel writes at most `size` bytes, which the buffer has, and a
        // length into `told`.
        let status = unsafe {
            NtQueryInformationProcess(
                self.0,
                class,
                buffer.as_mut_ptr().cast(),
                size,
                &raw mut told,
            )
        };
        (status as u32, told as usize)
    }
}

impl Drop for OpenedProcess {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { CloseHandle(self.0) };
    }
}
