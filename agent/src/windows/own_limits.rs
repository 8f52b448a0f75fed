//! Bounds that Windows keeps the agent in, whatever goes wrong in it.

#![expect(unsafe_code, reason = "the calls take structures by pointers")]

use std::{io, ptr};

use windows_sys::Win32::{
    Foundation::CloseHandle,
    System::{
        JobObjects::{
            AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_CPU_RATE_CONTROL_ENABLE,
            JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP, JOB_OBJECT_LIMIT_PRIORITY_CLASS,
            JOB_OBJECT_LIMIT_PROCESS_MEMORY, JOBOBJECT_CPU_RATE_CONTROL_INFORMATION,
            JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
            JOBOBJECTINFOCLASS, JobObjectCpuRateControlInformation,
            JobObjectExtendedLimitInformation, SetInformationJobObject,
        },
        Threading::{
            BELOW_NORMAL_PRIORITY_CLASS, GetCurrentProcess, GetCurrentThread, SetPriorityClass,
            SetThreadPriority, THREAD_MODE_BACKGROUND_BEGIN,
        },
    },
};

use super::query;

/// Committed memory of the agent, at most: eight times what it has.
const MEMORY: usize = 64 << 20;
/// Of which so much is for other things than the largest answer of the kernel.
const _: () = assert!(query::LIMIT + (24 << 20) <= MEMORY);
/// Hundredths of a percent of all processors.
const CPU_RATE: u32 = 10 * 100;

/// Puts this process into a job with hard limits of memory and CPU time (`CreateJobObjectW`, documented)
/// and below others in priority. Returns what could not be had: the limit of CPU time came with
/// Windows 8, and before that a process that is in a job already joins no other.
#[must_use]
pub fn limit_own_use() -> Vec<(&'static str, io::Error)> {
    let mut missing = Vec::new();
    // SAFETY: the handle stands for this process and needs no closing.
    if unsafe { SetPriorityClass(GetCurrentProcess(), BELOW_NORMAL_PRIORITY_CLASS) } == 0 {
        missing.push(("a lower priority", io::Error::last_os_error()));
    }
    // SAFETY: no security attributes and no name are allowed.
    let job = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
    if job.is_null() {
        missing.push(("a job of its own", io::Error::last_os_error()));
        return missing;
    }
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags =
        JOB_OBJECT_LIMIT_PROCESS_MEMORY | JOB_OBJECT_LIMIT_PRIORITY_CLASS;
    limits.BasicLimitInformation.PriorityClass = BELOW_NORMAL_PRIORITY_CLASS;
    limits.ProcessMemoryLimit = MEMORY;
    let cpu = JOBOBJECT_CPU_RATE_CONTROL_INFORMATION {
        ControlFlags: JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP,
        Anonymous: JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0 { CpuRate: CPU_RATE },
    };
    let set = |class: JOBOBJECTINFOCLASS, information: *const core::ffi::c_void, size: usize| {
        // SAFETY: the job is open; the structure is the one of the class, and its size is told.
        unsafe { SetInformationJobObject(job, class, information, size as u32) != 0 }
    };
    if !set(JobObjectExtendedLimitInformation, (&raw const limits).cast(), size_of_val(&limits)) {
        missing.push(("a limit of memory", io::Error::last_os_error()));
    }
    if !set(JobObjectCpuRateControlInformation, (&raw const cpu).cast(), size_of_val(&cpu)) {
        missing.push(("a limit of CPU time", io::Error::last_os_error()));
    }
    // SAFETY: the job is open; the other handle stands for this process.
    if unsafe { AssignProcessToJobObject(job, GetCurrentProcess()) } == 0 {
        missing.push(("a job of its own", io::Error::last_os_error()));
    }
    // The job lives for as long as the process in it.
    // SAFETY: the handle is open and not used again.
    unsafe { CloseHandle(job) };
    missing
}

/// Lets this thread wait for the disk, memory and processors behind all others, by
/// `SetThreadPriority` (documented). Without it, the process's lower priority remains.
pub(crate) fn begin_background_work() {
    // SAFETY: the handle stands for this thread and needs no closing.
    unsafe { SetThreadPriority(GetCurrentThread(), THREAD_MODE_BACKGROUND_BEGIN) };
}
