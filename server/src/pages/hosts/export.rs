//! Hosts as plain rows for other programs: exact bytes, times in ISO 8601.

use jiff::Timestamp;
use poolwatch_model::{Bytes, HostId, Pool, memory::CeilingSource};
use poolwatch_web::{hosts::HostRow, level::PoolLevel};
use serde::Serialize;

use crate::{
    fleet::view::HostSummary,
    pages::export::{Row, inert},
};

/// One host. The names of the fields are the columns of the CSV file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PlainRow {
    id: HostId,
    name: String,
    group: Option<String>,
    windows: Option<String>,
    state: &'static str,
    booted_at: Option<Timestamp>,
    taken_at: Option<Timestamp>,
    received_at: Option<Timestamp>,
    nonpaged_bytes: Option<Bytes>,
    nonpaged_limit_bytes: Option<Bytes>,
    nonpaged_limit_source: Option<CeilingSource>,
    nonpaged_change_24h_bytes: Option<i64>,
    paged_bytes: Option<Bytes>,
    paged_limit_bytes: Option<Bytes>,
    paged_limit_source: Option<CeilingSource>,
    paged_change_24h_bytes: Option<i64>,
    commit_bytes: Option<Bytes>,
    commit_limit_bytes: Option<Bytes>,
    physical_bytes: Option<Bytes>,
    most_handles_image: Option<String>,
    most_handles_pid: Option<u32>,
    most_handles: Option<u32>,
    open_incident: Option<i64>,
}

impl PlainRow {
    pub(super) fn of(row: &HostRow, summary: &HostSummary, now: Timestamp) -> Self {
        let limit = |level: &PoolLevel| level.ceiling;
        let top = summary.top_process.as_ref();
        Self {
            id: row.host.id,
            name: summary.host.name.clone(),
            group: row.group.clone(),
            windows: row.os.as_ref().map(ToString::to_string),
            state: row.presence(&now).as_str(),
            booted_at: row.booted,
            taken_at: summary.at,
            received_at: summary.received,
            nonpaged_bytes: row.nonpaged.used,
            nonpaged_limit_bytes: limit(&row.nonpaged).map(|limit| limit.bytes),
            nonpaged_limit_source: limit(&row.nonpaged).map(|limit| limit.source),
            nonpaged_change_24h_bytes: summary.growth(Pool::Nonpaged),
            paged_bytes: row.paged.used,
            paged_limit_bytes: limit(&row.paged).map(|limit| limit.bytes),
            paged_limit_source: limit(&row.paged).map(|limit| limit.source),
            paged_change_24h_bytes: summary.growth(Pool::Paged),
            commit_bytes: summary.memory.committed,
            commit_limit_bytes: summary.memory.commit_limit,
            physical_bytes: summary.memory.physical,
            most_handles_image: top.map(|top| top.0.clone()),
            most_handles_pid: top.map(|top| top.1),
            most_handles: top.map(|top| top.2),
            open_incident: row.incident.map(|incident| incident.id.0),
        }
    }
}

impl Row for PlainRow {
    fn for_spreadsheets(&self) -> Self {
        Self {
            name: inert(&self.name),
            group: self.group.as_deref().map(inert),
            windows: self.windows.as_deref().map(inert),
            most_handles_image: self.most_handles_image.as_deref().map(inert),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::export::csv;

    #[test]
    fn numbers_stay_exact_and_negative_changes_stay_numbers() {
        let row = PlainRow {
            id: HostId(7),
            name: "=a, \"b\"".into(),
            group: None,
            windows: None,
            state: "reporting",
            booted_at: Timestamp::from_second(1_800_000_000).ok(),
            taken_at: None,
            received_at: None,
            nonpaged_bytes: Some(Bytes(214_880_256)),
            nonpaged_limit_bytes: None,
            nonpaged_limit_source: Some(CeilingSource::Measured),
            nonpaged_change_24h_bytes: Some(-4096),
            paged_bytes: None,
            paged_limit_bytes: None,
            paged_limit_source: None,
            paged_change_24h_bytes: None,
            commit_bytes: None,
            commit_limit_bytes: None,
            physical_bytes: None,
            most_handles_image: Some("+x.exe".into()),
            most_handles_pid: Some(416),
            most_handles: Some(90_472),
            open_incident: None,
        };
        let text = String::from_utf8(csv(&[row]).unwrap()).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert_eq!(
            line,
            "7,\"'=a, \"\"b\"\"\",,,reporting,2027-01-15T08:00:00Z,,,214880256,,measured,-4096,\
             ,,,,,,,'+x.exe,416,90472,"
        );
    }
}
