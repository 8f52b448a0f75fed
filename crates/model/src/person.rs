//! People and scripts: what they may do.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::HostGroupId;

/// What a person or a script may do. Each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See everything that is not a secret.
    Viewer,
    /// Import evidence, send snapshots, approve hosts.
    Operator,
    /// Everything.
    Admin,
}

/// Whose hosts somebody sees and acts on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every host.
    #[default]
    WholeFleet,
    /// The hosts of these groups, by number; of none where it is empty.
    Groups(Arc<[HostGroupId]>),
}

impl Scope {
    /// The hosts of these groups.
    #[must_use]
    pub fn of_groups(groups: impl IntoIterator<Item = HostGroupId>) -> Self {
        let mut groups: Vec<HostGroupId> = groups.into_iter().collect();
        groups.sort_unstable();
        groups.dedup();
        Self::Groups(groups.into())
    }

    /// Whether it is every host.
    #[must_use]
    pub fn is_whole_fleet(&self) -> bool {
        *self == Self::WholeFleet
    }

    /// The groups, where it is not every host.
    #[must_use]
    pub fn groups(&self) -> Option<&[HostGroupId]> {
        match self {
            Self::WholeFleet => None,
            Self::Groups(groups) => Some(groups),
        }
    }

    /// Whether a host of these groups is in it.
    #[must_use]
    pub fn covers(&self, groups_of_host: &[HostGroupId]) -> bool {
        self.groups().is_none_or(|groups| groups_of_host.iter().any(|one| groups.contains(one)))
    }

    /// What is in both.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        match (self, other) {
            (one, Self::WholeFleet) | (Self::WholeFleet, one) => one.clone(),
            (Self::Groups(one), Self::Groups(other)) => {
                Self::of_groups(one.iter().copied().filter(|group| other.contains(group)))
            }
        }
    }
}

/// A word that is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is viewer, operator or admin")]
pub struct UnknownRole;

impl Role {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or(UnknownRole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_hosts_of_its_groups_and_no_others() {
        let groups = |numbers: &[i32]| Scope::of_groups(numbers.iter().copied().map(HostGroupId));
        let host = [HostGroupId(2), HostGroupId(5)];
        assert!(Scope::WholeFleet.covers(&host) && Scope::WholeFleet.covers(&[]));
        assert!(groups(&[5, 1]).covers(&host) && !groups(&[1]).covers(&host));
        assert!(!groups(&[]).covers(&host) && !groups(&[1]).covers(&[]));
        assert_eq!(groups(&[3, 1, 3]).within(&groups(&[3, 4])), groups(&[3]));
        assert_eq!(groups(&[3]).within(&Scope::WholeFleet), groups(&[3]));
        assert!(!groups(&[3]).within(&groups(&[4])).covers(&[HostGroupId(3)]));
    }
}
