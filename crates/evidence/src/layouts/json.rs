//! Objects in JSON, as PowerShell and monitoring systems export them.

use serde_json::{Deserializer, Value};

use super::records::Records;
use crate::content::{PieceContent, PieceKind};
use crate::event_words;
use crate::reading_builder::ReadingBuilder;

/// Reads a text that is JSON; false when it is not, or tells nothing.
pub(crate) fn read_json(text: &str, out: &mut ReadingBuilder) -> bool {
    let start = text.trim_start();
    if !start.starts_with(['[', '{']) {
        return false;
    }
    // One value after another, so that each has its line.
    let mut rest = start.strip_prefix('[').unwrap_or(start);
    let mut line = 1 + newlines(&text[..text.len() - rest.len()]);
    let (mut records, mut told) = (Records::default(), false);
    loop {
        let value = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        line += newlines(&rest[..rest.len() - value.len()]);
        let mut values = Deserializer::from_str(value).into_iter::<Value>();
        let Some(Ok(object)) = values.next() else { break };
        let end = values.byte_offset();
        told |= read_object(&object, line, &mut records, out);
        line += newlines(&value[..end]);
        rest = &value[end..];
    }
    told | records.read((1, line), out).is_ok()
}

/// Takes the scalars of an object as figures, or the object as an event. Whether it is an event.
fn read_object(object: &Value, line: u32, records: &mut Records, out: &mut ReadingBuilder) -> bool {
    let Some(fields) = object.as_object() else { return false };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let id = fields.get("Id").or_else(|| fields.get("EventID")).and_then(Value::as_u64);
    let provider = text("ProviderName").or_else(|| text("Source"));
    let event = provider.zip(id).and_then(|(provider, id)| event_words::known(provider, id));
    if let Some(event) = event {
        out.piece(PieceKind::Event, (line, line), PieceContent::UndatedEvent(event));
        return true;
    }
    records.end_record();
    for (name, value) in fields {
        match value {
            Value::String(text) => records.push(name, text, line),
            Value::Number(number) => records.push(name, &number.to_string(), line),
            _ => {}
        }
    }
    false
}

fn newlines(text: &str) -> u32 {
    text.bytes().filter(|b| *b == b'\n').count().try_into().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
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
    fn an_event_in_json_is_an_event() {
        let reading = read("", br#"{"ProviderName": "srv", "Id": 2019, "Message": "full"}"#);
        let PieceContent::UndatedEvent(event) = &reading.pieces[0].content else { panic!() };
        assert_eq!(event.event_id, 2019);
        assert!(read("", b"[1, 2, {\"a\": [").pieces.is_empty());
    }
}
