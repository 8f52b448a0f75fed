//! The files of the programs that run.

#![expect(unsafe_code, reason = "the call writes a path into a buffer")]

use poolwatch_model::inventory::ProgramFile;
use windows_sys::Win32::{
    Foundation::CloseHandle,
    System::Threading::{
        OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION,
        QueryFullProcessImageNameW,
    },
};

use super::query;
use crate::{
    machine::{InfoClass, grow::Buffer},
    programs,
    raw::processes,
};

/// Where the buffer for the list of processes begins. It is given back at once.
const FIRST: usize = 256 << 10;
/// Units of a path.
const PATH: usize = 1024;

/// The programs with most handles, threads or quota, with the paths of their files.
pub(super) fn list() -> Vec<ProgramFile> {
    let mut buffer = Buffer::new(FIRST);
    let Ok(length) = query::fill(InfoClass::Processes, &mut buffer) else { return Vec::new() };
    let Ok(listed) = processes::parse(query::raw(buffer.words(), length)) else {
        return Vec::new();
    };
    drop(buffer);
    let file = |pid, image: &str| {
        Some(ProgramFile { image: image.to_owned(), path: path(pid)?, ..ProgramFile::default() })
    };
    let chosen = programs::choose(&listed);
    chosen.into_iter().filter_map(|one| file(one.key.pid, &one.image)).collect()
}

/// The path of a process's file, by `QueryFullProcessImageNameW` (documented).
fn path(pid: u32) -> Option<String> {
    // SAFETY: takes numbers alone.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return None;
    }
    let mut path = [0_u16; PATH];
    let mut length = PATH as u32;
    // SAFETY: the handle is open; at most `length` units are written, which the buffer has.
    let told = unsafe {
        QueryFullProcessImageNameW(process, PROCESS_NAME_WIN32, path.as_mut_ptr(), &raw mut length)
    };
    // SAFETY: the handle is open and not used again.
    unsafe { CloseHandle(process) };
    let path = path.get(..length as usize).filter(|_| told != 0)?;
    // The file of a program on a share is not opened: that would tell its server who this host is.
    let is_local = path.get(1..3) == Some(&[u16::from(b':'), u16::from(b'\\')]);
    String::from_utf16(path).ok().filter(|_| is_local)
}
