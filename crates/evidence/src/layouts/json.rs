//! Objects in JSON, as PowerShell and monitoring systems export them.

use serde_json::{Deserializer, Value};

use super::records::Records;
use super::tables::read_records;
use crate::content::IgnoredReason;
use crate::event_words::{self, FoundEvents};
use crate::reading_builder::ReadingBuilder;
use crate::text::newlines;
use crate::times;

/// Longer objects are not read: in memory they take many times as much.
const MAX_OBJECT: usize = 8 << 20;

/// Reads a text that is JSON; false when it is not, or tells nothing.
pub(crate) fn read_json(text: &str, out: &mut ReadingBuilder) -> bool {
    let start = text.trim_start();
    if !start.starts_with(['[', '{']) {
        return false;
    }
    // One value after another, so that each has its line.
    let mut rest = start.strip_prefix('[').unwrap_or(start);
    let mut line = 1 + newlines(&text[..text.len() - rest.len()]);
    let mut read = ReadObjects::default();
    loop {
        let value = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        line += newlines(&rest[..rest.len() - value.len()]);
        rest = value;
        let object = &value[..value.floor_char_boundary(MAX_OBJECT)];
        let mut values = Deserializer::from_str(object).into_iter::<Value>();
        let Some(Ok(object)) = values.next() else { break };
        let end = values.byte_offset();
        read.value(&object, line, MAX_DEPTH);
        line += newlines(&value[..end]);
        rest = &value[end..];
    }
    let has_events = !read.events.is_empty();
    read.events.write((1, line), out);
    let is_told = has_events | read_records(read.records, (1, line), out).is_ok();
    if is_told && !matches!(rest.trim_end(), "" | "]") {
        let begin = rest.lines().next().unwrap_or_default();
        out.ignore(line, begin, IgnoredReason::CutOff);
    }
    is_told
}

/// Lists within objects that are read (`CounterSamples`): deeper ones are none of figures.
const MAX_DEPTH: u8 = 4;

#[derive(Default)]
struct ReadObjects {
    records: Records,
    events: FoundEvents,
}

impl ReadObjects {
    /// Takes the scalars of an object as figures, or the object as an event.
    fn value(&mut self, value: &Value, line: u32, depth: u8) {
        const LISTS: [&str; 7] =
            ["CounterSamples", "data", "result", "results", "items", "rows", "values"];
        if let (Some(list), 1..) = (value.as_array(), depth) {
            list.iter().for_each(|one| self.value(one, line, depth - 1));
        }
        let Some(fields) = value.as_object() else { return };
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let id = fields.get("Id").or_else(|| fields.get("EventID")).and_then(Value::as_u64);
        let provider = text("ProviderName").or_else(|| text("Source"));
        let event = provider.zip(id).and_then(|(provider, id)| event_words::known(provider, id));
        if let Some(mut event) = event {
            let time = text("TimeCreated").or_else(|| text("TimeGenerated"));
            event.at_s = time.and_then(|time| times::seconds(time, None));
            self.events.push(event, text("Message").unwrap_or_default(), line);
            return;
        }
        self.records.end_record();
        for (name, value) in fields {
            match value {
                Value::String(text) => self.records.push(name, text, line),
                Value::Number(number) => self.records.push(name, &number.to_string(), line),
                Value::Array(_) | Value::Object(_)
                    if LISTS.contains(&name.as_str()) && depth > 0 =>
                {
                    self.value(value, line, depth - 1);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MAX_OBJECT;
    use crate::{PieceContent, read};

    #[test]
    fn objects_tell_processes_and_their_lines() {
        let text = "[\n  {\n    \"Name\": \"labelsvc\",\n    \"Id\": 2764,\n    \"HandleCount\": 1604221\n  },\n  \
                    {\"Name\": \"lsass\", \"Id\": 740, \"HandleCount\": 2377}\n]\n";
        let reading = read("", text.as_bytes());
        let [piece] = &reading.pieces[..] else { panic!("{reading:?}") };
        let PieceContent::Processes(list) = &piece.content else { panic!() };
        let told: Vec<_> = list.iter().map(|p| (p.key.pid, p.handles)).collect();
        assert_eq!(told, [(740, Some(2377)), (2764, Some(1_604_221))]);
        let lines: Vec<_> = piece.sources.iter().map(|(_, line)| *line).collect();
        assert_eq!(lines, [7, 2]);
    }

    #[test]
    fn an_event_2004_in_json_keeps_its_time_and_programs() {
        let text = r#"[{"TimeCreated": "2026-03-14T02:11:08.12+01:00", "Id": 2004,
            "ProviderName": "Microsoft-Windows-Resource-Exhaustion-Detector",
            "Message": "The following programs: a.exe (12) consumed 61203283968 bytes."}]"#;
        let reading = read("", text.as_bytes());
        let [event, holders] = &reading.pieces[..] else { panic!("{reading:?}") };
        let PieceContent::UndatedEvent(event) = &event.content else { panic!() };
        assert!(event.at_s.is_some());
        let PieceContent::Processes(list) = &holders.content else { panic!() };
        assert_eq!(list[0].private_bytes, Some(61_203_283_968));
    }

    #[test]
    fn an_event_in_json_is_an_event() {
        let reading = read("", br#"{"ProviderName": "srv", "Id": 2019, "Message": "full"}"#);
        let PieceContent::UndatedEvent(event) = &reading.pieces[0].content else { panic!() };
        assert_eq!(event.event_id, 2019);
        assert!(read("", b"[1, 2, {\"a\": [").pieces.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_told_and_a_huge_object_takes_no_memory() {
        let event = r#"{"ProviderName": "srv", "Id": 2019}"#;
        let huge = format!("{event}\n{{\"data\": [{}]}}", "1,".repeat(MAX_OBJECT / 2));
        for text in [format!("[{event},\n{{\"Id\": 20"), huge] {
            let reading = read("", text.as_bytes());
            assert_eq!(reading.pieces.len(), 1);
            assert_eq!(reading.ignored[0].line, 2);
        }
    }
}
