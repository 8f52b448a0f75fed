//! Importing evidence: what tools printed on a machine without agent becomes snapshots and events
//! of a host, and the texts are kept with what was understood of them.

use jiff::{SignedDuration, Timestamp};
use poolwatch_evidence::{MachineSnapshot, Reading, combine};
use poolwatch_model::{BootId, HostId, Snapshot, event::Event, process::ProcessUse};
use poolwatch_protocol::{
    limits,
    v1::{Encoder, Stamp},
};
use poolwatch_store::{
    PgPool, boots,
    events::{self, KeptAs},
    evidence::{self, NewEvidence},
    frames::{self, NewFrame},
    hosts::{self, IMPORTED},
    imports, partitions,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

pub use crate::bundles::File;
use crate::{app::App, app_error::AppError, bundles, ingest::place};

/// Ignored lines that are kept of each file.
const IGNORED: usize = 50;
/// Time back for which snapshots from scripts are taken.
const BACK: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What was understood of a file. Kept as JSON beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSummary {
    /// What it was recognised as; none when as nothing.
    pub kind: Option<String>,
    /// Lines that told something.
    pub used: u64,
    /// Lines that were ignored.
    pub ignored: u64,
    /// The first of them.
    pub ignored_lines: Vec<IgnoredLine>,
}

/// A line that told nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredLine {
    /// Its number, from 1.
    pub number: u64,
    /// Its beginning.
    pub text: String,
    /// Why.
    pub reason: String,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The host.
    pub host: HostId,
    /// The files, in the order given, each with whether it is new.
    pub files: Vec<(FileSummary, bool)>,
    /// Snapshots that were stored.
    pub snapshots: usize,
    /// Events that were new.
    pub events: usize,
}

/// Imports the files of one machine, in one transaction. Importing a file again changes nothing.
///
/// # Errors
/// 400 for a name that cannot be and where too many machines were imported, 503 when the database does
/// not answer.
pub async fn import(
    pool: &PgPool,
    host_name: &str,
    files: &[File],
    now: Timestamp,
) -> Result<Imported, AppError> {
    import_read(pool, host_name, (files, read_all(files)), now).await
}

/// What files tell. Takes long for large ones.
#[must_use]
pub fn read_all(files: &[File]) -> Vec<Reading> {
    files.iter().map(|file| bundles::read_file(&file.name, &file.content)).collect()
}

/// As [`import`], of files that are read already.
///
/// # Errors
/// As [`import`].
pub async fn import_read(
    pool: &PgPool,
    host_name: &str,
    (files, readings): (&[File], Vec<Reading>),
    now: Timestamp,
) -> Result<Imported, AppError> {
    let host_name = checked_name(host_name)?;
    let summaries: Vec<FileSummary> = readings.iter().map(summary).collect();

    let mut db = pool.acquire().await?;
    let mut transaction = db.begin().await?;
    let host = hosts::named(&mut transaction, host_name, now).await?.ok_or_else(too_many_hosts)?;
    let mut kept = Vec::with_capacity(files.len());
    let mut new_readings = Vec::new();
    for ((file, summary), reading) in files.iter().zip(summaries).zip(readings) {
        let new = NewEvidence {
            host,
            name: &file.name,
            sha256: &Sha256::digest(&file.content),
            content: &file.content,
            summary: serde_json::to_value(&summary).map_err(AppError::internal)?,
        };
        let is_new = evidence::insert(&mut transaction, &new, now).await?;
        if is_new {
            new_readings.push(reading);
        }
        kept.push((summary, is_new));
    }
    let combined = combine(new_readings);
    let moments = combined.snapshots;
    let mut stored_events = 0;
    for event in &combined.events {
        let new =
            events::insert(&mut transaction, host, &storable(event), KeptAs::History, now).await?;
        stored_events += usize::from(new);
    }
    let snapshots = moments.len();
    store_snapshots(&mut transaction, host, timed(moments, now)).await?;
    imports::announce(&mut transaction, host).await?;
    transaction.commit().await?;
    Ok(Imported { host, files: kept, snapshots, events: stored_events })
}

