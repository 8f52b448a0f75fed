//! Sections 4 and 5: processes. Creation times travel as FILETIME: 100 ns since 1601-01-01 UTC.

use std::{fmt, marker::PhantomData};

use jiff::Timestamp;
use poolwatch_model::process::{ProcessKey, ProcessUse};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};

use super::{each_row, name, to_postcard};
use crate::{
    limits,
    v1::{table::Row, wire::Malformed},
};

/// A process as sent.
#[derive(Serialize, Deserialize)]
struct ProcessRow<'a> {
    pid: u32,
    /// 0 = unknown.
    created: u64,
    image: &'a str,
    session: Option<u32>,
    #[serde(borrow, deserialize_with = "few")]
    services: Vec<&'a str>,
    handles: Option<u32>,
    threads: Option<u32>,
    paged_quota: Option<u64>,
    nonpaged_quota: Option<u64>,
    private_bytes: Option<u64>,
}

/// Seconds from 1601-01-01 to 1970-01-01.
const FILETIME_EPOCH_S: i64 = 11_644_473_600;

pub(super) fn to_filetime(time: Timestamp) -> u64 {
    let steps = time.as_nanosecond().div_euclid(100) + i128::from(FILETIME_EPOCH_S) * 10_000_000;
    u64::try_from(steps).unwrap_or(0)
}

pub(super) fn from_filetime(filetime: u64) -> Result<Option<Timestamp>, Malformed> {
    if filetime == 0 {
        return Ok(None);
    }
    let nanoseconds = (i128::from(filetime) - i128::from(FILETIME_EPOCH_S) * 10_000_000) * 100;
    Timestamp::from_nanosecond(nanoseconds).map(Some).map_err(|_| Malformed)
}

/// The services of one process, refused beyond the limit before more are read.
fn few<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'a str>, D::Error> {
    struct Few<'a>(PhantomData<&'a str>);

    impl<'de: 'a, 'a> Visitor<'de> for Few<'a> {
        type Value = Vec<&'a str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {} services", limits::SERVICES)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut services: A) -> Result<Self::Value, A::Error> {
            let mut few = Vec::new();
            while let Some(service) = services.next_element()? {
                if few.len() == limits::SERVICES {
                    return Err(A::Error::invalid_length(few.len() + 1, &self));
                }
                few.push(service);
            }
            Ok(few)
        }
    }

    deserializer.deserialize_seq(Few(PhantomData))
}

impl Row for ProcessUse {
    const COUNTERS: usize = 5;
    const LIMIT: usize = limits::PROCESSES;
    const SMALL: u8 = 0b11;
    type Key = ProcessKey;

    fn key(&self) -> ProcessKey {
        self.key
    }

    fn counter(&self, index: usize) -> u64 {
        match index {
            0 => self.handles.map(u64::from),
            1 => self.threads.map(u64::from),
            2 => self.paged_quota,
            3 => self.nonpaged_quota,
            _ => self.private_bytes,
        }
        .unwrap_or(0)
    }

    fn set_counter(&mut self, index: usize, value: u64) {
        match index {
            0 => self.handles = Some(value as u32),
            1 => self.threads = Some(value as u32),
            2 => self.paged_quota = Some(value),
            3 => self.nonpaged_quota = Some(value),
            _ => self.private_bytes = Some(value),
        }
    }

    fn differs_only_in_counters(&self, other: &Self) -> bool {
        self.key == other.key
            && self.image == other.image
            && self.session == other.session
            && self.services == other.services
            && self.handles.is_some() == other.handles.is_some()
            && self.threads.is_some() == other.threads.is_some()
            && self.paged_quota.is_some() == other.paged_quota.is_some()
            && self.nonpaged_quota.is_some() == other.nonpaged_quota.is_some()
            && self.private_bytes.is_some() == other.private_bytes.is_some()
    }

    fn encode(rows: &[Self]) -> Vec<u8> {
        let rows: Vec<ProcessRow<'_>> = rows
            .iter()
            .map(|row| ProcessRow {
                pid: row.key.pid,
                created: row.key.created.map_or(0, to_filetime),
                image: &row.image,
                session: row.session,
                services: row.services.iter().map(String::as_str).collect(),
                handles: row.handles,
                threads: row.threads,
                paged_quota: row.paged_quota,
                nonpaged_quota: row.nonpaged_quota,
                private_bytes: row.private_bytes,
            })
            .collect();
        to_postcard(&rows)
    }

    fn decode(bytes: &[u8]) -> Result<Vec<Self>, Malformed> {
        let mut processes = Vec::new();
        let mut services_left = limits::SERVICES_IN_ALL;
        each_row(bytes, Self::LIMIT, |row: ProcessRow<'_>| {
            services_left = services_left.checked_sub(row.services.len()).ok_or(Malformed)?;
            processes.push(Self {
                key: ProcessKey { pid: row.pid, created: from_filetime(row.created)? },
                image: name(row.image)?,
                session: row.session,
                services: row.services.into_iter().map(name).collect::<Result<_, _>>()?,
                handles: row.handles,
                threads: row.threads,
                paged_quota: row.paged_quota,
                nonpaged_quota: row.nonpaged_quota,
                private_bytes: row.private_bytes,
            });
            Ok(())
        })?;
        Ok(processes)
    }
}
