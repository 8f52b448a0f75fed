//! The calls that fill buffers.

#![expect(unsafe_code, reason = "these calls write into buffers that Rust knows nothing about")]

use std::ptr;

use windows_sys::{
    Wdk::{Foundation::NtQueryObject, System::SystemInformation::NtQuerySystemInformation},
    Win32::{
        Foundation::GetLastError,
        System::{ProcessStatus::K32GetPerformanceInfo, SystemInformation::GetTickCount64},
    },
};

use crate::{
    machine::{InfoClass, RawBuffer, Status, grow::Buffer},
    raw::layout::{self, Width},
};

/// Bytes beyond which no buffer grows: a million handles, 500,000 threads. With what the agent needs besides
/// it stays below the limit of [`super::own_limits`].
pub(super) const LIMIT: usize = 40 << 20;
/// `ObjectTypesInformation` (phnt).
const OBJECT_TYPES: i32 = 3;

/// Asks the kernel, and returns the length of its answer in bytes.
pub(super) fn fill(class: InfoClass, buffer: &mut Buffer) -> Result<usize, Status> {
    match class {
        // The structure has one size and the class takes no other.
        InfoClass::Basic => {
            let size = layout::basic(Width::OWN).size;
            buffer.fill(size, |buffer| system_information(0, buffer, size))
        }
        InfoClass::PerformanceInfo => performance_info(buffer.words_mut()),
        InfoClass::ObjectTypes => buffer.fill(LIMIT, object_types),
        class => {
            let number = i32::from(class.number());
            buffer.fill(LIMIT, |buffer| system_information(number, buffer, size_of_val(buffer)))
        }
    }
}

/// The first `length` bytes of a buffer, which has at least as many.
pub(super) fn raw(buffer: &[u64], length: usize) -> RawBuffer<'_> {
    let length = length.min(size_of_val(buffer));
    // SAFETY: the bytes are inside the buffer, initialised, and any byte is a valid u8.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), length) };
    RawBuffer { bytes, base: bytes.as_ptr().addr() as u64, width: Width::OWN }
}

/// Milliseconds since boot, sleep included (documented).
pub(super) fn uptime_ms() -> u64 {
    // SAFETY: takes nothing and only returns a number.
    unsafe { GetTickCount64() }
}

/// `NtQuerySystemInformation` (documented in `winternl.h`; classes from phnt) into the first `size`
/// bytes: status and length.
fn system_information(class: i32, buffer: &mut [u64], size: usize) -> (u32, usize) {
    let size = u32::try_from(size.min(size_of_val(buffer))).unwrap_or(u32::MAX);
    let mut told = 0;
    // SAFETY: the kernel writes at most `size` bytes, which the buffer has, and a length into `told`.
    let status =
        unsafe { NtQuerySystemInformation(class, buffer.as_mut_ptr().cast(), size, &raw mut told) };
    (status as u32, told as usize)
}

/// `NtQueryObject` without a handle (documented in `winternl.h`; class from phnt). Its length is not
/// to be trusted, so that none is told after success.
fn object_types(buffer: &mut [u64]) -> (u32, usize) {
    let mut told = 0;
    // SAFETY: the kernel writes at most the bytes that the buffer has, and a length into `told`;
    // this class takes no handle.
    let status = unsafe {
        NtQueryObject(
            ptr::null_mut(),
            OBJECT_TYPES,
            buffer.as_mut_ptr().cast(),
            byte_length(buffer),
            &raw mut told,
        )
    };
    (status as u32, 0)
}

/// `K32GetPerformanceInfo` (documented in `psapi.h`).
fn performance_info(buffer: &mut [u64]) -> Result<usize, Status> {
    let length = layout::performance_info(Width::OWN).size as u32;
    // SAFETY: the function writes at most `length` bytes, which the buffer has.
    let succeeded = unsafe { K32GetPerformanceInfo(buffer.as_mut_ptr().cast(), length) };
    if succeeded != 0 {
        return Ok(length as usize);
    }
    // SAFETY: only returns a number of this thread.
    Err(Status::failure(unsafe { GetLastError() }))
}

fn byte_length(buffer: &[u64]) -> u32 {
    u32::try_from(size_of_val(buffer)).unwrap_or(u32::MAX)
}
