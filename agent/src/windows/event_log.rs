//! The System log, by the calls of `winevt.h` (documented).

#![expect(unsafe_code, reason = "the calls give handles and write into buffers")]

use std::{io, ptr};

use windows_sys::Win32::{
    Foundation::{CloseHandle, ERROR_INSUFFICIENT_BUFFER, GetLastError, HANDLE},
    System::{
        EventLog::{
            EVT_HANDLE, EVT_RENDER_FLAGS, EvtClose, EvtCreateBookmark, EvtNext, EvtQuery,
            EvtQueryChannelPath, EvtQueryForwardDirection, EvtRender, EvtRenderBookmark,
            EvtRenderEventXml, EvtSubscribe, EvtSubscribeStartAfterBookmark,
            EvtSubscribeStartAtOldestRecord, EvtSubscribeStrict, EvtUpdateBookmark,
        },
        Threading::{CreateEventW, ResetEvent, WaitForSingleObject},
    },
};

use super::{query, wine::is_wine};
use crate::{
    events::{LogCalls, QUERY, SystemLog},
    machine::{Status, grow::Buffer},
};

/// Records that are fetched at once, at most.
const AT_ONCE: usize = 32;
/// How long a record is waited for.
const WAIT_MS: u32 = 5000;
/// Bytes of a record in XML, at most.
const RECORD_LIMIT: usize = 2 << 20;

/// The System log of this machine, with what waiting for it needs.
///
/// # Errors
/// When there are no resources for that.
pub fn system_log() -> io::Result<SystemLog<Calls>> {
    Ok(SystemLog::new(Calls { signal: OwnedEvent::new()?, buffer: Buffer::new(128 << 10) }))
}

/// The calls on the System log.
pub struct Calls {
    /// Signalled when there may be records.
    signal: OwnedEvent,
    buffer: Buffer,
}

impl LogCalls for Calls {
    type Handle = Evt;

    fn create_bookmark(&mut self, text: Option<&str>) -> Result<Evt, Status> {
        // Its functions end the process there.
        if is_wine() {
            return Err(Status::NOT_FOUND);
        }
        create_bookmark(text)
    }

    fn subscribe(&mut self, after: Option<&Evt>, strict: bool) -> Result<Evt, Status> {
        subscribe(&self.signal, after, strict)
    }

    fn next(&mut self, subscription: &Evt, most: usize) -> Result<Vec<Evt>, Status> {
        next(subscription, most)
    }

    fn render(&mut self, record: &Evt) -> Result<String, Status> {
        render(record, EvtRenderEventXml, &mut self.buffer)
    }

    fn render_bookmark(&mut self, bookmark: &Evt) -> Result<String, Status> {
        render(bookmark, EvtRenderBookmark, &mut self.buffer)
    }

    fn update_bookmark(&mut self, bookmark: &Evt, record: &Evt) -> Result<(), Status> {
        update_bookmark(bookmark, record)
    }

    fn oldest(&mut self) -> Result<String, Status> {
        let oldest = next(&query_forward()?, 1)?;
        render(oldest.first().ok_or(Status::NOT_FOUND)?, EvtRenderEventXml, &mut self.buffer)
    }

    fn wait(&mut self) {
        self.signal.wait();
    }
}

/// A handle of the event log.
pub struct Evt(EVT_HANDLE);

impl Evt {
    /// Takes over a handle; 0 is the failure of the call that was to give it.
    fn taken(handle: EVT_HANDLE) -> Result<Self, Status> {
        if handle == 0 { Err(last_error()) } else { Ok(Self(handle)) }
    }
}

impl Drop for Evt {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { EvtClose(self.0) };
    }
}

fn last_error() -> Status {
    // SAFETY: only returns a number of this thread.
    Status::failure(unsafe { GetLastError() })
}

/// `EvtCreateBookmark`: from a text, or one that points nowhere yet.
fn create_bookmark(text: Option<&str>) -> Result<Evt, Status> {
    let text: Option<Vec<u16>> = text.map(|text| text.encode_utf16().chain([0]).collect());
    let text = text.as_ref().map_or(ptr::null(), Vec::as_ptr);
    // SAFETY: the text ends with a 0, or is null, which is allowed.
    Evt::taken(unsafe { EvtCreateBookmark(text) })
}

