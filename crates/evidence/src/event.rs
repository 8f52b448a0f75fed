//! Event records in XML, as the event log renders them (`EvtRenderEventXml`) and Event Viewer
//! saves them.
//!
//! Shapes: the public event schema (`http://schemas.microsoft.com/win/2004/08/events`), and for
//! event 2004 the `MemoryExhaustionInfo` element of the provider
//! `Microsoft-Windows-Resource-Exhaustion-Detector`. Elements are told apart by local name.

use jiff::Timestamp;
use poolwatch_model::event::{Event, MemoryExhaustion};
use quick_xml::{Reader, events::BytesStart};

use elements::{Elements, walk};
use exhaustion::Exhaustion;

pub use elements::{EventError, MAX_EVENT_BYTES};

mod elements;
mod exhaustion;

const MAX_DATA: usize = 256;

/// Reads one event.
///
/// # Errors
/// When the text is not one complete event with an id, a provider, a channel and a time.
pub fn read_event(xml: &str) -> Result<Event, EventError> {
    if xml.len() > MAX_EVENT_BYTES {
        return Err(EventError::TooLarge(xml.len()));
    }
    let mut reader = Reader::from_str(xml);
    // A stray & does no harm to the facts.
    reader.config_mut().allow_dangling_amp = true;
    let mut record = Record::default();
    walk(&mut reader, &mut record)?;
    record.into_event()
}

/// Reads what event 2004 tells from any part of its XML, a torn one too; `None` when it tells
/// nothing. Slots of tags and processes that are not complete are left out.
#[must_use]
pub fn read_exhaustion(xml: &str) -> Option<MemoryExhaustion> {
    let xml = &xml[..xml.floor_char_boundary(MAX_EVENT_BYTES)];
    let mut reader = Reader::from_str(xml);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    let mut exhaustion = Exhaustion::default();
    // Where a torn text stops making sense, what came before it still does.
    let _torn = walk(&mut reader, &mut exhaustion);
    exhaustion.into_facts()
}

/// An event as far as it is read.
#[derive(Default)]
struct Record {
    channel: Option<String>,
    record_id: u64,
    time: Option<Timestamp>,
    provider: Option<String>,
    event_id: Option<u32>,
    level: Option<u8>,
    computer: Option<String>,
    data: Vec<String>,
    exhaustion: Exhaustion,
}

impl Record {
    fn into_event(self) -> Result<Event, EventError> {
        Ok(Event {
            channel: self.channel.ok_or(EventError::Missing("Channel"))?,
            record_id: self.record_id,
            time: self.time.ok_or(EventError::Missing("TimeCreated"))?,
            provider: self.provider.ok_or(EventError::Missing("Provider"))?,
            event_id: self.event_id.ok_or(EventError::Missing("EventID"))?,
            level: self.level,
            computer: self.computer,
            data: self.data,
            exhaustion: self.exhaustion.into_facts(),
        })
    }

    fn push_data(&mut self, text: &str) {
        if self.data.len() < MAX_DATA {
            self.data.push(text.to_owned());
        }
    }
}

impl Elements for Record {
    fn start(&mut self, path: &[String], element: &BytesStart<'_>) {
        let name = element.local_name().into_inner();
        if is(path, &["Event", "System"]) {
            match name {
                "Provider" => self.provider = attribute(element, "Name"),
                "TimeCreated" => {
                    self.time = attribute(element, "SystemTime").and_then(|t| t.parse().ok());
                }
                _ => {}
            }
        }
        self.exhaustion.start(path, element);
    }

    fn end(&mut self, path: &[String], name: &str, text: Option<&str>) {
        match text {
            Some(text) if is(path, &["Event", "System"]) => match name {
                "EventID" => self.event_id = text.parse().ok(),
                "EventRecordID" => self.record_id = text.parse().unwrap_or(0),
                "Level" => self.level = text.parse().ok(),
                "Channel" => self.channel = Some(text.to_owned()),
                "Computer" => self.computer = Some(text.to_owned()),
                _ => {}
            },
            Some(text) if is(path, &["Event", "EventData"]) && name == "Data" => {
                self.push_data(text);
            }
            Some(text)
                if path.iter().map(String::as_str).take(2).eq(["Event", "UserData"])
                    && path.get(2).is_none_or(|element| element != "MemoryExhaustionInfo") =>
            {
                self.push_data(text);
            }
            _ => {}
        }
        self.exhaustion.end(path, name, text);
    }
}

