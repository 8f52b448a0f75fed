//! The counters of the Server service, from Windows' own performance library of the network.
//!
//! Asked through `HKEY_PERFORMANCE_DATA` or PDH, Windows would load the performance libraries of all
//! vendors into this process. So the one library is loaded, and its three functions are called as
//! Windows calls them (documented in `winperf.h`).

#![expect(unsafe_code, reason = "functions of a library are called, one of which fills a buffer")]

use std::{ffi::c_void, os::windows::ffi::OsStrExt, ptr};

use windows_sys::{
    Win32::{
        Foundation::{ERROR_MOD_NOT_FOUND, ERROR_MORE_DATA, FreeLibrary, GetLastError, HMODULE},
        System::LibraryLoader::{GetProcAddress, LOAD_WITH_ALTERED_SEARCH_PATH, LoadLibraryExW},
    },
    core::PCSTR,
    s,
};
use winreg::{RegKey, enums::HKEY_LOCAL_MACHINE};

use super::folders::system_folders;
use crate::{
    machine::{Status, grow::Buffer},
    raw::server_service::{CounterNumbers, HEAD, find_numbers},
};

const LIBRARY: &str = r"System32\perfnet.dll";
/// Where Windows keeps the numbers of counters by their English names.
const NAMES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Perflib\009";
/// Bytes beyond which the counters do not grow.
const LIMIT: usize = 64 << 10;

type Open = unsafe extern "system" fn(*const u16) -> u32;
type Collect = unsafe extern "system" fn(*const u16, *mut *mut c_void, *mut u32, *mut u32) -> u32;
type Close = unsafe extern "system" fn() -> u32;

/// The library, which is loaded when it is asked first and stays.
#[derive(Default)]
pub(super) struct ServerService(Option<Library>);

struct Library {
    module: HMODULE,
    collect: Collect,
    close: Close,
    numbers: CounterNumbers,
    /// The object's number as the library takes it: digits that end with a NUL.
    object: Vec<u16>,
}

// SAFETY: the module belongs to the process, and the library is called by one thread at a time.
unsafe impl Send for Library {}

impl ServerService {
    /// Fills the buffer as `raw::server_service` reads it, and returns its length.
    pub(super) fn fill(&mut self, buffer: &mut Buffer) -> Result<usize, Status> {
        let library = match &mut self.0 {
            Some(library) => library,
            none => none.insert(Library::load()?),
        };
        buffer.fill(LIMIT, |words| library.collect(words))
    }
}

impl Library {
    fn load() -> Result<Self, Status> {
        let path = system_folders().windows.join(LIBRARY);
        let path: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        // SAFETY: the path is absolute and ends with a NUL.
        let module = unsafe {
            LoadLibraryExW(path.as_ptr(), ptr::null_mut(), LOAD_WITH_ALTERED_SEARCH_PATH)
        };
        if module.is_null() {
            // SAFETY: only returns a number of this thread.
            return Err(match unsafe { GetLastError() } {
                ERROR_MOD_NOT_FOUND => Status::NOT_FOUND,
                error => Status::failure(error),
            });
        }
        let loaded = Self::begin(module);
        if loaded.is_err() {
            // SAFETY: it was loaded, and nothing of it is kept.
            unsafe { FreeLibrary(module) };
        }
        loaded
    }

    fn begin(module: HMODULE) -> Result<Self, Status> {
        let names = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(NAMES);
        let list = names.and_then(|names| names.get_raw_value("Counter"));
        let list = list.map_err(|_| Status::NOT_FOUND)?;
        let numbers = find_numbers(&list.bytes).ok_or(Status::NOT_FOUND)?;
        // SAFETY: these are the functions' types, by the documentation of such libraries.
        let (open, collect, close) = unsafe {
            (
                function::<Open>(module, s!("OpenNetSvcsObject"))?,
                function::<Collect>(module, s!("CollectNetSvcsObjectData"))?,
                function::<Close>(module, s!("CloseNetSvcsObject"))?,
            )
        };
        // SAFETY: no device names are given; it is called before the others, once.
        let status = unsafe { open(ptr::null()) };
        if status != 0 {
            return Err(Status::failure(status));
        }
        let object = numbers.object.to_string().encode_utf16().chain([0]).collect();
        Ok(Self { module, collect, close, numbers, object })
    }

    /// Status and length, as a buffer that grows wants them.
    fn collect(&self, words: &mut [u64]) -> (u32, usize) {
        let Some((head, room)) = words.split_first_chunk_mut() else {
            return (Status::INFO_LENGTH_MISMATCH.number(), 0);
        };
        *head = self.numbers.head();
        let mut end: *mut c_void = room.as_mut_ptr().cast();
        let (mut length, mut objects) = (size_of_val(room) as u32, 0);
        // SAFETY: at most `length` bytes are written from `end` on, which the room has.
        let status = unsafe {
            (self.collect)(self.object.as_ptr(), &raw mut end, &raw mut length, &raw mut objects)
        };
        match status {
            0 if objects == 0 => (Status::NOT_FOUND.number(), 0),
            0 => (0, HEAD + length as usize),
            ERROR_MORE_DATA => (Status::INFO_LENGTH_MISMATCH.number(), 0),
            status => (status, 0),
        }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: it is open, and neither it nor its functions are used again.
        unsafe {
            (self.close)();
            FreeLibrary(self.module);
        }
    }
}

/// A function of a library.
///
/// # Safety
/// `F` has to be the type of the function of that name.
unsafe fn function<F: Copy>(module: HMODULE, name: PCSTR) -> Result<F, Status> {
    const { assert!(size_of::<F>() == size_of::<usize>()) };
    // SAFETY: the module is loaded and the name ends with a NUL.
    let found = unsafe { GetProcAddress(module, name) }.ok_or(Status::NOT_FOUND)?;
    // SAFETY: both are pointers to functions, and the caller says that the types match.
    Ok(unsafe { std::mem::transmute_copy(&found) })
}
