//! The JSON messages of version 1. Unknown fields are ignored by both ends.

use jiff::Timestamp;
use poolwatch_model::{
    BootId, HostId, Snapshot,
    driver_scan::{DriverScan, FileHash},
    event::Event,
    host::HostFacts,
    inventory::Inventory,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Content type of a batch of frames.
pub const FRAMES_CONTENT_TYPE: &str = "application/vnd.poolwatch.frames";
/// Content type of errors (RFC 9457).
pub const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";

/// `POST /agent/v1/enrol`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The enrolment token.
    pub token: String,
    /// Made by the agent at its first start and kept: tells cloned images apart.
    pub instance_id: Uuid,
    /// Who the host is.
    pub facts: HostFacts,
    /// Protocol versions that the agent speaks, best first.
    pub versions: Vec<u16>,
    /// Labels that a new host brings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// The answer to an enrolment: 201, or 200 when the same instance enrols again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolReply {
    /// The host's number.
    pub host_id: HostId,
    /// The key of all later requests, as `Authorization: Bearer …`. Shown this once.
    pub host_key: String,
    /// Whether an administrator still has to approve the host; until then uploads get 403 with
    /// `Retry-After`.
    pub pending: bool,
    /// What the server suggests.
    pub suggestions: Suggestions,
}

/// What the server suggests. The agent follows within its own bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Suggestions {
    /// Seconds between snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<u32>,
}

/// The answer to `POST /agent/v1/frames`: every frame of the batch is either committed or listed as
/// refused, so all of them can be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramesReply {
    /// The last frame that is committed, in the order sent.
    pub acknowledged: Option<FrameId>,
    /// The next frame has to be a key frame.
    pub need_key: bool,
    /// Frames that will never be accepted, and why. Sending them again is useless.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedFrame>,
    /// What the server suggests.
    #[serde(default)]
    pub suggestions: Suggestions,
}

/// One frame of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameId {
    /// Its boot.
    pub boot: BootId,
    /// Its number in that boot.
    pub seq: u64,
}

/// A frame that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedFrame {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Why, in words.
    pub reason: String,
}

/// `POST /agent/v1/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsRequest {
    /// The host's wall clock when sending: event times are corrected by how wrong it is.
    pub wall: Timestamp,
    /// The events.
    pub events: Vec<Event>,
    /// Set when the log lost records before these: the bookmark was overwritten.
    #[serde(default)]
    pub gap: bool,
}

/// The answer to events: all are committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsReply {
    /// Events that were new.
    pub stored: usize,
    /// Events that were known already.
    pub known: usize,
    /// Events that will never be accepted, by their place in the request, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedFrame>,
}

/// `POST /agent/v1/inventory`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryRequest {
    /// Who the host is now.
    pub facts: HostFacts,
    /// What is installed on it now.
    pub inventory: Inventory,
}

/// The answer to an inventory. Servers of version 0.1 answer without content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryReply {
    /// Driver files of this inventory that nobody has scanned yet, and that this host is asked to scan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted_scans: Vec<FileHash>,
    /// Whether this host is asked for its pooltag.txt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_tag_list: bool,
}

/// `POST /agent/v1/scans`: what scans of driver files found that the server asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScansRequest {
    /// The scans.
    pub scans: Vec<DriverScan>,
}

/// `POST /agent/v1/tag-list`: a pooltag.txt that the server asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagListRequest {
    /// SHA-256 of the file.
    pub sha256: FileHash,
    /// Its text; what is no UTF-8 is replaced.
    pub text: String,
}

/// `POST /api/v1/snapshots`: one full snapshot from a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotUpload {
    /// The host's name. A host that is not known yet is made.
    pub host: String,
    /// When it was taken; now, when absent.
    #[serde(default)]
    pub time: Option<Timestamp>,
    /// What was measured.
    pub snapshot: Snapshot,
}

/// An error (RFC 9457 problem details).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable word for the kind of error (`urn:poolwatch:problem:host-key-unknown`).
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, and what to do.
    pub detail: String,
    /// The request, to be found in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// With 415: the protocol versions that the server knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Vec<u16>>,
}
