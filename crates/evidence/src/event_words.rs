//! Events as people copy them: the text of Event Viewer, `wevtutil /f:text`, `Get-EventLog`, lines of
//! exported lists. Their words depend on the language of Windows, so that only what does not is
//! read: the provider's name and the event's number.

use poolwatch_model::Pool;
use poolwatch_model::event::EventKind;
use poolwatch_model::process::ProcessUse;

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::statements::UndatedEvent;
use crate::text::Line;
use crate::{sentences, times};

/// Lines of one event's text.
const MAX_LINES: u32 = 40;
/// Longer lines are no such text.
const MAX_LINE: usize = 2048;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    let opens = whole(line).is_some()
        || field(line).is_some_and(|field| matches!(field, Field::Provider(_) | Field::Id(_)));
    opens.then(|| Box::new(Text::default()) as Box<dyn Section>)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Srv,
    ExhaustionDetector,
    ApplicationPopup,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Provider(Provider),
    Id(u32),
    Date(u64),
    Other,
}

#[derive(Default)]
struct Text {
    provider: Option<Provider>,
    id: Option<u32>,
    at_s: Option<u64>,
    found: FoundEvents,
    lines: u32,
}

/// Events in words, in their order.
#[derive(Default)]
pub(crate) struct FoundEvents {
    events: Vec<UndatedEvent>,
    /// The programs that events 2004 name, with their time and line.
    holders: Vec<(Vec<ProcessUse>, Option<u64>, u32)>,
}

impl FoundEvents {
    /// Adds an event, with the programs that its message names.
    pub(crate) fn push(&mut self, event: UndatedEvent, message: &str, line: u32) {
        let holders = sentences::commit::holders(message);
        if !holders.is_empty() {
            self.holders.push((holders, event.at_s, line));
        }
        self.events.push(event);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Writes the events, and the programs of the latest.
    pub(crate) fn write(self, lines: (u32, u32), out: &mut ReadingBuilder) {
        for event in self.events {
            out.piece(PieceKind::Event, lines, PieceContent::UndatedEvent(event));
        }
        let latest = self.holders.into_iter().max_by_key(|(_, at_s, _)| *at_s);
        if let Some((holders, _, line)) = latest {
            out.piece(PieceKind::Sentence, (line, line), PieceContent::Processes(holders));
        }
    }
}

impl Section for Text {
    fn read_line(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        if let Some(event) = whole(line.text) {
            self.found.push(event, line.text, line.number);
            return Verdict::Used;
        }
        // `Get-WinEvent` heads the table of each provider with its name.
        if let (Some(provider), None) = (self.provider, self.id)
            && let Some(row) = table_row(line.text)
        {
            self.lines = 0;
            if let Some((at_s, id)) = row
                && let Some(event) = event(provider, id)
            {
                let event = UndatedEvent { at_s: Some(at_s), ..event };
                self.found.push(event, line.text, line.number);
            }
            return Verdict::Used;
        }
        self.lines += 1;
        let Some(field) = field(line.text).filter(|_| self.lines <= MAX_LINES) else {
            return Verdict::Foreign;
        };
        match field {
            Field::Provider(provider) if self.provider.is_none() => self.provider = Some(provider),
            Field::Id(id) if self.id.is_none() => self.id = Some(id),
            // The same field again is the next event's.
            Field::Provider(_) | Field::Id(_) => return Verdict::Foreign,
            Field::Date(at_s) => self.at_s = Some(at_s),
            Field::Other => {}
        }
        if let Some(mut event) = self.provider.zip(self.id).and_then(|(from, id)| event(from, id)) {
            event.at_s = self.at_s.take();
            (self.provider, self.id, self.lines) = (None, None, 0);
            self.found.push(event, "", line.number);
        }
        Verdict::Used
    }

    fn yields_to_figures(&self) -> bool {
        // Behind an event any `label: value` may still be of it.
        self.provider.is_none() && self.id.is_none()
    }

    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        if self.found.is_empty() {
            return Err(IgnoredReason::NotUnderstood);
        }
        self.found.write(lines, out);
        Ok(())
    }
}

/// A row of `Get-WinEvent`'s table: the time and id of an event; nothing of its heads and rule.
fn table_row(line: &str) -> Option<Option<(u64, u32)>> {
    let line = line.trim();
    if line.starts_with("TimeCreated ") || line.starts_with("-----") {
        return Some(None);
    }
    let words: Vec<&str> = line.split_ascii_whitespace().take(4).collect();
    (2..words.len()).rev().find_map(|count| {
        let at_s = times::date_and_time(&words[..count].join(" "))?;
        Some(Some((at_s, words[count].parse().ok()?)))
    })
}

