//! Why a service is not restarted.

use std::fmt;

/// What speaks against a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The policy does not list the service.
    NotListed,
    /// It did not hold too much for long enough.
    NotLongEnough,
    /// Its image is a part of Windows that is never ended.
    PartOfWindows,
    /// Other services live in its process, or may.
    SharedProcess,
    /// It runs in another process by now.
    MovedOn,
    /// It cannot be stopped.
    CannotStop,
    /// Services that need it run.
    HasDependents,
    /// Windows ends with its process.
    Critical,
    /// Windows protects its process.
    Protected,
    /// A cluster looks after the host's services.
    InCluster,
    /// A service was restarted not long ago.
    TooSoon,
    /// The restart before did not help.
    DidNotHelp,
    /// It is not known yet whether the restart before helped.
    NotYetKnown,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotListed => "the policy does not list it",
            Self::NotLongEnough => "it did not hold too much for long enough",
            Self::PartOfWindows => "it is a part of Windows that is never ended",
            Self::SharedProcess => "other services live in its process, or may",
            Self::MovedOn => "it runs in another process by now",
            Self::CannotStop => "it cannot be stopped",
            Self::HasDependents => "services that need it run",
            Self::Critical => "Windows ends with its process",
            Self::Protected => "Windows protects its process",
            Self::InCluster => "a failover cluster looks after this host's services",
            Self::TooSoon => "a service was restarted not long ago",
            Self::DidNotHelp => "restarting it did not help before",
            Self::NotYetKnown => "it is not known yet whether the restart before helped",
        })
    }
}