fn is(path: &[String], names: &[&str]) -> bool {
    path.iter().map(String::as_str).eq(names.iter().copied())
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok()??;
    found.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use poolwatch_model::event::EventKind;
    use poolwatch_model::{Bytes, Pool};

    use super::*;

    const POOL_EMPTY: &str = r#"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>
        <System><Provider Name='Srv'/><EventID Qualifiers='49152'>2019</EventID><Level>2</Level>
        <TimeCreated SystemTime='2024-03-01T10:20:30.1234567Z'/><EventRecordID>77</EventRecordID>
        <Channel>System</Channel><Computer>fs-02.example.org</Computer></System>
        <EventData><Data>\Device\LanmanServer</Data><Data>R&amp;D &#x41;</Data><Data/>
        <Binary>00</Binary></EventData></Event>"#;

    #[test]
    fn a_classic_event_keeps_its_unnamed_data_in_order() {
        let event = read_event(POOL_EMPTY).unwrap();
        assert_eq!(event.kind(), EventKind::PoolEmpty(Pool::Nonpaged));
        assert_eq!((event.record_id, event.level), (77, Some(2)));
        assert_eq!(event.time, "2024-03-01T10:20:30.1234567Z".parse().unwrap());
        assert_eq!(event.computer.as_deref(), Some("fs-02.example.org"));
        assert_eq!(event.data, [r"\Device\LanmanServer", "R&D A", ""]);
        assert_eq!(event.exhaustion, None);
    }

    #[test]
    fn an_event_that_is_not_whole_is_refused() {
        let whole_elements = POOL_EMPTY.find("<EventData>").unwrap();
        assert!(matches!(read_event(&POOL_EMPTY[..whole_elements]), Err(EventError::CutOff)));
        assert!(matches!(read_event("<a></b>"), Err(EventError::Malformed(_))));
        assert!(matches!(read_event("no event"), Err(EventError::Missing("Channel"))));
        assert!(matches!(read_event(&"<a>".repeat(99)), Err(EventError::TooDeep)));
        let large = "x".repeat(MAX_EVENT_BYTES + 1);
        assert!(matches!(read_event(&large), Err(EventError::TooLarge(_))));
        let untimed = POOL_EMPTY.replace("2024-03-01", "yesterday");
        assert!(matches!(read_event(&untimed), Err(EventError::Missing("TimeCreated"))));
    }

    #[test]
    fn a_torn_exhaustion_tells_only_what_is_whole() {
        let facts = read_exhaustion(
            "lost text</Lost><SystemCommitLimit>4096</SystemCommitLimit></SystemInfo>\
             <NonPagedPoolInfo><Tag_1><Name>smNp</Name><PoolUsed>64</PoolUsed></Tag_1>\
             <Tag_2><Name></Name><PoolUsed>0</PoolUsed></Tag_2></NonPagedPoolInfo>\
             <ProcessInfo><Process_1><Name>a.exe</Name><ID>8</ID>\
             <CreationTime>2023-12-20T00:02:42.6501123Z</CreationTime>\
             <CommitCharge>512</CommitCharge><HandleCount>9</HandleCount></Process_1>\
             <Process_2><Name>b.exe</Name><ID>12</ID><CommitCharge>51",
        )
        .unwrap();
        assert_eq!(facts.commit_limit, Some(Bytes(4096)));
        assert_eq!(facts.nonpaged_tags.len(), 1);
        assert_eq!(facts.top_processes.len(), 1);
        assert_eq!(facts.top_processes[0].handles, 9);
        assert_eq!(read_exhaustion("<ProcessInfo></ProcessInfo>"), None);
    }

    #[test]
    fn a_tag_without_its_pool_is_left_out() {
        let torn = "<Tag_1><Name>smNp</Name><PoolUsed>64</PoolUsed></Tag_1>";
        assert_eq!(read_exhaustion(torn), None);
    }
}
