//! The System log, by the calls of `winevt.h` (documented).

#![expect(unsafe_code, reason = "the calls give handles and write into buffers")]

use std::{io, ptr};

use windows_sys::Win32::{
    Foundation::{
        CloseHandle, ERROR_INSUFFICIENT_BUFFER, ERROR_NO_MORE_ITEMS, ERROR_TIMEOUT, GetLastError,
        HANDLE,
    },
    System::{
        EventLog::{
            EVT_HANDLE, EVT_RENDER_FLAGS, EvtClose, EvtCreateBookmark, EvtNext, EvtRender,
            EvtRenderBookmark, EvtRenderEventXml, EvtSubscribe, EvtSubscribeStartAfterBookmark,
            EvtSubscribeStartAtOldestRecord, EvtSubscribeStrict, EvtUpdateBookmark,
        },
        Threading::{CreateEventW, ResetEvent, WaitForSingleObject},
    },
};

use super::{query, wine::is_wine};
use crate::{
    events::{BOOKMARK_GONE, EventLog, QUERY},
    machine::{Status, grow},
};

/// Records that are fetched at once.
const AT_ONCE: usize = 32;
/// How long a record is waited for.
const WAIT_MS: u32 = 5000;
/// Bytes of a record in XML, at most.
const RECORD_LIMIT: usize = 2 << 20;

/// The System log. Nothing is opened before it is subscribed to.
pub struct SystemLog {
    /// Signalled when there may be records.
    signal: OwnedEvent,
    subscription: Option<Evt>,
    bookmark: Option<Evt>,
    buffer: Vec<u64>,
}

impl SystemLog {
    /// The log of this machine, with what waiting for it needs.
    ///
    /// # Errors
    /// When there are no resources for that.
    pub fn new() -> io::Result<Self> {
        let buffer = vec![0; 16 << 10];
        Ok(Self { signal: OwnedEvent::new()?, subscription: None, bookmark: None, buffer })
    }
}

impl EventLog for SystemLog {
    fn subscribe(&mut self, after: Option<&str>) -> Result<(), Status> {
        self.subscription = None;
        // Its functions end the process there.
        if is_wine() {
            return Err(Status::NOT_FOUND);
        }
        // A text that is no bookmark leads nowhere either.
        let bookmark = create_bookmark(after).map_err(|status| match after {
            Some(_) => BOOKMARK_GONE,
            None => status,
        })?;
        self.subscription = Some(subscribe(&self.signal, after.and(Some(&bookmark)))?);
        self.bookmark = Some(bookmark);
        Ok(())
    }

    fn next(&mut self) -> Result<Vec<String>, Status> {
        let (Some(subscription), Some(bookmark)) = (&self.subscription, &self.bookmark) else {
            return Err(Status::DATA_ERROR);
        };
        let events = next(subscription)?;
        if events.is_empty() {
            self.signal.wait();
            return Ok(Vec::new());
        }
        let rendered =
            events.iter().map(|event| render(event, EvtRenderEventXml, &mut self.buffer));
        let records = rendered.collect::<Result<Vec<String>, Status>>()?;
        if let Some(last) = events.last() {
            update_bookmark(bookmark, last)?;
        }
        Ok(records)
    }

    fn bookmark(&mut self) -> Result<String, Status> {
        let bookmark = self.bookmark.as_ref().ok_or(Status::DATA_ERROR)?;
        render(bookmark, EvtRenderBookmark, &mut self.buffer)
    }
}

/// A handle of the event log.
struct Evt(EVT_HANDLE);

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

/// `EvtSubscribe` with an event to be signalled. A bookmark whose record is gone is refused.
fn subscribe(signal: &OwnedEvent, after: Option<&Evt>) -> Result<Evt, Status> {
    let query: Vec<u16> = QUERY.encode_utf16().chain([0]).collect();
    let flags = match after {
        Some(_) => EvtSubscribeStartAfterBookmark | EvtSubscribeStrict,
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

/// `EvtNext`, without waiting.
fn next(subscription: &Evt) -> Result<Vec<Evt>, Status> {
    let mut handles: [EVT_HANDLE; AT_ONCE] = [0; AT_ONCE];
    let mut returned = 0;
    // SAFETY: the subscription is open, and at most as many handles are stored as there is room for.
    let found = unsafe {
        EvtNext(subscription.0, AT_ONCE as u32, handles.as_mut_ptr(), 0, 0, &raw mut returned)
    };
    if found != 0 {
        return handles.iter().take(returned as usize).map(|handle| Evt::taken(*handle)).collect();
    }
    match last_error().number() {
        ERROR_NO_MORE_ITEMS | ERROR_TIMEOUT => Ok(Vec::new()),
        error => Err(Status::failure(error)),
    }
}

/// `EvtUpdateBookmark`.
fn update_bookmark(bookmark: &Evt, event: &Evt) -> Result<(), Status> {
    // SAFETY: both handles are open.
    let updated = unsafe { EvtUpdateBookmark(bookmark.0, event.0) };
    if updated == 0 { Err(last_error()) } else { Ok(()) }
}

/// `EvtRender` of what becomes a text.
fn render(what: &Evt, flags: EVT_RENDER_FLAGS, buffer: &mut Vec<u64>) -> Result<String, Status> {
    let length = grow::fill(buffer, RECORD_LIMIT, |buffer| {
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
    let units = query::raw(buffer, length).bytes.chunks_exact(2);
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

    /// Waits until it is signalled again, or for a while.
    fn wait(&self) {
        // SAFETY: the handle is open.
        unsafe { ResetEvent(self.0) };
        // SAFETY: the handle is open.
        unsafe { WaitForSingleObject(self.0, WAIT_MS) };
    }
}

impl Drop for OwnedEvent {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { CloseHandle(self.0) };
    }
}
