//! Comparisons that pages lead to: a host beside a healthy one, itself of an earlier time, or a group.

use std::fmt::Display;

use poolwatch_model::HostId;

use super::Address;

/// How long ago a host is set beside itself, as an address and as pages say it.
pub const AGES: [(&str, &str); 4] =
    [("1h", "an hour ago"), ("24h", "24 h ago"), ("7d", "7 days ago"), ("30d", "30 days ago")];

/// A host beside itself as it was: `1h`, `7d`, or a time.
#[must_use]
pub fn compare_former(host: impl Display, at: impl Display) -> String {
    let host = host.to_string();
    let both = Address::new("/compare").with("host", &host).with("host", &host);
    both.with("at", &at.to_string()).finish()
}

/// A host beside a healthy one that is much like it.
#[must_use]
pub fn compare_healthy(host: &HostId) -> String {
    Address::new("/compare").with("host", &host.to_string()).with("with", "healthy").finish()
}

/// A host beside a group.
#[must_use]
pub fn compare_with_group(host: &HostId, group: &str) -> String {
    Address::new("/compare").with("host", &host.to_string()).with("group", group).finish()
}

/// A group, to which another or a host is added.
#[must_use]
pub fn compare_group(group: &str) -> String {
    Address::new("/compare").with("group", group).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_addresses() {
        let host = HostId(7);
        assert_eq!(compare_former(host, "7d"), "/compare?host=7&host=7&at=7d");
        let at: jiff::Timestamp = "2026-03-03T14:02:00Z".parse().unwrap();
        let then = "/compare?host=7&host=7&at=2026-03-03T14%3A02%3A00Z";
        assert_eq!(compare_former(host, at), then);
        assert_eq!(compare_healthy(&host), "/compare?host=7&with=healthy");
        assert_eq!(compare_with_group(&host, "A&B"), "/compare?host=7&group=A%26B");
        assert_eq!(compare_group("A"), "/compare?group=A");
    }
}