/// What the event of a provider with a number means, if it is one of those that matter.
pub(crate) fn known(name: &str, id: u64) -> Option<UndatedEvent> {
    event(provider(name)?, u32::try_from(id).ok()?)
}

fn event(provider: Provider, event_id: u32) -> Option<UndatedEvent> {
    let kind = match (provider, event_id) {
        (Provider::Srv, 2017) => EventKind::PoolLimit(Pool::Nonpaged),
        (Provider::Srv, 2018) => EventKind::PoolLimit(Pool::Paged),
        (Provider::Srv, 2019) => EventKind::PoolEmpty(Pool::Nonpaged),
        (Provider::Srv, 2020) => EventKind::PoolEmpty(Pool::Paged),
        (Provider::ExhaustionDetector, 2004) => EventKind::CommitExhausted,
        (Provider::ApplicationPopup, 333) => EventKind::RegistryFlushFailed,
        _ => return None,
    };
    Some(UndatedEvent::new(kind, event_id))
}

/// An event that a line tells by itself: its provider and its number among its words, or a sentence
/// that calls it an event and does not deny it.
fn whole(line: &str) -> Option<UndatedEvent> {
    if line.len() > MAX_LINE {
        return None;
    }
    let words: Vec<_> = line
        .split([' ', '\t', ',', ';', '|', '"', '(', ')', '[', ']'])
        .map(|word| word.trim_matches([':', '.', '\'', '=', '#']))
        .filter(|word| !word.is_empty())
        .collect();
    let mut ids = words.iter().enumerate().filter_map(|(at, word)| Some((at, id(word)?)));
    let (at, id) = ids.next().filter(|_| ids.next().is_none())?;
    let named = words.iter().find_map(|word| provider(word));
    if let Some(mut event) = named.and_then(|provider| event(provider, id)) {
        event.at_s = line.split([',', ';', '\t', '|']).find_map(times::date_and_time);
        return Some(event);
    }
    // `Event ID: 2019` says which only together with its provider.
    if matches!(field(line), Some(Field::Id(_))) {
        return None;
    }
    let lower: Vec<_> = words.iter().map(|word| word.to_lowercase()).collect();
    let is = |known: &[&str]| lower.iter().any(|word| known.contains(&word.as_str()));
    if is(&DENIALS) || is(&EXPLAINS) {
        return None;
    }
    let before = &lower[at.saturating_sub(2)..at];
    let called = before.iter().any(|word| EVENT.iter().any(|name| word.starts_with(name)));
    called.then(|| {
        let all = [Provider::Srv, Provider::ExhaustionDetector];
        all.into_iter().find_map(|provider| event(provider, id))
    })?
}

/// How the word for an event begins, in some languages.
const EVENT: [&str; 9] = [
    "event",
    "ereignis",
    "évén",
    "évèn",
    "evento",
    "событи",
    "zdarzeni",
    "händelse",
    "gebeurtenis",
];
const DENIALS: [&str; 12] = [
    "no", "not", "never", "without", "neither", "none", "kein", "keine", "nicht", "aucun", "pas",
    "нет",
];

/// What is explained or supposed did not happen.
const EXPLAINS: [&str; 11] = [
    "means",
    "meaning",
    "docs",
    "documentation",
    "example",
    "if",
    "would",
    "bedeutet",
    "signifie",
    "significa",
    "означает",
];

/// What a line `label: value` tells.
fn field(line: &str) -> Option<Field> {
    if line.len() > MAX_LINE {
        return None;
    }
    let (label, value) = line.split_once([':', '：'])?;
    let (label, value) = (label.trim(), value.trim());
    if label.is_empty() || label.split_whitespace().count() > 5 || label.chars().count() > 40 {
        return None;
    }
    if let Some(provider) = provider(value) {
        return Some(Field::Provider(provider));
    }
    if let Some(at_s) = times::date_and_time(value) {
        return Some(Field::Date(at_s));
    }
    // `Event ID`, `Ereignis-ID`, `ID события`, `InstanceId` (with qualifiers, so not that).
    let is_id = label.to_lowercase().split([' ', '-', '_', '\'', '’']).any(|word| {
        matches!(word, "id" | "eventid" | "id." | "kennung" | "ereigniskennung" | "код" | "kimliği")
    });
    match value.split_whitespace().next().and_then(id).filter(|_| is_id) {
        Some(id) => Some(Field::Id(id)),
        None => Some(Field::Other),
    }
}

fn id(word: &str) -> Option<u32> {
    word.parse().ok().filter(|id| matches!(id, 333 | 2004 | 2017..=2020))
}