/// `EvtSubscribe` with an event to be signalled.
fn subscribe(signal: &OwnedEvent, after: Option<&Evt>, strict: bool) -> Result<Evt, Status> {
    let query: Vec<u16> = QUERY.encode_utf16().chain([0]).collect();
    let flags = match after {
        Some(_) if strict => EvtSubscribeStartAfterBookmark | EvtSubscribeStrict,
        Some(_) => EvtSubscribeStartAfterBookmark,
        None => EvtSubscribeStartAtOldestRecord,
    };
    // SAFETY: all handles are open; the query ends with a 0 and names its channel itself; without a
    // callback no context is used.
    let subscription = unsafe {
        EvtSubscribe(
            0,
            signal.0,
            ptr::null(),
            query.as_ptr(),
            after.map_or(0, |bookmark| bookmark.0),
            ptr::null(),
            None,
            flags,
        )
    };
    Evt::taken(subscription)
}

/// `EvtQuery` of all records of the System log, the oldest first.
fn query_forward() -> Result<Evt, Status> {
    let channel: Vec<u16> = "System".encode_utf16().chain([0]).collect();
    // SAFETY: the channel's name ends with a 0; without a query all records are meant.
    Evt::taken(unsafe {
        EvtQuery(0, channel.as_ptr(), ptr::null(), EvtQueryChannelPath | EvtQueryForwardDirection)
    })
}

/// `EvtNext`, without waiting: up to `most` records.
fn next(from: &Evt, most: usize) -> Result<Vec<Evt>, Status> {
    let mut handles: [EVT_HANDLE; AT_ONCE] = [0; AT_ONCE];
    let mut returned = 0;
    let most = most.min(AT_ONCE) as u32;
    // SAFETY: the handle is open, and at most as many handles are stored as there is room for.
    let found = unsafe { EvtNext(from.0, most, handles.as_mut_ptr(), 0, 0, &raw mut returned) };
    if found == 0 {
        return Err(last_error());
    }
    handles.iter().take(returned as usize).map(|handle| Evt::taken(*handle)).collect()
}

/// `EvtUpdateBookmark`.
fn update_bookmark(bookmark: &Evt, event: &Evt) -> Result<(), Status> {
    // SAFETY: both handles are open.
    let updated = unsafe { EvtUpdateBookmark(bookmark.0, event.0) };
    if updated == 0 { Err(last_error()) } else { Ok(()) }
}

/// `EvtRender` of what becomes a text.
fn render(what: &Evt, flags: EVT_RENDER_FLAGS, buffer: &mut Buffer) -> Result<String, Status> {
    let length = buffer.fill(RECORD_LIMIT, |buffer| {
        let (mut used, mut properties) = (0, 0);
        // SAFETY: the handle is open, and at most the bytes are written that the buffer has.
        let rendered = unsafe {
            EvtRender(
                0,
                what.0,
                flags,
                size_of_val(buffer) as u32,
                buffer.as_mut_ptr().cast(),
                &raw mut used,
                &raw mut properties,
            )
        };
        let status = match (rendered, last_error().number()) {
            (0, ERROR_INSUFFICIENT_BUFFER) => Status::INFO_LENGTH_MISMATCH.number(),
            (0, error) => error,
            _ => 0,
        };
        (status, used as usize)
    })?;
    let units = query::raw(buffer.words(), length).bytes.chunks_exact(2);
    let units: Vec<u16> = units.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    Ok(String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned())
}

/// An event of the kernel.
struct OwnedEvent(HANDLE);

// SAFETY: a handle belongs to the process, not to a thread.
unsafe impl Send for OwnedEvent {}

impl OwnedEvent {
    /// `CreateEventW` (documented): reset by hand, and signalled at first.
    fn new() -> io::Result<Self> {
        // SAFETY: no security attributes and no name are allowed.
        let handle = unsafe { CreateEventW(ptr::null(), 1, 1, ptr::null()) };
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }

    /// Waits until it is signalled, or for a while, and takes the signal back: one that comes while
    /// records are fetched then counts for the next time.
    fn wait(&self) {
        // SAFETY: the handle is open.
        unsafe { WaitForSingleObject(self.0, WAIT_MS) };
        // SAFETY: the handle is open.
        unsafe { ResetEvent(self.0) };
    }
}

impl Drop for OwnedEvent {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { CloseHandle(self.0) };
    }
}
