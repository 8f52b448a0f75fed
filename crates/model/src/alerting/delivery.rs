//! What became of a message at a recipient.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChannelKind, RecipientId};
use crate::incident::IncidentId;

/// A delivery, as the server numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(pub i64);

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// The other side took it then.
    Sent(Timestamp),
    /// It is tried then at the earliest.
    Waiting(Timestamp),
    /// Nobody tries it any more since then.
    GivenUp(Timestamp),
}

/// A message on its way to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its number.
    pub id: DeliveryId,
    /// The incident that it is about; none of a test or a sign of life.
    pub incident: Option<IncidentId>,
    /// The recipient; none of one on the command line.
    pub recipient: Option<RecipientId>,
    /// How it is reached.
    pub kind: ChannelKind,
    /// Mail address or URL.
    pub address: String,
    /// What it says, in a line.
    pub subject: String,
    /// When it was handed over to be delivered.
    pub created: Timestamp,
    /// How often it was tried.
    pub attempts: i32,
    /// How it stands.
    pub state: DeliveryState,
    /// What the other side said last.
    pub answer: Option<String>,
}