fn provider(name: &str) -> Option<Provider> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("srv") {
        Some(Provider::Srv)
    } else if is("Microsoft-Windows-Resource-Exhaustion-Detector")
        || is("Resource-Exhaustion-Detector")
    {
        Some(Provider::ExhaustionDetector)
    } else {
        is("Application Popup").then_some(Provider::ApplicationPopup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    fn told(text: &str) -> Vec<EventKind> {
        let pieces = read("events.txt", text.as_bytes()).pieces;
        let kind = |piece: crate::EvidencePiece| match piece.content {
            PieceContent::UndatedEvent(event) => event.kind,
            other => panic!("{other:?}"),
        };
        pieces.into_iter().map(kind).collect()
    }

    #[test]
    fn the_text_of_event_viewer_is_read_in_any_language() {
        let nonpaged = EventKind::PoolEmpty(Pool::Nonpaged);
        for text in [
            "Log Name:      System\nSource:        srv\nDate:          3/1/2024 10:20:30 AM\n\
             Event ID:      2019\nLevel:         Error\nDescription:\nThe server was unable to \
             allocate from the system nonpaged pool because the pool was empty.\n",
            "Protokollname: System\nQuelle:        srv\nDatum:         01.03.2024 10:20:30\n\
             Ereignis-ID:   2019\nEbene:         Fehler\n",
            "Nom du journal : System\nSource :        Srv\nID de l’événement : 2019\n",
            "Имя журнала: System\nИсточник: srv\nКод события: 2019\n",
            "Event[0]:\n  Log Name: System\n  Source: srv\n  Date: 2012-03-01T10:20:30.000\n  \
             Event ID: 2019\n",
            "Error,3/1/2024 10:20:30 AM,srv,2019,None,\"The server was unable to allocate\"\n",
            "Fehler;01.03.2024 10:20:30;srv;2019;Keine\n",
            "After two weeks the log shows event ID 2019 every minute.\n",
        ] {
            assert_eq!(told(text), [nonpaged], "{text}");
        }
    }

    #[test]
    fn an_event_keeps_the_date_that_its_text_tells() {
        let dates = |text: &str| -> Vec<Option<u64>> {
            let pieces = read("events.txt", text.as_bytes()).pieces.into_iter();
            let date = |piece: crate::EvidencePiece| match piece.content {
                PieceContent::UndatedEvent(event) => event.at_s,
                other => panic!("{other:?}"),
            };
            pieces.map(date).collect()
        };
        let expected = times::date_and_time("2021-04-02 07:41:00");
        for text in [
            "Source: srv\nDate:          4/2/2021 7:41:00 AM\nEvent ID:      2020\nLevel: Error\n",
            "Quelle: srv\nDatum: 02.04.2021 07:41:00\nEreignis-ID: 2020\n",
            "Error,4/2/2021 7:41:00 AM,srv,2020,None\n",
        ] {
            assert_eq!(dates(text), [expected], "{text}");
        }
        let two = "Source: srv\nDate: 4/2/2021 7:41:00 AM\nEvent ID: 2020\nLevel: Error\n\
                   Source: srv\nEvent ID: 2019\nLevel: Error\n";
        assert_eq!(dates(two), [expected, None], "a date belongs to its own event");
    }

    #[test]
    fn a_number_alone_or_a_denial_is_no_event() {
        for text in [
            "Source: srv\nEvent ID: 7000\n",
            "Event ID: 2019\n",
            "there is no event 2019 in the log",
            "in 2019 we had events",
            "port 2020 is open",
            "The docs say that event 2019 means an empty pool",
        ] {
            assert_eq!(told(text), [], "{text}");
        }
    }

    #[test]
    fn the_table_of_a_provider_tells_its_events() {
        let text = "   ProviderName: srv\n\nTimeCreated                     Id LevelDisplayName Message\n\
                    -----------                     -- ---------------- -------\n\
                    3/14/2026 2:11:08 AM          2019 Error            The server was unable to...\n\
                    14.03.2026 02:10:08           2020 Error            The server was unable to...\n\
                    3/14/2026 2:09:08 AM          2006 Error            The server received an...\n";
        let expected = [Pool::Nonpaged, Pool::Paged].map(EventKind::PoolEmpty);
        assert_eq!(told(text), expected);
    }

    #[test]
    fn several_events_follow_each_other() {
        let one = |id| format!("Source: srv\nDate: x\nEvent ID: {id}\nLevel: Error\n");
        assert_eq!(
            told(&[one(2019), one(2020)].concat()),
            [EventKind::PoolEmpty(Pool::Nonpaged), EventKind::PoolEmpty(Pool::Paged)]
        );
        let detector =
            "Quelle: Microsoft-Windows-Resource-Exhaustion-Detector\nEreignis-ID: 2004\n";
        assert_eq!(told(detector), [EventKind::CommitExhausted]);
    }
}
