//! The event log, read and read again.

use super::{Finding, Seen};
use crate::events::{EventLog, Place, wanted};

/// Records that are read at most.
const RECORDS: usize = 2000;

/// Reads what the log has, then goes on after a bookmark, which must lead past all of it.
pub(super) fn event_log(log: &mut dyn EventLog) -> Seen {
    log.subscribe(None)?;
    let (mut records, mut understood, mut newest) = (0, 0, None);
    while records < RECORDS {
        let batch = log.next()?;
        if batch.is_empty() {
            break;
        }
        records += batch.len();
        for event in batch.iter().flatten().filter_map(|xml| wanted(xml)) {
            understood += 1;
            newest = newest.max(Some((event.time, event.record_id)));
        }
    }
    let Some((time, record)) = newest else {
        // Every Windows logs its starts: an empty log was cleared a moment ago.
        return Ok(Finding::new(false, format!("{records} records, none of them understood")));
    };
    let place = log.bookmark()?.map(|bookmark| Place { bookmark, caught_up: None });
    log.subscribe(place.as_ref())?;
    let after = log.next()?;
    let again = after.iter().flatten().filter_map(|xml| wanted(xml)).any(|e| e.record_id == record);
    Ok(Finding::new(
        !again,
        format!(
            "{records} records, {understood} understood, the newest {record} of {time:.0}; after \
             the bookmark {}",
            if again { "it came again" } else { "it did not come again" }
        ),
    ))
}
