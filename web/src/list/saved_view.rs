//! Views that somebody keeps.

use serde::Serialize;

/// An address of the console by the name that somebody gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedViewLink {
    /// The name.
    pub name: String,
    /// The address.
    pub url: String,
}
