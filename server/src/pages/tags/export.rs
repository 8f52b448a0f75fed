//! Tags as plain rows for other programs.

use poolwatch_model::{Bytes, Pool};
use poolwatch_web::tags::TagLine;
use serde::Serialize;

use crate::pages::export::{Row, inert};

/// One tag's use of one pool. The names of the fields are the columns of the CSV file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PlainRow {
    tag: String,
    pool: Pool,
    hosts: u64,
    grows_on_hosts: Option<u64>,
    change_24h_bytes: Option<i64>,
    sum_bytes: Bytes,
    median_bytes: Bytes,
    p95_bytes: Bytes,
    most_host: Option<String>,
    most_bytes: Option<Bytes>,
    owner: Option<String>,
    meaning: Option<String>,
    open_incident: Option<i64>,
}

impl PlainRow {
    pub(super) fn of(line: TagLine) -> Self {
        let (owner, meaning) =
            line.meaning.map_or((None, None), |told| (told.owner, Some(told.text)));
        let (most_host, most_bytes) = line.worst.map(|(host, bytes)| (host.name, bytes)).unzip();
        Self {
            tag: line.tag.to_string(),
            pool: line.pool,
            hosts: line.hosts,
            grows_on_hosts: line.grows_on,
            change_24h_bytes: line.growth,
            sum_bytes: line.sum,
            median_bytes: line.median,
            p95_bytes: line.p95,
            most_host,
            most_bytes,
            owner,
            meaning,
            open_incident: line.incident.map(|incident| incident.id.0),
        }
    }
}

impl Row for PlainRow {
    fn for_spreadsheets(&self) -> Self {
        Self {
            tag: inert(&self.tag),
            most_host: self.most_host.as_deref().map(inert),
            owner: self.owner.as_deref().map(inert),
            meaning: self.meaning.as_deref().map(inert),
            ..self.clone()
        }
    }
}
