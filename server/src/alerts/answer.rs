//! What the other side said of a delivery.

/// Why a delivery was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// Whether the other side will never take it.
    pub is_final: bool,
    /// What it said, or why it was not reached.
    pub answer: String,
}
