//! The elements of an event's XML, one after the other.

use quick_xml::{Reader, events::BytesStart, events::Event as Xml};

/// The most bytes of XML that one event may have. A record holds at most 64 KiB of data.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

const MAX_DEPTH: usize = 32;

/// An event that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is absurdly long.
    #[error("the event has {0} bytes; more than {MAX_EVENT_BYTES} are not read")]
    TooLarge(usize),
    /// Its elements are nested absurdly deep.
    #[error("the event's elements are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// It is no well-formed XML.
    #[error("the event is no well-formed XML")]
    Malformed(#[from] quick_xml::Error),
    /// Its text ends before the event does.
    #[error("the event is cut off")]
    CutOff,
    /// An element without which it is no event.
    #[error("the event has no valid {0}")]
    Missing(&'static str),
}

/// What is told of the elements of a document, in order.
pub(super) trait Elements {
    /// An element starts inside `path`.
    fn start(&mut self, path: &[String], element: &BytesStart<'_>);
    /// An element ends inside `path`. `text` is its text, if it has text and no child elements.
    fn end(&mut self, path: &[String], name: &str, text: Option<&str>);
}

/// Tells `elements` what `reader` reads.
pub(super) fn walk(
    reader: &mut Reader<&[u8]>,
    elements: &mut impl Elements,
) -> Result<(), EventError> {
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut leaf = false;
    loop {
        match reader.read_event()? {
            Xml::Start(element) => {
                if path.len() == MAX_DEPTH {
                    return Err(EventError::TooDeep);
                }
                elements.start(&path, &element);
                path.push(element.local_name().into_inner().to_owned());
                text.clear();
                leaf = true;
            }
            Xml::Empty(element) => {
                elements.start(&path, &element);
                elements.end(&path, element.local_name().into_inner(), Some(""));
                leaf = false;
            }
            Xml::End(element) => {
                let name = element.local_name().into_inner();
                let opened = path.iter().rposition(|open| open == name);
                path.truncate(opened.unwrap_or(path.len()));
                elements.end(&path, name, leaf.then_some(text.trim()));
                leaf = false;
            }
            Xml::Text(part) => text.push_str(&part.xml10_content()),
            Xml::CData(part) => text.push_str(&part.xml10_content()),
            Xml::GeneralRef(part) => match part.resolve_char_ref() {
                Ok(Some(character)) => text.push(character),
                _ => {
                    let name = part.xml10_content();
                    match quick_xml::escape::resolve_predefined_entity(&name) {
                        Some(meaning) => text.push_str(meaning),
                        None => text.extend(["&", &name, ";"]),
                    }
                }
            },
            Xml::Decl(_) | Xml::PI(_) | Xml::Comment(_) | Xml::DocType(_) => {}
            Xml::Eof if path.is_empty() => return Ok(()),
            Xml::Eof => return Err(EventError::CutOff),
        }
    }
}