/// Stores snapshots with their times, oldest first, for the host of this name.
///
/// # Errors
/// 400 for a name, time or size that cannot be and where too many hosts were made so, 503 when the database does not answer.
pub async fn snapshots(
    pool: &PgPool,
    host_name: &str,
    snapshots: Vec<(Timestamp, Snapshot)>,
    now: Timestamp,
) -> Result<HostId, AppError> {
    let host_name = checked_name(host_name)?;
    let mut sorted = Vec::with_capacity(snapshots.len());
    for (at, snapshot) in snapshots {
        place::check(at, now, BACK).map_err(AppError::bad_request)?;
        sorted.push((at, in_order(snapshot)?));
    }
    let mut db = pool.acquire().await?;
    let mut transaction = db.begin().await?;
    let host = hosts::named(&mut transaction, host_name, now).await?.ok_or_else(too_many_hosts)?;
    store_snapshots(&mut transaction, host, sorted).await?;
    transaction.commit().await?;
    Ok(host)
}

/// Shows what was imported for a host: it becomes the latest, unless something newer is known.
///
/// # Errors
/// When the database does not answer.
pub async fn show(app: &App, host: HostId, now: Timestamp) -> Result<(), AppError> {
    let mut db = app.pool.acquire().await?;
    let since = now.saturating_sub(BACK).unwrap_or(Timestamp::MIN);
    if let Some(taken) = poolwatch_store::read::last_taken(&mut db, host, since, now).await? {
        app.fleet.ensure_host(host).restore(&taken.last, taken.at);
    }
    app.fleet.note_change_of(host);
    Ok(())
}

/// Snapshots as frames of a boot of their own: nothing is known of what was before or after.
async fn store_snapshots(
    db: &mut PgConnection,
    host: HostId,
    snapshots: Vec<(Timestamp, Snapshot)>,
) -> Result<(), AppError> {
    let Some((first, _)) = snapshots.first() else { return Ok(()) };
    let boot = boots::find_or_create(db, host, BootId(Uuid::now_v7()), *first).await?;
    let mut encoder = Encoder::default();
    let mut new = Vec::with_capacity(snapshots.len());
    for (seq, (at, snapshot)) in (1..).zip(snapshots) {
        partitions::create(db, partitions::day_of(at)).await?;
        let uptime_ms =
            u64::try_from(at.duration_since(*boot_start(&boot)).as_millis()).unwrap_or(0);
        let stamp = Stamp { boot: boot.id, seq, uptime_ms, wall: at };
        encoder.restart_chain();
        let (paged, nonpaged) = (snapshot.memory.paged, snapshot.memory.nonpaged);
        let payload = encoder.encode(stamp, snapshot);
        new.push(NewFrame {
            host,
            at,
            boot_no: boot.no,
            seq,
            is_key: true,
            paged,
            nonpaged,
            payload,
        });
    }
    frames::insert(db, &new).await?;
    Ok(())
}

fn boot_start(boot: &boots::Boot) -> &Timestamp {
    &boot.anchors[0].booted_at
}

/// Times of moments: what the agent recorded has its own; those that tell none are taken to be a minute apart, the last one now.
fn timed(moments: Vec<MachineSnapshot>, now: Timestamp) -> Vec<(Timestamp, Snapshot)> {
    let last_at_s = moments.iter().filter_map(|moment| moment.at_s).max();
    let count = moments.len();
    let back = |seconds: u64| {
        let seconds = i64::try_from(seconds).unwrap_or(0);
        now.saturating_sub(SignedDuration::from_secs(seconds)).unwrap_or(now)
    };
    let mut timed: Vec<(Timestamp, Snapshot)> = moments
        .into_iter()
        .enumerate()
        .map(|(index, moment)| {
            let taken = moment.at_s.filter(|_| moment.is_recorded).and_then(bundles::moment);
            if let Some(taken) = taken {
                return (taken.min(now), moment.snapshot);
            }
            let seconds = match (moment.at_s, last_at_s) {
                (Some(at), Some(last)) => last - at,
                _ => (count - 1 - index) as u64 * 60,
            };
            (back(seconds), moment.snapshot)
        })
        .collect();
    timed.sort_by_key(|(at, _)| *at);
    timed
}

