//! What the service is called.

/// The service's name, and that of its source of events.
pub const SERVICE_NAME: &str = "PoolwatchAgent";
