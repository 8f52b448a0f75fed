//! The kernel's memory conditions.

#![expect(unsafe_code, reason = "objects are opened by structures that hold pointers")]

use std::ptr;

use windows_sys::{
    Wdk::{Foundation::OBJECT_ATTRIBUTES, System::Threading::NtOpenEvent},
    Win32::{
        Foundation::{CloseHandle, HANDLE, UNICODE_STRING, WAIT_OBJECT_0, WAIT_TIMEOUT},
        System::Threading::WaitForSingleObject,
    },
};

use crate::machine::Status;

/// In the order of the bytes that `raw::conditions` reads.
const NAMES: [&str; 4] = [
    r"\KernelObjects\LowNonPagedPoolCondition",
    r"\KernelObjects\LowPagedPoolCondition",
    r"\KernelObjects\HighCommitCondition",
    r"\KernelObjects\MaximumCommitCondition",
];
/// The right to wait (`SYNCHRONIZE`).
const SYNCHRONIZE: u32 = 0x0010_0000;

/// The conditions, opened once: a host that is short of pool may not open them any more.
pub(super) struct Conditions {
    events: [Result<Event, Status>; 4],
}

impl Conditions {
    pub(super) fn open() -> Self {
        Self { events: NAMES.map(Event::open) }
    }

    /// A byte for each: 0 is off, 1 is on, 2 is unknown.
    pub(super) fn read(&self) -> Result<[u8; 4], Status> {
        if let [Err(status), Err(_), Err(_), Err(_)] = self.events {
            return Err(status);
        }
        Ok(self.events.each_ref().map(|event| match event {
            Ok(event) => event.state(),
            Err(_) => 2,
        }))
    }
}

struct Event(HANDLE);

// SAFETY: a handle belongs to the process, not to a thread.
unsafe impl Send for Event {}

impl Event {
    /// `NtOpenEvent` (phnt; the objects are documented with `CreateMemoryResourceNotification` and
    /// in the driver kit).
    fn open(name: &str) -> Result<Self, Status> {
        let mut text: Vec<u16> = name.encode_utf16().collect();
        let length = size_of_val(text.as_slice()) as u16;
        let name =
            UNICODE_STRING { Length: length, MaximumLength: length, Buffer: text.as_mut_ptr() };
        let attributes = OBJECT_ATTRIBUTES {
            Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
            ObjectName: &raw const name,
            ..OBJECT_ATTRIBUTES::default()
        };
        let mut handle: HANDLE = ptr::null_mut();
        // SAFETY: the attributes, the name and its text are valid during the call; the handle is
        // stored in `handle`.
        let status = unsafe { NtOpenEvent(&raw mut handle, SYNCHRONIZE, &raw const attributes) };
        if status == 0 { Ok(Self(handle)) } else { Err(Status::failure(status.cast_unsigned())) }
    }

    /// `WaitForSingleObject` (documented), without waiting.
    fn state(&self) -> u8 {
        // SAFETY: the handle is open.
        match unsafe { WaitForSingleObject(self.0, 0) } {
            WAIT_OBJECT_0 => 1,
            WAIT_TIMEOUT => 0,
            _ => 2,
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { CloseHandle(self.0) };
    }
}