/// What was understood of a text, in short.
pub(crate) fn summary(reading: &Reading) -> FileSummary {
    let mut kinds: Vec<String> = Vec::new();
    for piece in &reading.pieces {
        let kind = piece.kind.to_string();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    // Pieces overlap: a header tells system-wide figures and stands inside a table's lines.
    let mut spans: Vec<(u32, u32)> = reading.pieces.iter().map(|piece| piece.lines).collect();
    spans.sort_unstable();
    let mut used = 0;
    let mut seen = 0;
    for (first, last) in spans {
        used += u64::from((last + 1).saturating_sub(first.max(seen + 1)));
        seen = seen.max(last);
    }
    let ignored_lines = reading.ignored.iter().take(IGNORED).map(|ignored| IgnoredLine {
        number: ignored.line.into(),
        text: ignored.text.replace('\0', "\u{fffd}"),
        reason: ignored.reason.to_string(),
    });
    FileSummary {
        kind: (!kinds.is_empty()).then(|| kinds.join(", ")),
        used,
        ignored: reading.ignored.len() as u64,
        ignored_lines: ignored_lines.collect(),
    }
}

/// An event with texts that Postgres can hold.
fn storable(event: &Event) -> Event {
    let clean = |text: &String| text.replace('\0', "\u{fffd}");
    Event {
        channel: clean(&event.channel),
        provider: clean(&event.provider),
        computer: event.computer.as_ref().map(clean),
        data: event.data.iter().map(clean).collect(),
        ..event.clone()
    }
}

/// A snapshot from a script, in the order that frames need, refused when too large.
fn in_order(mut snapshot: Snapshot) -> Result<Snapshot, AppError> {
    let too_many = |what, limit| {
        AppError::bad_request(format!("`snapshot.{what}` has more than {limit} rows."))
    };
    if let Some(tags) = snapshot.tags.take() {
        if tags.rows.len() > limits::TAGS {
            return Err(too_many("tags.rows", limits::TAGS));
        }
        let ordered = poolwatch_model::tag::TagTable::new(tags.counting, tags.complete, tags.rows);
        snapshot.tags = Some(ordered);
    }
    if let Some(processes) = &mut snapshot.processes {
        if processes.len() > limits::PROCESSES {
            return Err(too_many("processes", limits::PROCESSES));
        }
        let names = |one: &ProcessUse| {
            one.services.iter().chain([&one.image]).any(|name| is_too_long(name))
        };
        let services: usize = processes.iter().map(|process| process.services.len()).sum();
        if processes.iter().any(names)
            || processes.iter().any(|one| one.services.len() > limits::SERVICES)
            || services > limits::SERVICES_IN_ALL
        {
            return Err(AppError::bad_request(format!(
                "`snapshot.processes` holds a name over {} bytes or too many services.",
                limits::NAME_BYTES
            )));
        }
        processes.sort_by_key(|process| process.key);
        processes.dedup_by_key(|process| process.key);
    }
    if let Some(types) = &mut snapshot.object_types {
        if types.len() > limits::OBJECT_TYPES {
            return Err(too_many("object_types", limits::OBJECT_TYPES));
        }
        if types.iter().any(|one| is_too_long(&one.name)) {
            return Err(AppError::bad_request(format!(
                "`snapshot.object_types` holds a name over {} bytes.",
                limits::NAME_BYTES
            )));
        }
        types.sort_by(|a, b| a.name.cmp(&b.name));
        types.dedup_by(|a, b| a.name == b.name);
    }
    if snapshot.activity.len() > limits::ACTIVE_PROCESSES {
        return Err(too_many("activity", limits::ACTIVE_PROCESSES));
    }
    snapshot.activity.sort_by_key(|one| one.key);
    snapshot.activity.dedup_by_key(|one| one.key);
    let handles = &mut snapshot.handles_by_type;
    if handles.len() > limits::EXAMINED_PROCESSES
        || handles.iter().map(|one| one.by_type.len()).sum::<usize>() > limits::HANDLE_COUNTS
        || handles.iter().flat_map(|one| one.by_type.keys()).any(|name| is_too_long(name))
    {
        return Err(AppError::bad_request(format!(
            "`snapshot.handles_by_type` holds more than {} processes or {} counts, or a name over {} bytes.",
            limits::EXAMINED_PROCESSES,
            limits::HANDLE_COUNTS,
            limits::NAME_BYTES
        )));
    }
    handles.sort_by_key(|one| one.key);
    handles.dedup_by_key(|one| one.key);
    Ok(snapshot)
}

fn is_too_long(name: &str) -> bool {
    name.len() > limits::NAME_BYTES
}

fn too_many_hosts() -> AppError {
    AppError::bad_request(format!(
        "{IMPORTED} hosts without agent are kept. Archive and delete some of them first, or name one \
         that is there."
    ))
}

/// The name of a host, without what surrounds it.
///
/// # Errors
/// 400 for one that cannot be.
pub(crate) fn checked_name(name: &str) -> Result<&str, AppError> {
    let name = name.trim();
    if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
        return Err(AppError::bad_request(
            "The host's name has to have 1 to 255 bytes, without control characters.",
        ));
    }
    Ok(name)
}
